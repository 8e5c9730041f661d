"""One layer of VECO: self-attention, a cross-attention that can be left out, feed-forward (docs/papers/veco.md 2.1)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from transformers.models.xlm_roberta.modeling_xlm_roberta import XLMRobertaAttention, XLMRobertaLayer, XLMRobertaModel

from scriptorium.models import dropout
from scriptorium.models.attention import attend, pick


class VecoLayer(XLMRobertaLayer):
    """XLM-R's layer, with which it shares every weight, and a cross-attention with a residual and a LayerNorm of its
    own. Everything is normalised after the residual, so a cross-attention that says nothing still is LN(u)."""

    cross_attention: XLMRobertaAttention

    def forward(
        self,
        hidden_states: Tensor,
        attention_mask: Tensor | None = None,
        encoder_hidden_states: Tensor | None = None,
        encoder_attention_mask: Tensor | None = None,
        rows: Tensor | None = None,
        **_: object,
    ) -> Tensor:
        """Hidden states [B, L, d] -> [B, L, d], or [B, K, d] at `rows` [B, K]; all rows are keys.

        attention_mask: what is added to the scores, broadcast to [B, heads, L, L], or None. With
        encoder_hidden_states [B, M, d] (the other side's) also through the cross-attention, under its mask [.., L, M].
        """
        asked = hidden_states if rows is None else pick(hidden_states, rows)
        after = _attended(self.attention, asked, hidden_states, _rows_of(attention_mask, rows))
        if encoder_hidden_states is not None:
            mask = _rows_of(encoder_attention_mask, rows)
            after = _attended(self.cross_attention, after, encoder_hidden_states, mask)
        return self.feed_forward_chunk(after)


def plug(encoder: XLMRobertaModel) -> None:
    """Make the layers of an encoder VECO's, and give them new cross-attentions if its configuration asks for them.

    The random state stays as it was, so that models with and without cross-attention begin with the same weights and
    draw the same masks.
    """
    with torch.random.fork_rng(devices=[]):
        for index, layer in enumerate(encoder.encoder.layer):
            layer.__class__ = VecoLayer
            if encoder.config.plug_in:
                layer.cross_attention = XLMRobertaAttention(encoder.config, layer_idx=index, is_cross_attention=True)
        encoder.post_init()  # draws what is new
    dropout.use(encoder)


def _attended(block: nn.Module, asked: Tensor, source: Tensor, mask: Tensor | None) -> Tensor:
    """LN(asked + attention(asked, source, source)), [B, R, d]; `block`: projections in `self`, the rest in `output`."""
    own = block.self
    query, key, value = (
        project(states).unflatten(-1, (own.num_attention_heads, -1)).transpose(1, 2)
        for project, states in ((own.query, asked), (own.key, source), (own.value, source))
    )
    rate = own.dropout.p if own.training else 0.0
    return block.output(attend(query, key, value, mask, rate).transpose(1, 2).flatten(2), asked)


def _rows_of(mask: Tensor | None, rows: Tensor | None) -> Tensor | None:
    """[B, 1, L, keys] at `rows` [B, K] -> [B, 1, K, keys]."""
    if mask is None or rows is None:
        return mask
    return pick(mask.transpose(1, 2), rows).transpose(1, 2)
