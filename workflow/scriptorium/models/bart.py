"""BART's body on blocks of several texts (docs/papers/objectives.md section 2): learned positions that begin with every
text, GELU, layer norms behind each part, one table of embeddings for source, target and head.
"""

from __future__ import annotations

import numpy as np
import torch
import transformers
from torch import Tensor, nn
from torch.nn import functional
from transformers import BartConfig, BartForConditionalGeneration

from scriptorium import attention_kernel
from scriptorium.models import owners
from scriptorium.models.from_checkpoint import SavedEncoder
from scriptorium.models.spec import EncoderSpec
from scriptorium.models.text_to_text import TextToText
from scriptorium.models.vocabulary import widen

SAVED = SavedEncoder(
    "bart",
    hidden_size="d_model",
    layers="encoder_layers",
    heads="encoder_attention_heads",
    intermediate_size="encoder_ffn_dim",
    dropout="dropout",
)


class DenoisingBart(TextToText, BartForConditionalGeneration):
    """BartForConditionalGeneration on blocks of several texts."""

    plain_class = BartForConditionalGeneration

    def states(
        self,
        input_ids: Tensor,
        decoder_input_ids: Tensor,
        texts: Tensor,
        decoder_texts: Tensor,
        seen: tuple[Tensor, Tensor, Tensor],
    ) -> Tensor:
        """As transformers' model, whose encoder takes no positions."""
        source = self._embedded(self.model.encoder, input_ids, texts)
        for layer in self.model.encoder.layers:
            source = layer(source, seen[0])
        target = self._embedded(self.model.decoder, decoder_input_ids, decoder_texts)
        for layer in self.model.decoder.layers:
            target = layer(target, seen[1], source, encoder_attention_mask=seen[2], use_cache=False)
        return target

    def _embedded(self, part: nn.Module, ids: Tensor, texts: Tensor) -> Tensor:
        positions = nn.Embedding.forward(part.embed_positions, owners.places(texts) + part.embed_positions.offset)
        states = part.layernorm_embedding(part.embed_tokens(ids) + positions)
        return functional.dropout(states, p=part.dropout, training=self.training)

    def head_bias(self) -> Tensor:
        """What transformers adds to the logits, saves and does not train: zeros in a new model."""
        return self.final_logits_bias[0]

    def start_from(self, log_frequency: np.ndarray) -> None:
        """Set this bias to log frequencies [tokens]: training starts at the unigram loss (ours)."""
        self.final_logits_bias[0, : len(log_frequency)] = torch.from_numpy(log_frequency)

    def _resize_final_logits_bias(self, _: int) -> None:
        """It has no padding."""

    @property
    def inner(self) -> int:
        return self.config.encoder_ffn_dim

    @property
    def depths(self) -> tuple[int, int]:
        return self.config.encoder_layers, self.config.decoder_layers


def build(spec: EncoderSpec, tokenizer: transformers.PreTrainedTokenizerBase) -> DenoisingBart:
    """A randomly initialised model for this tokenizer: `layers` of the encoder, and as many of the decoder."""
    config = BartConfig(
        vocab_size=len(tokenizer),
        d_model=spec.hidden_size,
        encoder_layers=spec.layers,
        decoder_layers=spec.layers,
        encoder_attention_heads=spec.heads,
        decoder_attention_heads=spec.heads,
        encoder_ffn_dim=spec.intermediate_size,
        decoder_ffn_dim=spec.intermediate_size,
        max_position_embeddings=spec.max_positions,
        dropout=spec.dropout,
        attention_dropout=spec.dropout,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.cls_token_id,
        eos_token_id=tokenizer.sep_token_id,
        decoder_start_token_id=tokenizer.sep_token_id,
        forced_eos_token_id=tokenizer.sep_token_id,
        attn_implementation=attention_kernel.IMPLEMENTATION,
    )
    return widen(DenoisingBart(config))
