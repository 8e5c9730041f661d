"""A folder with everything that a fine-tuning run reads: a tiny random encoder, a tiny task and its annotations."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scriptorium import manifest, stage
from scriptorium.cognition.words import FEATURES, SCORES, SPANS
from scriptorium.linguistics.annotate import text_key
from scriptorium.stages import finetune
from tests.workflow.miniature import SENTENCES, write_encoder

COGNITION = {"boundary": 1}


def annotated(*texts: str) -> pd.DataFrame:
    """Annotations in which numbers tell words apart: features 0.5 or 0, scores 10 * column + word index + 1 or 0."""
    rows = []
    for text in sorted(set(texts), key=text_key):
        has = np.random.default_rng(len(text)).random((len(text.split()), 8)) < 0.7
        end = 0
        for index, word in enumerate(text.split()):
            start = text.index(word, end)
            end = start + len(word)
            row = {"text_key": text_key(text), "word_index": index, "word": word, "start": start, "end": end}
            row |= {name: 0.5 * has[index, i] for i, name in enumerate(FEATURES)}
            row |= {name: (10 * i + index + 1) * has[index, i] for i, name in enumerate(SCORES)}
            # adjacent words that have the feature share a span
            row |= {
                name: np.count_nonzero(~has[:index, i + 4]) if has[index, i + 4] else -1 for i, name in enumerate(SPANS)
            }
            rows.append({**row, "readability": len(text.split()) / 10, "n_fix_predicted": 1.0})
    return pd.DataFrame(rows)


@dataclass
class Folder:
    """Inputs of fine-tuning runs below `root`."""

    root: Path

    def spec(self, **changes: Any) -> dict[str, Any]:
        """A specification of 25 steps; `changes` replace whole keys."""
        train = {"epochs": 5, "batch_size": 8, "lr": 1e-3, "log_every": 2}
        return {"kind": "classification", "labels": ["bad", "good"], "max_length": 32, "train": train, **changes}

    def inputs(self, spec: dict[str, Any]) -> dict[str, list[Path]]:
        names = ["data", "backbone", *(["annotations"] if spec.get("cognition") or spec.get("gaze_loss") else [])]
        return {name: [self.root / name / manifest.NAME] for name in names}

    def run(self, name: str, **changes: Any) -> Path:
        """Run the stage in this process; returns the run directory."""
        spec, out = self.spec(**changes), self.root / name
        stage.execute(
            "finetune",
            finetune.FinetuneSpec.parse(spec),
            finetune.run,
            out=out,
            inputs=self.inputs(spec),
            state=self.root / "state" / name,
        )
        return out

    def command(self, name: str, **changes: Any) -> list[str]:
        """The stage's command line."""
        spec = self.spec(**changes)
        inputs = [f"{name}={paths[0]}" for name, paths in self.inputs(spec).items()]
        return [
            sys.executable,
            "-m",
            "scriptorium.stages.finetune",
            "--spec",
            json.dumps(spec),
            "--out",
            str(self.root / name),
            "--input",
            *inputs,
            "--state",
            str(self.root / "state" / name),
        ]


def build(root: Path, *, pair: bool = False) -> Folder:
    """Sentences of which one added word gives the label away; pairs, if asked for, have it in the second text."""
    rows = [
        (sentence, f"It was {word} indeed.", label)
        for sentence in SENTENCES[:16]
        for label, word in ((1, "lovely"), (0, "awful"), (1, "brilliant"), (0, "boring"))
    ]
    rows = [rows[i] for i in np.random.default_rng(0).permutation(len(rows))]
    table = pd.DataFrame(
        {
            "id": [f"e{i}" for i in range(len(rows))],
            "text": [first if pair else f"{first} {second}" for first, second, _ in rows],
            "text_b": [second if pair else None for _, second, _ in rows],
            "label": [label for *_, label in rows],
        }
    )
    (root / "data").mkdir(parents=True)
    bounds = {"train": (0, 36), "validation": (36, 48), "test": (48, 64)}
    files = [root / "data" / f"{split}.parquet" for split in bounds]
    for path, (start, end) in zip(files, bounds.values(), strict=True):
        table.iloc[start:end].to_parquet(path, index=False)
    manifest.write(root / "data", files)
    (root / "annotations").mkdir()
    annotated(*table["text"], *table["text_b"].dropna()).to_parquet(root / "annotations.parquet", index=False)
    manifest.write(root / "annotations", [root / "annotations.parquet"])
    write_encoder(root / "backbone")
    manifest.write(root / "backbone", [p for p in (root / "backbone").iterdir() if p.is_file()])
    return Folder(root)
