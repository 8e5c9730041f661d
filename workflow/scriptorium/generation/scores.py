"""BLEU and chrF: by sacrebleu for what is reported of a run, and as functions of sums over sentences for intervals.

Both metrics of a corpus are functions of counts that each sentence adds to, so the statistics of the house apply to
them as to any metric of sums (evaluation/statistics.py). sacrebleu counts; the two functions below are its own formulas
over arrays, and a test holds them against it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scriptorium.errors import UserError

WORDS, CHARACTERS, BETA = 4, 6, 2  # longest n-grams of BLEU and of chrF, chrF2's weight of recall


@dataclass(frozen=True)
class Scores:
    """Of a corpus, in percent, and how they were computed."""

    bleu: float
    chrf: float
    signatures: dict[str, str]  # by metric


def of_corpus(hypotheses: Sequence[str], references: Sequence[str], tokenize: str) -> Scores:
    """BLEU and chrF2 by sacrebleu, one reference each, with its signatures. Raises UserError for other line counts."""
    from sacrebleu.metrics import BLEU, CHRF

    check(hypotheses, references)
    metrics = {"bleu": BLEU(tokenize=tokenize, force=True), "chrf": CHRF()}
    values = {name: metric.corpus_score(hypotheses, [references]).score for name, metric in metrics.items()}
    return Scores(**values, signatures={name: str(metric.get_signature()) for name, metric in metrics.items()})


def check(hypotheses: Sequence[str], references: Sequence[str]) -> None:
    """Raises UserError: as many hypotheses as references, and at least one, is what a score is of."""
    if len(hypotheses) != len(references) or not len(references):
        raise UserError(
            f"{len(hypotheses)} hypotheses and {len(references)} references: a score needs one of each per sentence",
            remedy="give both as many lines, in the same order; an empty translation is an empty line",
        )


def bleu_counts(hypotheses: Sequence[str], references: Sequence[str], tokenize: str) -> np.ndarray:
    """[sentences, 10]: words of the hypothesis, of the reference, n-grams in common (1 to 4), of the hypothesis."""
    from sacrebleu.metrics import BLEU

    check(hypotheses, references)
    metric = BLEU(tokenize=tokenize, effective_order=True)
    found = (metric.sentence_score(own, [other]) for own, other in zip(hypotheses, references, strict=True))
    return np.array([[each.sys_len, each.ref_len, *each.counts, *each.totals] for each in found], np.float64)


def bleu(sums: np.ndarray) -> np.ndarray:
    """[..., 10] -> [...], in percent, smoothed as sacrebleu does by default: the k-th order without a match counts as
    if 1/2^k of an n-gram had matched (exp)."""
    words, of_reference = sums[..., 0], sums[..., 1]
    matched, total = sums[..., 2 : 2 + WORDS], sums[..., 2 + WORDS :]
    counted = np.where(matched > 0, matched, 0.5 ** np.cumsum(matched == 0, axis=-1))
    precisions = np.divide(100 * counted, total, out=np.zeros_like(total), where=total > 0)
    with np.errstate(divide="ignore"):
        mean = np.exp(np.log(precisions).mean(axis=-1))
    ratio = np.divide(of_reference, words, out=np.full_like(words, np.inf), where=words > 0)
    brevity = np.where(words < of_reference, np.exp(1 - ratio), 1.0)
    return np.where((matched > 0).any(axis=-1), brevity * mean, 0.0)


def chrf_counts(hypotheses: Sequence[str], references: Sequence[str], tokenize: str = "") -> np.ndarray:
    """[sentences, 18]: for n-grams of 1 to 6 characters, without blanks, how many the hypothesis has, how many the
    reference has, and how many are in common. `tokenize` has no meaning here."""
    from sacrebleu.metrics.helpers import extract_all_char_ngrams

    check(hypotheses, references)
    rows = []
    for texts in zip(hypotheses, references, strict=True):
        row: list[int] = []
        for own, other in zip(*(extract_all_char_ngrams(text, CHARACTERS) for text in texts), strict=True):
            row += [own.total() if other else 0, other.total(), (own & other).total()]
        rows.append(row)
    return np.array(rows, np.float64)


def chrf(sums: np.ndarray) -> np.ndarray:
    """[..., 18] -> [...], in percent: F2 of mean precision and mean recall over the orders that both sides have."""
    own, other, common = (sums[..., part::3] for part in range(3))
    there = (own > 0) & (other > 0)
    orders = np.maximum(there.sum(axis=-1), 1)
    precision, recall = (
        np.divide(common, side, out=np.zeros_like(common), where=there).sum(axis=-1) / orders for side in (own, other)
    )
    below = BETA**2 * precision + recall
    return np.divide(100 * (1 + BETA**2) * precision * recall, below, out=np.zeros_like(below), where=below > 0)
