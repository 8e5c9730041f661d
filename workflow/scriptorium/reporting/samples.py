"""A page of written texts beside their references: the first test examples of every generation task of a study."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from scriptorium.reporting.style import COLOURS, INK, QUIET, RULE
from scriptorium.reporting.written import WrittenRun

LONGEST = 600  # characters of a source that are shown
STYLE = (
    f"body{{font:15px/1.45 sans-serif;color:{INK};max-width:62rem;margin:2rem auto;padding:0 1rem}}"
    f"table{{border-collapse:collapse;width:100%}}td{{border-top:1px solid {RULE};padding:.25rem .6rem .25rem 0;"
    f"vertical-align:top}}td:first-child{{color:{QUIET};white-space:nowrap;width:14rem}}"
    f".source{{color:{QUIET}}}.reference td{{color:{COLOURS[2]}}}h2{{margin-top:2.5rem}}h3{{font-size:1rem}}"
)
NOTE = (
    "The first examples of the test set, as they stand in it: none was chosen. Below each source stand the reference, "
    "the first words of the source where they are a control, and what every variant wrote with its first seed."
)


def page(runs: Sequence[WrittenRun], study: str, count: int, path: Path) -> Path:
    """Write the page. count: examples of each task. Texts are escaped: they come from data and from models."""
    title = f"Written texts of study {study}"
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
        f"<meta name='viewport' content='width=device-width'><title>{escape(title)}</title>",
        f"<style>{STYLE}</style></head><body><h1>{escape(title)}</h1><p>{NOTE}</p>",
    ]
    for task in dict.fromkeys(run.task for run in runs):
        own = [run for run in runs if run.task == task]
        first = {variant: next(run for run in own if run.variant == variant) for variant in _variants(own)}
        parts.append(f"<h2>{escape(task)}</h2>")
        for identity in own[0].texts.index[:count]:
            parts.append(_example(str(identity), {name: run.texts.loc[identity] for name, run in first.items()}))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*parts, "</body></html>"]) + "\n", encoding="utf-8")
    return path


def _variants(runs: Sequence[WrittenRun]) -> list[str]:
    return list(dict.fromkeys(run.variant for run in runs))


def _example(identity: str, written: dict) -> str:
    """One example. written: variant -> its row."""
    any_row = next(iter(written.values()))
    source = any_row["source"]
    shown = source if len(source) <= LONGEST else source[:LONGEST].rstrip() + " …"
    rows = [_row("reference", any_row["reference"], "reference")]
    if "lead" in any_row:
        rows.append(_row("first words", any_row["lead"]))
    rows += [_row(f"{name}", row["hypothesis"]) for name, row in written.items()]
    return f"<h3>{escape(identity)}</h3><p class='source'>{escape(shown)}</p><table>{''.join(rows)}</table>"


def _row(name: str, text: str, kind: str = "written") -> str:
    return f"<tr class='{kind}'><td>{escape(name)}</td><td>{escape(text) or '(nothing)'}</td></tr>"
