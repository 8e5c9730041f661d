"""What each kind of translator gives to the stage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import transformers

    from scriptorium.generation.examples import Frame

SOURCE = "source"  # folder of the sources' tokenizer in a saved model, where they have a vocabulary of their own


@dataclass(frozen=True)
class Built:
    """A model before training; the tokenizers of its sources and of what it writes, which may be one; the symbols
    around texts; and in words, where its weights come from and which are trained."""

    model: transformers.PreTrainedModel
    reads: transformers.PreTrainedTokenizerBase
    writes: transformers.PreTrainedTokenizerBase
    frame: Frame
    said: str
