"""Proves that an MPNet of ours is, as it is saved, an encoder for sentence-transformers."""

from __future__ import annotations

import os

import pytest
import torch

from scriptorium.models import mpnet
from scriptorium.models.mpnet import lay_out
from scriptorium.models.spec import EncoderSpec
from scriptorium.text import tokenizers
from tests import tiny

TEXTS = ["word1 word2 word3 word4", "word9 word8 word7 word6"]  # of one length: no padding


@pytest.fixture
def quiet(monkeypatch):
    monkeypatch.setitem(os.environ, "HF_HUB_OFFLINE", "1")


def test_a_saved_model_gives_sentence_transformers_our_own_hidden_states(tmp_path, quiet):
    sentence_transformers = pytest.importorskip("sentence_transformers")
    torch.manual_seed(0)
    tokenizer = tokenizers.fairseq_tokenizer(tiny.tokenizer())
    shape = EncoderSpec(hidden_size=32, layers=2, heads=2, intermediate_size=48, max_positions=40)
    model = mpnet.build(shape, tokenizer).eval()
    model.plain().save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)

    loaded = sentence_transformers.SentenceTransformer(str(tmp_path), device="cpu", local_files_only=True)
    found = torch.from_numpy(loaded.encode(TEXTS))

    model.config.mode = "mlm"
    ids = torch.tensor(tokenizer(TEXTS)["input_ids"])
    nothing = torch.full((2, 1), -1)
    with torch.no_grad():
        hidden = model.encode(lay_out("mlm", ids, nothing, nothing.clamp(min=0)))
    assert torch.allclose(found, hidden.mean(1), atol=1e-5), "without modules.json it pools the mean"
    assert found.std() > 0.01
