"""Writes Snakemake's HTML report from inside a run, as its last job.

`snakemake --report` is a second, read-only Snakemake on the same directory: it needs the same configuration (given
here as one file) and no lock, since it changes nothing but the report. Its first page is made here, from the tables:
the results before the text of workflow/report/workflow.rst.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from scriptorium.errors import UserError
from scriptorium.reporting.first_page import first_page

TEXTS = Path(__file__).resolve().parents[2] / "report"
PAGE = "SCRIPTORIUM_REPORT_PAGE"  # the Snakefile takes the report's first page from the file that this variable names


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scriptorium.reporting.report")
    parser.add_argument("--target", default="tables", help="the rule whose inputs are reported")
    parser.add_argument("--config", type=Path, required=True, help="the whole configuration, YAML or JSON")
    parser.add_argument("--tables", type=Path, nargs="*", default=[], help="tables whose results open the report")
    parser.add_argument("--out", type=Path, required=True, help="HTML file to write")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.yaml"
        config.write_text(arguments.config.read_text(encoding="utf-8"), encoding="utf-8")
        page = Path(folder) / "page.rst"
        page.write_text(
            first_page(arguments.tables) + (TEXTS / "workflow.rst").read_text(encoding="utf-8"), encoding="utf-8"
        )
        command = [
            *(sys.executable, "-m", "snakemake", arguments.target, "--configfile", str(config)),
            *("--report", str(arguments.out), "--report-stylesheet", str(TEXTS / "report.css")),
            *("--nolock", "--workflow-profile", "none", "--cores", "1"),
        ]
        done = subprocess.run(command, check=False, env={**os.environ, PAGE: str(page)})
    if done.returncode or not arguments.out.is_file():
        raise SystemExit(
            str(
                UserError(
                    "snakemake could not write the report",
                    where=arguments.out,
                    remedy="read the log above; run `snakemake tables` first",
                )
            )
        )


if __name__ == "__main__":
    main()
