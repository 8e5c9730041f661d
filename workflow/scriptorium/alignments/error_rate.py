"""Links that scores give, and how far they agree with the gold: precision, recall and the alignment error rate.

AER = 1 - (|A and S| + |A and P|) / (|A| + |S|) of links A, sure ones S and possible ones P, which hold S (Och and Ney
2003). Precision is |A and P| / |A|, recall |A and S| / |S|. All are functions of four sums over sentences.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

FORWARD, BACKWARD, BOTH = "forward", "backward", "both"
METHODS = (FORWARD, BACKWARD, BOTH)
AER = "AER"
SUMS = ("made", "sure_made", "possible_made", "sure")


def links(scores: np.ndarray, back: np.ndarray) -> dict[str, np.ndarray]:
    """Of each method bool [n, m]; scores [n, m] of rows for columns, back [m, n] of columns for rows. A word that the
    model does not know has NaN, and is linked with nothing.

    forward: every row's best column, the first of equal ones · backward: every column's best row · both: what is in
    both.
    """
    forward, backward = _best(scores), _best(back).T
    return {FORWARD: forward, BACKWARD: backward, BOTH: forward & backward}


def _best(scores: np.ndarray) -> np.ndarray:
    known, found = ~np.isnan(scores), np.zeros(scores.shape, bool)
    found[np.arange(len(scores)), np.where(known, scores, -np.inf).argmax(1)] = True
    return found & known


def diagonal(rows: int, columns: int) -> np.ndarray:
    """float64 [rows, columns]: scores of who takes the word at the same place, from 0 at the first to 1 at the last."""
    places = [np.arange(size) / max(size - 1, 1) for size in (rows, columns)]
    return -np.abs(places[0][:, None] - places[1])


def counts(made: np.ndarray, sure: np.ndarray, possible: np.ndarray) -> tuple[int, int, int, int]:
    """SUMS of a sentence; all bool [n, m]."""
    return int(made.sum()), int((made & sure).sum()), int((made & possible).sum()), int(sure.sum())


def error_rate(sums: np.ndarray) -> np.ndarray:
    """[..., 4] -> [...]; of no links at all, made or sure, 0."""
    made, sure_made, possible_made, sure = np.moveaxis(sums, -1, 0)
    return 1 - _ratio(sure_made + possible_made, made + sure, 1.0)


def precision(sums: np.ndarray) -> np.ndarray:
    """[..., 4] -> [...]; of no links made 0."""
    return _ratio(sums[..., 2], sums[..., 0], 0.0)


def recall(sums: np.ndarray) -> np.ndarray:
    """[..., 4] -> [...]; of no sure links 0."""
    return _ratio(sums[..., 1], sums[..., 3], 0.0)


MEASURES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    AER: error_rate,
    "precision": precision,
    "recall": recall,
}


def _ratio(part: np.ndarray, whole: np.ndarray, nothing: float) -> np.ndarray:
    return np.divide(part, whole, out=np.full(np.shape(whole), nothing), where=np.asarray(whole) > 0)
