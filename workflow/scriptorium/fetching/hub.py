"""Lists and addresses the files of one pinned revision of a hub repository.

Our own downloader fetches them, so that resume, checksums and errors are the same for every source.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests

from scriptorium.errors import UserError
from scriptorium.fetching import download
from scriptorium.fetching.checkpoints import REMEDY, pickled
from scriptorium.fetching.code_files import without_code
from scriptorium.fetching.unpack import is_glob, is_safe, select


def fetch_members(
    location: str, revision: str | None, members: tuple[str, ...], state: Path, target: Path, *, where: str
) -> list[Path]:
    """Fetch the members (all if none are named) of `owner/repo` or `datasets/owner/repo` at a commit.

    The hub states a digest per file, and each file is checked against it: sha256 for large files, the git blob id
    for small ones. Pickled weights and programs are refused when named and left out when only a glob matches them.
    Raises UserError: no pinned commit, a malformed location, unknown member, pickles, and what `download` raises.
    """
    kind, repository = _parse(location, revision, where)
    http = download.session()
    if token := _token():
        http.headers["Authorization"] = f"Bearer {token}"
    entries = _list(kind, repository, revision, where, http)
    chosen = select(entries, members or ("**",), where=where, place=f"{location} at {revision[:12]}")
    chosen = without_code(_without_pickles(chosen, members, where), members, where)
    download.need_space(state, sum(entries[name].get("size") or 0 for name in chosen), where)
    base = f"{_endpoint()}/{'' if kind == 'models' else kind + '/'}{repository}/resolve/{revision}"
    files = []
    for number, (name, relative) in enumerate(sorted(chosen.items())):
        entry = entries[name]
        path = download.download(
            f"{base}/{quote(name)}",
            state / f"hub{number}",
            where=where,
            http=http,
            sha256=(entry.get("lfs") or {}).get("sha256"),
            size=entry.get("size"),
        )
        _check_blob(path, entry, name, where)
        files.append(download.move(path, target / relative))
    return files


def _parse(location: str, revision: str | None, where: str) -> tuple[str, str]:
    if not re.fullmatch(r"[0-9a-f]{40}", revision or ""):
        raise UserError(
            f"revision {revision!r} is not a commit of 40 hex digits",
            where=where,
            remedy="pin the commit: a branch or tag can change under you",
        )
    kind, repository = ("datasets", location[9:]) if location.startswith("datasets/") else ("models", location)
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        raise UserError(
            f"location {location!r} is not owner/repository",
            where=where,
            remedy="write owner/repository, or datasets/owner/repository",
        )
    return kind, repository


def _endpoint() -> str:
    """HF_ENDPOINT, else the library's own constant; read now, since the library reads it only when imported."""
    from huggingface_hub import constants

    return (os.environ.get("HF_ENDPOINT") or constants.ENDPOINT).rstrip("/")


def _token() -> str | None:
    from huggingface_hub import get_token

    return get_token()


def _list(kind: str, repository: str, revision: str, where: str, http: requests.Session) -> dict[str, dict[str, Any]]:
    """{path: {size, blobId, lfs: {sha256}}} of all files of the revision."""
    url = f"{_endpoint()}/api/{kind}/{repository}/revision/{revision}?blobs=true"
    try:
        siblings = download.get_page(url, http).json()["siblings"]
    except (requests.RequestException, ValueError, LookupError) as error:
        raise download.unreachable(url, error, where) from None
    return {entry["rfilename"]: entry for entry in siblings if is_safe(entry["rfilename"])}


def _without_pickles(chosen: dict[str, str], members: tuple[str, ...], where: str) -> dict[str, str]:
    refused = pickled(chosen)
    named = [name for name in refused if any(not is_glob(m) and m == name for m in members)]
    kept = {name: relative for name, relative in chosen.items() if name not in refused}
    if named or (refused and not any(name.endswith(".safetensors") for name in kept)):
        raise UserError(f"pickled weights are not fetched: {', '.join(named or refused)}", where=where, remedy=REMEDY)
    return kept


def _check_blob(path: Path, entry: Mapping[str, Any], name: str, where: str) -> None:
    """A pinned commit pins content only if content is checked: git's id is sha1 over `blob <size>` and the bytes."""
    expected = entry.get("blobId")
    if entry.get("lfs") or not expected:
        return
    content = path.read_bytes()
    if hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest() != expected:
        path.unlink()
        raise UserError(
            f"checksum mismatch: {name} is not the file that the commit names (git id {expected})",
            where=where,
            remedy="run it again; if it stays so, do not trust this endpoint",
        )
