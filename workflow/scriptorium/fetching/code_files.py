"""The rule for code beside weights that come from outside: it is never fetched, so nothing can run it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from scriptorium.errors import UserError
from scriptorium.fetching.unpack import is_glob

ENDINGS = (".py", ".pyc", ".so", ".dll", ".sh")


def code(names: Iterable[str]) -> list[str]:
    """Those names that look like programs."""
    return [name for name in names if name.lower().endswith(ENDINGS)]


def without_code(chosen: dict[str, str], members: tuple[str, ...], where: str) -> dict[str, str]:
    """A selection of a hub repository without its programs. Raises UserError for one that is named."""
    if named := [name for name in code(chosen) if any(not is_glob(member) and member == name for member in members)]:
        raise UserError(
            f"programs are not fetched: {', '.join(named)}",
            where=where,
            remedy="take it out of `members`; a model whose folder needs code of its own cannot be used here",
        )
    return {name: relative for name, relative in chosen.items() if not code([name])}


def remove_code(stage: Path) -> list[str]:
    """Remove the programs of every model folder below `stage`; returns their names."""
    folders = {path.parent for path in stage.rglob("config.json")}
    found = [path for folder in sorted(folders) for path in sorted(folder.rglob("*")) if path.is_file()]
    removed = [path for path in dict.fromkeys(found) if code([path.name])]
    for path in removed:
        path.unlink()
    return [path.relative_to(stage).as_posix() for path in removed]
