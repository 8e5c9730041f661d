"""Causal language models of GPT-2's and LLaMA's kind: source and target are one text,
`[CLS] source [SEP] target [SEP]`, and the loss is of the target alone (ours: [SEP], which ends texts in pre-training,
parts the two)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import transformers
from torch import Tensor
from transformers import GPT2LMHeadModel, LlamaForCausalLM

from scriptorium.generation.checkpoints import check_positions, loaded, symbol
from scriptorium.generation.examples import Frame
from scriptorium.generation.losses import Writes

if TYPE_CHECKING:
    from scriptorium.generation.spec import GenerateSpec


class WritingCausal(Writes):
    """Beside a causal language model of transformers."""

    def forward(self, *arguments: Any, position_ids: Tensor | None = None, **named: Any) -> Any:
        """As `Writes`. The positions stand here by name, because transformers' `generate` gives those of a source that
        is padded on its left only where it sees that they are taken."""
        return super().forward(*arguments, position_ids=position_ids, **named)

    def told(self, where: Tensor, **named: Any) -> Tensor:
        """input_ids and attention_mask [B, T]; logits are computed of the target alone."""
        states = self.base_model(**named, use_cache=False).last_hidden_state
        return self.get_output_embeddings()(states[where])


class WritingGPT2(WritingCausal, GPT2LMHeadModel):
    """GPT-2 with the loss of `Writes`."""

    dropouts = ("resid_pdrop", "embd_pdrop", "attn_pdrop")


class WritingLlama(WritingCausal, LlamaForCausalLM):
    """LLaMA with the loss of `Writes`."""

    dropouts = ("attention_dropout",)


KINDS = {"gpt2": WritingGPT2, "llama": WritingLlama}


def built(
    spec: GenerateSpec, backbone: Path, tokenizer: transformers.PreTrainedTokenizerBase
) -> tuple[transformers.PreTrainedModel, Frame]:
    """The model of a run, and the symbols around its texts. backbone: directory of a saved GPT-2 or LLaMA.

    Raises UserError: another kind of model, a source and a target that together are longer than it takes.
    """
    model = loaded(spec, backbone, KINDS)
    first, end = symbol(tokenizer, "cls_token"), symbol(tokenizer, "sep_token")
    frame = Frame(before=(first,), behind=(end,), begin=None, end=end)
    check_positions(model, backbone, {"source_length and target_length": spec.source_length + spec.target_length})
    return model, frame
