"""BART's objective: a corrupted text, and its decoder writes the whole original (docs/papers/objectives.md section 2).

Kept: source `[CLS] noised [SEP]`, target `[CLS] text [SEP]`, the decoder's input being the target behind one more
[SEP]; the loss is of tokens that were not corrupted, too. Ours: [CLS], which is always the same, is not predicted, nor
[UNK].
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scriptorium.models import bart
from scriptorium.objectives import text_to_text
from scriptorium.objectives.corruption.noise import Noise
from scriptorium.objectives.objective import Objective

if TYPE_CHECKING:
    import transformers

    from scriptorium.models.spec import EncoderSpec
    from scriptorium.objectives.spec.text_to_text import BartSpec

SAVED = bart.SAVED


def build(shape: EncoderSpec, spec: BartSpec, tokenizer: transformers.PreTrainedTokenizerBase) -> Objective:
    """BART's model on texts with noise. Raises UserError: a symbol that it needs is missing."""
    cls = text_to_text.symbol(tokenizer, "cls_token", "a text begins with it")
    sep = text_to_text.symbol(tokenizer, "sep_token", "a text ends with it, and the decoder's input begins with it")
    text_to_text.symbol(tokenizer, "mask_token", "it stands for what is hidden")
    noise, begin, end = Noise(spec.noise, tokenizer), np.array([cls]), np.array([sep])

    def rewrite(text: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        return np.concatenate([begin, noise(text, generator), end]), np.concatenate([begin, text, end])

    model = bart.build(shape, tokenizer)
    return text_to_text.objective(model, shape, spec, tokenizer, rewrite, start=sep, frequency_bias=spec.frequency_bias)
