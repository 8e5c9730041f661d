"""GLM's body (docs/papers/objectives.md section 5): GPT-2's, with a second position, and a mask of two parts.

A text is a part A and, behind it, a part B: A sees all of A, and B sees A and what stands before it in B. Every token
has its position in A (B: that of its span's mask) and its place inside a span, 0 in A. Both are learned embeddings.

Ours: A has no embedding of the place 0, which would only be added to that of the position. So a saved model is one of
GPT-2's kind whose configuration says `is_causal: false`: whatever reads GPT-2 (AutoModel) reads a text as part A, in
both directions, and the class of this module reads all of it.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import transformers
from torch import Tensor, nn
from transformers import GPT2Config, GPT2LMHeadModel

from scriptorium import attention_kernel
from scriptorium.models import dropout, owners
from scriptorium.models.attention import pick
from scriptorium.models.gpt2 import SAVED
from scriptorium.models.matrix_products import LayerWork, layer_flops
from scriptorium.models.mlm import outcome
from scriptorium.models.spec import EncoderSpec
from scriptorium.models.unbiased import Unbiased
from scriptorium.models.vocabulary import widen

__all__ = ["SAVED", "GlmConfig", "GlmForBlankInfilling", "build"]


class GlmConfig(GPT2Config):
    """GPT-2's configuration, whose attention is not causal, and what blank infilling adds."""

    is_causal: bool = False
    longest: int = 39  # tokens of a span
    tokens: int | None = None  # the vocabulary without its padding


class GlmForBlankInfilling(Unbiased, GPT2LMHeadModel):
    """GPT2LMHeadModel that fills blanks; the head sees the predicted rows only."""

    config_class = GlmConfig
    config: GlmConfig
    monitored = False  # in training, too, say how many predictions are correct

    def __init__(self, config: GlmConfig):
        super().__init__(config)
        self.span_embeddings = nn.Embedding(config.longest + 2, config.n_embd, padding_idx=0)
        self.post_init()
        dropout.use(self)

    def states(self, input_ids: Tensor, texts: Tensor, positions: Tensor, inside: Tensor) -> Tensor:
        """Hidden states [B, R, d] of all rows; see `forward`."""
        return self.transformer(
            inputs_embeds=self.transformer.wte(input_ids) + self.span_embeddings(inside),
            position_ids=positions,
            attention_mask=seen(texts, inside),
            use_cache=False,
        ).last_hidden_state

    def predict(self, input_ids: Tensor, texts: Tensor, positions: Tensor, inside: Tensor, rows: Tensor) -> Tensor:
        """Logits [B, K, tokens] of what follows each of `rows`; see `forward`."""
        states = self.states(input_ids, texts, positions, inside)
        return self.logits(pick(states, rows))[..., : self.tokens]

    def forward(
        self,
        input_ids: Tensor,
        texts: Tensor,
        positions: Tensor,
        inside: Tensor,
        rows: Tensor,
        labels: Tensor,
        attention_mask: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """See `outcome`; labels [B, K]: what follows in its span behind each of `rows` [B, K].

        input_ids [B, R]; texts [B, R]: the number of the text that a token belongs to, -1 of padding; positions [B, R]:
        in part A; inside [B, R]: from 1 on in a span of part B, 0 in A. attention_mask only says how many tokens the
        texts have.
        """
        logits = self.logits(pick(self.states(input_ids, texts, positions, inside), rows))
        return outcome(logits, labels, counted=self.monitored or not self.training)

    def forward_flops(self, batch: Mapping[str, Tensor]) -> float:
        """Matrix products of the forward pass over a batch (engine/flops.py); scores are counted as a full square."""
        config, (examples, length) = self.config, batch["input_ids"].shape
        layer = layer_flops(config.n_embd, config.n_inner, LayerWork(length, length, length**2))
        head = 2 * batch["rows"].shape[1] * config.n_embd * config.vocab_size
        return examples * (config.n_layer * layer + head)


GlmForBlankInfilling.plain_class = GlmForBlankInfilling  # saved with its places inside spans


def seen(texts: Tensor, inside: Tensor) -> Tensor:
    """bool [B, 1, R, R]: the key is in part A of the row's text, or is the row's own token or an earlier one of it."""
    earlier = torch.ones(texts.shape[1], texts.shape[1], dtype=torch.bool, device=texts.device).tril()
    return owners.same(texts, texts) & ((inside == 0)[:, None, None, :] | earlier)


def build(spec: EncoderSpec, tokenizer: transformers.PreTrainedTokenizerBase, *, longest: int) -> GlmForBlankInfilling:
    """A randomly initialised model for this tokenizer, for spans of up to `longest` tokens."""
    config = GlmConfig(
        vocab_size=len(tokenizer),
        n_embd=spec.hidden_size,
        n_layer=spec.layers,
        n_head=spec.heads,
        n_inner=spec.intermediate_size,
        n_positions=spec.max_positions,
        resid_pdrop=spec.dropout,
        embd_pdrop=spec.dropout,
        attn_pdrop=spec.dropout,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.cls_token_id,
        eos_token_id=tokenizer.sep_token_id,
        longest=longest,
        attn_implementation=attention_kernel.IMPLEMENTATION,
    )
    return widen(GlmForBlankInfilling(config))
