"""Names of metrics, params and tags as MLflow takes them, and back.

MLflow takes letters, digits, `_ - . : /` and blanks, as a path that stays itself when it is normalised, of at most 250
characters. Such an ordinary name stays as it is. In any other

- a character that MLflow does not take becomes its code point in hexadecimal digits between colons: `,` is `:2C:`,
- an empty part of the path becomes `:empty:`, and the dots of a part `.` or `..` become `:2E:` each,
- a colon becomes `:3A:`, so that every colon of a respelled name belongs to one of these marks,
- what is longer than 250 characters is cut and ends in `:cut-DIGEST:`, the digest of the whole name. Only such a name
  cannot be read back from itself: the file names.json of its run keeps it.

So `share/train/.` is shown as `share/train/:2E:`. No two names are shown as one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping

LONGEST = 250
TAKEN = re.compile(r"[\w\-. :/]")
MARK = re.compile(r":(?:([0-9A-F]{2,6})|empty|cut-[0-9a-f]{32}):")


def respell(name: str) -> str:
    """A name that MLflow takes; an ordinary one stays as it is."""
    if is_ordinary(name):
        return name
    spelled = "/".join(respell_part(part) for part in name.split("/"))
    if len(spelled) <= LONGEST:
        return spelled
    mark = f":cut-{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}:"
    return spelled[: LONGEST - len(mark)] + mark


def is_ordinary(name: str) -> bool:
    """Whether MLflow takes the name, and nobody could take it for a respelled one."""
    plain = all(map(TAKEN.fullmatch, name)) and len(name) <= LONGEST and not MARK.search(name)
    return plain and not name.startswith("..") and all(part not in ("", ".", "..") for part in name.split("/"))


def respell_part(part: str) -> str:
    if not part:
        return ":empty:"
    dots = len(part) - len(part.lstrip(".")) if part in (".", "..") or part.startswith("..") else 0
    rest = (c if TAKEN.fullmatch(c) and c != ":" else f":{ord(c):02X}:" for c in part[dots:])
    return ":2E:" * dots + "".join(rest)


def original(spelled: str, kept: Mapping[str, str] | None = None) -> str:
    """The name that was respelled. `kept` is what names.json says; without it a cut name stays cut."""
    if kept and spelled in kept:
        return kept[spelled]
    return MARK.sub(lambda mark: chr(int(mark[1], 16)) if mark[1] else "" if mark[0] == ":empty:" else mark[0], spelled)


def respelled(names: Iterable[str]) -> dict[str, str]:
    """The names that are not shown as they are, by what they are shown as: the content of names.json."""
    return {respell(name): name for name in sorted(set(names)) if respell(name) != name}
