"""Which pairs are held out: whole groups of pairs that hang together by their texts, by hash.

A text that occurs in several pairs, of the same languages or of others, ties them together (connected components). A
component is held out as a whole or not at all, so no held-out text of any language occurs in train. Components come in
the order of a hash of (seed, their texts), which does not depend on places in files; they are held out one by one as
long as they fit into the share. One that is larger than what is left stays in train, and the next is tried (ours).
"""

from __future__ import annotations

import hashlib

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components


def digest(seed: int, text: str) -> int:
    """64 bits. Two texts of one digest would only be kept together."""
    return int.from_bytes(hashlib.blake2b(f"{seed}\n{text}".encode(), digest_size=8).digest(), "big")


def held_out(sides: np.ndarray, share: float) -> np.ndarray:
    """bool [pairs] of their texts' digests, uint64 [pairs, 2]; about `share` of the pairs, and at least one.

    All False only if everything hangs together.
    """
    pairs = len(sides)
    texts, numbers = np.unique(sides.ravel(), return_inverse=True)
    links = numbers.reshape(pairs, 2)
    graph = coo_matrix((np.ones(pairs, dtype=bool), links.T), shape=(len(texts), len(texts)))
    count, component = connected_components(graph, directed=False)
    of_pair = component[links[:, 0]]
    sizes = np.bincount(of_pair, minlength=count)
    first = np.full(count, np.iinfo(np.uint64).max, dtype=np.uint64)
    np.minimum.at(first, component, texts)  # a component's place in the order: its smallest digest
    left, chosen = max(1, round(share * pairs)), np.zeros(count, dtype=bool)
    for number in np.argsort(first, kind="stable"):
        if sizes[number] <= left and sizes[number] < pairs:
            chosen[number], left = True, left - sizes[number]
            if not left:
                break
    return chosen[of_pair]
