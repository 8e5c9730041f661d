"""BART behind a new encoder that reads the other language, trained in two steps (models/bart_translation.py)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from scriptorium.errors import UserError
from scriptorium.generation.bodies.seq2seq import WritingBart, WritingSeq2Seq
from scriptorium.generation.checkpoints import check_positions, loaded, symbol
from scriptorium.generation.examples import Frame
from scriptorium.models import dropout
from scriptorium.models.bart_translation import (
    BartForTranslation,
    BartTranslationConfig,
    behind_new_encoder,
    freeze_most,
)
from scriptorium.text.plain import as_text
from scriptorium.text.tokenizers import load_tokenizer, tokenizer_directory
from scriptorium.translation.built import SOURCE, Built

if TYPE_CHECKING:
    from scriptorium.translation.spec import TranslateSpec


class BartTranslator(WritingSeq2Seq, BartForTranslation):
    """BartForTranslation with the loss of `Writes`."""

    dropouts = WritingBart.dropouts


def built(spec: TranslateSpec, backbone: Path, vocabulary: Path | None) -> Built:
    """The model of a run. backbone: directory of a saved BART, or of the translator that step one left. vocabulary:
    manifest of the source's, with a BART.

    A source is `[CLS] source [SEP]` in its own vocabulary, and the decoder begins with the symbol that the checkpoint
    names and [CLS], and ends with [SEP], as in pre-training.
    Raises UserError: another kind of model, no symbol that the decoder starts with, texts longer than it takes.
    """
    writes = as_text(load_tokenizer(backbone))
    if spec.source_encoder is None:
        model = loaded(spec, backbone, {BartTranslationConfig.model_type: BartTranslator})
        reads, said = as_text(load_tokenizer(backbone / SOURCE)), f"weights of {backbone}, the new encoder's too"
    else:
        bart = loaded(spec, backbone, {"bart": WritingBart})
        reads = as_text(load_tokenizer(tokenizer_directory(vocabulary)))
        model = behind_new_encoder(bart, reads, spec.source_encoder.layers, BartTranslator)
        model.smoothing = spec.label_smoothing
        dropout.use(model)
        said = f"{'the shape' if spec.reinitialise else 'weights'} of {backbone}; a new encoder of the source"
    if (start := model.config.decoder_start_token_id) is None:
        raise UserError(
            "its config.json names no decoder_start_token_id, the symbol that a written text begins with",
            where=backbone,
            remedy="add the one it was pre-trained with to config.json: </s> for BART",
        )
    if spec.updates == "source":
        said += f"; of BART are trained {', '.join(freeze_most(model))}"
    first, end = symbol(writes, "cls_token"), symbol(writes, "sep_token")
    frame = Frame(before=(reads.cls_token_id,), behind=(reads.sep_token_id,), begin=(start, first), end=end)
    check_positions(model, backbone, {"max_length": spec.max_length})
    return Built(model, reads, writes, frame, said)
