"""Surprisal of words: the bits of their pieces, from the left alone, however they are batched; and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
import transformers

from scriptorium import manifest
from scriptorium.errors import UserError
from scriptorium.gaze.spec import SurprisalSpec
from scriptorium.gaze.surprisal import Surprisal
from scriptorium.stage import execute
from scriptorium.stages import gaze_surprisal
from tests.tiny import tokenizer

SENTENCES = [["word1", "word22", "word3."], ["word4"], ["word5,", "word66", "word7"]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("lm")
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=len(tokenizer()), n_positions=8, n_embd=8, n_layer=1, n_head=2, bos_token_id=1, eos_token_id=2
    )
    transformers.GPT2LMHeadModel(config).save_pretrained(root)
    tokenizer().save_pretrained(root)
    return root


def test_the_bits_of_a_sentence_are_its_log_likelihood_and_batches_change_nothing(folder):
    model = Surprisal.load(folder)
    found = model(SENTENCES)
    assert [len(bits) for bits in found] == [3, 1, 3]
    ids = model.tokenizer(" ".join(SENTENCES[0]), add_special_tokens=False)["input_ids"]
    logits = model.model(torch.tensor([[model.first, *ids]])).logits[0, :-1].log_softmax(-1)
    total = -logits[torch.arange(len(ids)), ids].sum().item() / np.log(2)
    assert found[0].sum() == pytest.approx(total, rel=1e-5)
    for alone, bits in zip((model([words])[0] for words in SENTENCES), found, strict=True):
        assert np.allclose(alone, bits, rtol=1e-5)
    assert all(np.allclose(a, b, rtol=1e-5) for a, b in zip(model(SENTENCES, tokens=1), found, strict=True))


def test_a_word_does_not_know_the_words_behind_it(folder):
    model = Surprisal.load(folder)
    (one,), (other,) = model([["word1", "word2", "word3"]]), model([["word1", "word2", "word9"]])
    assert np.allclose(one[:2], other[:2], rtol=1e-5) and not np.isclose(one[2], other[2])


def test_words_behind_the_longest_input_have_none_and_are_counted(folder):
    model = Surprisal.load(folder)
    (found,) = model([[f"word{i}" for i in range(12)]])
    assert np.isfinite(found[:7]).all() and np.isnan(found[7:]).all() and model.cut == 5


def test_the_stage_writes_a_row_per_word(folder, tmp_path):
    words = pd.DataFrame(
        [("c", "d", s, i, word) for s, sentence in enumerate(SENTENCES) for i, word in enumerate(sentence)],
        columns=["corpus", "document", "sentence", "word_index", "word"],
    )
    words.to_parquet(tmp_path / "words.parquet")
    execute(
        "gaze_surprisal",
        SurprisalSpec(corpus="c"),
        gaze_surprisal.run,
        out=tmp_path / "out",
        inputs={
            "words": [manifest.write(tmp_path, [tmp_path / "words.parquet"])],
            "model": [
                manifest.write(folder, sorted(path for path in folder.iterdir() if path.name != "manifest.json"))
            ],
        },
        state=tmp_path / ".state",
    )
    found = pd.read_parquet(tmp_path / "out/surprisal.parquet")
    assert found["word"].tolist() == [word for words in SENTENCES for word in words]
    assert np.allclose(found["surprisal"], np.concatenate(Surprisal.load(folder)(SENTENCES)))


def test_a_model_that_reads_to_the_right_and_a_folder_without_one_are_refused(tmp_path):
    config = transformers.BertConfig(
        vocab_size=len(tokenizer()),
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        max_position_embeddings=8,
    )
    transformers.BertLMHeadModel(config).save_pretrained(tmp_path)
    tokenizer().save_pretrained(tmp_path)
    with pytest.raises(UserError, match="reads to the right as well"):
        Surprisal.load(tmp_path)
    with pytest.raises(UserError, match="not a causal language model"):
        Surprisal.load(tmp_path / "nothing")
