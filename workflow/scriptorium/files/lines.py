"""Text files of any size, compressed or not, read line by line; faults are named by file, line and byte."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from scriptorium.errors import UserError
from scriptorium.files import stand_ins
from scriptorium.files.damage import reading

COMPRESSED = ("", ".gz", ".zst", ".bz2")
LONGEST_LINE = 1 << 28  # bytes: a longer one is no text for people, and would stand in memory as a whole
HEAD = 1 << 16  # bytes of every file that are looked at before the long work starts


def suffixes(*endings: str) -> tuple[str, ...]:
    """Endings with and without those of compression: ".txt" -> ".txt", ".txt.gz" ..."""
    return tuple(ending + compressed for ending in endings for compressed in COMPRESSED)


def stem(path: Path, artifact: Path, endings: tuple[str, ...]) -> str:
    """The name of a document's file below its artifact, without ending."""
    name = path.relative_to(artifact.parent).as_posix()
    longest = max((ending for ending in endings if name.endswith(ending)), key=len, default="")
    return name.removesuffix(longest)


def open_binary(path: Path) -> BinaryIO:
    """A file, decompressed by its ending. Raises UserError for what is plainly not the file but stands in its place."""
    file = io.BufferedReader(pa.input_stream(str(path), compression="detect"))
    stand_ins.check_text(file.peek(stand_ins.HEAD), path)
    return file


def check_heads(paths: list[Path]) -> None:
    """Look into every file before any is read. Raises UserError for one that is empty or plainly not text."""
    for path in paths:
        if path.stat().st_size == 0:
            raise empty(path)
        with reading(path), open_binary(path) as handle:
            offset = 0
            for number, line in enumerate(iter(lambda: handle.readline(HEAD), b""), start=1):
                _decode(line, path, offset, number, whole=line.endswith(b"\n"))
                offset += len(line)
                if offset >= HEAD or not line.endswith(b"\n"):
                    break


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """(number from 1, text without its end) of the lines of a UTF-8 file. A byte order mark is dropped.

    Raises UserError: not UTF-8 (NotUtf8) but perhaps UTF-16, a zero byte, damaged compression, a line of more than
    LONGEST_LINE bytes.
    """
    with reading(path), open_binary(path) as handle:
        offset = 0
        for number, line in enumerate(iter(lambda: handle.readline(LONGEST_LINE + 1), b""), start=1):
            if len(line) > LONGEST_LINE:
                raise UserError(
                    f"a line of more than {LONGEST_LINE >> 20} MB",
                    where=f"{path}, line {number}",
                    remedy="break the text into lines, at least one per document",
                )
            yield number, _decode(line, path, offset, number)
            offset += len(line)


def empty(path: Path) -> UserError:
    """The error for a file without any text."""
    return UserError("the file is empty", where=path, remedy="put text into it, or leave it out")


class NotUtf8(UserError):
    """A text file in another encoding, which may be known to a reader."""


def _decode(line: bytes, path: Path, offset: int, number: int, *, whole: bool = True) -> str:
    """A line as text. A line that is not whole, cut at the end of a look, is only searched for zero bytes."""
    where = f"{path}, line {number}"
    if offset == 0 and (encoding := _wider(line)):
        raise UserError(
            f"{encoding}, and not UTF-8",
            where=where,
            remedy=f"convert the file, for instance with: iconv -f {encoding} -t UTF-8 {path.name} > converted",
        )
    if (place := line.find(b"\0")) >= 0:
        raise UserError(
            f"holds a zero byte, so it is not text (byte {offset + place} of the text)",
            where=where,
            remedy="give a text file in UTF-8",
        )
    mark = len(codecs.BOM_UTF8) if offset == 0 and line.startswith(codecs.BOM_UTF8) else 0
    try:
        return line[mark:].decode("utf-8").rstrip("\r\n") if whole else ""
    except UnicodeDecodeError as error:
        start = mark + error.start
        shown = line[max(start - 10, 0) : start + 10]
        raise NotUtf8(
            f"not UTF-8: byte 0x{line[start]:02x} at column {start + 1} ({shown!r}), byte {offset + start} of the text",
            where=where,
            remedy=f"convert the file, for instance with: iconv -f WINDOWS-1252 -t UTF-8 {path.name} > converted",
        ) from None


def _wider(head: bytes) -> str | None:
    """UTF-32 or UTF-16, by its mark, or because every second byte of text in Latin letters is zero."""
    begin = head[:64]
    if begin.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "UTF-32"
    half = len(begin) // 2
    marked = begin.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if marked or (half > 1 and any(begin[side : 2 * half : 2].count(0) > 0.9 * half for side in (0, 1))):
        return "UTF-16"
    return None
