"""Reads run.json for the mirror, and says what is wrong with one that cannot be shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from scriptorium import ledger

NUMBER = (int, float)
NEEDED = {  # what the mirror reads, and of which kind it must be
    "key": str,
    "stage": str,
    "status": str,
    "attempt": int,
    "start": NUMBER,
    "end": (*NUMBER, type(None)),
    "host": str,
    "pid": int,
    "pid_start": (*NUMBER, type(None)),
    "device": (str, type(None)),
    "slurm_job_id": (str, int, type(None)),
    "inputs": list,
    "outputs": list,
    "spec": dict,
    "code": str,
}
OPTIONAL = {
    "git": (dict, type(None)),
    "packages": (dict, type(None)),
    "command": (str, type(None)),
}  # if there
ENTRIES = {"inputs": ("name", "path", "sha256"), "outputs": ("path", "sha256")}  # texts of every entry
REMEDY = "remedy: delete this file and run snakemake again"


def of_an_earlier_version(record: dict[str, Any]) -> str:
    """A sentence about a record that an earlier version of this project wrote; empty for one of this version."""
    number = record.get("format", 1)  # the first ones said nothing
    return f"written by an earlier version (format {number}, now {ledger.FORMAT})" if number < ledger.FORMAT else ""


def read(directory: Path) -> tuple[dict[str, Any], str]:
    """The record of a run and an empty text, or an empty record and what is wrong with it, with the remedy."""
    record, fault = _read(directory)
    return record, f"{fault}; {REMEDY}" if fault else ""


def _read(directory: Path) -> tuple[dict[str, Any], str]:
    try:
        record = json.loads((directory / "run.json").read_text(encoding="utf-8"))
    except OSError as error:
        return {}, f"run.json cannot be read: {error.strerror}"
    except (ValueError, RecursionError):
        return {}, "run.json cannot be read: it is not JSON"
    if not isinstance(record, dict):
        return {}, "run.json cannot be read: it is not a record"
    number = record.get("format", 1)
    if not isinstance(number, int) or not 1 <= number <= ledger.FORMAT:
        shown = f"{str(number)[:40]!r}, and this version reads 1 to {ledger.FORMAT}"
        return {}, f"run.json cannot be used: its format is {shown}"
    for name, kinds in NEEDED.items():
        if name not in record:
            return {}, f"run.json cannot be used: it lacks {name!r}"
        if not isinstance(record[name], kinds):
            return {}, f"run.json cannot be used: {name!r} is {str(record[name])[:40]!r}"
    for name, kinds in OPTIONAL.items():
        if not isinstance(record.get(name), kinds):
            return {}, f"run.json cannot be used: {name!r} is {str(record[name])[:40]!r}"
    for name, texts in ENTRIES.items():
        for entry in record[name]:
            if not isinstance(entry, dict) or not all(isinstance(entry.get(text), str) for text in texts):
                return {}, f"run.json cannot be used: {name!r} holds {str(entry)[:40]!r}"
    if record["status"] not in (ledger.RUNNING, ledger.FINISHED, ledger.FAILED, ledger.KILLED):
        return {}, f"run.json cannot be used: the status {record['status'][:40]!r} is unknown"
    return record, ""
