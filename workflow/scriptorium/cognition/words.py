"""The cognition of texts, word by word: stage-1 scores or one of the controls, spread over word pieces.

Controls (docs/papers/cogbert.md section 10, end) answer what a gain comes from. Each is a pure function of (seed,
text).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scriptorium.errors import UserError
from scriptorium.linguistics.align import piece_words
from scriptorium.linguistics.annotate import text_key
from scriptorium.linguistics.features import FEATURES, SPANS

SCORES = tuple(f"score_{name}" for name in FEATURES)


def control(kind: str, flags: np.ndarray, scores: np.ndarray, seed: int, key: str) -> np.ndarray:
    """Scores of one text's words, [words, 8] -> [words, 8]; a word has a feature where its flag is not 0.

    gaze: the stage-1 scores. flags: the features themselves, without gaze. shuffled: each feature's scores permuted
    among the words of the text that have it, so that flags, spans and the set of values stay and only the word that a
    value belongs to is lost. random: uniform in [0, 1) where the flag is set (the paper's own control). zero: none.
    """
    generator = np.random.default_rng([seed, int(key, 16)])
    if kind == "gaze":
        return scores
    if kind == "flags":
        return flags
    if kind == "random":
        return np.where(flags != 0, generator.random(flags.shape), 0)
    if kind == "shuffled":
        shuffled = scores.copy()
        for column, has in enumerate((flags != 0).T):
            shuffled[has, column] = generator.permutation(scores[has, column])
        return shuffled
    if kind == "zero":
        return np.zeros_like(scores)
    raise ValueError(f"unknown control {kind!r}")


def span_means(scores: np.ndarray, spans: np.ndarray) -> np.ndarray:
    """[words, k] scores -> their mean over the words of each one's span (ids [words, k]); 0 where there is no span."""
    means = np.zeros_like(scores)
    for column in range(spans.shape[1]):
        inside = np.flatnonzero(spans[:, column] >= 0)
        _, of = np.unique(spans[inside, column], return_inverse=True)
        total = np.bincount(of, weights=scores[inside, column])
        means[inside, column] = (total / np.bincount(of))[of] if len(inside) else 0
    return means


@dataclass(frozen=True)
class TextWords:
    """The words of one text: offsets [n, 2], lower and upper scores [n, 4], span ids [n, 4], readability, n_fix [n]."""

    offsets: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    spans: np.ndarray
    readability: float
    n_fix: np.ndarray


class Words:
    """The annotated texts of a task or corpus; words[text] gives one text's words under the chosen control."""

    def __init__(
        self,
        table: pd.DataFrame,
        kind: str = "gaze",
        seed: int = 0,
        where: str | Path = "annotations",
        *,
        drop: Sequence[str] = (),
        pieces: str = "all",
        gives: str = "features",
    ):
        """`table` has the columns of results/annotations/<name>.parquet, the rows of a text standing together.

        drop: features set to zero (lower, upper, readability); pieces: see `merge`; gives: what an example gets of
        the words, "features" for the fusion or "n_fix" (predicted fixation counts) for the auxiliary gaze loss.
        """
        self.kind, self.seed, self.where, self.pieces, self.gives = kind, seed, where, pieces, gives
        missing = {"text_key", "start", "end", "readability", "n_fix_predicted", *FEATURES, *SCORES, *SPANS} - set(
            table.columns
        )
        if missing:
            raise UserError(f"columns {sorted(missing)} are missing", where=where, remedy="make the annotations again")
        self._offsets = table[["start", "end"]].to_numpy(np.int64)
        self._flags = table[list(FEATURES)].to_numpy(np.float32)
        self._scores = table[list(SCORES)].to_numpy(np.float32)
        self._spans = table[list(SPANS)].to_numpy(np.int64)
        self._readability = table["readability"].to_numpy(np.float32)
        if not (np.isfinite(self._scores).all() and np.isfinite(self._readability).all()):
            raise UserError("a score or readability is not a finite number", where=where)
        self._n_fix = table["n_fix_predicted"].to_numpy(np.float32)
        if "readability" in drop:
            self._readability = np.zeros_like(self._readability)
        self._kept = np.repeat([name not in drop for name in ("lower", "upper")], 4).astype(np.float32)
        keys = table["text_key"].to_numpy()
        starts = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]]) if len(keys) else np.zeros(0, int)
        self._rows = dict(zip(keys[starts], zip(starts, np.r_[starts[1:], len(keys)], strict=True), strict=True))

    @classmethod
    def read(cls, path: Path, kind: str = "gaze", seed: int = 0, **settings: Any) -> Words:
        return cls(pd.read_parquet(path), kind, seed, path, **settings)

    def require(self, texts: Iterable[str]) -> None:
        """Raises UserError naming the first text that is not annotated, or not word for word."""
        for text in texts:
            start, end = self._rows.get(text_key(text), (0, 0))
            if end - start != (count := len(text.split())):
                has = f"{end - start} annotated words instead of {count}" if end > start else "no annotation"
                raise UserError(
                    f"text {text!r} has {has}",
                    where=self.where,
                    remedy="make the annotations again from this very data set",
                )

    def sizes(self, texts: Iterable[str]) -> np.ndarray:
        """Mean size of each of the eight features over the words of these texts that have it, [8]; 1 where none has."""
        own = [self[text] for text in dict.fromkeys(texts)]
        scores = np.abs(np.concatenate([np.hstack([words.lower, words.upper]) for words in own]), dtype=np.float64)
        present = (scores > 0).sum(axis=0)
        return np.where(present > 0, scores.sum(axis=0) / np.maximum(present, 1), 1.0)

    def __getitem__(self, text: str) -> TextWords:
        key = text_key(text)
        rows = slice(*self._rows.get(key, (0, 0)))
        scores = control(self.kind, self._flags[rows], self._scores[rows], self.seed, key).astype(np.float32)
        scores = scores * self._kept
        spans = self._spans[rows]
        return TextWords(
            self._offsets[rows],
            scores[:, :4],
            span_means(scores[:, 4:], spans),
            spans,
            float(self._readability[rows][0]) if len(spans) else 0.0,
            self._n_fix[rows],
        )

    def of_pieces(
        self, texts: Sequence[str], offsets: Sequence[tuple[int, int]], sequence_ids: Sequence[int | None]
    ) -> dict[str, np.ndarray]:
        """What one example, made of one or two texts, gets of its words: `merge`, or n_fix for the gaze loss."""
        own = [self[text] for text in texts]
        if self.gives == "n_fix":
            return {"n_fix": fixations(own, offsets, sequence_ids)}
        return merge(own, offsets, sequence_ids, self.pieces)


