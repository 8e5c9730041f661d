"""A tiny corpus of documents with several lines, and blocks of it, for tests of layouts with sentences."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from scriptorium import manifest
from scriptorium.stage import execute
from scriptorium.stages import pack
from tests import tiny


def texts(documents: int = 60, *, lines: tuple[int, int] = (1, 9), words: tuple[int, int] = (1, 12)) -> list[str]:
    """Documents of random words; `lines` of a document and `words` of a line lie in [low, high)."""
    generator = np.random.default_rng(1)
    return [
        "\n".join(
            " ".join(generator.choice(tiny.WORDS, generator.integers(*words)))
            for _ in range(generator.integers(*lines))
        )
        for _ in range(documents)
    ]


def write(root: Path, given: list[str], tokenizer=None) -> dict[str, list[Path]]:
    """A corpus (a tenth of it held out) and a backbone with their manifests; the inputs of stage pack."""
    for name in ("corpus", "backbone"):
        (root / name).mkdir(parents=True)
    held_out = max(2, len(given) // 10)
    splits = ["validation"] * held_out + ["train"] * (len(given) - held_out)
    pd.DataFrame({"split": splits, "text": given}).to_parquet(root / "corpus/documents.parquet")
    manifest.write(root / "corpus", [root / "corpus/documents.parquet"])
    (tokenizer or tiny.tokenizer()).save_pretrained(root / "backbone")
    manifest.write(root / "backbone", (root / "backbone").iterdir())
    return {"corpus": [root / "corpus/manifest.json"], "tokenizer": [root / "backbone/manifest.json"]}


def packed(root: Path, *, given: list[str] | None = None, tokenizer=None, **settings) -> Path:
    """The corpus in blocks, by PackSpec's settings."""
    inputs = write(root, given or texts(), tokenizer)
    execute("pack", pack.PackSpec.parse(settings), pack.run, out=root / "packed", inputs=inputs, state=root / "state")
    return root / "packed"
