"""Scores of extractive question answering: the rules of SQuAD's official scorer, version 2.0 (Rajpurkar et al. 2018).

On questions with an answer they are those of version 1.1, but for an answer of articles and punctuation alone, which
version 2.0 reads as empty. All shares are of 1, where the official script prints percent.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from scriptorium.evaluation.classification import ratio

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalised(text: str) -> str:
    """Lower case, no ASCII punctuation, no articles, single blanks: in this order, which matters ("a.m." is "am")."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


Scorer = Callable[[str, Sequence[str]], tuple[float, float]]  # prediction, answers -> exact match, F1


def score(prediction: str, answers: Sequence[str]) -> tuple[float, float]:
    """(exact match, F1 of the words) against the nearest of the answers; with none, the empty text is right."""
    own = normalised(prediction)
    wanted = [text for text in map(normalised, answers) if text] or [""]
    return float(own in wanted), max(_f1(own.split(), text.split()) for text in wanted)


def _f1(own: list[str], wanted: list[str]) -> float:
    if not own or not wanted:
        return float(own == wanted)
    same = sum((Counter(own) & Counter(wanted)).values())
    return 2 * same / (len(own) + len(wanted))


def table_of_answers(
    ids: Sequence[str],
    answers: Sequence[Sequence[str]],
    spans: Sequence[str],
    gaps: np.ndarray,
    threshold: float | None,
    scorers: Sequence[Scorer] | None = None,
) -> pd.DataFrame:
    """What is predicted for each question, and how good it is.

    spans: the best span each; gaps [n]: score of "no answer" minus that of the span. A question whose gap is above
    the threshold gets the empty text (None: none does, as in SQuAD 1.1). Columns: id, label (all answers), prediction,
    exact, f1, answer (the span), gap, and with a threshold the scores that 0 in its place would give, exact_0 and
    f1_0.
    """
    gaps = np.asarray(gaps, np.float64)
    best = np.array([score(span, own) for span, own in zip(spans, answers, strict=True)]).reshape(-1, 2)
    empty = np.array([score("", own) for own in answers]).reshape(-1, 2)

    def scores(limit: float | None) -> np.ndarray:
        return best if limit is None else np.where(gaps[:, None] <= limit, best, empty)

    given = [span if threshold is None or gap <= threshold else "" for span, gap in zip(spans, gaps, strict=True)]
    made = {"id": list(ids), "label": [list(own) for own in answers], "prediction": given}
    made |= dict(zip(("exact", "f1"), scores(threshold).T, strict=True))
    made |= {"answer": list(spans), "gap": gaps}
    if threshold is not None:
        made |= dict(zip(("exact_0", "f1_0"), scores(0.0).T, strict=True))
    return pd.DataFrame(made)


def measures(made: pd.DataFrame) -> dict[str, float]:
    """The metrics of `table`: em and f1; where questions may have no answer also those of threshold 0, of the questions
    with and without answer, and best_em, best_f1 with the thresholds that would reach them.

    The best ones are chosen on these very questions (as in the papers, which do so on dev): information, no result.
    """
    found = {name: float(value) for name, value in from_totals(totals(made).sum(axis=0)).items()}
    has = made["label"].map(len).to_numpy() > 0
    for part, there in (("has_answer", has.any()), ("no_answer", not has.all())):
        if not (there and "exact_0" in made):
            found = {name: value for name, value in found.items() if not name.endswith(part)}
    if "exact_0" in made:
        both = (made["answer"], [""] * len(made))
        scores = [np.array([score(a, b) for a, b in zip(texts, made["label"], strict=True)]) for texts in both]
        for column, name in enumerate(("em", "f1")):
            value, threshold = best_threshold(made["gap"].to_numpy(), *(own[:, column] for own in scores))
            found |= {f"best_{name}": value, f"best_{name}_threshold": threshold}
    return found


def best_threshold(gaps: np.ndarray, answered: np.ndarray, empty: np.ndarray) -> tuple[float, float]:
    """(mean score, threshold) of the best no-answer threshold; answered, empty [n]: the scores of either choice.

    A question is answered if its gap is not above the threshold. Thresholds are the gaps themselves, equal ones
    together (the official script may cut between equals), or one below all of them; of equally good ones the least.
    """
    order = np.argsort(gaps, kind="stable")
    ranked = gaps[order]
    values = empty.sum() + np.concatenate([[0.0], np.cumsum((answered - empty)[order])])
    values = np.where(np.append(True, np.append(ranked[1:] != ranked[:-1], True) & np.isfinite(ranked)), values, -1.0)
    place = int(np.argmax(values))
    below = ranked[0] - 1 if np.isfinite(ranked[0]) else 0.0
    return float(values[place] / len(gaps)), float(below if place == 0 else ranked[place - 1])


def totals(made: pd.DataFrame) -> np.ndarray:
    """What each question adds to the sums: 1, has an answer, exact, f1, the two of those with an answer [, those of
    threshold 0]: [n, 6 or 8]."""
    has = made["label"].map(len).to_numpy() > 0
    scores = made[["exact", "f1"]].to_numpy(np.float64)
    columns = [np.ones(len(made)), has, *scores.T, *(scores * has[:, None]).T]
    return np.stack([*columns, *(made[name] for name in ("exact_0", "f1_0") if name in made)], axis=-1)


def from_totals(sums: np.ndarray) -> dict[str, np.ndarray]:
    """The metrics of summed totals [..., 6 or 8], each [...]; a part without questions has 0."""
    count, has, exact, f1, exact_has, f1_has, *at_zero = np.moveaxis(np.asarray(sums, np.float64), -1, 0)
    found = {"em": exact / count, "f1": f1 / count}
    found |= dict(zip(("em_threshold_0", "f1_threshold_0"), (own / count for own in at_zero), strict=False))
    found |= {"em_has_answer": ratio(exact_has, has), "f1_has_answer": ratio(f1_has, has)}
    without = count - has
    return {**found, "em_no_answer": ratio(exact - exact_has, without), "f1_no_answer": ratio(f1 - f1_has, without)}
