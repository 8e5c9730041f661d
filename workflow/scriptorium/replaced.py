"""Journals that another run replaces are kept: what a changed setting replaces is shown in MLflow, marked superseded.

A run writes its journal where that of the run before lies. A copy of it, with the small files of its results, goes to
`.replaced/<key>-<start>/` in the run directory first; the next import finds it there, whether or not anything had been
imported before. Like the journal itself it is no output, and nothing that a run reads.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from scriptorium import code_patch, finished, ledger

FOLDER = ".replaced"
SMALL = 1_000_000  # bytes; larger outputs (weights, predictions) are not kept
JOURNAL = ("events.jsonl", code_patch.NAME, "run.json")  # run.json last: it says that the rest is there


def keep(directory: Path, key: str) -> Path | None:
    """Keep the journal in `directory`, if the run `key` is about to replace it. Returns where it is now.

    A journal that cannot be read is lost: nobody could show it.
    """
    record = ledger.read_record(directory)
    if record is None or ledger.is_continued(record, key):
        return None
    if not isinstance(record.get("key"), str) or not isinstance(record.get("start"), int | float):
        return None
    folder = directory / FOLDER / f"{record['key'][:16]}-{round(record['start'] * 1000)}"
    if (folder / "run.json").exists():
        return folder
    draft = folder.with_name(f"{folder.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    for entry in _small(record.get("outputs")):
        kept = (directory / finished.FOLDER / entry["sha256"], directory / entry["path"])
        if source := next((path for path in kept if path.is_file()), None):
            target = place(draft, entry["path"])
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    for name in JOURNAL:
        if (directory / name).exists():
            shutil.copyfile(directory / name, draft / name)
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)
    return folder


def find(directory: Path) -> list[Path]:
    """The journals that were replaced in a run directory, sorted."""
    return sorted(path.parent for path in directory.glob(f"{FOLDER}/*/run.json") if path.parent.suffix != ".draft")


def place(folder: Path, name: str) -> Path:
    """Where an output, whose path may lead out of the run directory, lies in the folder of a replaced journal."""
    return folder.joinpath(*(part for part in PurePosixPath(name).parts if part not in ("..", os.sep)))


def _small(outputs: Any) -> list[Mapping[str, Any]]:
    """The entries of a record that name a small file; a record may come from anywhere."""
    kinds = {"path": str, "bytes": int, "sha256": str}
    entries = [entry for entry in outputs if isinstance(entry, dict)] if isinstance(outputs, list) else []
    whole = [entry for entry in entries if all(isinstance(entry.get(key), kind) for key, kind in kinds.items())]
    return [entry for entry in whole if entry["bytes"] <= SMALL]
