"""Scorers of answers beside SQuAD's of version 2.0: that of version 1.1, and MLQA's, which knows the language.

XTREME uses the first for XQuAD and TyDi QA in every language, English articles included, and the second for MLQA
(docs/papers/veco.md section 4.5). Both compare a prediction with each of the answers after a normalisation and take the
best; no word in common is an F1 of 0, also where both are empty.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache, partial

from scriptorium.errors import UserError
from scriptorium.evaluation.question_answering import Scorer, normalised, score

# What MLQA takes for articles, as whole words; hi and zh have none, and ar's is a prefix.
ARTICLES = {
    "en": "a an the",
    "es": "un una unos unas el la los las",
    "vi": "của là cái chiếc những",
    "de": "ein eine einen einem eines einer der die das den dem des",
}
MLQA_LANGUAGES = (*ARTICLES, "ar", "hi", "zh")
CHINESE = re.compile("([\u4e00-\u9fa5])")


def scorers_of(name: str, languages: Sequence[str] | None, count: int) -> list[Scorer] | None:
    """A scorer for each of `count` questions; None: SQuAD's of version 2.0 for all. languages: of each question.

    Raises UserError for a language that MLQA's scorer does not know.
    """
    if name == "squad":
        return None
    if name == "squad1":
        return [partial(best, normalise=normalised)] * count
    unknown = sorted(set(languages or ()) - set(MLQA_LANGUAGES))
    if unknown or languages is None:
        raise UserError(
            f"MLQA's scorer does not know the language {unknown[0]!r}" if unknown else "MLQA's scorer needs languages",
            where="answers.scorer of the task",
            remedy=f"set languages of the task, among {', '.join(MLQA_LANGUAGES)}, or another answers.scorer",
        )
    return [partial(best, normalise=mlqa_normaliser(own)) for own in languages]


def best(prediction: str, answers: Sequence[str], *, normalise: Callable[[str], str]) -> tuple[float, float]:
    """(exact match, F1 of the words) against the nearest of the answers. Without answers: as SQuAD 2.0 has it."""
    if not answers:
        return score(prediction, answers)
    own, wanted = normalise(prediction), [normalise(text) for text in answers]
    return float(own in wanted), max(_f1(own.split(), text.split()) for text in wanted)


def _f1(own: list[str], wanted: list[str]) -> float:
    same = sum((Counter(own) & Counter(wanted)).values())
    return 2 * same / (len(own) + len(wanted)) if same else 0.0


@cache
def mlqa_normaliser(language: str) -> Callable[[str], str]:
    """Lower case; no punctuation of any script; no articles of the language; single blanks, and in Chinese a blank
    around every character. In this order."""
    words = ARTICLES.get(language)
    articles = re.compile(rf"\b({words.replace(' ', '|')})\b" if words else "ال") if words or language == "ar" else None

    def normalise(text: str) -> str:
        text = "".join(letter for letter in text.lower() if not _is_punctuation(letter))
        if articles:
            text = articles.sub(" ", text)
        if language == "zh":
            text = CHINESE.sub(r" \1 ", text)
        return " ".join(text.split())

    return normalise


def _is_punctuation(letter: str) -> bool:
    return letter in string.punctuation or unicodedata.category(letter).startswith("P")
