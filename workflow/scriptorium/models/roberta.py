"""RoBERTa with its masked language model head applied to the predicted positions only.

Positions count from the padding symbol's number + 1, as in fairseq; there are no segments. Epsilon of the layer norms
is fairseq's 1e-5 (docs/papers/mpnet.md section 7 says it of MPNet, which was trained with the same code).
"""

from __future__ import annotations

import transformers
from transformers import RobertaConfig, RobertaForMaskedLM
from transformers.models.roberta.modeling_roberta import RobertaLayer

from scriptorium import attention_kernel
from scriptorium.models.from_checkpoint import SavedEncoder
from scriptorium.models.mlm import Masked, RowsLayer
from scriptorium.models.positions import first_position
from scriptorium.models.spec import EncoderSpec
from scriptorium.models.vocabulary import widen

SAVED = SavedEncoder("roberta")


class RobertaRowsLayer(RobertaLayer):
    """RoBERTa's layer is BERT's, under names of its own."""

    forward = RowsLayer.forward


class MaskedRoberta(Masked, RobertaForMaskedLM):
    """RobertaForMaskedLM on blocks: the same parameters, loss and gradients, fewer logits."""

    _no_split_modules = ("RobertaEmbeddings", "RobertaRowsLayer")
    rows_layer, head, plain_class = RobertaRowsLayer, "lm_head", RobertaForMaskedLM


def build(spec: EncoderSpec, tokenizer: transformers.PreTrainedTokenizerBase) -> MaskedRoberta:
    """A randomly initialised model (N(0, 0.02), tied decoder) for this tokenizer."""
    config = RobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=spec.hidden_size,
        num_hidden_layers=spec.layers,
        num_attention_heads=spec.heads,
        intermediate_size=spec.intermediate_size,
        max_position_embeddings=spec.max_positions + first_position("roberta", tokenizer.pad_token_id),
        type_vocab_size=1,
        layer_norm_eps=1e-5,
        hidden_dropout_prob=spec.dropout,
        attention_probs_dropout_prob=spec.dropout,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.cls_token_id,
        eos_token_id=tokenizer.sep_token_id,
        attn_implementation=attention_kernel.IMPLEMENTATION,
    )
    return widen(MaskedRoberta(config))
