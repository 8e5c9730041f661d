"""Downloads one file over http(s), resumably: a partial file is continued, and checked as a whole at the end.

Nothing here knows where anything lives: addresses come from the catalogue and from the user's own settings.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from urllib.request import url2pathname

import requests

from scriptorium import manifest
from scriptorium.errors import UserError

CHUNK = 1 << 15  # what a broken connection may lose
TIMEOUT = (15, 60)  # seconds to connect, seconds without a byte
FREE_RESERVE = 64 << 20  # bytes that stay free on the disk (ours)
BROKEN = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
ELSEWHERE = "run it again (what has arrived is kept), or get the file yourself and give its path with source `file`"


def session(certificates: str | None = None) -> requests.Session:
    """An HTTP session. certificates: file of trusted authorities, unless REQUESTS_CA_BUNDLE names one already."""
    made = requests.Session()
    made.headers.update({"User-Agent": "scriptorium", "Accept-Encoding": "identity"})
    made.verify = certificates or os.environ.get("SSL_CERT_FILE") or True
    return made


def download(
    url: str, target: Path, *, where: str, http: requests.Session, sha256: str | None = None, size: int | None = None
) -> Path:
    """Download `url` to `target`, going on from `<target>.part` if that exists.

    A connection that breaks is taken up again as long as bytes arrive. With `sha256`, a file that was continued and
    turns out wrong is fetched once more from its start, since the partial file may be what was wrong.
    Raises UserError: host not reachable, refused by the server, checksum or size differ, disk full, not writable.
    """
    part = target.with_name(f"{target.name}.part")
    with writing(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
        if not (target.is_file() and sha256 and manifest.sha256(target) == sha256.lower()):
            continued = part.is_file() and part.stat().st_size > 0
            _receive(url, part, http, where, size)
            if continued and sha256 and manifest.sha256(part) != sha256.lower():
                logging.info("the continued file is not what was expected: from its start again")
                part.unlink()
                _receive(url, part, http, where, size)
            check_sha256(part, sha256, where=where, source=shown(url))
            part.replace(target)
    return target


def move(path: Path, target: Path) -> Path:
    """Move a whole file, also to another file system; returns where it is now."""
    target.parent.mkdir(parents=True, exist_ok=True)
    return Path(shutil.move(path, target))


def check_sha256(path: Path, expected: str | None, *, where: str, source: str) -> None:
    """Compare a file with its pinned digest; a wrong file is deleted if it is a partial one. Raises UserError."""
    if expected and (got := manifest.sha256(path)) != expected.lower():
        if path.suffix == ".part":
            path.unlink()
        raise UserError(
            f"checksum mismatch: {source} has sha256 {got}, the catalogue expects {expected}",
            where=where,
            remedy="run it again; if it stays so, the file was changed at its source: inspect it before you accept it "
            "by writing the new sha256 into the catalogue",
        )


def get_page(url: str, http: requests.Session, **headers: str) -> requests.Response:
    """A small page. Raises requests' exceptions, whose text never shows a password of the address."""
    answer = http.get(url, headers=headers, timeout=TIMEOUT)
    if not answer.ok:
        raise requests.HTTPError(f"HTTP status {answer.status_code} {answer.reason}", response=answer)
    return answer


def unreachable(url: str, reason: object, where: str, tried: str | None = None) -> UserError:
    """The error for a host that gives no answer, or a bad one."""
    tried = tried or shown(url)
    return UserError(
        f"cannot fetch from {host(url)}: {_reason(reason)}; tried {tried}",
        where=where,
        remedy=f"check the network, proxy and access rights, then {ELSEWHERE}",
    )


def host(url: str) -> str:
    parts = urlsplit(url)
    return parts.hostname or parts.path


