"""Tiny documents and translations, and blocks of two sides of them, for tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from scriptorium import manifest
from scriptorium.stage import execute
from scriptorium.stages import pack_pairs
from scriptorium.text.spec import PackPairsSpec
from tests import tiny

HALF = len(tiny.WORDS) // 2


def packed(root: Path, *, pairs: int = 120, documents: int = 40, repeating: bool = False, **settings) -> Path:
    """Blocks of two sides below `root`: documents of two languages, and sentences whose translation is word by word,
    from the first half of the vocabulary into the second. A tenth of each is held out. repeating: a text is one word,
    again and again, of twelve, so that its context tells everything."""
    generator = np.random.default_rng(2)

    def drawn(shortest: int, longest: int) -> np.ndarray:
        chosen = generator.integers(HALF, size=generator.integers(shortest, longest))
        return np.full(len(chosen), chosen[0] % 12) if repeating else chosen

    for name in ("corpus", "parallel", "backbone"):
        (root / name).mkdir(parents=True)
    words = np.array(tiny.WORDS)
    split = lambda number, of: "validation" if number < max(2, of // 10) else "train"  # noqa: E731
    texts = [
        {
            "id": f"d{number}",
            "source": "test",
            "split": split(number // 2, documents // 2),
            "language": ("de", "en")[number % 2],
            "text": " ".join(words[drawn(30, 80) + HALF * (number % 2 == 0)]),
        }
        for number in range(documents)
    ]
    rows = []
    for number in range(pairs):
        chosen = drawn(3, 12)
        sides = {"text_a": " ".join(words[chosen + HALF]), "text_b": " ".join(words[chosen])}
        rows.append({"id": f"p{number}", "split": split(number, pairs), "lang_a": "de", "lang_b": "en", **sides})
    pd.DataFrame(texts).to_parquet(root / "corpus/documents.parquet", index=False)
    pd.DataFrame(rows).to_parquet(root / "parallel/pairs.parquet", index=False)
    tiny.tokenizer().save_pretrained(root / "backbone")
    for name in ("corpus", "parallel", "backbone"):
        manifest.write(root / name, list((root / name).iterdir()))
    inputs = {
        name: [root / folder / "manifest.json"]
        for name, folder in (("corpus", "corpus"), ("parallel", "parallel"), ("tokenizer", "backbone"))
    }
    spec = PackPairsSpec.parse({"block_length": 64, **settings})
    execute("pack_pairs", spec, pack_pairs.run, out=root / "packed", inputs=inputs, state=root / "state")
    return root / "packed"
