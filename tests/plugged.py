"""A folder for plug-in fine-tuning: a tiny random VECO encoder, and a tiny task in English with translations."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import transformers

from scriptorium import manifest
from scriptorium.models import veco
from scriptorium.models.spec import EncoderSpec
from tests.finetuning import Folder, build
from tests.workflow.miniature import SENTENCES

SHAPE = EncoderSpec(hidden_size=32, layers=2, heads=2, intermediate_size=64, max_positions=62, dropout=0.1)


def folder(root: Path, *, tags: bool = False, pair: bool = False, clue: bool = False) -> Folder:
    """The translation of a text is the text with its words in reverse order; of two languages. With `clue` it, and the
    text not at all, tells the label."""
    made = build(root, pair=pair)
    files = []
    for path in sorted((root / "data").glob("*.parquet")):
        table = pd.read_parquet(path)
        table["translation"] = [backwards(text) for text in table["text"]]
        table["translation_b"] = [text and backwards(text) for text in table["text_b"]]
        if clue:
            table["text"] = [text.partition("It was")[0].strip() for text in table["text"]]
        table["language"] = ["en" if n % 3 else "de" for n in range(len(table))]
        table["translation_language"] = ["de" if own == "en" else "en" for own in table["language"]]
        if tags:
            table["label"] = [[int(len(word) > 4) for word in text.split()] for text in table["text"]]
        table.to_parquet(path, index=False)
        files.append(path)
    manifest.write(root / "data", files)
    tokenizer = transformers.AutoTokenizer.from_pretrained(root / "backbone")
    write_veco(root / "backbone", tokenizer)
    return made


def questions(root: Path, *, clue: bool = False) -> Folder:
    """A folder of questions on passages of several windows, which name a town; translations are the same backwards.
    With `clue` a passage names two towns, and its translation the one that is asked for."""
    made = build(root)
    towns, generator, rows = ("Paris", "Venice", "Amsterdam"), np.random.default_rng(0), []
    plain = [text for text in SENTENCES if not any(town in text for town in towns) and len(text) < 62]
    for number in range(96):
        town, other = towns[number % 3], towns[(number + 1 + number // 3 % 2) % 3]
        both = sorted((town, other)) if clue else [town]
        first, last = generator.choice(plain, 2)
        text = f"{first} They saw {' and '.join(both)} there." + ("" if clue else f" {last}")
        rows.append(
            {
                "id": f"e{number}",
                "text": "Which town?",
                "text_b": text,
                "label": [{"text": town, "start": text.index(town)}],
                "translation": "town Which?",
                "translation_b": town if clue else backwards(text),
                "language": ("en", "de")[number % 2],
                "translation_language": ("de", "en")[number % 2],
            }
        )
    table, files = pd.DataFrame(rows), []
    for split, (start, end) in {"train": (0, 64), "validation": (64, 80), "test": (80, 96)}.items():
        files.append(root / "data" / f"{split}.parquet")
        table.iloc[start:end].to_parquet(files[-1], index=False)
    manifest.write(root / "data", files)
    write_veco(root / "backbone", transformers.AutoTokenizer.from_pretrained(root / "backbone"))
    return made


def backwards(text: str) -> str:
    return " ".join(reversed(text.split()))


def write_veco(place: Path, tokenizer: transformers.PreTrainedTokenizerFast, **settings) -> None:
    """The model of a pre-training run at `place`, which is emptied."""
    transformers.set_seed(0)
    shutil.rmtree(place)
    model = veco.build(SHAPE, tokenizer, **settings)
    model.plain().save_pretrained(place)
    tokenizer.save_pretrained(place)
    manifest.write(place, [path for path in place.iterdir() if path.is_file()])


def metrics(run: Path) -> dict[str, float]:
    return json.loads((run / "metrics.json").read_text(encoding="utf-8"))
