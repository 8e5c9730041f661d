"""The rules by which words of a text and of its translation are linked, all ours.

A word        begins where the vocabulary marks it and after anything that is no word; it is all of its pieces.
              Pieces without a letter or digit (punctuation) and special tokens are of no word.
No spaces     In languages that write without them a word is the longest run of pieces that is an entry of the
              dictionary, from the left; a piece that begins none is a word by itself.
Form          Words are compared as `comparable` writes them, without accents by option.
Links         Two words are linked if the dictionary has their forms as an entry: every translation that stands there,
              and of repeated words every combination. Frequent words are left out by option. Entries of several words
              are not in a prepared dictionary.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence

import numpy as np

from scriptorium.text.dictionaries.entries import comparable

WITHOUT_SPACES = frozenset({"bo", "dz", "ja", "km", "lo", "my", "th", "wuu", "yue", "zh"})  # told by the language alone


def has_spaces(language: str) -> bool:
    """Whether a language, such as de or zh-TW, is written with spaces between words."""
    return language.split("-")[0] not in WITHOUT_SPACES


def form(text: str, *, accents: bool) -> str:
    """The form in which a word is compared."""
    found = comparable(text)
    if accents:
        return found
    bare = (each for each in unicodedata.normalize("NFD", found) if unicodedata.category(each) != "Mn")
    return unicodedata.normalize("NFC", "".join(bare))


def wordless(text: str) -> bool:
    """Whether nothing of a piece belongs to a word: punctuation, symbols, blanks. A part of a character does."""
    return all(unicodedata.category(each)[0] in "PSZC" and each != "\ufffd" for each in text)


def begins_by_marks(inside: np.ndarray, marked: np.ndarray, owners: np.ndarray) -> np.ndarray:
    """Where words begin, bool [..., L]: at a piece of a word that is marked, or behind one that is of none.

    inside: pieces of words · marked: pieces that begin one, by the vocabulary · owners: the text of each piece.
    """
    found = inside & marked
    found[..., 0] |= inside[..., 0]
    found[..., 1:] |= inside[..., 1:] & (~inside[..., :-1] | (owners[..., 1:] != owners[..., :-1]))
    return found


def begins_by_entries(
    pieces: Sequence[int], text_of: Callable[[tuple[int, ...]], str], entries: frozenset[str], longest: int
) -> list[bool]:
    """Where words begin in a text without spaces: the longest entry first, from the left.

    text_of: the form of a run of pieces · longest: characters of the longest entry.
    """
    found, start = [False] * len(pieces), 0
    while start < len(pieces):
        stop = start + 1
        for end in range(start + 1, len(pieces) + 1):
            text = text_of(tuple(pieces[start:end]))
            if text in entries:
                stop = end
            elif len(text) > longest:
                break
        found[start], start = True, stop
    return found


def links(
    x: tuple[np.ndarray, np.ndarray], y: tuple[np.ndarray, np.ndarray], entries: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """(places in x, places in y) of all linked words, int64 [links] each, ascending in x.

    x, y: (pair of texts, form) of every word, int64 [words]; a form is a number, -1 where the dictionary has none.
    entries: (forms of x, forms of y), an entry each, sorted, none twice.
    """
    first, second = entries
    span = int(second.max(initial=-1)) + 1
    known_x, known_y = (np.flatnonzero(forms >= 0) for _, forms in (x, y))
    (pair_x, form_x), (pair_y, form_y) = (
        (side[0][known], side[1][known]) for side, known in ((x, known_x), (y, known_y))
    )
    own, entry = _spread(np.searchsorted(first, form_x, "left"), np.searchsorted(first, form_x, "right"))
    wanted = pair_x[own] * span + second[entry]
    there = pair_y * span + form_y
    order = np.argsort(there, kind="stable")
    there = there[order]
    which, place = _spread(np.searchsorted(there, wanted, "left"), np.searchsorted(there, wanted, "right"))
    return known_x[own[which]], known_y[order[place]]


def _spread(starts: np.ndarray, stops: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(number of a range, member) of all members of ranges [start, stop), range by range."""
    sizes = stops - starts
    owner = np.repeat(np.arange(len(sizes)), sizes)
    inside = np.arange(len(owner)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return owner, starts[owner] + inside
