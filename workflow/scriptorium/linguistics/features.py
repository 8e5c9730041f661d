"""The eight cognitive feature groups of CogBERT, per word, with the spans of the upper four and a readability.

Rules and column order: docs/papers/cogbert.md section 3 (released code). A word carries its punctuation and may hold
several spaCy tokens; it has a binary feature if any of its tokens has it.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np

from scriptorium.linguistics.align import token_words, word_spans

if TYPE_CHECKING:
    from spacy.tokens import Doc

LOWER = ("word_length", "word_position", "ner", "content")
UPPER = ("noun_phrase", "emotion", "mod_aux", "compl_obj")
FEATURES = (*LOWER, *UPPER)  # the one order of all columns, maps and weights
# The same in the order of the paper's figures of alpha (docs/papers/cogbert.md section 5.2)
ALPHA_ORDER = tuple(FEATURES[place] for place in (0, 3, 2, 1, 5, 4, 6, 7))
SPANS = tuple(f"{name}_span" for name in UPPER)

CONTENT_POS = frozenset({"ADJ", "ADV", "NOUN", "NUM", "PRON", "PROPN", "VERB", "INTJ"})
MOD_AUX_DEP = frozenset({"det", "aux", "cc", "auxpass", "dative", "poss", "prep"})
COMPL_OBJ_DEP = frozenset({"acomp", "pcomp", "pobj"})

_VOWELS = re.compile(r"[aeiouy]+")
_NOT_LETTERS = re.compile(r"[^a-z]+")


def describe(doc: Doc) -> dict[str, np.ndarray]:
    """Columns of one text's words: word, start, end, the eight FEATURES, the four SPANS, readability.

    Binary features are 0 or 1; word_length is n / sqrt(36 + n^2) for n code points; word_position is the index of the
    word's last token over the number of tokens, blanks not counted. Span ids number the spans of a column from 0, -1
    is none. Raises UserError if words and tokens do not align.
    """
    spans = word_spans(doc.text)
    word_of = token_words(doc.text, [(t.idx, t.idx + len(t)) for t in doc], spans)

    def flag(tokens: list[bool]) -> np.ndarray:
        has = np.zeros(len(spans), dtype=bool)
        has[[w for w, value in zip(word_of, tokens, strict=True) if value and w >= 0]] = True
        return has

    lexicon = sentiment_lexicon()
    noun_phrase_span = _chunk_spans(doc, word_of, len(spans))
    flags = {
        "ner": flag([t.ent_type != 0 for t in doc]),
        "content": flag([t.pos_ in CONTENT_POS for t in doc]),
        "noun_phrase": noun_phrase_span >= 0,
        "emotion": flag([t.lower_ in lexicon for t in doc]),
        "mod_aux": flag([t.dep_ in MOD_AUX_DEP for t in doc]),
        "compl_obj": flag([t.dep_ in COMPL_OBJ_DEP for t in doc]),
    }
    length = spans[:, 1] - spans[:, 0]
    numbered = word_of[word_of >= 0]  # tokens without the blank ones, in order
    last = np.zeros(len(spans), dtype=np.int64)
    last[numbered] = np.arange(len(numbered))
    values = {
        "word_length": length / np.sqrt(36 + length**2),
        "word_position": last / max(len(numbered), 1),
        **flags,
    }
    words = [doc.text[start:end] for start, end in spans]
    return {
        "word": np.array(words, dtype=object),
        "start": spans[:, 0].astype(np.int32),
        "end": spans[:, 1].astype(np.int32),
        **{name: values[name].astype(np.float32) for name in FEATURES},
        "noun_phrase_span": noun_phrase_span,
        **{f"{name}_span": _runs(flags[name]) for name in UPPER[1:]},
        "readability": np.full(len(spans), readability(words, sum(1 for _ in doc.sents)), dtype=np.float32),
    }


@cache
def sentiment_lexicon() -> frozenset[str]:
    """Lower-case words of VADER's human-rated lexicon. (The original takes TextBlob's; which words count is ours.)"""
    text = (resources.files("vaderSentiment") / "vader_lexicon.txt").read_text(encoding="utf-8")
    return frozenset(line.split("\t")[0].lower() for line in text.splitlines() if line.strip())


def readability(words: list[str], sentences: int) -> float:
    """Flesch reading ease / 100, at least -1 and by its formula at most 1.22 (ours: the paper's is not found)."""
    if not words:
        return 0.0
    per_word = sum(map(syllables, words)) / len(words)
    ease = 206.835 - 1.015 * len(words) / max(sentences, 1) - 84.6 * per_word
    return max(ease / 100, -1.0)


def syllables(word: str) -> int:
    """Syllables by a simple rule (ours): groups of the letters a e i o u y, less a silent final e; at least one.

    Accents are dropped first and only Latin letters are looked at, so a number or an emoji counts as one syllable.
    """
    letters = _NOT_LETTERS.sub("", unicodedata.normalize("NFKD", word).lower())
    groups = len(_VOWELS.findall(letters))
    silent = letters.endswith("e") and not letters.endswith(("le", "ee", "ie", "oe", "ue", "ye"))
    return max(groups - silent, 1)


def _chunk_spans(doc: Doc, word_of: np.ndarray, words: int) -> np.ndarray:
    """Noun chunk of each word, [words] int32; where two chunks share a word the first has it."""
    spans = np.full(words, -1, dtype=np.int32)
    for number, chunk in enumerate(doc.noun_chunks):
        members = np.unique(word_of[chunk.start : chunk.end])
        members = members[members >= 0]
        spans[members[spans[members] < 0]] = number
    return spans


def _runs(flags: np.ndarray) -> np.ndarray:
    """Number of the run of adjacent words with the feature, [words] int32, -1 outside.

    Ours, from the paper's summary: a matrix value stands where 'adjacent words form the feature'.
    """
    starts = flags & ~np.concatenate(([False], flags[:-1]))
    return np.where(flags, np.cumsum(starts) - 1, -1).astype(np.int32)
