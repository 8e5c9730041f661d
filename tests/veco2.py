"""A small VECO 2.0 model, its batches, and links of tiny pairs, for tests."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import torch
from torch import Tensor

from scriptorium import manifest
from scriptorium.models.veco2.terms import Veco2ForMaskedLM
from scriptorium.objectives import veco2
from scriptorium.objectives.spec import ObjectiveSpec
from scriptorium.stage import execute
from scriptorium.stages import link_words
from scriptorium.text.synonyms.spec import LinkSettings
from tests import tiny, two_sided
from tests import veco as pairs


def model(seed: int = 0, **paired) -> Veco2ForMaskedLM:
    """A model in float64, ready to train, with weights as large as those of tests/veco.py."""
    torch.manual_seed(seed)
    spec = ObjectiveSpec.parse({"name": "veco2", "paired": paired})
    made = veco2.build(pairs.SHAPE, spec, tiny.tokenizer()).model.double().train()
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if parameter.dim() > 1 and not name.startswith("momentum"):
                parameter.mul_(8)
    return made


def batch(sizes: list[list[tuple[int, int]]], length: int, seed: int = 0, **changes) -> dict[str, Tensor]:
    """tests/veco.py's batch; every token but the first and the last of a text is a word, and the first two words of
    its texts are linked one to one."""
    given = pairs.batch(sizes, length, seed=seed, **changes)
    words = torch.full_like(given["input_ids"], -1)
    links = torch.full((len(sizes), 2 * max(map(len, sizes)), 2), -1)
    for block, own in enumerate(sizes):
        starts, count, slot = [0, 0], [0, 0], 0
        for pair in own:
            first = list(count)
            for side in (0, 1):
                inner = max(pair[side] - 2, 0)
                at = starts[side] + 1
                words[block, side, at : at + inner] = torch.arange(count[side], count[side] + inner)
                count[side] += inner
                starts[side] += pair[side]
            for number in range(min(2, *(max(size - 2, 0) for size in pair))):
                links[block, slot] = torch.tensor([first[0] + number, first[1] + number])
                slot += 1
    return given | {"words": words, "links": links}


def dictionary(folder: Path, rows: list[tuple[str, str]], languages: tuple[str, str] = ("de", "en")) -> Path:
    """A prepared dictionary; the path of its manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame([(*languages, *row) for row in rows], columns=["lang_a", "lang_b", "word_a", "word_b"])
    table.to_parquet(folder / "entries.parquet", index=False)
    manifest.write(folder, [folder / "entries.parquet"])
    return folder / "manifest.json"


def translations(count: int = two_sided.HALF) -> list[tuple[str, str]]:
    """What tests/two_sided.py translates by."""
    return [(tiny.WORDS[number + two_sided.HALF], tiny.WORDS[number]) for number in range(count)]


def linked(root: Path, packed: Path, rows: list[tuple[str, str]] | None = None, **settings) -> Path:
    """Links of packed pairs below `root`, by a dictionary of these rows (or of all translations)."""
    given = dictionary(root / "dictionary", translations() if rows is None else rows)
    inputs = {"blocks": [packed / "manifest.json"], "dictionary": [given]}
    spec = LinkSettings.parse(settings)
    execute("link_words", spec, link_words.run, out=root / "links", inputs=inputs, state=root / "state")
    return root / "links"
