"""An encoder and a decoder from one pre-trained encoder (models/veco/translation.py), and the loss that trains them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from scriptorium.errors import UserError
from scriptorium.generation.examples import Frame
from scriptorium.generation.losses import Writes
from scriptorium.models import dropout
from scriptorium.models.from_checkpoint import copy_weights, shape_of
from scriptorium.models.veco import SAVED, build
from scriptorium.models.veco.translation import VecoForTranslation, translator
from scriptorium.text.plain import as_text
from scriptorium.text.tokenizers import load_tokenizer
from scriptorium.translation.built import Built

if TYPE_CHECKING:
    from scriptorium.translation.spec import TranslateSpec


class Translator(Writes, VecoForTranslation):
    """Encoder and decoder that tell their loss when they are given `labels`."""

    def told(self, where: Tensor, input_ids: Tensor, attention_mask: Tensor, decoder_input_ids: Tensor) -> Tensor:
        """input_ids and attention_mask [B, S], decoder_input_ids [B, T]; logits are computed of real words only."""
        memory = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        states = self.decoder.roberta(
            input_ids=decoder_input_ids,
            encoder_hidden_states=memory,
            encoder_attention_mask=attention_mask,
            use_cache=False,
        ).last_hidden_state
        return self.decoder.lm_head(states[where])


def built(spec: TranslateSpec, backbone: Path, vocabulary: Path | None = None) -> Built:
    """The model of a run; `said` names the weights that are new, such as those of a cross-attention that the backbone
    does not have. backbone: directory of a saved VECO or XLM-R, or of an encoder of BERT's shape. Source and target
    share its vocabulary; a text stands between its first and last symbol, as in pre-training.

    Raises UserError: another kind of model, fewer layers than are asked for, texts longer than it takes.
    """
    shape = shape_of(backbone, SAVED)
    if spec.max_length > shape.max_positions:
        raise UserError(
            f"max_length {spec.max_length} is more than the backbone's {shape.max_positions}",
            where=backbone,
            remedy="lower max_length of the translation",
        )
    if spec.dropout is not None:
        shape = shape.model_copy(update={"dropout": spec.dropout})
    tokenizer = as_text(load_tokenizer(backbone))
    model = build(shape, tokenizer)
    new = ["all"] if spec.reinitialise else copy_weights(model, backbone)
    made = translator(model, spec.decoder_layers, spec.encoder_layers, kind=Translator)
    made.smoothing = spec.label_smoothing
    dropout.use(made)
    first, last = tokenizer.cls_token_id, tokenizer.sep_token_id
    frame = Frame(before=(first,), behind=(last,), begin=(first,), end=last)
    return Built(made, tokenizer, tokenizer, frame, f"weights of {backbone}; new: {_described(new)}")


def _described(new: list[str]) -> str:
    """Which weights are new, in few words."""
    crossing = [name for name in new if "cross_attention" in name]
    rest = [name for name in new if name not in crossing]
    return ", ".join([*rest, *(["all cross-attentions"] if crossing else [])]) or "none"
