"""T5's prefix language model: an encoder reads the beginning of a text, a decoder writes the rest
(docs/papers/objectives.md section 3). Ours: a text of n tokens is cut before any of them, as often before each; so the
beginning may be empty, which is how a whole sentence is scored. Source and target end with [SEP].
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scriptorium.models import t5
from scriptorium.objectives import text_to_text
from scriptorium.objectives.objective import Objective

if TYPE_CHECKING:
    import transformers

    from scriptorium.models.spec import EncoderSpec
    from scriptorium.objectives.spec.text_to_text import PrefixLmSpec

SAVED = t5.SAVED


def build(shape: EncoderSpec, spec: PrefixLmSpec, tokenizer: transformers.PreTrainedTokenizerBase) -> Objective:
    """T5's model on texts cut in two. Raises UserError: no padding symbol."""
    start = text_to_text.symbol(tokenizer, "pad_token", "the decoder's input begins with it")
    end = np.array([tokenizer.sep_token_id])

    def rewrite(text: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        cut = int(generator.integers(len(text)))
        return np.append(text[:cut], end), np.append(text[cut:], end)

    return text_to_text.objective(t5.build(shape, tokenizer), shape, spec, tokenizer, rewrite, start=start)
