"""A job on a cluster computes what was planned when it was submitted, or nothing.

A job waits for hours in a queue, and there Snakemake reads the configuration again. If it was edited meanwhile, the job
would compute the new setting while the run that submitted it records the old one. So the submitting run notes the
plan of each job, and the job compares.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from scriptorium.errors import UserError
from scriptorium.runs import Plan

FOLDER = Path(".snakemake/planned")  # a file per run: the digest of what was planned when it was last submitted


def note(stage: str, wildcards: dict[str, str], plan: Plan) -> None:
    """For the run that submits jobs."""
    path = _path(stage, wildcards)
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".part")
    half.write_text(_digest(plan), encoding="utf-8")
    half.replace(path)


def check(stage: str, wildcards: dict[str, str], plan: Plan) -> None:
    """For a submitted job. Raises UserError where configuration or code have changed since it was submitted."""
    path = _path(stage, wildcards)
    if path.exists() and path.read_text(encoding="utf-8") != _digest(plan):
        named = ", ".join(f"{name} {value}" for name, value in sorted(wildcards.items()))
        raise UserError(
            f"{stage} ({named}): the configuration or the code was changed after this job had been submitted,"
            " so it would compute something else than was planned",
            remedy="type `snakemake` again once the jobs have ended (scancel ends them); finished runs are kept",
        )


def _path(stage: str, wildcards: dict[str, str]) -> Path:
    return FOLDER / hashlib.sha256(repr((stage, sorted(wildcards.items()))).encode()).hexdigest()[:32]


def _digest(plan: Plan) -> str:
    return hashlib.sha256(f"{plan.spec}\n{plan.code}".encode()).hexdigest()
