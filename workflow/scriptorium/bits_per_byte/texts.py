"""The texts of bits per byte: held-out sentences, their bytes, and how many of these a vocabulary hides.

Bytes are those of the text in UTF-8 as the corpus has it, before the tokenizer changes anything (lower case, accents),
so that vocabularies compare. An [UNK] stands for bytes that the vocabulary cannot spell: its own probability is counted
like that of any token, and the bytes behind it count too, though nothing says which they are. How many they are is
told (`hidden`); where it is more than a few per thousand, models of this vocabulary look better than they are.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scriptorium.errors import UserError
from scriptorium.minimal_pairs.held_out import digest, sentences

if TYPE_CHECKING:
    import transformers

    from scriptorium.bits_per_byte.spec import TextsSettings


def held_out(artifact: Path, settings: TextsSettings) -> pd.DataFrame:
    """id, text: the held-out sentences of lowest hash, which is their id. artifact: manifest of a corpus.

    Raises UserError if there are fewer than two, of which no interval can be made.
    """
    chosen = [sentence.text for sentence in islice(sentences(artifact, settings), settings.texts)]
    if len(chosen) < 2:
        raise UserError(
            f"{len(chosen)} held-out sentences of {settings.shortest} to {settings.longest} words",
            where=artifact.parent,
            remedy="give the corpus more text, or change bits_per_byte in config.yaml",
        )
    return pd.DataFrame({"id": [f"{digest(settings.seed, text):016x}" for text in chosen], "text": chosen})


def sizes(tokenizer: transformers.PreTrainedTokenizerBase, texts: list[str]) -> pd.DataFrame:
    """bytes, hidden (those of them behind an [UNK]) of every text."""
    unknown = tokenizer.unk_token_id
    rows = []
    for text, encoding in zip(texts, tokenizer(texts, add_special_tokens=False).encodings, strict=True):
        spans = (span for number, span in zip(encoding.ids, encoding.offsets, strict=True) if number == unknown)
        hidden = sum(len(text[start:end].encode()) for start, end in spans)
        rows.append((len(text.encode()), hidden))
    return pd.DataFrame(rows, columns=["bytes", "hidden"])


def bits_per_byte(nats: pd.Series, size: pd.Series) -> float:
    """Of all texts together: long ones count for more."""
    return float(nats.sum() / np.log(2) / size.sum())
