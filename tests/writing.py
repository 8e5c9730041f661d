"""A folder with everything that a generation run reads: tiny models of every body, and a task whose targets are the
last words of their sources."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from scriptorium import manifest, stage
from scriptorium.models import bart, gpt2, llama, t5
from scriptorium.models.spec import EncoderSpec
from scriptorium.stages import generate
from tests import tiny

SHAPE = EncoderSpec(hidden_size=32, layers=1, heads=2, intermediate_size=64, max_positions=40, dropout=0.0)
FAMILIES = {"bart": (bart, "seq2seq"), "t5": (t5, "seq2seq"), "gpt2": (gpt2, "causal"), "llama": (llama, "causal")}
TRAIN = {"max_steps": 8, "batch_size": 8, "lr": 3e-3, "log_every": 1, "eval_every": 2}
COUNTS = {"train": 60, "validation": 10, "test": 12}
WORDS = 12


@dataclass
class Folder:
    """Inputs of generation runs below `root`: `data`, and a folder for each backbone."""

    root: Path

    def spec(self, body: str = "seq2seq", **changes: Any) -> dict[str, Any]:
        """A specification of eight steps; `changes` replace whole keys."""
        plain = {"body": body, "source_length": 12, "target_length": 6, "beams": 2, "seed": 1, "train": TRAIN}
        return plain | changes

    def inputs(self, backbone: str, data: str = "data") -> dict[str, list[Path]]:
        return {"data": [self.root / data / manifest.NAME], "backbone": [self.root / backbone / manifest.NAME]}

    def run(self, name: str, backbone: str = "bart", *, data: str = "data", **changes: Any) -> Path:
        """Run the stage in this process; returns the run directory."""
        spec = self.spec(FAMILIES[backbone][1], **changes)
        stage.execute(
            "generate",
            generate.GenerateSpec.parse(spec),
            generate.run,
            out=self.root / name,
            inputs=self.inputs(backbone, data),
            state=self.root / "state" / name,
        )
        return self.root / name

    def command(self, name: str, backbone: str, **changes: Any) -> list[str]:
        """The stage's command line."""
        spec = self.spec(FAMILIES[backbone][1], **changes)
        words = ["--spec", json.dumps(spec), "--out", str(self.root / name)]
        words += ["--input", *(f"{key}={paths[0]}" for key, paths in self.inputs(backbone).items())]
        words += ["--state", str(self.root / "state" / name)]
        return [sys.executable, "-m", "scriptorium.stages.generate", *words]


def write_data(folder: Path, counts: dict[str, int] = COUNTS, *, longest: int = 7) -> Path:
    """A prepared task: a source of random words, whose last two, in this order, are to be written."""
    generator = np.random.default_rng(0)
    folder.mkdir(parents=True)
    for split, count in counts.items():
        drawn = [generator.integers(WORDS, size=generator.integers(3, longest + 1)) for _ in range(count)]
        texts = [[tiny.WORDS[word] for word in words] for words in drawn]
        rows = [(f"{split}-{n}", " ".join(own), " ".join(own[-2:]), None, None) for n, own in enumerate(texts)]
        table = pd.DataFrame(rows, columns=["id", "source", "target", "text", "text_b"]).astype("string")
        table.to_parquet(folder / f"{split}.parquet", index=False)
    return manifest.write(folder, folder.glob("*.parquet"))


def save(folder: Path, family: str, tokenizer: Any = None) -> Path:
    """A new model of a family as a pre-training run leaves it; with larger weights, so that it learns in few steps."""
    tokenizer = tokenizer or tiny.tokenizer()
    torch.manual_seed(0)
    model = FAMILIES[family][0].build(SHAPE, tokenizer).plain()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1 and family != "t5":
                parameter.mul_(4)
    if family == "t5":
        model.config.decoder_start_token_id = tokenizer.pad_token_id
    model.save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")
    return manifest.write(folder, sorted((folder / "model").iterdir()))


def build(root: Path) -> Folder:
    write_data(root / "data")
    for family in FAMILIES:
        save(root / family, family)
    return Folder(root)
