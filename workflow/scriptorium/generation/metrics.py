"""The metrics of written texts, each as a function of sums over examples, so that the statistics of the house apply
(evaluation/statistics.py)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from scriptorium.errors import UserError
from scriptorium.generation import rouge, scores

if TYPE_CHECKING:
    import pandas as pd

PERPLEXITY = "perplexity"


@dataclass(frozen=True)
class Metric:
    """counts(texts, tokenize): what each example adds to the sums, [examples, k]. texts: a table with hypothesis and
    reference, and for perplexity `loss` and `pieces`; tokenize: sacrebleu's tokenizer, for BLEU.
    value: [..., k] -> [...]. unit: what 1 is in it, 100 for a metric in percent (and for perplexity, a point of which
    counts as much: ours). of_any_text: it can be told of a text that no model wrote, such as the source itself.
    """

    counts: Callable[[pd.DataFrame, str], np.ndarray]
    value: Callable[[np.ndarray], np.ndarray]
    lower_better: bool = False
    unit: float = 100
    of_any_text: bool = True


def _of_texts(counts: Callable[..., np.ndarray], texts: pd.DataFrame, tokenize: str) -> np.ndarray:
    return counts(texts["hypothesis"].tolist(), texts["reference"].tolist(), tokenize)


def _with_ones(score: Callable[..., np.ndarray], texts: pd.DataFrame, _: str) -> np.ndarray:
    """The score of each example, and 1."""
    found = score(texts["hypothesis"].tolist(), texts["reference"].tolist())
    return np.stack([found, np.ones(len(found))], axis=-1)


def _percent(sums: np.ndarray) -> np.ndarray:
    return 100 * sums[..., 0] / sums[..., 1]


def _losses(texts: pd.DataFrame, _: str) -> np.ndarray:
    """Nats of the reference, given its source, and its pieces."""
    return texts[["loss", "pieces"]].to_numpy(np.float64)


METRICS: Mapping[str, Metric] = {
    "BLEU": Metric(partial(_of_texts, scores.bleu_counts), scores.bleu),
    "chrF": Metric(partial(_of_texts, scores.chrf_counts), scores.chrf),
    **{kind: Metric(partial(_with_ones, partial(rouge.f_measures, kind=kind)), _percent) for kind in rouge.KINDS},
    "exact match": Metric(partial(_with_ones, rouge.exact), _percent),
    PERPLEXITY: Metric(_losses, lambda sums: np.exp(sums[..., 0] / sums[..., 1]), lower_better=True, of_any_text=False),
}


def of_corpus(texts: pd.DataFrame, metric: str, tokenize: str) -> float:
    """The metric of all examples."""
    own = METRICS[metric]
    return float(own.value(own.counts(texts, tokenize).sum(axis=0)))


def signatures(texts: pd.DataFrame, tokenize: str) -> dict[str, str]:
    """How each metric is computed, where a package says it."""
    own = scores.of_corpus(texts["hypothesis"].tolist(), texts["reference"].tolist(), tokenize).signatures
    return {"BLEU": own["bleu"], "chrF": own["chrf"]} | dict.fromkeys(rouge.KINDS, rouge.signature())


def check_comparable(metric: str, first: pd.DataFrame, other: pd.DataFrame, where: str) -> None:
    """Raises UserError where two variants' perplexities are of different pieces."""
    if metric == PERPLEXITY and not np.array_equal(first["pieces"], other["pieces"]):
        raise UserError(
            "its references are of other pieces than the baseline's, so perplexities are of different things",
            where=where,
            remedy="compare backbones of one vocabulary, or take perplexity out of the metrics of the generation task",
        )
