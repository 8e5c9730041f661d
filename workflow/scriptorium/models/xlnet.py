"""XLNet in two streams (docs/papers/objectives.md section 4), on transformers' XLNetLMHeadModel.

The content stream reads the true tokens, those of predicted places too: what is predicted later sees what was
predicted before, which is what a permuted language model is. (transformers' own collator writes <mask> there; its
issue 22435.) Queries exist for predicted places only, and start from one learned vector without a position.
Left out: the memory, the 256 reused tokens, backward data, and segments, which our blocks do not have.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import transformers
from torch import Tensor
from torch.nn import functional
from transformers import XLNetConfig, XLNetLMHeadModel

from scriptorium.models import dropout
from scriptorium.models.from_checkpoint import SavedEncoder
from scriptorium.models.spec import EncoderSpec
from scriptorium.models.vocabulary import PaddedVocabulary, widen

SAVED = SavedEncoder(
    "xlnet",
    hidden_size="d_model",
    layers="n_layer",
    heads="n_head",
    intermediate_size="d_inner",
    dropout="dropout",
    max_positions=None,
)
Array = TypeVar("Array", np.ndarray, Tensor)


def blocked(order: Array) -> Array:
    """bool [..., L, L]: token i does not see token j, from order [..., L], a place in the permutation or -1.

    Blocked if and only if order_i <= order_j, and j has a place: it is predicted, or functional ([CLS], [SEP]). All
    others have -1: everybody sees them, and of those with a place they see none. A token's content row sees itself
    besides; its query row does not.
    """
    later = order[..., :, None] <= order[..., None, :]
    return later & (order >= 0)[..., None, :]


class PermutedXLNet(PaddedVocabulary, XLNetLMHeadModel):
    """XLNetLMHeadModel that predicts the tokens at given positions, in the order of a permutation."""

    monitored = False  # in training, too, say which predictions are correct
    plain_class = XLNetLMHeadModel

    def __init__(self, config: XLNetConfig):
        super().__init__(config)
        dropout.use(self)
        self.close_padding()

    def predict(
        self,
        input_ids: Tensor,
        order: Tensor,
        positions: Tensor,
        document_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
    ) -> Tensor:
        """Logits [B, K, tokens] at `positions` [B, K] (-1: unused) of the true `input_ids` [B, L].

        order [B, L]: see `blocked`. With `document_ids` [B, L] a token sees its own document only, else with
        `attention_mask` [B, L] everything but padding.
        """
        return self._logits(input_ids, order, positions, document_ids, attention_mask)[..., : self.tokens]

    def _logits(
        self,
        input_ids: Tensor,
        order: Tensor,
        positions: Tensor,
        document_ids: Tensor | None,
        attention_mask: Tensor | None,
    ) -> Tensor:
        hidden = blocked(order)
        if document_ids is not None:
            hidden = hidden | (document_ids[:, :, None] != document_ids[:, None, :])
        elif attention_mask is not None:
            hidden = hidden | (attention_mask == 0)[:, None, :]
        mapping = functional.one_hot(positions.clamp(min=0), input_ids.shape[1]) * (positions >= 0)[..., None]
        queries = self.transformer(
            input_ids, perm_mask=hidden.to(self.dtype), target_mapping=mapping.to(self.dtype), use_mems=False
        ).last_hidden_state
        return self.lm_loss(queries)

    def forward(
        self,
        input_ids: Tensor,
        order: Tensor,
        positions: Tensor,
        labels: Tensor,
        document_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """`loss`: mean cross entropy over labels [B, K] that are not -100; in evaluation also for every prediction:
        `losses` [B, K] (0 where there is no label) and `correct` [B, K]."""
        logits = self._logits(input_ids, order, positions, document_ids, attention_mask).float()
        losses = functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none").view(labels.shape)
        loss = losses.sum() / (labels != -100).sum().clamp(min=1)  # 0 where a batch has nothing to predict
        if self.training and not self.monitored:
            return {"loss": loss}
        return {"loss": loss, "losses": losses, "correct": logits.argmax(-1) == labels}


def build(spec: EncoderSpec, tokenizer: transformers.PreTrainedTokenizerBase) -> PermutedXLNet:
    """A randomly initialised model (N(0, 0.02), tied decoder, no memory) for this tokenizer."""
    config = XLNetConfig(
        vocab_size=len(tokenizer),
        d_model=spec.hidden_size,
        n_layer=spec.layers,
        n_head=spec.heads,
        d_inner=spec.intermediate_size,
        dropout=spec.dropout,
        mem_len=None,
        use_mems_eval=False,
        summary_type="first",  # our blocks begin with [CLS], XLNet's end with it
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.cls_token_id,
        eos_token_id=tokenizer.sep_token_id,
    )
    return widen(PermutedXLNet(config))