def merge(
    texts: Sequence[TextWords],
    offsets: Sequence[tuple[int, int]],
    sequence_ids: Sequence[int | None],
    pieces: str = "all",
) -> dict[str, np.ndarray]:
    """The cognition of the pieces of one example made of one or two texts.

    lower, upper_scores [4, L] float32, upper_spans [4, L] int64 (ids unique over both texts), readability: the mean
    over the texts (ours). The rules that the public code lacks (docs/papers/cogbert.md section 5.4) are ours:
    specials have no
    features, each text of a pair is annotated alone, and a word's score goes to all its pieces, or with pieces="first"
    to the first alone, or with "share" in equal parts. A span keeps all its pieces.
    """
    length = len(offsets)
    lower, upper = np.zeros((2, 4, length), np.float32)
    spans = np.full((4, length), -1)
    for number, text in enumerate(texts):
        word = piece_words(offsets, text.offsets, [s == number for s in sequence_ids])
        inside = word >= 0
        part = share(word[inside], pieces)
        lower[:, inside] = text.lower[word[inside]].T * part
        upper[:, inside] = text.upper[word[inside]].T * part
        ids = text.spans[word[inside]].T
        spans[:, inside] = np.where(ids >= 0, ids + spans.max() + 1, -1)
    readability = np.array(np.mean([text.readability for text in texts]), dtype=np.float32)
    return {"lower": lower, "upper_scores": upper, "upper_spans": spans, "readability": readability}


def share(words: np.ndarray, pieces: str) -> np.ndarray:
    """The part of its word's score that each piece gets; words: the pieces' word indices, ascending."""
    if pieces == "all":
        return np.ones(len(words), np.float32)
    _, first, of, count = np.unique(words, return_index=True, return_inverse=True, return_counts=True)
    if pieces == "first":
        return (first[of] == np.arange(len(words))).astype(np.float32)
    return (1 / count[of]).astype(np.float32)


def fixations(
    texts: Sequence[TextWords], offsets: Sequence[tuple[int, int]], sequence_ids: Sequence[int | None]
) -> np.ndarray:
    """Predicted fixation counts of the pieces' words, [L] float32; NaN on specials."""
    found = np.full(len(offsets), np.nan, np.float32)
    for number, text in enumerate(texts):
        word = piece_words(offsets, text.offsets, [s == number for s in sequence_ids])
        found[word >= 0] = text.n_fix[word[word >= 0]]
    return found
