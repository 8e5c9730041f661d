"""ROUGE by Google's rouge-score, and exact match, example by example.

rouge-score's own words are of lower-case letters a to z and digits; all else parts words, so texts in other alphabets
score 0. Words are stemmed by Porter's stemmer, which is for English (ours: papers seldom say whether they do).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scriptorium.evaluation.question_answering import normalised
from scriptorium.generation.scores import check

KINDS = {"ROUGE-1": "rouge1", "ROUGE-2": "rouge2", "ROUGE-L": "rougeL"}


def f_measures(hypotheses: Sequence[str], references: Sequence[str], kind: str) -> np.ndarray:
    """[examples], between 0 and 1: F1 of common words or pairs of words, or of the longest common sequence of words.

    kind: of KINDS. Raises UserError: other line counts.
    """
    from rouge_score.rouge_scorer import RougeScorer

    check(hypotheses, references)
    name = KINDS[kind]
    scorer = RougeScorer([name], use_stemmer=True)
    pairs = zip(references, hypotheses, strict=True)
    return np.array([scorer.score(reference, made)[name].fmeasure for reference, made in pairs], np.float64)


def exact(hypotheses: Sequence[str], references: Sequence[str]) -> np.ndarray:
    """[examples], 1 where both are the same text as SQuAD compares them: without case, punctuation and articles."""
    check(hypotheses, references)
    pairs = zip(hypotheses, references, strict=True)
    return np.array([normalised(own) == normalised(other) for own, other in pairs], np.float64)


def signature() -> str:
    """How ROUGE is computed, as sacrebleu's signatures say it of BLEU."""
    from importlib.metadata import version

    return f"rouge-score:{version('rouge-score')}|f1|stemmed:porter"
