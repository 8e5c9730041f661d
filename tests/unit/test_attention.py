"""Proves that attention is turned from pieces into words without loss, that its agreement with fixations is what it
says, and that the page repeats to the byte and loads nothing from elsewhere."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest
import torch
import transformers

from scriptorium import manifest
from scriptorium.cognition import attention as attending
from scriptorium.cognition.model import CognitionForSequenceClassification
from scriptorium.cognition.words import FEATURES, SCORES, SPANS
from scriptorium.errors import UserError
from scriptorium.linguistics.align import word_spans
from scriptorium.linguistics.annotate import text_key
from scriptorium.reporting import attention
from scriptorium.stages import attention_maps
from tests import tiny


def sentence(document, number, words, n_fix):
    return attending.Sentence(document, number, tuple(words.split()), np.array(n_fix, dtype=float))


def test_pieces_become_words_without_losing_attention():
    """Three words of 1, 2 and 1 pieces."""
    attention_maps_ = np.random.default_rng(0).dirichlet(np.ones(6), size=(2, 6))
    words = attending.by_word(attention_maps_, np.array([-1, 0, 1, 1, 2, -1]), 3)
    assert words.shape == (2, 5, 5)
    assert words.sum(-1) == pytest.approx(np.ones((2, 5)))
    assert words[1, 1, 2] == pytest.approx(attention_maps_[1, 1, 2:4].sum())
    assert words[1, 2, 1] == pytest.approx(attention_maps_[1, 2:4, 1].mean())


def test_attention_received_is_a_multiple_of_an_even_share():
    maps = np.zeros((2, 5, 5))
    maps[:, :, 0] = 0.4  # to [CLS]: left out
    maps[:, :, 1:4] = [0.1, 0.2, 0.3]
    maps[:, [0, 4], 1:4] = [0.9, 0, 0]  # from [CLS] and [SEP]: left out
    assert attending.received(maps) == pytest.approx([0.5, 1.0, 1.5])


def model_of(name, sentences, values):
    """A model whose words receive attention in proportion to `values`."""
    maps = []
    for share in values:
        n = len(share)
        found = np.zeros((2, n + 2, n + 2))
        found[:, :, 1:-1] = np.asarray(share) / np.sum(share)
        maps.append(found)
    return attending.ModelAttention(name, maps)


@pytest.fixture
def corpus():
    generator = np.random.default_rng(0)
    words = ["a bb ccc dddd eeeee ffffff ggg hh", "one three fifteen a of sixteen it we <b>", "no no"]
    return [sentence(f"d{i}", i, text, generator.permutation(len(text.split())) + 0.5) for i, text in enumerate(words)]


def test_agreement_is_one_for_a_model_that_looks_where_people_look(corpus):
    exact = model_of("exact", corpus, [s.n_fix for s in corpus])
    opposite = model_of("opposite", corpus, [1 / s.n_fix for s in corpus])
    table = attending.agreement(corpus, [exact, opposite], resamples=50).set_index(["who", "layers"])
    assert table.loc[("exact", "all"), "spearman"] == pytest.approx(1)
    assert table.loc[("opposite", "all"), "spearman"] == pytest.approx(-1)
    assert table.loc[("opposite", "last"), "delta"] == pytest.approx(-2)
    assert np.isnan(table.loc[("exact", "all"), "delta"])
    assert table.loc[("word length", ""), "sentences"] == 2  # two words are no sentence to correlate over


def test_shown_sentences_are_the_first_suitable_ones_of_each_document():
    long, short = " ".join("abcdefgh"), "a b"
    texts = [("p", 0, short), ("p", 1, long), ("p", 2, long), ("q", 0, long)]
    corpus = [sentence(document, number, text, [1] * len(text.split())) for document, number, text in texts]
    assert attending.choose(corpus, 3) == [1, 3, 2]
    assert attending.choose(corpus, 1) == [1]


def test_attention_page_is_self_contained_and_escapes_words(corpus, tmp_path):
    models = [model_of(name, corpus, [s.n_fix for s in corpus]) for name in ("bert", "cogbert")]
    table = attending.agreement(corpus, models, resamples=50)
    page = attention.page(corpus, [0, 1], models, table, tmp_path / "page.html").read_text()
    assert "<b>" not in page and "&lt;b&gt;" in page
    assert "<script" not in page and "@import" not in page
    assert set(re.findall(r"(?:src|href)=['\"]([a-z]+:)", page)) == {"data:"}
    assert "http" not in page
    assert page.count("<svg") == 2 * 2 * 3  # two sentences, two layers, two models and their difference
    again = attention.page(corpus, [0, 1], models, table, tmp_path / "again.html").read_text()
    assert page == again


def test_attention_stage_reads_plain_and_cognitive_models(tmp_path, monkeypatch):
    """Tiny random encoders. With mix still at zero, CogBERT attends as the plain encoder does."""
    texts = [" ".join(np.random.default_rng(i).choice(tiny.WORDS, 9)) for i in range(3)]
    (tmp_path / "gaze").mkdir()
    rows = [
        {"document": f"d{i}", "sentence": 0, "word": word, "n_fix": float(k % 4)}
        for i, text in enumerate(texts)
        for k, word in enumerate(text.split())
    ]
    pd.DataFrame(rows).to_parquet(tmp_path / "gaze/words.parquet")
    words = manifest.write(tmp_path / "gaze", [tmp_path / "gaze/words.parquet"])
    scored = [
        {
            "text_key": text_key(text),
            "word_index": k,
            "start": start,
            "end": end,
            "readability": 0.3,
            "n_fix_predicted": 1.0,
            **dict.fromkeys(FEATURES, 1.0),
            **dict.fromkeys(SCORES, 0.1 * k),
            **dict.fromkeys(SPANS, k // 3),
        }
        for text in sorted(texts, key=text_key)
        for k, (start, end) in enumerate(word_spans(text))
    ]
    pd.DataFrame(scored).to_parquet(tmp_path / "gaze/scored.parquet")
    annotations = manifest.write(tmp_path / "gaze/annotations", [tmp_path / "gaze/scored.parquet"])

    runs = []
    for name in ("cogbert", "bert"):  # the plain encoder is found, wherever it stands
        torch.manual_seed(0)
        config = transformers.BertConfig(
            vocab_size=100, hidden_size=16, num_hidden_layers=3, num_attention_heads=2, intermediate_size=16
        )
        model = transformers.BertForSequenceClassification(config)
        directory = tmp_path / "results/finetune" / name / "mood/seed0"
        record = {"status": "FINISHED", "spec": {"seed": 0, "cognition": None}}
        if name == "cogbert":
            model = CognitionForSequenceClassification.wrap(model, boundary=1)
            record["spec"]["cognition"] = {"scores": "gaze"}
        model.save_pretrained(directory / "model")
        tiny.tokenizer().save_pretrained(directory / "model")
        (directory / "run.json").write_text(json.dumps(record))
        runs.append(manifest.write(directory, (directory / "model").iterdir()))

    spec, names = attention_maps.AttentionMapsSpec(sentences=2), {"page": "page.html", "figure": "figure.svg"}
    inputs = {"models": runs, "words": [words], "annotations": [annotations]}
    a, b = tiny.run_twice(attention_maps, spec, inputs, names, tmp_path, monkeypatch)
    assert a == b
    table = pd.read_csv(tmp_path / "a/run/agreement.tsv", sep="\t").set_index(["who", "layers"])
    assert table.loc[("cogbert", "all"), "delta"] == pytest.approx(0, abs=1e-6)
    assert np.isnan(table.loc[("bert", "all"), "delta"])

    (tmp_path / "results/finetune/cogbert/mood/seed0/run.json").unlink()
    with pytest.raises(UserError, match="does not say which scores"):
        attending.read_model(runs[0], annotations)
