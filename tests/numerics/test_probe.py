"""The states that a probe reads are the encoder's own, whatever the batch; the stage gives the same bytes again."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import AutoModel

from scriptorium import manifest
from scriptorium.errors import UserError
from scriptorium.few_labels import probing
from scriptorium.few_labels.spec import ProbeSpec
from scriptorium.models.spec import EncoderSpec
from scriptorium.objectives.objective import build
from scriptorium.objectives.spec import OBJECTIVES, ObjectiveSpec
from scriptorium.stage import execute
from scriptorium.stages import probe
from tests import tiny

SHAPE = EncoderSpec(hidden_size=16, layers=2, heads=2, intermediate_size=32, max_positions=32, dropout=0.0)
SPECIAL = ["[PAD]", "[unused]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]  # MPNet reads id 1 as padding, so it is unused
CLS, SEP = 3, 4


def words(special: list[str]):
    made = tiny.tokenizer(special=special)
    made.pad_token, made.unk_token = "[PAD]", "[UNK]"
    return made


TOKENIZER = tiny.generative(words(SPECIAL))


@pytest.mark.parametrize(
    "name", ["bert", "roberta", "mpnet", "xlnet", "gpt2", "llama", "glm", "elmo", "bart", "mass", "t5"]
)
def test_features_are_the_means_of_the_states_one_text_at_a_time(name, tmp_path):
    torch.manual_seed(0)
    build(SHAPE, ObjectiveSpec.parse({"name": name}), TOKENIZER).model.plain().save_pretrained(tmp_path)
    encoder = probing.encoder_of(AutoModel.from_pretrained(tmp_path).eval())
    texts = ["word1 word2", "word7", " ".join(tiny.WORDS[:12]), "word9 word9 word3"]
    pieces = probing.pieces_of(TOKENIZER, texts, 8, encoder.config)
    assert list(map(len, pieces)) == [2, 1, 8, 3]
    found = probing.mean_states(encoder, TOKENIZER, pieces)
    with torch.inference_mode():
        for row, own in zip(found, pieces, strict=True):
            states = encoder(torch.tensor([[CLS, *own, SEP]])).last_hidden_state[0, 1:-1]
            assert np.allclose(row, states.mean(0), atol=1e-5)
    assert name in OBJECTIVES


def test_a_longer_text_than_the_encoder_takes_is_refused():
    config = build(SHAPE, ObjectiveSpec.parse({"name": "bert"}), TOKENIZER).model.config
    with pytest.raises(UserError, match=r"few_labels\.pieces 31 is more than the encoder takes .*: 30"):
        probing.pieces_of(TOKENIZER, ["word1"], 31, config)


@pytest.fixture
def inputs(tmp_path):
    """A random encoder, and a task that one word decides."""
    model = tmp_path / "pretrain"
    torch.manual_seed(0)
    build(SHAPE, ObjectiveSpec.parse({"name": "bert"}), TOKENIZER).model.plain().save_pretrained(model / "model")
    TOKENIZER.save_pretrained(model / "model")
    manifest.write(model, (model / "model").iterdir())
    generator = np.random.default_rng(0)
    data = tmp_path / "data"
    data.mkdir()
    for split, count in (("train", 80), ("test", 60)):
        labels = np.arange(count) % 2
        texts = [" ".join([*generator.choice(tiny.WORDS[4:], 5), tiny.WORDS[label]]) for label in labels]
        ids = [f"{split}-{number}" for number in range(count)]
        table = pd.DataFrame({"id": ids, "text": texts, "text_b": None, "label": labels}).astype({"text_b": "string"})
        table.to_parquet(data / f"{split}.parquet")
    manifest.write(data, data.iterdir())
    return {"model": [model / "manifest.json"], "data": [data / "manifest.json"]}


def test_the_stage_probes_encoder_and_controls_and_gives_the_same_bytes_again(inputs, tmp_path):
    spec = ProbeSpec(classes=("no", "yes"), labels=(10, 60), draws=2, pieces=8)
    for place in ("a", "b"):
        execute("probe", spec, probe.run, out=tmp_path / place, inputs=inputs, state=tmp_path / f"state-{place}")
    assert (tmp_path / "a/predictions.parquet").read_bytes() == (tmp_path / "b/predictions.parquet").read_bytes()
    made = pd.read_parquet(tmp_path / "a/predictions.parquet")
    assert made.groupby(["scorer", "labels", "draw"]).size().to_dict() == {
        (scorer, count, number): 60
        for scorer in ("model", "random", "tfidf")
        for count in (10, 60)
        for number in (0, 1)
    }
    metrics = json.loads((tmp_path / "a/metrics.json").read_text())
    assert metrics["accuracy/tfidf/60"] > 0.9, "one word decides, and it is counted"
    assert len(metrics) == 6
