"""One layer of MPNet's encoder for both streams; model.py says which rows attend to which keys."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from transformers.models.mpnet.modeling_mpnet import MPNetLayer

from scriptorium.models.attention import attend, pick


@dataclass(frozen=True)
class Call:
    """One attention: so many `rows` in order (of those that a layer computes) against `keys`, under a mask or None."""

    rows: slice
    keys: slice
    mask: Tensor | None


class TwoStreamLayer(MPNetLayer):
    """MPNetLayer with the attention of both streams."""

    def forward(
        self, hidden: Tensor, content: int, calls: list[Call], blind: bool, rows: Tensor | None = None
    ) -> Tensor:
        """Hidden states [B, R, d], of which `content` are keys -> those of all rows, or [B, K, d] at `rows` [B, K].

        blind: there may be rows that see no key; they get zeros.
        """
        attn = self.attention.attn
        asked = hidden if rows is None else pick(hidden, rows)
        sources = hidden[:, :content].contiguous()
        query, key, value = (
            project(states).unflatten(-1, (attn.num_attention_heads, -1)).transpose(1, 2)
            for project, states in ((attn.q, asked), (attn.k, sources), (attn.v, sources))
        )
        rate = attn.dropout.p if self.training else 0.0
        parts = [
            attend(query[:, :, call.rows], key[:, :, call.keys], value[:, :, call.keys], call.mask, rate, blind=blind)
            for call in calls
        ]
        attended = torch.cat([part.transpose(1, 2) for part in parts], 1).flatten(2)
        own = self.attention
        after = own.LayerNorm(own.dropout(attn.o(attended)) + asked)
        return self.output(self.intermediate(after), after)
