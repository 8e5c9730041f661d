"""Where a sentence ends in a run of words: a rule of ours for corpora that number words but no sentences."""

from __future__ import annotations

import re

# A period after these does not end a sentence; after a dotted abbreviation only these words open one (ours)
TITLES = {"mr.", "mrs.", "ms.", "dr.", "prof.", "st.", "gen.", "col.", "sen.", "rep.", "rev.", "vs.", "e.g.", "i.e."}
OPENERS = {"the", "a", "an", "this", "that", "these", "he", "she", "it", "they", "we", "you", "i", "his", "her", "its"}
LONGEST = 200  # words: a longer sentence means that the text does not mark where sentences end (ours)
CLOSING, OPENING = "\"'”’»)]}", "\"'“‘«([{"


def sentences(words: list[str]) -> list[int]:
    """Sentence number of each word (ours): cut after . ? ! with closing quotes or brackets behind them.

    No cut before a word in lower case ("Stop!" he said), after a title (Dr.) or an initial; after a dotted
    abbreviation (U.K.) only before a word that often opens a sentence.
    """
    numbered, current = [], 0
    for word, following in zip(words, [*words[1:], ""], strict=True):
        numbered.append(current)
        current += _ends_sentence(word, following.lstrip(OPENING))
    return numbered


def _ends_sentence(word: str, following: str) -> bool:
    bare = word.rstrip(CLOSING)
    if not bare.endswith((".", "?", "!", "…")) or following[:1].islower():
        return False
    core = bare.lstrip(OPENING)
    if core.lower() in TITLES:
        return False
    if re.fullmatch(r"(\w\.)+", core):
        return following.lower() in OPENERS
    return True
