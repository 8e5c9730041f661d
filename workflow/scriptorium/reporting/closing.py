"""The last three lines of a run: where the report is, how to open MLflow, what came out."""

from __future__ import annotations

import csv
from pathlib import Path


def main_results(tables: Path = Path("results/tables")) -> list[str]:
    """One line per non-baseline variant and task of every study's table."""
    lines = []
    for path in sorted(tables.glob("finetune_*.tsv")):
        with path.open(encoding="utf-8", newline="") as handle:
            for row in csv.DictReader(handle, delimiter="\t"):
                if row["delta"]:
                    delta, low, high = (f"{float(row[name]):+.3f}" for name in ("delta", "ci_low", "ci_high"))
                    lines.append(
                        f"{row['variant']} on {row['task']}: {float(row['mean']):.3f}, {delta} against the baseline "
                        f"[{low}, {high}], {row['verdict']} ({row['scale']})"
                    )
    return lines


def main() -> None:
    report = Path("results/report.html")
    print()
    print(f"report   {report} (one file, open it in a browser)" if report.is_file() else "report   snakemake report")
    print("MLflow   make ui    or: python -m scriptorium.track ui")
    print("result   " + ("\n         ".join(main_results()) or "no study has finished yet"))


if __name__ == "__main__":
    main()
