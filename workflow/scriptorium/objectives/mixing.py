"""How the steps of a run are drawn from blocks of two sides: kinds by a share, languages and pairs by alpha."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scriptorium.engine.mixture import Mixture
from scriptorium.text.languages.sampling import probabilities
from scriptorium.text.two_sided import read_groups

if TYPE_CHECKING:
    from scriptorium.engine.spec import MixtureSpec
    from scriptorium.text.blocks import Blocks


def mixture(blocks: Blocks, spec: MixtureSpec) -> Mixture:
    """What a data set of these blocks has as its attribute `mixture`, so that training draws from it."""
    groups = read_groups(blocks.path.parent)
    second = np.array([group.kind == "bilingual" for group in groups])
    texts = np.array([max(group.texts, 1) for group in groups])
    weights = np.zeros(len(groups))
    for kind in (~second, second):
        if kind.any():
            weights[kind] = probabilities(texts[kind], spec.alpha)
    tokens = np.array([int((blocks[number][1] >= 0).sum()) for number in range(len(blocks))])
    return Mixture(blocks.column("group")[:, 0], second, weights, spec.bilingual, tokens)
