"""An encoder takes inputs exactly as long as models/positions.py says."""

from __future__ import annotations

import sys

import pytest
import torch
import transformers

from scriptorium.models.positions import AFTER_PADDING, MPNET, longest_input

SHAPE = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16, "vocab_size": 40}
ELSEWHERE = {"longformer"}  # pads its inputs by itself
NAMES = ["bert", "distilbert", "electra", MPNET[0], *(name for name in AFTER_PADDING if name not in ELSEWHERE)]


@pytest.mark.parametrize("pad", [0, 1, 3])
@pytest.mark.parametrize("name", NAMES)
def test_the_longest_input_goes_through_and_no_longer_one(name, pad):
    more = {"default_language": "en_XX"} if name == "xmod" else {}
    shape = {"dim": 16, "n_layers": 1, "n_heads": 2, "vocab_size": 40} if name == "distilbert" else SHAPE
    config = transformers.AutoConfig.for_model(
        name, **shape, **more, max_position_embeddings=20, pad_token_id=pad, type_vocab_size=2
    )
    model = transformers.AutoModel.from_config(config).eval()
    longest = longest_input(config)
    with torch.no_grad():
        assert model(torch.full((1, longest), 7)).last_hidden_state.isfinite().all()
        with pytest.raises((IndexError, RuntimeError)):
            model(torch.full((1, longest + 1), 7))


def test_relative_positions_have_no_end():
    assert longest_input(transformers.XLNetConfig()) == sys.maxsize
