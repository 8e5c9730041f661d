"""Gradient boosting on surface features: one model per measure, kept as plain arrays (ours).

Training is scikit-learn's. What is kept of it are the trees themselves, in a safetensors file: a pickle would run
whatever is inside when it is opened, and would only fit the version that wrote it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from scriptorium.errors import UserError

# array of ours -> field of scikit-learn's tree nodes
FIELDS = {
    "value": "value",
    "feature": "feature_idx",
    "threshold": "num_threshold",
    "left": "left",
    "right": "right",
    "leaf": "is_leaf",
}


@dataclass(frozen=True)
class Boosting:
    """Trees of all measures: `base` [measures] and, over all nodes, value, feature, threshold, left, right, leaf.

    `roots` [measures, trees] holds each tree's first node; left and right count from there.
    """

    base: np.ndarray
    roots: np.ndarray
    nodes: dict[str, np.ndarray]

    def predict(self, features: np.ndarray) -> np.ndarray:
        """features [words, F] -> [words, measures] float64, the very numbers that scikit-learn would give."""
        features = np.asarray(features, dtype=np.float64)
        out = np.tile(self.base, (len(features), 1))
        words = np.arange(len(features))
        for measure, roots in enumerate(self.roots):
            for root in roots:
                at = np.full(len(features), root)
                while (inner := self.nodes["leaf"][at] == 0).any():
                    here = at[inner]
                    goes = features[words[inner], self.nodes["feature"][here]] <= self.nodes["threshold"][here]
                    at[inner] = root + np.where(goes, self.nodes["left"][here], self.nodes["right"][here])
                out[:, measure] += self.nodes["value"][at]
        return out

    def save(self, path: Path) -> Path:
        save_file({"base": self.base, "roots": self.roots, **self.nodes}, path)
        return path

    @classmethod
    def load(cls, path: Path) -> Boosting:
        """Raises UserError if the file is not one that `save` wrote."""
        try:
            arrays = load_file(path)
            return cls(arrays["base"], arrays["roots"], {name: arrays[name] for name in FIELDS})
        except (OSError, KeyError, SafetensorError) as error:
            raise UserError(
                f"not a readable boosting model: {error}", where=path, remedy="train the predictor again"
            ) from None


def fit(
    features: np.ndarray,
    values: np.ndarray,
    *,
    iterations: int,
    learning_rate: float,
    min_samples_leaf: int,
    seed: int,
    measures: Sequence[str] = (),
) -> Boosting:
    """One model per column of values [words, measures] by absolute loss; unknown values (NaN) are left out.

    Raises UserError if a measure is known for no word. On one thread the result is a function of the arguments.
    """
    base, roots, trees, used = [], [], [], 0
    for column in range(values.shape[1]):
        known = np.isfinite(values[:, column])
        if not known.any():
            name = measures[column] if measures else column
            raise UserError(f"measure {name} is known for no training word", remedy="leave it out of `measures`")
        model = HistGradientBoostingRegressor(
            loss="absolute_error",
            max_iter=iterations,
            learning_rate=learning_rate,
            early_stopping=False,
            min_samples_leaf=min_samples_leaf,
            random_state=seed,
        )
        with threadpool_limits(1):
            model.fit(features[known], values[known, column])
        own = [predictor.nodes for (predictor,) in model._predictors]
        sizes = [len(nodes) for nodes in own]
        roots.append(used + np.cumsum([0, *sizes[:-1]]))
        used += sum(sizes)
        trees += own
        base.append(float(model._baseline_prediction.squeeze()))
    nodes = np.concatenate(trees)
    kinds = {"value": np.float64, "threshold": np.float64, "leaf": np.uint8}
    kept = {name: np.ascontiguousarray(nodes[field], dtype=kinds.get(name, np.int64)) for name, field in FIELDS.items()}
    return Boosting(np.array(base), np.array(roots, dtype=np.int64), kept)
