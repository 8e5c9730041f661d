"""A small VECO model and pairs for tests, and VECO by its equations, in plain loops."""

from __future__ import annotations

import math
import zlib

import torch
from torch import Tensor
from torch.nn import functional

from scriptorium.models import veco
from scriptorium.models.spec import EncoderSpec
from tests import tiny

SHAPE = EncoderSpec(hidden_size=16, layers=3, heads=2, intermediate_size=24, max_positions=40, dropout=0.0)
WORDS = range(5, 100)  # ids of ordinary tokens


def model(seed: int = 0, shape: EncoderSpec = SHAPE, **settings) -> veco.VecoForMaskedLM:
    """A model in float64 whose weights are large enough that attention matters, ready to train."""
    torch.manual_seed(seed)
    made = veco.build(shape, tiny.tokenizer(), **settings).double().train()
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if parameter.dim() > 1:
                parameter.mul_(8)
            else:  # by name, so that models with and without a part have the same other parts
                generator = torch.Generator().manual_seed(zlib.crc32(name.encode()) + seed)
                parameter.add_(torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype) * 0.2)
    return made


def batch(sizes: list[list[tuple[int, int]]], length: int, seed: int = 0, bilingual: list[int] | None = None) -> dict:
    """Blocks of pairs with texts of so many tokens; about a third of each text is predicted.

    sizes: for each block its pairs as (tokens of x, tokens of y).
    """
    generator = torch.Generator().manual_seed(seed)
    ids = torch.zeros(len(sizes), 2, length, dtype=torch.long)
    owners = torch.full_like(ids, -1)
    rows: list[list[list[int]]] = [[[], []] for _ in sizes]
    for block, pairs in enumerate(sizes):
        for side in (0, 1):
            start = 0
            for number, pair in enumerate(pairs):
                stop = start + pair[side]
                ids[block, side, start:stop] = torch.randint(5, 100, (pair[side],), generator=generator)
                owners[block, side, start:stop] = number
                rows[block][side] += (
                    start + torch.randperm(pair[side], generator=generator)[: 1 + pair[side] // 3]
                ).tolist()
                start = stop
    slots = max(len(side) for pair in rows for side in pair)
    positions = torch.zeros(len(sizes), 2, slots, dtype=torch.long)
    labels = torch.full_like(positions, -100)
    for block, pair in enumerate(rows):
        for side, chosen in enumerate(pair):
            positions[block, side, : len(chosen)] = torch.tensor(sorted(chosen))
            labels[block, side, : len(chosen)] = torch.randint(5, 100, (len(chosen),), generator=generator)
    return {
        "input_ids": ids,
        "document_ids": owners,
        "positions": positions,
        "labels": labels.flatten(1),
        "bilingual": torch.tensor(bilingual or [1] * len(sizes)),
        "streams": torch.randint(0, 2, labels.flatten(1).shape, generator=generator),
    }


class Equations:
    """VECO as docs/papers/veco.md section 2 writes it: one text, one head, one layer at a time."""

    def __init__(self, made: veco.VecoForMaskedLM):
        self.config, self.weights = made.config, made.state_dict()

    def h(self, ids: Tensor, places: Tensor | None = None) -> Tensor:
        """H^L [n, d] of a text [n]."""
        state = self._embedded(ids, places)
        for number in range(self.config.num_hidden_layers):
            state = self._layer(number, state, None)
        return state

    def s(self, ids: Tensor, memory: Tensor) -> Tensor:
        """S^L [n, d] of a text [n] whose other side has H^L `memory` [m, d]."""
        state = self._embedded(ids, None)
        for number in range(self.config.num_hidden_layers):
            state = self._layer(number, state, memory)
        return state

    def loss(self, state: Tensor, label: int) -> Tensor:
        """-log P(label) from a state [d]."""
        turned = functional.gelu(self._linear("lm_head.dense", state))
        normed = self._norm("lm_head.layer_norm", turned)
        table = self.weights["roberta.embeddings.word_embeddings.weight"][:100]  # without the padding
        logits = table @ normed + self.weights["lm_head.bias"][:100]
        return logits.logsumexp(0) - logits[label]

    def _embedded(self, ids: Tensor, places: Tensor | None) -> Tensor:
        places = torch.arange(len(ids)) if places is None else places
        tables = {name: self.weights[f"roberta.embeddings.{name}_embeddings.weight"] for name in _TABLES}
        rows = tables["word"][ids] + tables["position"][places + self.config.pad_token_id + 1] + tables["token_type"][0]
        return self._norm("roberta.embeddings.LayerNorm", rows)

    def _layer(self, number: int, state: Tensor, memory: Tensor | None) -> Tensor:
        name = f"roberta.encoder.layer.{number}"
        u = self._attended(f"{name}.attention", state, state)
        v = u if memory is None else self._attended(f"{name}.cross_attention", u, memory)
        inner = functional.gelu(self._linear(f"{name}.intermediate.dense", v))
        return self._norm(f"{name}.output.LayerNorm", v + self._linear(f"{name}.output.dense", inner))

    def _attended(self, name: str, asked: Tensor, source: Tensor) -> Tensor:
        size = self.config.hidden_size // self.config.num_attention_heads
        query, key, value = (
            self._linear(f"{name}.self.{part}", states)
            for part, states in (("query", asked), ("key", source), ("value", source))
        )
        heads = []
        for start in range(0, self.config.hidden_size, size):
            part = slice(start, start + size)
            scores = query[:, part] @ key[:, part].T / math.sqrt(size)
            heads.append(scores.exp() / scores.exp().sum(1, keepdim=True) @ value[:, part])
        return self._norm(f"{name}.output.LayerNorm", asked + self._linear(f"{name}.output.dense", torch.cat(heads, 1)))

    def _linear(self, name: str, states: Tensor) -> Tensor:
        return states @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]

    def _norm(self, name: str, states: Tensor) -> Tensor:
        centred = states - states.mean(-1, keepdim=True)
        scaled = centred / (centred.square().mean(-1, keepdim=True) + self.config.layer_norm_eps).sqrt()
        return scaled * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]


_TABLES = ("word", "position", "token_type")
