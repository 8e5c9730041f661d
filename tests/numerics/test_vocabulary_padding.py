"""Proves that the padding of a vocabulary changes nothing: neither the new weights, nor a loss, nor what is saved."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scriptorium.models.spec import EncoderSpec
from scriptorium.models.vocabulary import padded
from scriptorium.objectives.draws import training_draws
from scriptorium.objectives.objective import build
from scriptorium.objectives.spec import ObjectiveSpec
from scriptorium.text.blocks import Blocks
from scriptorium.text.tokenizers import load_tokenizer
from tests import tiny

SHAPE = EncoderSpec(hidden_size=16, layers=2, heads=2, intermediate_size=32, max_positions=64, dropout=0.1)
KINDS = ("bert", "roberta", "xlnet", "mpnet")
WRITERS = ("bart", "t5")
UNBIASED = ("gpt2", "llama", "glm", "elmo", "mass", *WRITERS)  # whose head has no bias
# After they were drawn; MPNet is drawn with its padding, and of T5's subclasses transformers draws the embeddings at
# another moment (from the same distribution).
WIDENED = (*KINDS[:3], "gpt2", "llama", "glm", "elmo", "bart", "mass")
ATTENTION = {"document_attention": False}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny.packed(tmp_path_factory.mktemp("corpus"), block_length=32, vocabulary="fairseq")


def made(folder, name):
    torch.manual_seed(3)
    tokenizer = load_tokenizer(folder / "tokenizer")
    if name in WRITERS:
        tokenizer = tiny.generative(tokenizer)
    objective = build(SHAPE, ObjectiveSpec.parse({"name": name, **ATTENTION}), tokenizer)
    data = objective.hide(Blocks(folder / "train.arrow"), training_draws(0))
    return objective.model, objective.collate([data[(0, i)] for i in range(4)])


def test_the_next_multiple_of_64():
    assert [padded(n) for n in (1, 64, 65, 30522, 30527, 50265)] == [64, 64, 128, 30528, 30528, 50304]


@pytest.mark.parametrize("name", WIDENED)
def test_new_weights_are_those_that_transformers_draws(folder, name):
    model, _ = made(folder, name)
    state = torch.get_rng_state()
    plain = model.plain()
    assert len(plain.get_input_embeddings().weight) == model.tokens < model.config.vocab_size == padded(model.tokens)
    torch.manual_seed(3)
    fresh = type(plain)(plain.config)
    for key, value in fresh.state_dict().items():
        assert torch.equal(plain.state_dict()[key], value), key
    assert torch.equal(torch.get_rng_state(), state), "and as many random numbers are drawn"


@pytest.mark.parametrize("name", (*KINDS, *UNBIASED))
def test_the_padding_is_never_the_answer_and_gets_no_gradient(folder, name):
    model, batch = made(folder, name)
    model.eval()
    before = model(**batch)["loss"].item()
    head = model.get_output_embeddings()
    assert (head.weight is model.get_input_embeddings().weight) == model.config.tie_word_embeddings, "still tied"
    parameters = [head.weight, *([] if name in UNBIASED else [head.bias])]
    with torch.no_grad():
        for parameter in parameters:
            parameter[model.tokens :] = 100.0
    outputs = model(**batch)
    outputs["loss"].backward()
    assert outputs["loss"].item() == before
    for parameter in parameters:
        assert parameter.grad[: model.tokens].any() and not parameter.grad[model.tokens :].any()


@pytest.mark.parametrize("name", KINDS)
def test_a_start_from_frequencies_is_saved_without_padding(folder, name):
    model, _ = made(folder, name)
    model.start_from(np.linspace(-9, -1, model.tokens))
    bias = model.plain().get_output_embeddings().bias
    assert torch.equal(bias, torch.linspace(-9, -1, model.tokens, dtype=torch.double).float())
    assert not model.get_output_embeddings().bias[model.tokens :].any()
