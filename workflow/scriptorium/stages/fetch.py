"""Fetch one catalogue entry: download, check, unpack the named members. Nothing fetched is ever executed.

inputs: own (the user's file or folder, for source `file`) · out: `resources/<dataset>/` with the members and a manifest
"""

from __future__ import annotations

from pathlib import Path

from scriptorium import stage
from scriptorium.fetching.spec import FetchSpec


def run(job: stage.Job) -> list[Path]:
    from scriptorium.fetching import sources

    own = job.input("own") if "own" in job.inputs else None
    return sources.fetch(job.spec, job.out, job.state, job.ledger, own)


if __name__ == "__main__":
    stage.main(FetchSpec, run)
