"""How often a language, or a pair of languages, is read: rare ones more often than their share of the text.

p_l = n_l^alpha / sum over k of n_k^alpha, n in sentences (docs/papers/veco.md section 2.7; there (n_l / sum n)^alpha,
whose normalisation is ours). alpha 1: as the text is; 0: all alike.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def probabilities(counts: Sequence[float], alpha: float) -> np.ndarray:
    """float64 [languages], sum 1, of their positive numbers of sentences."""
    weights = np.asarray(counts, dtype=np.float64) ** alpha
    return weights / weights.sum()


def kept(counts: Sequence[float], alpha: float) -> np.ndarray:
    """float64 [languages]: the share of each language's sentences that is kept, so that what is left is distributed
    like `probabilities` and no sentence is there twice. The largest share is 1.
    """
    shares = probabilities(counts, alpha) / np.asarray(counts, dtype=np.float64)
    return shares / shares.max()
