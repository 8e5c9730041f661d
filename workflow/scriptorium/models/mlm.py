"""BERT with its masked language model head applied to the predicted positions only."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import transformers
from torch.nn import functional
from transformers import BertConfig, BertForMaskedLM
from transformers.models.bert.modeling_bert import BertLayer

from scriptorium import attention_kernel
from scriptorium.models import dropout
from scriptorium.models.attention import additive, attend, pick
from scriptorium.models.from_checkpoint import SavedEncoder
from scriptorium.models.matrix_products import LayerWork, head_flops, layer_flops
from scriptorium.models.spec import EncoderSpec
from scriptorium.models.vocabulary import PaddedVocabulary, widen

SAVED = SavedEncoder("bert")


class RowsLayer(BertLayer):
    """BertLayer that can be asked for some rows only: what the last layer computes for the others, nobody reads."""

    def forward(
        self,
        hidden_states: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        *_: object,
        rows: torch.Tensor | None = None,
        **__: object,
    ) -> torch.Tensor:
        """Hidden states [B, L, d] -> [B, L, d], or [B, K, d] at `rows` [B, K]; all rows are keys. Mask: `attend`'s."""
        own = self.attention.self
        asked = hidden_states if rows is None else pick(hidden_states, rows)
        if rows is not None and attention_mask is not None:
            attention_mask = pick(attention_mask.transpose(1, 2), rows).transpose(1, 2)
        query, key, value = (
            project(states).unflatten(-1, (own.num_attention_heads, -1)).transpose(1, 2)
            for project, states in ((own.query, asked), (own.key, hidden_states), (own.value, hidden_states))
        )
        rate = own.dropout.p if self.training else 0.0
        attended = attend(query, key, value, attention_mask, rate).transpose(1, 2).flatten(2)
        return self.feed_forward_chunk(self.attention.output(attended, asked))


class Masked(PaddedVocabulary):
    """What the masked language models of BERT's shape share, beside a transformers class that has the parameters.

    A class says which layer computes chosen rows only (`rows_layer`), what its head is (`head`) and which class of
    transformers has its parameters (`plain_class`).
    """

    rows_layer: type
    head: str  # name of the module
    monitored = False  # in training, too, say how many predictions are correct

    def __init__(self, config: transformers.PretrainedConfig):
        super().__init__(config)
        for layer in self.base_model.encoder.layer:
            layer.__class__ = self.rows_layer  # the parameters and their initialisation stay those of transformers
        dropout.use(self)
        self.close_padding()

    def predict(
        self,
        input_ids: torch.Tensor,
        positions: torch.Tensor,
        document_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Logits [B, K, tokens] at `positions` [B, K] of `input_ids` [B, L]; see `encode`."""
        return self._logits(input_ids, positions, document_ids, attention_mask)[..., : self.tokens]

    def forward(
        self,
        input_ids: torch.Tensor,
        positions: torch.Tensor,
        labels: torch.Tensor,
        document_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
    ) -> dict[str, torch.Tensor]:
        """See `outcome`."""
        logits = self._logits(input_ids, positions, document_ids, attention_mask)
        return outcome(logits, labels, counted=self.monitored or not self.training)

    def forward_flops(self, batch: Mapping[str, torch.Tensor]) -> float:
        """Matrix products of the forward pass over a batch (engine/flops.py)."""
        examples, length = batch["input_ids"].shape
        predicted = batch["positions"].shape[1]
        whole = LayerWork(length, length, length**2)
        last = LayerWork(predicted, length, predicted * length)  # it computes the predicted rows only
        config = self.config
        layers = [*[whole] * (config.num_hidden_layers - 1), last]
        forward = sum(layer_flops(config.hidden_size, config.intermediate_size, work) for work in layers)
        return examples * (forward + head_flops(config.hidden_size, config.vocab_size, predicted))

    def _logits(self, *batch: torch.Tensor | None) -> torch.Tensor:
        return getattr(self, self.head)(encode(self.base_model, *batch))


class PackedMaskedLM(Masked, BertForMaskedLM):
    """BertForMaskedLM for packed blocks: the same parameters, loss and gradients, about 1 / rate fewer logits.

    Nor does the last layer compute more than the predicted rows.
    """

    _no_split_modules = ("BertEmbeddings", "RowsLayer")
    rows_layer, head, plain_class = RowsLayer, "cls", BertForMaskedLM


def encode(
    encoder: transformers.PreTrainedModel,
    input_ids: torch.Tensor,
    rows: torch.Tensor,
    document_ids: torch.Tensor | None,
    attention_mask: torch.Tensor | None,
    **embedded: torch.Tensor,
) -> torch.Tensor:
    """Hidden states [B, K, d] of an encoder of RowsLayers at `rows` [B, K] of `input_ids` [B, L].

    With `document_ids` [B, L] a token attends only to tokens of its own document (block-diagonal attention; padding
    is a document of its own), else with `attention_mask` [B, L] to all tokens that are not padding. `embedded`: what
    else the embeddings take.
    """
    hidden = encoder.embeddings(input_ids, **embedded)
    mask = None
    if document_ids is not None:
        mask = additive(document_ids[:, None, :, None] == document_ids[:, None, None, :], hidden.dtype)
    elif attention_mask is not None:
        mask = additive(attention_mask[:, None, None, :].bool().expand(-1, 1, input_ids.shape[1], -1), hidden.dtype)
    *layers, last = encoder.encoder.layer
    for layer in layers:
        hidden = layer(hidden, mask)
    return last(hidden, mask, rows=rows)


def outcome(logits: torch.Tensor, labels: torch.Tensor, *, counted: bool) -> dict[str, torch.Tensor]:
    """`loss`: mean cross entropy over labels [B, K] that are not -100; if `counted` also sums per block [B].

    `summed_loss` and `correct` stand for the logits, which would not fit into memory for a whole set.
    """
    logits = logits.float()
    losses = functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")
    losses = losses.view(labels.shape)  # 0 where the label is -100
    outputs = {"loss": losses.sum() / (labels != -100).sum()}
    if counted:
        outputs["summed_loss"] = losses.sum(-1)
        outputs["correct"] = (logits.argmax(-1) == labels).sum(-1)
    return outputs


def build(spec: EncoderSpec, tokenizer: transformers.PreTrainedTokenizerBase) -> PackedMaskedLM:
    """A randomly initialised model (N(0, 0.02), tied decoder) for this tokenizer."""
    return widen(PackedMaskedLM(config_of(spec, tokenizer)))


def config_of(spec: EncoderSpec, tokenizer: transformers.PreTrainedTokenizerBase) -> BertConfig:
    """BERT's configuration for a recipe's encoder."""
    return BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=spec.hidden_size,
        num_hidden_layers=spec.layers,
        num_attention_heads=spec.heads,
        intermediate_size=spec.intermediate_size,
        max_position_embeddings=spec.max_positions,
        hidden_dropout_prob=spec.dropout,
        attention_probs_dropout_prob=spec.dropout,
        pad_token_id=tokenizer.pad_token_id,
        attn_implementation=attention_kernel.IMPLEMENTATION,
    )
