"""Takes named members out of a zip (wheel) or tar archive, and out of archives inside it. Nothing is executed.

A member is a path or a glob inside the archive: `*` and `?` stay inside one folder, `**` crosses folders, `{a,b}`
lists alternatives, and `outer.tar.gz!inner/*.txt` steps into a nested archive. A file keeps its path below the
folders that the pattern names literally: `x/data/*/*.txt` gives `sports/001.txt`, a plain path gives its last part.
"""

from __future__ import annotations

import difflib
import gzip
import lzma
import re
import shutil
import tarfile
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from scriptorium.errors import UserError
from scriptorium.fetching.download import need_space

BOMB_BYTES, BOMB_RATIO = 1 << 30, 100  # refused: more than 1 GiB and more than 100 times the archive's size (ours)
UNREADABLE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    gzip.BadGzipFile,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    RuntimeError,  # zipfile: encrypted, or a compression that it does not know
)


def unpack(archive: Path, members: Iterable[str], target: Path, *, where: str) -> list[Path]:
    """Write the regular files that `members` name below `target`; returns them, sorted.

    Raises UserError: not an archive, damaged or encrypted, a member that matches nothing (with near names), two
    members of one name, implausibly large content, not enough disk space.
    """
    plain = [m for m in members if "!" not in m]
    nested = [m for m in members if "!" in m]
    try:
        with _open(archive, where) as opened:
            sizes = opened.sizes()
            chosen = select(sizes, plain, where=where, place=archive.name)
            _guard(archive, sum(sizes[name] for name in chosen), where)
            need_space(target.parent, sum(sizes[name] for name in chosen), where)
            written = opened.extract({name: target / chosen[name] for name in chosen})
            for member in nested:
                outer, _, inner = member.partition("!")
                for name in select(sizes, [outer], where=where, place=archive.name):
                    _guard(archive, sizes[name], where)
                    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as folder:
                        (path,) = opened.extract({name: Path(folder) / PurePosixPath(name).name})
                        for file in unpack(path, [inner], Path(folder) / "members", where=where):
                            final = target / file.relative_to(Path(folder) / "members")
                            if final.exists():
                                raise _twice(final.name, where)
                            final.parent.mkdir(parents=True, exist_ok=True)
                            written.append(file.rename(final))
    except UNREADABLE as error:
        raise UserError(
            f"{archive.name} is damaged or not readable as an archive: {error}",
            where=where,
            remedy="fetch it again, or correct its sha256 or members in the catalogue",
        ) from None
    return sorted(written)


def select(names: Iterable[str], members: Iterable[str], *, where: str, place: str) -> dict[str, str]:
    """{name: relative target} of the names that the members match. Raises UserError for a member without a match."""
    names = sorted(names)
    chosen: dict[str, str] = {}
    for member in members:
        for pattern in expand(member):
            matches = _regex(pattern).fullmatch
            matching = [name for name in names if matches(name)]
            if not matching:
                raise UserError(
                    f"{place} has no member {pattern!r}{_near(pattern, names)}",
                    where=where,
                    remedy="correct `members` in the catalogue",
                )
            for name in matching:
                chosen[name] = name[len(_literal_folder(member)) :]
    for relative, count in Counter(chosen.values()).items():
        if count > 1:
            raise _twice(relative, where)
    return chosen


def expand(pattern: str) -> list[str]:
    """Alternatives of a brace list: `a/{b,c}.txt` -> [a/b.txt, a/c.txt]. Lists may be nested."""
    found = re.search(r"\{([^{}]*)\}", pattern)
    if not found:
        return [pattern]
    before, after = pattern[: found.start()], pattern[found.end() :]
    return [text for choice in found[1].split(",") for text in expand(before + choice.strip() + after)]


def is_glob(pattern: str) -> bool:
    return bool(re.search(r"[*?\[{]", pattern))


def is_safe(name: str) -> bool:
    """Whether an archive's name stays below the folder that it is unpacked into."""
    path = PurePosixPath(name)
    return not (path.is_absolute() or ".." in path.parts or "\\" in name)


def _literal_folder(pattern: str) -> str:
    """The leading folders that a pattern names without any wildcard or list, with their last slash."""
    literal = re.split(r"[*?\[{]", pattern, maxsplit=1)[0]
    return literal[: literal.rfind("/") + 1]


def _regex(pattern: str) -> re.Pattern[str]:
    pieces = re.findall(r"\*\*/|\*\*|\*|\?|\[[^\]/]+\]|[^*?\[]+|\[", pattern)
    special = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(special.get(p) or (p if len(p) > 2 and p[0] == "[" else re.escape(p)) for p in pieces))


def _near(pattern: str, names: list[str]) -> str:
    last = pattern.rpartition("/")[2]
    near = [name for name in names if name.rpartition("/")[2] == last]
    near += difflib.get_close_matches(pattern, names, n=5, cutoff=0.5)
    return f"; near names: {', '.join(list(dict.fromkeys(near))[:5])}" if near else f" (it has {len(names)} files)"


def _twice(name: str, where: str) -> UserError:
    return UserError(
        f"two members would both be written to {name!r}",
        where=where,
        remedy="name them by a glob, so that they keep their folders",
    )


def _guard(archive: Path, unpacked: int, where: str) -> None:
    packed = archive.stat().st_size
    if unpacked > BOMB_BYTES and unpacked > BOMB_RATIO * packed:
        raise UserError(
            f"{archive.name} ({packed} bytes) would unpack to {unpacked} bytes",
            where=where,
            remedy="this looks like a zip bomb; unpack it yourself if you trust it, and use source `file`",
        )


class _Zip:
    def __init__(self, path: Path):
        self.archive = zipfile.ZipFile(path)
        self.infos = {i.filename: i for i in self.archive.infolist() if _is_zip_file(i) and is_safe(i.filename)}

    def sizes(self) -> dict[str, int]:
        return {name: info.file_size for name, info in self.infos.items()}

    def extract(self, wanted: dict[str, Path]) -> list[Path]:
        return [_write(self.archive.open(self.infos[name]), path) for name, path in wanted.items()]


class _Tar:
    def __init__(self, path: Path):
        self.archive = tarfile.open(path)  # noqa: SIM115 - closed by _open
        self.infos = {i.name.removeprefix("./"): i for i in self.archive if i.isreg() and is_safe(i.name)}

    def sizes(self) -> dict[str, int]:
        return {name: info.size for name, info in self.infos.items()}

    def extract(self, wanted: dict[str, Path]) -> list[Path]:
        # in the archive's order: going back in a compressed tar means decompressing it once more
        ordered = sorted(wanted, key=lambda name: self.infos[name].offset)
        return [_write(self.archive.extractfile(self.infos[name]), wanted[name]) for name in ordered]


@contextmanager
def _open(path: Path, where: str) -> Iterator[_Zip | _Tar]:
    if zipfile.is_zipfile(path):
        opened: _Zip | _Tar = _Zip(path)
    elif tarfile.is_tarfile(path):
        opened = _Tar(path)
    else:
        raise UserError(
            f"{path.name} is neither a zip nor a tar archive, so it has no members",
            where=where,
            remedy="leave `members` empty to keep the file as it is",
        )
    with opened.archive:
        yield opened


def _is_zip_file(info: zipfile.ZipInfo) -> bool:
    kind = info.external_attr >> 28  # Unix file type, 0 where the archive has none; 0o10: regular
    return not info.is_dir() and kind in (0, 0o10)


def _write(source: IO[bytes], path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with source, path.open("wb") as handle:
        shutil.copyfileobj(source, handle, 1 << 20)
    return path
