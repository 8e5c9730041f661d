"""A folder for fine-tuning models that write text: a tiny random one of each body, and tiny tasks of every kind."""

from __future__ import annotations

import importlib
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import transformers

from scriptorium import manifest
from scriptorium.models.spec import EncoderSpec
from tests.finetuning import Folder, build

BODIES = {"bart": "bart", "gpt2": "causal", "llama": "causal", "t5": "t5"}  # model: its body
SHAPE = EncoderSpec(hidden_size=32, layers=2, heads=2, intermediate_size=64, max_positions=64, dropout=0.1)


def folder(root: Path, model: str, *, pair: bool = False, kind: str = "classification") -> Folder:
    """The task of tests/finetuning.py, or of another kind on the same texts, and a random model of this name."""
    made = build(root, pair=pair)
    files = sorted((root / "data").glob("*.parquet"))
    for path in files:
        table = pd.read_parquet(path)
        if not pair:  # shorter texts, which are learned sooner
            table["text"] = [shortened(text, number % 4) for number, text in enumerate(table["text"])]
        labelled(table, kind).to_parquet(path, index=False)
    manifest.write(root / "data", files)
    tokenizer = transformers.AutoTokenizer.from_pretrained(root / "backbone")
    write(root / "backbone", model, tokenizer)
    return made


def shortened(text: str, words: int) -> str:
    """So many of its words, and what tells the label."""
    return " ".join([*text.split()[:words], text[text.index("It was") :]])


def labelled(table: pd.DataFrame, kind: str) -> pd.DataFrame:
    """A split of single texts with labels of another kind."""
    words = [text.split() for text in table["text"]]
    if kind == "classification":
        return table
    if kind == "regression":
        return table.assign(label=[float(len(own)) for own in words])
    if kind == "tagging":
        return table.assign(label=[[int(len(word) > 4) for word in own] for own in words])
    answers = [[{"text": own[1], "start": text.index(own[1])}] for own, text in zip(words, table["text"], strict=True)]
    return table.assign(text="Which word is the second?", text_b=table["text"], label=answers)


KINDS = {
    "classification": {},
    "regression": {"kind": "regression", "labels": []},
    "tagging": {"kind": "tagging", "labels": ["short", "long"]},
    "question_answering": {
        "kind": "question_answering",
        "labels": [],
        "max_length": 48,
        "answers": {"stride": 8, "question_length": 8},
    },
}


def write(place: Path, model: str, tokenizer: transformers.PreTrainedTokenizerFast) -> None:
    """The model of a pre-training run at `place`, which is emptied."""
    transformers.set_seed(0)
    shutil.rmtree(place)
    made = importlib.import_module(f"scriptorium.models.{model}").build(SHAPE, tokenizer).plain()
    enlarge(made)
    made.save_pretrained(place)
    tokenizer.save_pretrained(place)
    manifest.write(place, [path for path in place.iterdir() if path.is_file()])


def enlarge(model: torch.nn.Module) -> None:
    """Weights so large that attention matters; T5's are."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(4 if parameter.dim() > 1 and model.config.model_type != "t5" else 1)


def body(model: str) -> dict[str, str]:
    """The block of a specification."""
    return {"name": BODIES[model], "prefix": "film: " if model == "t5" else ""}


def metrics(run: Path) -> dict[str, float]:
    return json.loads((run / "metrics.json").read_text(encoding="utf-8"))


def predictions(run: Path) -> pd.DataFrame:
    return pd.read_parquet(run / "predictions.parquet")


def close(a: np.ndarray, b: np.ndarray, atol: float = 1e-5) -> bool:
    return np.allclose(np.asarray(a, dtype=float), np.asarray(b, dtype=float), atol=atol)
