"""Finds a package's file on the user's package index by its sha256, without running anything of the package.

`pip download` runs an sdist's build script; reading the index page (PEP 691 JSON, else PEP 503 HTML) and fetching
the one file with the pinned digest does not. Which index: the user's own pip settings, else pip's constant.
"""

from __future__ import annotations

import ast
import logging
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit
from urllib.request import url2pathname

import requests

from scriptorium.errors import UserError
from scriptorium.fetching.download import get_page, shown, unreachable

JSON = "application/vnd.pypi.simple.v1+json"
ACCEPT = f"{JSON}, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"


@dataclass(frozen=True)
class IndexFile:
    """One file that an index offers."""

    name: str
    url: str
    sha256: str | None


def find_file(requirement: str, sha256: str, *, where: str, http: requests.Session, indexes: list[str]) -> IndexFile:
    """The file of `name==version` whose sha256 is the catalogue's, from the first index that has it.

    An index that cannot be read is left out with a line in the log.
    Raises UserError: not of the form name==version, no index readable, no file with that digest.
    """
    name, version = _parse(requirement, where)
    offered: list[IndexFile] = []
    silent: dict[str, Exception] = {}
    answered = False
    for index in indexes:
        page = f"{index.rstrip('/')}/{name}/"
        try:
            files = _read_page(page, http)
        except (requests.RequestException, OSError, ValueError, LookupError) as error:
            logging.info("package index %s left out: %s", shown(index), error)
            silent[page] = error
            continue
        answered = True
        offered += files
        for file in files:
            if file.sha256 == sha256.lower():
                return file
    tried = ", ".join(map(shown, silent))
    if not answered:
        page, error = next(iter(silent.items()))
        raise unreachable(page, error, where, tried=tried)
    same = [f for f in offered if re.search(rf"-{re.escape(version)}(?![0-9.]*\d)", f.name)]
    listed = "; ".join(f"{f.name} (sha256 {f.sha256 or 'not given'})" for f in same)
    raise UserError(
        f"the package index has no file of {requirement} with sha256 {sha256}; it has {listed or 'no such version'}"
        + (f" (not readable: {tried})" if silent else ""),
        where=where,
        remedy="correct location or sha256 in the catalogue, after inspecting what you are about to trust",
    )


def user_indexes(settings: dict[str, str]) -> list[str]:
    """Index addresses in pip's order: index-url, then extra-index-url. Raises UserError if none is known."""
    main = settings.get("index-url") or _default_index()
    extra = settings.get("extra-index-url", "").split()
    if not (found := [url for url in (main, *extra) if url]):
        raise UserError(
            "no package index is known",
            where="pip configuration",
            remedy="set PIP_INDEX_URL, or `pip config set global.index-url ...`",
        )
    return list(dict.fromkeys(found))


def pip_settings() -> dict[str, str]:
    """The user's pip settings by option name; as in pip: environment over [download] over [global]."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "config", "list"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found: dict[int, dict[str, str]] = {0: {}, 1: {}, 2: {}}
    for line in done.stdout.splitlines():
        key, _, value = line.partition("=")
        section, _, option = key.rpartition(".")
        level = {"global": 0, "download": 1, ":env:": 2}.get(section)
        if level is not None and value[:1] in "'\"":
            found[level][option] = ast.literal_eval(value)
    if done.returncode:  # no pip here: its environment variables still count
        names = {"index-url": "PIP_INDEX_URL", "extra-index-url": "PIP_EXTRA_INDEX_URL", "cert": "PIP_CERT"}
        found[2] = {option: os.environ[name] for option, name in names.items() if os.environ.get(name)}
    return {**found[0], **found[1], **found[2]}


def _default_index() -> str | None:
    try:
        from pip._internal.models.index import PyPI
    except ImportError:  # private to pip, so it may move
        return None
    return PyPI.simple_url


def _parse(requirement: str, where: str) -> tuple[str, str]:
    found = re.fullmatch(r"([A-Za-z0-9][\w.-]*)==([\w.!+-]+)", requirement)
    if not found:
        raise UserError(f"location {requirement!r} is not name==version", where=where)
    return re.sub(r"[-_.]+", "-", found[1]).lower(), found[2]


def _read_page(page: str, http: requests.Session) -> list[IndexFile]:
    if urlsplit(page).scheme == "file":
        folder = Path(url2pathname(urlsplit(page).path))
        return _from_html((folder / "index.html").read_text(encoding="utf-8"), page)
    try:
        answer = get_page(page, http, Accept=ACCEPT)
    except requests.HTTPError as error:
        if error.response.status_code == 404:  # an index that answers, and does not know this package
            return []
        raise
    base = answer.url if answer.history else page
    if answer.headers.get("Content-Type", "").startswith(JSON):
        return [
            IndexFile(file["filename"], urljoin(base, file["url"]), file["hashes"].get("sha256"))
            for file in answer.json()["files"]
        ]
    return _from_html(answer.text, base)


def _from_html(text: str, base: str) -> list[IndexFile]:
    links = _Links()
    links.feed(text)
    files = []
    for href in links.found:
        url, fragment = urldefrag(urljoin(base, href))
        digest = fragment.removeprefix("sha256=").lower() if fragment.startswith("sha256=") else None
        files.append(IndexFile(unquote(url.rpartition("/")[2]), url, digest))
    return files


class _Links(HTMLParser):
    """Targets of all links of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if tag == "a" and name == "href" and value]
