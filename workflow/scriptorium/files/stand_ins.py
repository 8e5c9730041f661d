"""What often lies in the place of a data file: the pointer that git keeps of it, or the page of a failed download."""

from __future__ import annotations

import codecs
from pathlib import Path

from scriptorium.errors import UserError

HEAD = 64  # bytes that tell
POINTER = b"version https://git-lfs"
PAGES = (b"<!doctype html", b"<html")
ARCHIVES = {  # how it begins: what it is, what to do
    b"\x1f\x8b": ("compressed with gzip", "give its name the ending .gz"),
    b"BZh": ("compressed with bzip2", "give its name the ending .bz2"),
    b"\x28\xb5\x2f\xfd": ("compressed with zstd", "give its name the ending .zst"),
    b"\xfd7zXZ\0": ("compressed with xz", "unpack it with `xz -d`"),
    b"PK\x03\x04": ("a zip archive or an Excel workbook", "unpack it, or save the sheet as CSV in UTF-8"),
}


def check(head: bytes, where: Path | str) -> None:
    """Raises UserError if a file that begins so is not the data. head: its first HEAD bytes, or more."""
    begin = head[:HEAD].removeprefix(codecs.BOM_UTF8).lstrip().lower()
    if begin.startswith(POINTER):
        raise UserError(
            "a pointer of Git LFS, and not the file itself",
            where=where,
            remedy="get the file: `git lfs pull` in the repository that it comes from",
        )
    if begin.startswith(PAGES):
        raise UserError(
            "a web page, and not the data: what a server sends when the address is wrong or asks for a login",
            where=where,
            remedy="open the address in a browser, download the file itself, and put it here",
        )


def check_text(head: bytes, where: Path | str) -> None:
    """The same, and whether text that was unpacked by its name's ending is packed still."""
    check(head, where)
    for begin, (what, remedy) in ARCHIVES.items():
        if head.startswith(begin):
            raise UserError(f"not text: {what}", where=where, remedy=remedy)


def check_file(path: Path) -> None:
    """The same for a file that could not be read as what it should be."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError:
        return
    check(head, path)
