"""Any text as sentences of words, for a gaze predictor: a word is blank-separated, its punctuation attached."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from scriptorium.errors import UserError
from scriptorium.gaze.sentences import LONGEST, sentences

if TYPE_CHECKING:
    from spacy.tokens import Doc


def sentences_of(text: str | Doc | Sequence[Sequence[str]]) -> tuple[list[list[str]], list[str]]:
    """The sentences, and notes on what is odd about them.

    Plain text is cut by our rule, and no sentence goes on behind a line's end; a spaCy Doc keeps its own sentences,
    where its pipeline sets them; sentences of words stay what they are. Raises UserError for a text without a word.
    """
    if isinstance(text, str):
        found = [sentence for words in map(str.split, text.splitlines()) if words for sentence in _cut(words)]
    elif hasattr(text, "sents"):
        if text.has_annotation("SENT_START"):
            found = [sentence.text.split() for sentence in text.sents]
        else:
            return sentences_of(text.text)
    else:
        found = [[word for given in words for word in given.split()] for words in text]
    found = [words for words in found if words]
    if not found:
        raise UserError("there is no word in it", where="the text", remedy="give a text with at least one word")
    long = sum(len(words) > LONGEST for words in found)
    notes = [f"{long} sentences have more than {LONGEST} words: does the text mark where they end?"]
    return found, notes if long else []


def _cut(words: list[str]) -> list[list[str]]:
    numbered = groupby(zip(words, sentences(words), strict=True), key=itemgetter(1))
    return [[word for word, _ in group] for _, group in numbered]
