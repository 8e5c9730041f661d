"""Finished runs that the configuration or the code no longer agrees with, as their own ledgers tell.

Snakemake compares parameters with a record of its own, below .snakemake. Where that is gone (a fresh clone, another
machine, `--cleanup-metadata`), it would take whatever lies below results/ for what the configuration asks for.
"""

from __future__ import annotations

import re
from pathlib import Path

from scriptorium import ledger, manifest
from scriptorium.errors import UserError
from scriptorium.runs import Runs
from scriptorium.runs.folders import FOLDERS, wildcards_of
from scriptorium.spec import canonical_json


def outdated(runs: Runs, root: Path = Path()) -> list[str]:
    """Manifests, relative to `root`, of finished runs with another specification or code than is wanted now.

    Folders that the configuration does not know (any more) are left alone.
    """
    found = []
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
                found.append(f"{name}/{manifest.NAME}")
    return found
