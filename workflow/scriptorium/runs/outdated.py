"""Finished runs that the configuration or the code no longer agrees with, as their own ledgers tell.

Snakemake compares parameters with records of its own, below .snakemake. Where these are gone (a fresh clone, another
machine, `--cleanup-metadata`), it would take whatever lies below results/ for what the configuration asks for. So it is
given back what it lost: the two parameters that a run was made with. It then plans exactly the runs that a target
needs, as if it had never forgotten.
"""

from __future__ import annotations

import json
import os
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scriptorium import ledger, manifest
from scriptorium.errors import UserError
from scriptorium.runs import Runs
from scriptorium.runs.folders import FOLDERS, wildcards_of
from scriptorium.spec import canonical_json

RECORDS = Path(".snakemake/metadata")
FORMAT = 6  # of Snakemake's records, since 8.0; with another one a test fails
LONGEST_NAME = 254  # characters of a record's file name; a longer one becomes folders


def remind(runs: Runs, root: Path = Path()) -> None:
    """Give Snakemake back the parameters of outdated runs that it has no record of.

    It believes a record only if it has one of every output, so each file of a run gets one.
    """
    for folder, record in outdated(runs, root):
        parameters = sorted(map(repr, (canonical_json(record["spec"]), record["code"])))
        facts = {"params": parameters, "starttime": record["start"], "endtime": record["end"], "incomplete": False}
        for name in (manifest.NAME, *(entry["path"] for entry in record["outputs"])):
            path = record_of(os.path.normpath(f"{folder}/{name}"), root)
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(json.dumps({**facts, "record_format_version": FORMAT}), encoding="utf-8")


def outdated(runs: Runs, root: Path = Path()) -> Iterator[tuple[str, dict[str, Any]]]:
    """(folder, relative to `root`, and ledger) of finished runs with another specification or code than is wanted.

    Folders that the configuration does not know (any more) are left alone.
    """
    for stage, folder in FOLDERS.items():
        for path in sorted(root.glob(f"{re.sub(r'{.+?}', '*', folder)}/{manifest.NAME}")):
            name = path.parent.relative_to(root).as_posix()
            record = ledger.read_record(path.parent)
            wildcards = wildcards_of(stage, name)
            if wildcards is None or record is None or record.get("stage") != stage:
                continue
            try:
                plan = runs.plan(stage, **wildcards)
            except UserError:
                continue
            if (canonical_json(record["spec"]), record["code"]) != (plan.spec, plan.code):
                yield name, record


def record_of(target: str, root: Path = Path()) -> Path:
    """Where Snakemake keeps its record of an output."""
    name = urlsafe_b64encode(target.encode()).decode()
    parts = [name[start : start + LONGEST_NAME] for start in range(0, len(name), LONGEST_NAME)]
    return root.joinpath(RECORDS, *(f"@{part}" for part in parts[:-1]), parts[-1])
