"""Bits per byte are the negative log-likelihood over the bytes of the text, and each likelihood says what it is."""

from __future__ import annotations

import importlib
import json
import math

import numpy as np
import pandas as pd
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from scriptorium import manifest
from scriptorium.bits_per_byte import texts
from scriptorium.bits_per_byte.spec import ScoreTextsSpec, TextsSettings
from scriptorium.errors import Interrupted, UserError
from scriptorium.minimal_pairs import scoring
from scriptorium.minimal_pairs.sentences import Sentence
from scriptorium.models.spec import EncoderSpec
from scriptorium.objectives.objective import build
from scriptorium.objectives.spec import OBJECTIVES, ObjectiveSpec
from scriptorium.stage import execute
from scriptorium.stages import score_texts
from tests import tiny

SHAPE = EncoderSpec(hidden_size=16, layers=2, heads=2, intermediate_size=32, max_positions=64, dropout=0.0)
SENTENCES = [f"A word{n} word{n + 1} wörd word{n + 2} word{n + 3}." for n in range(40)]
ALL = TextsSettings()


def corpus(root, held_out: list[str]):
    """The manifest of a corpus with these held-out documents."""
    root.mkdir()
    rows = {"id": range(len(held_out)), "source": "news", "split": "validation", "text": held_out}
    pd.DataFrame(rows).to_parquet(root / "documents.parquet")
    return manifest.write(root, [root / "documents.parquet"])


@pytest.fixture
def inputs(tmp_path):
    """A random causal model, its packed corpus, and a corpus with held-out sentences."""
    blocks = tiny.packed(tmp_path, block_length=16)
    tokenizer = tiny.tokenizer()
    torch.manual_seed(1)
    folder = tmp_path / "pretrain"
    build(SHAPE, ObjectiveSpec.parse({"name": "gpt2"}), tokenizer).model.plain().save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")
    manifest.write(folder, (folder / "model").iterdir())
    held_out = corpus(tmp_path / "held-out", SENTENCES)
    return {"model": [folder / "manifest.json"], "blocks": [blocks / "manifest.json"], "corpus": [held_out]}


@pytest.mark.parametrize("name", sorted({each.likelihood for each in OBJECTIVES.values()}))
def test_every_likelihood_says_of_which_kind_it_is(name):
    """A model that sees what stands to the right of a token gives no probability of the text."""
    module = importlib.import_module(f"scriptorium.minimal_pairs.likelihoods.{name}")
    assert module.KIND in ("exact", "conditional", "pseudo")
    assert module.KIND == "pseudo" or not hasattr(module, "logits")


def likelihood_of(name: str):
    return importlib.import_module(f"scriptorium.minimal_pairs.likelihoods.{OBJECTIVES[name].likelihood}")


@pytest.mark.parametrize("name", [name for name in OBJECTIVES if likelihood_of(name).KIND != "pseudo"])
def test_what_is_called_exact_or_conditional_adds_up_to_one_over_all_texts_of_a_length(name):
    tokenizer = tiny.generative(tiny.tokenizer(words=tiny.WORDS[:20]))
    every = [Sentence((a, b), (0, 1)) for a in range(len(tokenizer)) for b in range(len(tokenizer))]
    torch.manual_seed(0)
    model = build(SHAPE, ObjectiveSpec.parse({"name": name}), tokenizer).model.eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(6 if parameter.dim() > 1 else 1)
    probabilities = np.exp(likelihood_of(name).scores(model.plain().eval(), tokenizer, every, 8192))
    assert probabilities.sum() == pytest.approx(1, abs=1e-4)
    assert probabilities.max() > 3 * probabilities.mean(), "the model tells texts apart"


def test_bytes_are_those_of_the_text_and_an_unknown_word_hides_its_own():
    vocabulary = {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "[MASK]": 4, "a": 5, "monk": 6, ".": 7}
    core = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    core.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    names = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}
    made = texts.sizes(PreTrainedTokenizerFast(tokenizer_object=core, **names), ["a monk.", "a mönk.", "ö a"])
    assert made["bytes"].tolist() == [7, 8, 4]
    assert made["hidden"].tolist() == [0, 5, 2]


def test_of_all_texts_together_long_ones_count_for_more():
    nats = pd.Series([math.log(2) * 8, math.log(2) * 2])
    assert texts.bits_per_byte(nats, pd.Series([1, 4])) == pytest.approx(2)


def test_sentences_do_not_depend_on_how_many_others_there_are(tmp_path):
    few = texts.held_out(corpus(tmp_path / "few", SENTENCES[:20]), ALL)
    more = texts.held_out(corpus(tmp_path / "more", SENTENCES), ALL)
    assert set(few["id"]) < set(more["id"])
    best = texts.held_out(tmp_path / "more/manifest.json", TextsSettings(texts=5))
    assert best["id"].tolist() == sorted(more["id"])[:5]
    assert more["id"].is_unique


def test_too_few_sentences_are_refused_with_their_place(tmp_path):
    with pytest.raises(UserError, match=r"0 held-out sentences of 5 to 30 words[\s\S]*bits_per_byte"):
        texts.held_out(corpus(tmp_path / "none", ["no capital and no stop"]), ALL)


def test_the_stage_scores_model_and_controls_and_gives_the_same_bytes_after_a_stop(inputs, tmp_path, monkeypatch):
    spec = ScoreTextsSpec(likelihood="left_to_right", sentences=ALL, seed=0)

    def run(place: str) -> bytes:
        execute("score_texts", spec, score_texts.run, out=tmp_path / place, inputs=inputs, state=tmp_path / "state")
        return (tmp_path / place / "scores.parquet").read_bytes()

    whole = run("a")
    metrics = json.loads((tmp_path / "a/metrics.json").read_text())
    table = pd.read_parquet(tmp_path / "a/scores.parquet")
    assert list(table) == ["id", "bytes", "hidden", "scorer", "kind", "nats"]
    assert table["id"].nunique() == len(SENTENCES)
    assert set(table["kind"]) == {"exact"}
    for scorer, own in table.groupby("scorer"):
        expected = own["nats"].sum() / math.log(2) / sum(len(text.encode()) for text in SENTENCES)
        assert metrics[f"bits_per_byte/{scorer}"] == pytest.approx(expected)
    unknown = sum(len("A") + len("wörd".encode()) + len(".") for _ in SENTENCES)
    assert metrics["hidden_bytes"] == pytest.approx(unknown / sum(len(text.encode()) for text in SENTENCES))

    monkeypatch.setattr(scoring, "CHUNK", 16)
    asked, original = [], scoring.in_chunks

    def stopped(job, name, scores, sentences):
        if name == scoring.RANDOM and not asked:
            asked.append(name)
            job.impl.stop["signal"] = 15
        return original(job, name, scores, sentences)

    monkeypatch.setattr(scoring, "in_chunks", stopped)
    with pytest.raises(Interrupted):
        run("b")
    assert run("b") == whole
