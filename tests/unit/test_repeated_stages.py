"""Stages that prepare a control or draw a table give the same bytes when they run again, and say what they lack."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scriptorium import manifest
from scriptorium.errors import UserError
from scriptorium.minimal_pairs.spec import PairsSpec
from scriptorium.reporting.spec import TaskInTables
from scriptorium.stage import execute
from scriptorium.stages import prepare_pairs, reveal, tabulate_dose
from tests.raw import Raw
from tests.tiny import run_twice
from tests.unit.test_marked_words import FILES, SETTINGS
from tests.unit.test_minimal_pairs import corpus


def test_reveal(tmp_path, monkeypatch):
    raw = Raw(tmp_path)
    tables = raw.task("marked_words", FILES, **SETTINGS)
    inputs = {"data": [manifest.write(raw.root / "out", sorted((raw.root / "out").glob("*.parquet")))]}
    names = {"annotations": "revealed.parquet"}
    first, again = run_twice(reveal, reveal.RevealSpec(of="marks"), inputs, names, tmp_path, monkeypatch)
    assert first == again
    words = pd.read_parquet(tmp_path / "a/revealed.parquet")
    assert words["text_key"].nunique() == pd.concat(tables.values())["text"].nunique()


def test_minimal_pairs(tmp_path):
    sentences = [f"The {animal} sees the old house." for animal in ("dog", "cat", "horse", "bird", "mouse")]
    source = corpus(tmp_path / "corpus", held_out=sentences, train=["Something else stands here."])
    spec = PairsSpec.parse({"pairs": "toy", "reader": "swapped"})
    for place in ("a", "b"):
        state = tmp_path / f"state-{place}"
        execute(
            "prepare_pairs", spec, prepare_pairs.run, out=tmp_path / place, inputs={"source": [source]}, state=state
        )
    first, again = ((tmp_path / place / "pairs.parquet").read_bytes() for place in ("a", "b"))
    assert first == again
    assert len(pd.read_parquet(tmp_path / "a/pairs.parquet")) >= len(sentences)


def dosed(root: Path, variant: str, flipped: int, cognition: dict | None) -> Path:
    """A fine-tuned run with its journal."""
    run = root / "results/finetune" / variant / "mood/seed0"
    run.mkdir(parents=True)
    predictions = np.arange(200) < flipped
    table = pd.DataFrame({"id": [f"e{k}" for k in range(200)], "label": 0, "prediction": predictions.astype(int)})
    table.to_parquet(run / "validation.parquet")
    (run / "metrics.json").write_text(json.dumps({"validation/accuracy": 0.5}))
    (run / "run.json").write_text(json.dumps({"status": "FINISHED", "spec": {"cognition": cognition}}))
    return manifest.write(run, [run / "validation.parquet", run / "metrics.json"])


def test_tabulate_dose(tmp_path, monkeypatch):
    fused = {"mode": "fixed", "dose": {"gain": 4.0, "rate": 1.0}}
    inputs = {"runs": [dosed(tmp_path, "bert", 0, None), dosed(tmp_path, "strong", 9, fused)]}
    task = TaskInTables(labels=("bad", "good"), metric="validation/accuracy")
    spec = tabulate_dose.TabulateDoseSpec(study="dose", baseline="bert", tasks={"mood": task})
    names = {"table": "dose.tsv", "figure": "dose.svg"}
    first, again = run_twice(tabulate_dose, spec, inputs, names, tmp_path, monkeypatch)
    assert first == again
    assert pd.read_csv(tmp_path / "a/dose.tsv", sep="\t")["changed"].tolist() == [0, 0.045]
    (inputs["runs"][1].parent / "run.json").unlink()
    with pytest.raises(UserError, match="this run has no journal"):
        run_twice(tabulate_dose, spec, inputs, names, tmp_path, monkeypatch)
