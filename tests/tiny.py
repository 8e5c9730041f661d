"""A tiny tokenizer, a tiny corpus, a stage run twice, and gradients compared, for tests."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers

from scriptorium import manifest
from scriptorium.stage import execute
from scriptorium.stages import pack
from scriptorium.text import sentinels

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = [f"word{i}" for i in range(95)]


def tokenizer(*, words: list[str] = WORDS, special: list[str] = SPECIAL) -> transformers.PreTrainedTokenizerFast:
    """One token per word, punctuation apart; ids 0..4 are special."""
    vocabulary = {token: i for i, token in enumerate([*special, *words])}
    core = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    core.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    names = {f"{token.strip('[]').lower()}_token": token for token in special}
    return transformers.PreTrainedTokenizerFast(tokenizer_object=core, **names)


def generative(tokenizer: transformers.PreTrainedTokenizerFast) -> transformers.PreTrainedTokenizerFast:
    """The same with a full stop and 32 sentinels behind all other tokens: what generative models are trained with."""
    tokenizer.add_tokens(["."])
    sentinels.add(tokenizer, 32)
    return tokenizer


def documents(path: Path, lengths: list[int], *, split: str = "train", seed: int = 0) -> Path:
    """A documents.parquet with one document of so many random words for each length, and one held-out document."""
    generator = np.random.default_rng(seed)
    texts = [" ".join(generator.choice(WORDS, length)) for length in (*lengths, 200)]
    splits = [split] * len(lengths) + ["validation"]
    ids = [f"d{i}" for i in range(len(texts))]
    pd.DataFrame({"id": ids, "source": "test", "split": splits, "text": texts}).to_parquet(path, index=False)
    return path


def packed(root: Path, **settings) -> Path:
    """A packed corpus below `root` (with its manifest), by PackSpec's settings."""
    for name in ("corpus", "backbone"):
        (root / name).mkdir()
    manifest.write(root / "corpus", [documents(root / "corpus/documents.parquet", [5, 40, 3, 90, *[1] * 20, 200] * 4)])
    tokenizer().save_pretrained(root / "backbone")
    manifest.write(root / "backbone", (root / "backbone").iterdir())
    inputs = {"corpus": [root / "corpus/manifest.json"], "tokenizer": [root / "backbone/manifest.json"]}
    execute("pack", pack.PackSpec(**settings), pack.run, out=root / "packed", inputs=inputs, state=root / "state")
    return root / "packed"


def run_twice(stage: ModuleType, spec, inputs: dict, names: dict[str, str], folder: Path, monkeypatch) -> list[dict]:
    """Run a stage into folder/a and folder/b; returns the bytes of the named outputs of each."""
    monkeypatch.chdir(folder)
    found = []
    for place in ("a", "b"):
        outputs = {name: folder / place / file for name, file in names.items()}
        stage_name = stage.__name__.split(".")[-1]
        execute(stage_name, spec, stage.run, out=folder / place / "run", inputs=inputs, outputs=outputs)
        found.append({name: path.read_bytes() for name, path in outputs.items()})
    return found


def same_gradients(ours: torch.nn.Module, theirs: torch.nn.Module, *, atol: float) -> None:
    """Every parameter of `ours` has the gradient of its namesake; that of the vocabulary's padding is 0."""
    expected = dict(theirs.named_parameters())
    for name, parameter in ours.named_parameters():
        size = len(expected[name])
        assert torch.allclose(parameter.grad[:size], expected[name].grad, atol=atol), name
        assert not parameter.grad[size:].any(), name
