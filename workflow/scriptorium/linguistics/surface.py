"""Surface features of words: what can be read off the page without a parser or a language model (all ours).

Word length, frequency and their neighbours' explain most of what any model explains of reading times
(docs/papers/cogbert.md
section 8.4), so they are the baseline to beat, and they enter the gaze predictor beside the encoder.

Frequencies are Zipf values of `wordfreq` (log10 of occurrences per billion words, 0 for an unknown word): the word
list comes with the package and is fixed by its version, so no feature depends on the training texts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

import numpy as np

from scriptorium.errors import UserError, nearest

# The baseline of the shared task's table: sixteen, neighbours included
BASE = (
    "length",  # characters, punctuation included
    "letters",  # letters and digits
    "zipf",  # frequency of the bare form
    "capital",  # begins with a capital
    "upper",  # all capitals, at least two letters
    "digit",  # holds a digit
    "punctuation_after",  # ends in punctuation
    "punctuation_inside",  # hyphen, apostrophe, period ... between letters
    "position",  # words before it in the sentence
    "remaining",  # words behind it
    "relative",  # position / words of the sentence
    "words",  # words of the sentence
    "length_before",  # of the word before, 0 at the start
    "length_after",
    "zipf_before",
    "zipf_after",
)
# What the context adds: two words on either side, what was read so far, and how the word is built
CONTEXT = (
    "length_before_2",
    "length_after_2",
    "zipf_before_2",
    "zipf_after_2",
    "characters_before",  # with blanks: where on the line, or on which line, the word may stand
    "characters",  # of the sentence
    "punctuation_before",  # the word before ends in punctuation: a clause begins
    "zipf_mean",  # of the sentence
    "zipf_running",  # mean over the words before
    "zipf_rarest_part",  # of the parts between hyphens and the like
    "vowel_groups",  # a proxy of syllables
    "repeated",  # the form stood in the sentence before
)
SURFACE = BASE + CONTEXT
LANGUAGE = "en"


def surface(sentences: Sequence[Sequence[str]], language: str = LANGUAGE) -> list[np.ndarray]:
    """Features [words, len(SURFACE)] float32 of each sentence, given as its words. Sentences are independent.

    language: whose word frequencies, by its code. Raises UserError for one without a list.
    """
    check_language(language, "language")
    return [_sentence(list(words), language) for words in sentences]


def check_language(language: str, where: str) -> None:
    """Raises UserError for a language without a list of word frequencies, or without blanks between its words."""
    if language not in _languages():
        raise UserError(
            f"there is no list of word frequencies for the language {language!r}, {nearest(language, _languages())}",
            where=where,
            remedy="name the language of the texts by its code, or leave these texts out",
        )


def bare(word: str) -> str:
    """A word as it is looked up: lower case, without the punctuation around it (itself if there is nothing else)."""
    kept = [i for i, c in enumerate(word) if c.isalnum()]
    return word[kept[0] : kept[-1] + 1].lower() if kept else word


def _sentence(words: list[str], language: str) -> np.ndarray:
    size = len(words)
    forms = [bare(word) for word in words]
    length = np.array([len(word) for word in words], dtype=np.float64)
    zipf = np.array([zipf_of(form, language) for form in forms])
    position = np.arange(size, dtype=np.float64)
    after = np.array([not word[-1].isalnum() for word in words], dtype=np.float64)
    columns = {
        "length": length,
        "letters": [sum(c.isalnum() for c in word) for word in words],
        "zipf": zipf,
        "capital": [word[0].isupper() for word in words],
        "upper": [word.isupper() and sum(c.isalpha() for c in word) > 1 for word in words],
        "digit": [any(c.isdigit() for c in word) for word in words],
        "punctuation_after": after,
        "punctuation_inside": [not all(c.isalnum() for c in form) for form in forms],
        "position": position,
        "remaining": size - 1 - position,
        "relative": position / max(size, 1),
        "words": np.full(size, size),
        "characters_before": np.cumsum(length + 1) - length - 1,
        "characters": np.full(size, length.sum() + size - 1),
        "punctuation_before": _shifted(after, 1),
        "zipf_mean": np.full(size, zipf.mean() if size else 0.0),
        "zipf_running": _shifted(np.cumsum(zipf) / (position + 1), 1),
        "zipf_rarest_part": [min((zipf_of(part, language) for part in _parts(form)), default=0.0) for form in forms],
        "vowel_groups": [len(_VOWELS.findall(form)) for form in forms],
        "repeated": [form in forms[:i] for i, form in enumerate(forms)],
    }
    for name, values in (("length", length), ("zipf", zipf)):
        for suffix, by in (("before", 1), ("after", -1), ("before_2", 2), ("after_2", -2)):
            columns[f"{name}_{suffix}"] = _shifted(values, by)
    return np.column_stack([np.asarray(columns[name], dtype=np.float32) for name in SURFACE])


_VOWELS = re.compile(r"[aeiouy]+")


def _parts(form: str) -> list[str]:
    return [part for part in re.split(r"[^\w']+", form) if part]


def _shifted(values: np.ndarray, by: int) -> np.ndarray:
    """The value `by` words before (behind, if negative), 0 beyond the sentence."""
    moved = np.zeros_like(values)
    if by > 0:
        moved[by:] = values[:-by]
    else:
        moved[:by] = values[-by:]
    return moved


@cache
def zipf_of(form: str, language: str = LANGUAGE) -> float:
    """Zipf frequency of a form, as `bare` gives it; 0 for an unknown one."""
    from wordfreq import zipf_frequency

    return zipf_frequency(form, language)


@cache
def _languages() -> tuple[str, ...]:
    """Languages with a list of frequencies, and with blanks between the words."""
    from wordfreq import available_languages

    return tuple(sorted(set(available_languages()) - {"ja", "ko", "zh"}))
