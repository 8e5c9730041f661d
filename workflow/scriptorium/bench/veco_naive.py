"""A bilingual step of VECO as one writes it first: a full pass for every term, H computed anew wherever it is read, the
language model's head on every position, a row per text padded to the longest of the batch. Written for the bench; a
test shows that loss and gradients are those of our step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from scriptorium.models.veco.terms import CA, IGNORED, MLM, SIDES, TLM, VecoForMaskedLM


class Texts(NamedTuple):
    """Texts, one in a row: ids, what is real, and labels, -100 where nothing is predicted; all [N, L]."""

    ids: Tensor
    real: Tensor
    labels: Tensor


class Pairs(NamedTuple):
    """Texts, their translations, and both joined."""

    x: Texts
    y: Texts
    both: Texts


def unpacked(batch: Mapping[str, Tensor], pad: int) -> Pairs:
    """The same texts with the same masks as a batch of packed bilingual blocks (objectives/veco.py: collate)."""
    positions = batch["positions"]
    labels = torch.full_like(batch["input_ids"], IGNORED)
    slots = batch["labels"].view(positions.shape)
    for block, side, slot in (slots != IGNORED).nonzero().tolist():
        labels[block, side, positions[block, side, slot]] = slots[block, side, slot]
    rows: dict[str, list[tuple[Tensor, Tensor]]] = {"x": [], "y": [], "both": []}
    for ids, owners, wanted in zip(batch["input_ids"], batch["document_ids"], labels, strict=True):
        for number in owners[owners >= 0].unique().tolist():
            own = [owners[side] == number for side in (0, 1)]
            x, y = ((ids[side][own[side]], wanted[side][own[side]]) for side in (0, 1))
            rows["x"].append(x), rows["y"].append(y)
            rows["both"].append((torch.cat([x[0], y[0]]), torch.cat([x[1], y[1]])))
    return Pairs(*(_padded(found, pad) for found in rows.values()))


def step(model: VecoForMaskedLM, pairs: Pairs) -> Tensor:
    """Forward and backward of every term by itself; returns the loss."""
    count = (pairs.both.labels != IGNORED).sum()
    total = torch.zeros(())
    for name, texts, states in _terms(model, pairs):
        logits = model.lm_head(states).float()
        loss = functional.cross_entropy(logits.flatten(0, 1), texts.labels.flatten(), reduction="sum")
        loss = loss * SIDES[name] * model.terms[name] / count
        loss.backward()
        total += loss.detach()
    return total


def _terms(model: VecoForMaskedLM, pairs: Pairs) -> Iterator[tuple[str, Texts, Tensor]]:
    """(term, texts, states of all their positions [N, L, d]); each is computed when it is asked for."""

    def h(texts: Texts) -> Tensor:
        return model.roberta(texts.ids, texts.real).last_hidden_state

    def s(texts: Texts, other: Texts) -> Tensor:
        memory = {"encoder_hidden_states": h(other), "encoder_attention_mask": other.real}
        return model.roberta(texts.ids, texts.real, **memory).last_hidden_state

    x, y, both = pairs
    yield MLM, x, h(x)
    yield MLM, y, h(y)
    yield CA, x, s(x, y)
    yield CA, y, s(y, x)
    yield TLM, both, h(both)


def _padded(rows: list[tuple[Tensor, Tensor]], pad: int) -> Texts:
    ids = pad_sequence([row for row, _ in rows], batch_first=True, padding_value=pad)
    real = pad_sequence([torch.ones_like(row) for row, _ in rows], batch_first=True)
    return Texts(ids, real, pad_sequence([row for _, row in rows], batch_first=True, padding_value=IGNORED))
