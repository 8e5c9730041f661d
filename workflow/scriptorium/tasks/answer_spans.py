"""From scores of beginnings and ends to one answer per question: a piece of the original text (Devlin et al. 2019)."""

from __future__ import annotations

import itertools

import numpy as np

from scriptorium.tasks.spec import AnswerSpec
from scriptorium.tasks.windows import Windows


def decode(data: Windows, start: np.ndarray, end: np.ndarray, spec: AnswerSpec) -> tuple[list[str], np.ndarray]:
    """(best span of each question, its gap [n]). start, end: logits [windows, L].

    A span i..j scores start[i] + end[j], with i <= j < i + answer_length, both in the passage and among the window's
    n_best; a beginning counts only in the window that shows most of its surroundings, as in BERT. (BERT takes its
    n_best from the question and the specials too and then drops those: ours never lack candidates.) "No answer"
    scores start[0] + end[0], the least of all windows. gap = no answer - span; infinite where there is no span.
    """
    bounds = np.searchsorted(data.example, np.arange(len(data.table) + 1))
    spans, gaps = [], np.empty(len(data.table))
    for row, (first, after) in enumerate(itertools.pairwise(bounds)):
        owners = _owners(data, first, after)
        best, span, none = -np.inf, "", np.inf
        for window in range(first, after):
            length = data.lengths[window]
            own = np.stack([start[window, :length], end[window, :length]]).astype(np.float64)
            none = min(none, own[:, 0].sum())
            value, i, j = _best_span(own, data.offsets[window], owners[window - first], spec)
            if value > best:
                best, span = value, data.passages[row][data.offsets[window][i, 0] : data.offsets[window][j, 1]].strip()
        spans.append(span)
        gaps[row] = none - best
    return spans, gaps


def _owners(data: Windows, first: int, after: int) -> list[np.ndarray]:
    """For windows first..after-1 of one passage: which of their passage pieces each may begin an answer with [pieces].

    A piece belongs to the window where the smaller of its left and right context is largest (plus a hundredth of the
    window's length); of equals to the first.
    """
    counts = [int((data.offsets[window][:, 0] >= 0).sum()) for window in range(first, after)]
    begins = data.first_piece[first:after]
    pieces = np.arange(max(b + n for b, n in zip(begins, counts, strict=True)))
    context = np.stack([np.minimum(pieces - b, b + n - 1 - pieces) for b, n in zip(begins, counts, strict=True)])
    context = np.where(context >= 0, context + 0.01 * np.array(counts)[:, None], -1)
    owner = context.argmax(axis=0)
    return [owner[b : b + n] == number for number, (b, n) in enumerate(zip(begins, counts, strict=True))]


def _best_span(scores: np.ndarray, offsets: np.ndarray, owned: np.ndarray, spec: AnswerSpec) -> tuple[float, int, int]:
    """(score, first piece, last piece) of a window's best span; scores [2, L]. -inf where there is none."""
    passage = np.flatnonzero(offsets[:, 0] >= 0)
    i = _highest(scores[0], passage[owned], spec.n_best)
    j = _highest(scores[1], passage, spec.n_best)
    if not len(i) or not len(j):
        return -np.inf, 0, 0
    size = j[None, :] - i[:, None]
    allowed = (size >= 0) & (size < spec.answer_length)
    values = np.where(allowed, scores[0, i][:, None] + scores[1, j][None, :], -np.inf)
    a, b = np.unravel_index(values.argmax(), values.shape)
    return float(values[a, b]), int(i[a]), int(j[b])


def _highest(scores: np.ndarray, places: np.ndarray, count: int) -> np.ndarray:
    return places[np.argsort(-scores[places], kind="stable")[:count]]
