"""Encoder-decoders of BART's and T5's kind, as transformers has them: the source is read by the encoder.

A source is `[CLS] source [SEP]` for BART and `source [SEP]` for T5, as in their pre-training here (objectives/bart.py,
t5.py). The decoder begins with the symbol that the checkpoint names, BART's with one more [CLS], and ends with [SEP].
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import transformers
from torch import Tensor
from transformers import BartForConditionalGeneration, T5ForConditionalGeneration

from scriptorium.errors import UserError
from scriptorium.generation.checkpoints import check_positions, loaded, symbol
from scriptorium.generation.examples import Frame
from scriptorium.generation.losses import Writes

if TYPE_CHECKING:
    from scriptorium.generation.spec import GenerateSpec


class WritingSeq2Seq(Writes):
    """Beside an encoder-decoder of transformers."""

    def told(self, where: Tensor, **named: Any) -> Tensor:
        """input_ids and attention_mask [B, S], decoder_input_ids [B, T]."""
        return super(Writes, self).forward(**named, use_cache=False).logits[where]


class WritingBart(WritingSeq2Seq, BartForConditionalGeneration):
    """BART with the loss of `Writes`."""

    dropouts = ("dropout", "attention_dropout")
    begins = True  # a text begins with [CLS]


class WritingT5(WritingSeq2Seq, T5ForConditionalGeneration):
    """T5 with the loss of `Writes`."""

    dropouts = ("dropout_rate",)
    begins = False


KINDS = {"bart": WritingBart, "t5": WritingT5}


def built(
    spec: GenerateSpec, backbone: Path, tokenizer: transformers.PreTrainedTokenizerBase
) -> tuple[transformers.PreTrainedModel, Frame]:
    """The model of a run, and the symbols around its texts. backbone: directory of a saved BART or T5.

    Raises UserError: another kind of model, no symbol that the decoder starts with, texts longer than it takes.
    """
    model = loaded(spec, backbone, KINDS)
    start = getattr(model.config, "decoder_start_token_id", None)
    if start is None:
        raise UserError(
            "its config.json names no decoder_start_token_id, the symbol that a written text begins with",
            where=backbone,
            remedy="add the one it was pre-trained with to config.json: </s> for BART, the padding for T5",
        )
    first = (symbol(tokenizer, "cls_token"),) if model.begins else ()
    end = symbol(tokenizer, "sep_token")
    frame = Frame(before=first, behind=(end,), begin=(start, *first), end=end)
    written = spec.target_length + len(frame.begin) - 1
    check_positions(model, backbone, {"source_length": spec.source_length, "target_length": written})
    return model, frame
