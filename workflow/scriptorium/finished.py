"""A finished run is not computed again: its outputs come back in seconds when the very same run is asked for.

Snakemake removes the declared outputs of a job before it starts, also of one that was planned in vain (a touched file,
a lost .snakemake, an input made anew with the same bytes, a cluster job that finished after its main process died). So
every finished run keeps hard links of its outputs, by their sha256, in `.finished/` in its run directory; they take no
space. The content key decides whether it is the same run.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from scriptorium import ledger, manifest

FOLDER = ".finished"
RECOMPUTE = "SCRIPTORIUM_RECOMPUTE"  # set to 1: compute whatever is asked for, finished or not


def keep(directory: Path, outputs: Iterable[Mapping[str, Any]]) -> None:
    """Link the outputs of a run that ends now; those of an earlier run in this directory go.

    outputs: entries of its manifest. Where the file system has no hard links nothing is kept, and the run would be
    computed again.
    """
    folder = directory / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir()
        for digest, path in {entry["sha256"]: entry["path"] for entry in outputs}.items():
            os.link(directory / path, folder / digest)
    except OSError as error:
        logging.info("no hard links here (%s): the outputs of this run are not kept a second time", error.strerror)
        shutil.rmtree(folder, ignore_errors=True)


def restored(directory: Path, key: str) -> bool:
    """Whether `directory` holds this very run, finished, with all its outputs as they were.

    Outputs that were removed are put back, all are marked as made now (they are newer than any input then), and the
    manifest is written again.
    """
    record = ledger.read_record(directory)
    if os.environ.get(RECOMPUTE) == "1" or record is None:
        return False
    if record.get("status") != ledger.FINISHED or record.get("key") != key or not record.get("outputs"):
        return False
    for entry in record["outputs"]:
        path, kept = directory / entry["path"], directory / FOLDER / entry["sha256"]
        if not _intact(path, entry):
            if not _intact(kept, entry):
                return False
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            os.link(kept, path)
        os.utime(path)
    manifest.write_json(directory / manifest.NAME, {"files": record["outputs"]})
    return True


def _intact(path: Path, entry: Mapping[str, Any]) -> bool:
    return path.is_file() and path.stat().st_size == entry["bytes"] and manifest.sha256(path) == entry["sha256"]
