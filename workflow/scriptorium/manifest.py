"""Manifests: the small files that stand for large ones on the edges of the DAG.

`manifest.json` lists the files of an artifact with size and sha256, paths relative to the manifest. Downstream
jobs depend on the manifest alone, so content decides about reruns, not modification times.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from scriptorium.errors import UserError

NAME = "manifest.json"


def sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def describe(path: Path, relative_to: Path) -> dict[str, Any]:
    """{path, bytes, sha256} of one file, with a relative POSIX path."""
    relative = Path(os.path.relpath(path, relative_to)).as_posix()
    return {"path": relative, "bytes": path.stat().st_size, "sha256": sha256(path)}


def write(directory: Path, files: Iterable[Path], facts: Mapping[str, Any] | None = None) -> Path:
    """Write `directory/manifest.json` (atomically, so that its existence means the artifact is complete)."""
    entries = sorted((describe(Path(f), directory) for f in files), key=lambda entry: entry["path"])
    return write_json(directory / NAME, {"files": entries, **(facts or {})})


def read(path: Path) -> dict[str, Any]:
    """Read a manifest given itself or its directory. Raises UserError if it is missing or malformed."""
    path = path / NAME if path.is_dir() else path
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        for entry in manifest["files"]:
            if [type(entry[name]) for name in ("path", "bytes", "sha256")] != [str, int, str]:
                raise TypeError(entry)
    except FileNotFoundError:
        raise UserError(
            "this artifact has no manifest, so it is not complete", where=path, remedy="run snakemake for it again"
        ) from None
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        raise UserError("not a readable manifest", where=path, remedy="delete it and run snakemake again") from None
    return manifest


def the_parquet(path: Path) -> Path:
    """The one parquet file of an artifact, given its manifest; other files may stand beside it."""
    (entry,) = [entry for entry in read(path)["files"] if entry["path"].endswith(".parquet")]
    return path.parent / entry["path"]


def content_digest(path: Path) -> str:
    """sha256 over the names and digests of a manifest's files: equal content gives an equal digest."""
    lines = [f"{entry['path']} {entry['sha256']}\n" for entry in read(path)["files"]]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def folder_digest(folder: Path) -> str:
    """sha256 over the names and digests of all files of a folder, wherever it lies."""
    files = sorted((file.relative_to(folder).as_posix(), file) for file in folder.rglob("*") if file.is_file())
    lines = [f"{name} {sha256(file)}\n" for name, file in files]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def input_digest(path: Path) -> str:
    """What a run's key and its ledger hold of an input: a manifest, a file, or a folder of the user's own.

    Raises OSError if it is gone, UserError if it is a manifest that cannot be read.
    """
    if path.name == NAME:
        return content_digest(path)
    return folder_digest(path) if path.is_dir() else sha256(path)


def check(path: Path, *, content: bool = True) -> list[str]:
    """Problems of an artifact against its manifest: missing file, wrong size, wrong sha256. Empty: all well."""
    path = path / NAME if path.is_dir() else path
    problems = []
    for entry in read(path)["files"]:
        file = path.parent / entry["path"]
        if not file.is_file():
            problems.append(f"{file}: missing")
        elif file.stat().st_size != entry["bytes"]:
            problems.append(f"{file}: {file.stat().st_size} bytes, the manifest says {entry['bytes']}")
        elif content and sha256(file) != entry["sha256"]:
            problems.append(f"{file}: content differs from the manifest's sha256")
    return problems


def write_json(path: Path, value: Any) -> Path:
    """Write JSON through a temporary file and a rename: readers see the old or the new text, never half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    temporary.write_text(text + "\n", encoding="utf-8")
    temporary.replace(path)
    return path
