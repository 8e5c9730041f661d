"""VECO's encoder (docs/papers/veco.md sections 2.1 and 2.2), on the modules and names of transformers' XLM-R.

Three uses of the same weights: plug-out is XLM-R's encoder (the H stream); plug-in runs the S stream too, whose
cross-attention reads the last layer of the other side's H; an encoder and a decoder are made in translation.py.
"""

from __future__ import annotations

import torch
from torch import Tensor
from transformers import XLMRobertaConfig, XLMRobertaModel

from scriptorium.models.attention import additive
from scriptorium.models.veco.layer import plug


class VecoConfig(XLMRobertaConfig):
    """XLM-R's configuration with fairseq's epsilon, positions and single segment, and what VECO adds.

    It is saved as XLM-R's kind of model: whatever reads XLM-R reads a VECO directory, plugged out. The classes of this
    package read all of it.
    """

    type_vocab_size: int = 1
    layer_norm_eps: float = 1e-5
    max_position_embeddings: int = 514
    tokens: int | None = None  # the vocabulary without its padding
    plug_in: bool = True  # layers have a cross-attention
    weights: dict | None = None  # of the terms of the loss (terms.py); none: 1 each
    split: bool = False  # a token is predicted by one of the streams, not by both
    cross_gradient: bool = True  # the loss of S trains the other side's H as well
    cross_start: str = (
        "new"  # of the cross-attention beside a checkpoint without one: new, or copied from self-attention
    )
    restarted: bool = False  # in TLM the positions of the second side start at 0 again


class VecoModel(XLMRobertaModel):
    """The encoder. Called as XLM-R it gives H; with `encoder_hidden_states` [B, M, d], the H of the other side (and
    its `encoder_attention_mask` [B, M]), it gives S."""

    config_class = VecoConfig
    config: VecoConfig
    _no_split_modules = ("XLMRobertaEmbeddings", "VecoLayer")

    def __init__(self, config: VecoConfig, add_pooling_layer: bool = True):
        super().__init__(config, add_pooling_layer)
        plug(self)

    def plug_in(self, x: Tensor, x_mask: Tensor, y: Tensor, y_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Features of both texts of a pair: [H; S] of x [B, Lx, 2d] and of y [B, Ly, 2d] (section 4.2).

        x [B, Lx], y [B, Ly]: ids; the masks are 0 at padding. A pair that is given the other way round has the same
        features the other way round.
        """
        h_x, h_y = self(x, x_mask).last_hidden_state, self(y, y_mask).last_hidden_state
        s_x = self(x, x_mask, encoder_hidden_states=h_y, encoder_attention_mask=y_mask).last_hidden_state
        s_y = self(y, y_mask, encoder_hidden_states=h_x, encoder_attention_mask=x_mask).last_hidden_state
        return torch.cat([h_x, s_x], -1), torch.cat([h_y, s_y], -1)

    def embed(self, input_ids: Tensor, places: Tensor) -> Tensor:
        """Embeddings [N, L, d] of ids [N, L] at places [N, L], which count from 0."""
        return self.embeddings(input_ids, position_ids=places + self.config.pad_token_id + 1)

    def through(
        self,
        hidden: Tensor,
        mask: Tensor,
        memory: Tensor | None = None,
        memory_mask: Tensor | None = None,
        rows: Tensor | None = None,
        kept: dict[int, Tensor | None] | None = None,
    ) -> Tensor:
        """A stream: embeddings [N, L, d] through all layers, [N, L, d], or the last layer at `rows` [N, K] only.

        mask, memory_mask: what is added to the scores [N, 1, L, L] and [N, 1, L, M]. With `memory` [N, M, d] it is S.
        kept: gets the output of the layers that are its keys, counted from 0, the embeddings.
        """
        kept, depth = {} if kept is None else kept, len(self.encoder.layer)
        if 0 in kept:
            kept[0] = hidden
        for number, layer in enumerate(self.encoder.layer, start=1):
            hidden = layer(hidden, mask, memory, memory_mask, rows if number == depth else None)
            if number in kept:
                kept[number] = hidden
        return hidden

    def _create_attention_masks(
        self,
        attention_mask: Tensor | None,
        encoder_attention_mask: Tensor | None,
        embedding_output: Tensor,
        encoder_hidden_states: Tensor | None,
        past_key_values: object,
    ) -> tuple[Tensor | None, Tensor | None]:
        """What `attend` adds to the scores, for transformers' own forward pass."""

        def added(seen: Tensor | None) -> Tensor | None:
            return None if seen is None else additive(seen[:, None, None].bool(), embedding_output.dtype)

        return added(attention_mask), added(encoder_attention_mask)


def visible(documents: Tensor, others: Tensor) -> Tensor:
    """bool [N, L, M]: rows of documents [N, L] see the keys of others [N, M] that have the same number.

    Padding (-1) sees everything, because a row without any key has no attention; nobody reads its output.
    """
    rows = documents[:, :, None]
    return (rows == others[:, None]) | (rows < 0)


def places(documents: Tensor) -> Tensor:
    """Places [N, L] of tokens in their document, from 0; documents [N, L], whose parts may stand apart."""
    return (documents[:, :, None] == documents[:, None]).tril().sum(-1) - 1
