"""MPNet's step in the plain form of the original code (docs/papers/mpnet.md sections 3 and 4), for comparison only.

Two attentions per layer, of the content stream and of the query stream, each against all keys under a mask; the bias
by relative position stands in memory for every example and head; the feed-forward part is called for each stream; the
last layer computes all rows; dropout and the padded vocabulary are torch's and the original's. The same parameters
and, without dropout, the same loss as models/mpnet (tested).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers.models.mpnet.modeling_mpnet import MPNetLayer

from scriptorium.models.dropout import Dropout
from scriptorium.models.mpnet import Layout, TwoStreamMPNet
from scriptorium.models.mpnet.model import FIRST


class OriginalForm(TwoStreamMPNet):
    """TwoStreamMPNet whose `encode` is the original's."""

    def encode(self, layout: Layout, rows: Tensor | None = None) -> Tensor:
        """Hidden states of all rows, or of `rows` [B, K]."""
        encoder, everything = self.mpnet.encoder, slice(0, layout.ids.shape[1])
        distance = layout.distances(everything, slice(0, layout.content), shared=False)
        bias = encoder.relative_attention_bias(encoder.relative_position_bucket(distance)).permute(0, 3, 1, 2)
        hidden_keys = ~layout.visible(everything, slice(0, layout.content))[:, None]
        hidden = self.mpnet.embeddings(input_ids=layout.ids, position_ids=layout.positions + FIRST)
        content, query = hidden[:, : layout.content], hidden[:, layout.content :]
        content_bias, query_bias = bias[:, :, : layout.content].contiguous(), bias[:, :, layout.content :].contiguous()
        content_mask, query_mask = hidden_keys[:, :, : layout.content], hidden_keys[:, :, layout.content :]
        for layer in encoder.layer:
            content, query = (
                _stream(layer, content, content, content_bias, content_mask),
                _stream(layer, query, content, query_bias, query_mask),
            )
        hidden = torch.cat([content, query], 1)
        return hidden if rows is None else hidden[torch.arange(len(rows), device=rows.device)[:, None], rows]


def original_form(model: TwoStreamMPNet) -> OriginalForm:
    """The same model, computing in the original's way from now on."""
    for module in model.modules():
        if type(module) is Dropout:
            module.__class__ = nn.Dropout
    model.__class__ = OriginalForm
    return model


def _stream(layer: MPNetLayer, rows: Tensor, keys: Tensor, bias: Tensor, hidden: Tensor) -> Tensor:
    """A layer for one stream: rows [B, R, d] against keys [B, n, d]; bias [B, H, R, n], hidden bool [B, 1, R, n]."""
    own, attn = layer.attention, layer.attention.attn
    query, key, value = (
        project(states).unflatten(-1, (attn.num_attention_heads, -1)).transpose(1, 2)
        for project, states in ((attn.q, rows), (attn.k, keys), (attn.v, keys))
    )
    scores = query @ key.transpose(-2, -1) / math.sqrt(attn.attention_head_size) + bias
    weights = scores.masked_fill(hidden, -math.inf).softmax(-1)
    weights = functional.dropout(weights, attn.dropout.p, layer.training)
    attended = (weights @ value).transpose(1, 2).flatten(2)
    after = own.LayerNorm(own.dropout(attn.o(attended)) + rows)
    return layer.output(layer.intermediate(after), after)
