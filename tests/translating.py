"""A folder with everything that a translation run reads: tiny VECO, XLM, BART and pairs whose translation is word by
word."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scriptorium import manifest, stage
from scriptorium.models import bart, veco
from scriptorium.models.spec import EncoderSpec
from scriptorium.stages import translate
from tests import tiny

SHAPE = EncoderSpec(hidden_size=32, layers=2, heads=2, intermediate_size=64, max_positions=40, dropout=0.0)
WORDS = 12  # of each language
# what a run behind a new encoder reads and says: German in a vocabulary of its own, whose symbols have other numbers
BEHIND = {"pairs": "parallel", "backbone": "bart", "vocabulary": "german"}
GERMAN = {"source": "de", "target": "en", "body": "bart", "decoder_layers": None}
STEP_ONE = GERMAN | {"source_encoder": {"vocabulary": "german", "layers": 1}, "updates": "source"}
TRAIN = {"max_steps": 12, "batch_size": 8, "lr": 3e-3, "log_every": 1, "eval_every": 3}


@dataclass
class Folder:
    """Inputs of translation runs below `root`."""

    root: Path

    def spec(self, **changes: Any) -> dict[str, Any]:
        """A specification of 12 steps; `changes` replace whole keys."""
        plain = {"source": "en", "target": "de", "max_length": 12, "decoder_layers": 1, "beams": 2, "seed": 1}
        return plain | {"train": TRAIN} | changes

    def inputs(self, **others: str) -> dict[str, list[Path]]:
        names = {"pairs": "parallel", "backbone": "veco"} | others
        return {name: [self.root / folder / manifest.NAME] for name, folder in names.items()}

    def run(self, name: str, *, others: dict[str, str] | None = None, **changes: Any) -> Path:
        """Run the stage in this process; returns the run directory."""
        stage.execute(
            "translate",
            translate.TranslateSpec.parse(self.spec(**changes)),
            translate.run,
            out=self.root / name,
            inputs=self.inputs(**others or {}),
            state=self.root / "state" / name,
        )
        return self.root / name

    def command(self, name: str, *, others: dict[str, str] | None = None, **changes: Any) -> list[str]:
        """The stage's command line."""
        words = ["--spec", json.dumps(self.spec(**changes)), "--out", str(self.root / name)]
        words += ["--input", *(f"{key}={paths[0]}" for key, paths in self.inputs(**others or {}).items())]
        words += ["--state", str(self.root / "state" / name)]
        return [sys.executable, "-m", "scriptorium.stages.translate", *words]


def write_pairs(folder: Path, pairs: int, *, seed: int = 0, held_out: int = 24, longest: int = 6) -> Path:
    """pairs.parquet of English sentences and their German ones, each of which is the other, word by word, reversed."""
    generator = np.random.default_rng(seed)
    words = np.array(tiny.WORDS)
    rows = []
    for number in range(pairs):
        chosen = generator.integers(WORDS, size=generator.integers(2, longest + 1))
        split = "validation" if number < held_out else "train"
        texts = {"text_a": " ".join(words[chosen[::-1] + WORDS]), "text_b": " ".join(words[chosen])}
        rows.append({"id": f"p{number}", "split": split, "lang_a": "de", "lang_b": "en", **texts})
    folder.mkdir(parents=True)
    pd.DataFrame(rows).to_parquet(folder / "pairs.parquet", index=False)
    return manifest.write(folder, [folder / "pairs.parquet"])


def build(root: Path, pairs: int = 120) -> Folder:
    """VECO in `veco`, a model without cross-attention in `xlm`, BART in `bart`, a vocabulary in `german`, pairs in
    `parallel` and others in `other`."""
    import torch

    write_pairs(root / "parallel", pairs)
    write_pairs(root / "other", 10, seed=1, held_out=4)
    tokenizer = tiny.tokenizer()
    german = tiny.tokenizer(words=tiny.WORDS[2 * WORDS - 1 : WORDS - 1 : -1], special=tiny.SPECIAL[::-1])
    german.save_pretrained(root / "german")
    manifest.write(root / "german", sorted((root / "german").iterdir()))
    for name, family, settings in (("veco", veco, {}), ("xlm", veco, {"plug_in": False}), ("bart", bart, {})):
        torch.manual_seed(0)
        model = family.build(SHAPE, tokenizer, **settings)
        with torch.no_grad():  # from small weights nothing is learned in few steps
            for parameter in model.parameters():
                if parameter.dim() > 1:
                    parameter.mul_(5)
        model.plain().save_pretrained(root / name / "model")
        tokenizer.save_pretrained(root / name / "model")
        manifest.write(root / name, sorted((root / name / "model").iterdir()))
    return Folder(root)
