"""A randomly initialised model for a recipe."""

from __future__ import annotations

import math

import torch
import transformers

from scriptorium.errors import UserError
from scriptorium.models.from_checkpoint import SavedEncoder
from scriptorium.models.mpnet.model import TwoStreamConfig, TwoStreamMPNet
from scriptorium.models.mpnet.visibility import Mode
from scriptorium.models.positions import MPNET_PADDING, first_position
from scriptorium.models.spec import EncoderSpec
from scriptorium.models.vocabulary import padded

SAVED = SavedEncoder("mpnet")


def build(
    spec: EncoderSpec,
    tokenizer: transformers.PreTrainedTokenizerBase,
    *,
    mode: Mode = "mpnet",
    relative: bool = True,
    mask_rows: float = 0.0,
    faithful: bool = False,
) -> TwoStreamMPNet:
    """A randomly initialised model (N(0, 0.02), tied decoder) for this tokenizer and mode of visibility.

    relative, mask_rows: see TwoStreamConfig. faithful: the original's mean over all predictions, and its Xavier.
    Raises UserError: token 1 occurs in text, but every MPNet of transformers reads it as padding.
    """
    name = tokenizer.convert_ids_to_tokens(MPNET_PADDING)
    if tokenizer.pad_token_id != MPNET_PADDING and "unused" not in str(name):
        raise UserError(
            f"token {MPNET_PADDING} is {name!r}, but transformers' MPNet reads that id as padding",
            remedy="set vocabulary: fairseq in the recipe",
        )
    model = TwoStreamMPNet(
        TwoStreamConfig(
            vocab_size=padded(len(tokenizer)),
            tokens=len(tokenizer),
            hidden_size=spec.hidden_size,
            num_hidden_layers=spec.layers,
            num_attention_heads=spec.heads,
            intermediate_size=spec.intermediate_size,
            max_position_embeddings=spec.max_positions + first_position("mpnet", tokenizer.pad_token_id),
            hidden_dropout_prob=spec.dropout,
            attention_probs_dropout_prob=spec.dropout,
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=tokenizer.cls_token_id,
            eos_token_id=tokenizer.sep_token_id,
            mode=mode,
            relative=relative,
            count_ignored=faithful,
            mask_rows=mask_rows,
        )
    )
    if faithful and relative:
        _xavier(model)
    return model


def _xavier(model: TwoStreamMPNet) -> None:
    """Query, key and value as in the original, whose fused [3d, d] matrix keeps Xavier's uniform (section 4)."""
    bound = math.sqrt(6 / (4 * model.config.hidden_size))
    for layer in model.mpnet.encoder.layer:
        for part in (layer.attention.attn.q, layer.attention.attn.k, layer.attention.attn.v):
            torch.nn.init.uniform_(part.weight, -bound, bound)
