"""Pictures of several objectives as one page, readable without a network."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Mapping
from html import escape
from pathlib import Path

from scriptorium.reporting.style import INK, QUIET
from scriptorium.show.drawing import draw
from scriptorium.show.picture import Picture

STYLE = (
    f"body{{font:15px/1.45 sans-serif;color:{INK};max-width:62rem;margin:2rem auto;padding:0 1rem}}"
    f"h2{{margin-top:2.5rem}}h2 small{{color:{QUIET};font-weight:normal}}img{{max-width:100%}}"
)
NOTE = (
    "Each picture is the example that training would get of the same text, made by the objective's own code with the "
    "settings of its variant; only the vocabulary is another one, in which every word is a token. A row is a "
    "prediction, a column a token that the model reads; a square is full where the prediction depends on the token, "
    "which is asked of a small model with random weights. Orange: predicted, hidden or changed."
)


def page(pictures: Mapping[str, Picture], study: str, path: Path) -> Path:
    """Write the page. pictures: by the names of their variants, in this order; each stands there as text besides."""
    title = f"What the objectives of study {study} see and predict"
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
        f"<meta name='viewport' content='width=device-width'><title>{escape(title)}</title>",
        f"<style>{STYLE}</style></head><body><h1>{escape(title)}</h1><p>{NOTE}</p>",
    ]
    with tempfile.TemporaryDirectory() as folder:
        for name, picture in pictures.items():
            image = base64.b64encode(draw(picture, Path(folder) / "picture.svg").read_bytes()).decode()
            parts.append(f"<h2>{escape(name)} <small>{escape(picture.objective)}</small></h2>")
            parts.append(f"<img alt='{escape(picture.as_text())}' src='data:image/svg+xml;base64,{image}'>")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*parts, "</body></html>"]) + "\n", encoding="utf-8")
    return path