def shown(url: str) -> str:
    """The address without user name and password, for messages."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment=""))


def need_space(directory: Path, needed: int, where: str) -> None:
    """Raises UserError if the disk of `directory` has no room for `needed` more bytes."""
    free = shutil.disk_usage(directory).free
    if needed + FREE_RESERVE > free:
        raise _disk_full(f"{where}: {directory}", f"{_mb(needed)} are needed, {_mb(free)} are free")


@contextlib.contextmanager
def writing(directory: Path) -> Iterator[None]:
    """Turns a full or unwritable disk into a UserError that names the directory."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _disk_full(str(directory), os.strerror(error.errno)) from None
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST):
            raise UserError(
                f"cannot be read or written ({os.strerror(error.errno)}: {error.filename})",
                where=directory,
                remedy="make it accessible, or run in a directory of your own",
            ) from None
        raise


def _receive(url: str, part: Path, http: requests.Session, where: str, size: int | None) -> None:
    """Fill `part` until it is whole. Breaks are taken up again while each attempt gains bytes."""
    if urlsplit(url).scheme == "file":
        return _copy_local(url, part, where)
    while True:
        before = part.stat().st_size if part.is_file() else 0
        try:
            return _attempt(url, part, http, where, before, size)
        except requests.RequestException as error:
            gained = part.is_file() and part.stat().st_size > before
            if not (gained and isinstance(error, BROKEN)):
                raise unreachable(url, error, where) from None
            logging.info("the connection to %s broke (%s), going on", host(url), _reason(error))
            time.sleep(0.2)


def _copy_local(url: str, part: Path, where: str) -> None:
    source = Path(url2pathname(urlsplit(url).path))
    if not source.is_file():
        raise UserError(f"there is no file {source}", where=where, remedy="correct the address in the catalogue")
    need_space(part.parent, source.stat().st_size, where)
    shutil.copyfile(source, part)


def _attempt(url: str, part: Path, http: requests.Session, where: str, have: int, size: int | None) -> None:
    headers = {"Range": f"bytes={have}-"} if have else {}
    with http.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
        if answer.status_code == 416:  # nothing after what we have: whole already, or longer than it should be
            total = answer.headers.get("Content-Range", "").rpartition("/")[2]
            if total == str(have):
                return None
            part.unlink()
            return _attempt(url, part, http, where, 0, size)
        if answer.status_code not in (200, 206):
            raise unreachable(url, f"HTTP status {answer.status_code} {answer.reason}", where)
        start = have if _continues(answer, have) else 0
        length = int(answer.headers.get("Content-Length") or 0)
        total = start + length if length else size
        if size is not None and length and total != size:
            raise UserError(f"{shown(url)} has {total} bytes, {size} were announced", where=where, remedy=ELSEWHERE)
        need_space(part.parent, (total or 0) - start, where)
        size_text = f", {_mb(total)}" if total else ""
        logging.info("%s %s%s", "continuing" if start else "downloading", shown(url), size_text)
        with part.open("ab" if start else "wb") as handle:
            _copy(answer, handle, start, total)
    got = part.stat().st_size
    if total and got < total:  # some servers close early without an error
        raise requests.ConnectionError(f"{got} of {total} bytes arrived")
    return None


def _continues(answer: requests.Response, have: int) -> bool:
    """Whether the server goes on where we stopped; a 200 to a Range request sends the file from its start."""
    return answer.status_code == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")


def _copy(answer: requests.Response, handle, done: int, total: int | None) -> None:
    """Write the body, with a line in the log for every tenth of a large file."""
    step = max((total or 0) // 10, 4 << 20)
    due = done + step
    for chunk in answer.iter_content(CHUNK):
        handle.write(chunk)
        done += len(chunk)
        if done >= due:
            logging.info("  %s%s", _mb(done), f" of {_mb(total)} ({done / total:.0%})" if total else "")
            due = done + step


def _disk_full(where: str, reason: str) -> UserError:
    return UserError(f"no disk space: {reason}", where=where, remedy="free some space, then run it again: it goes on")


def _reason(error: object) -> str:
    """The innermost cause of a network error, in a few words."""
    while isinstance(error, BaseException) and (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    text = str(error).strip() or type(error).__name__
    return text if len(text) < 200 else text[:200] + "..."


def _mb(count: int) -> str:
    return f"{count / 1e6:.1f} MB"
