"""The worked examples of docs/extending.md as they stand there, for tests that put them into a copy and run them."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs/extending.md"
BLOCK = re.compile(
    r"^`(?P<path>[\w./-]+)`(?P<place>, [^\n]*)?:\n\n```\w+\n(?P<text>.*?)^```", flags=re.MULTILINE | re.DOTALL
)


def blocks(heading: str) -> list[tuple[str, str, str]]:
    """(path, place in that file or nothing, text) of every file that a section shows."""
    pattern = rf"^## {heading}\n(.*?)(?=^## |\Z)"
    section = re.search(pattern, PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)[1]
    found = [(m["path"], (m["place"] or "").removeprefix(", "), m["text"]) for m in BLOCK.finditer(section)]
    assert found, heading
    return found


def add(root: Path, heading: str) -> None:
    """Write the new files of a section below `root`, and put what belongs into an existing one where the page says."""
    for name, place, text in blocks(heading):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = path.read_text(encoding="utf-8") if path.exists() else ""
        assert bool(place) == path.exists(), (name, place)
        path.write_text(_put(text, whole, place) if place else text, encoding="utf-8")


def _put(text: str, whole: str, place: str) -> str:
    """A file's text with an example's at its place."""
    mark, before, after = _between(place, text)
    (found,) = re.finditer(mark, whole, flags=re.MULTILINE | re.DOTALL)
    return whole[: found.start()] + before + found[0] + after + whole[found.end() :]


def _between(place: str, text: str) -> tuple[str, str, str]:
    """A pattern of what stands at the place, and what is put before and behind it."""
    return {
        "in `OPTIONS`": (r"^OPTIONS: .*?\{\n", "", text),
        "in `READERS`": (r"^READERS: .*?\{\n", "", text),
        "at the end": (r"\Z", "\n\n", text),
        "in `Kind`": (r"^Kind = Annotated\[\s*Literal\[", "", text.strip() + ", "),
        "in `TableOptions.gives`": (r"^class TableOptions\(.*?gives: ClassVar = \{", "", text.strip() + ", "),
        "in the imports": (r"^from scriptorium.runs.vectors import .*?\n", "", text),
        "in `Runs`": (r"^class Runs\(\n", "", text),
        "behind the other includes": (r'^include: "workflow/rules/bench.smk"\n', "", text),
    }[place]
