"""Table of the gaze corpora: their size and level, what stands in them twice, and how far their readers agree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from scriptorium.gaze.pooling import duplicates
from scriptorium.gaze.table import summary
from scriptorium.linguistics.annotate import sentences

NOISE = ("split_half_r", "split_half_sd", "ceiling_r", "repeat_sentences", "repeat_r", "repeat_mae")


def table(corpora: Mapping[str, tuple[pd.DataFrame, Mapping[str, Any]]]) -> pd.DataFrame:
    """One row per corpus: corpus, words, sentences, documents, readers, mean_n_fix, share_never_fixated, mean_ffd,
    repeated, shared, and the noise ceiling (gaze/ceiling.py).

    corpora: name -> (gaze table, its ceiling.json). mean_ffd: ms, over readers who fixated the word. repeated: texts
    that stand in the corpus twice; shared: texts that stand in another corpus as well. Empty: the source cannot tell.
    """
    said = {name: sentences(words) for name, (words, _) in corpora.items()}
    rows = []
    for name, (words, noise) in corpora.items():
        counts = summary(words)
        fixated = words["fix_prop"].sum()
        rows.append(
            {
                "corpus": name,
                **{column: int(counts[column]) for column in ("words", "sentences", "documents")},
                "readers": int(counts["readers"]) or "",
                "mean_n_fix": counts["mean_n_fix"],
                "share_never_fixated": counts["share_never_fixated"],
                "mean_ffd": words["ffd"].sum() / fixated if fixated else np.nan,
                "repeated": duplicates(said[name]).get((name, name), 0),
                "shared": _shared(name, said),
                **{column: noise.get(column, np.nan) for column in NOISE},
            }
        )
    return pd.DataFrame(rows).astype({"repeat_sentences": "Int64"})


def _shared(name: str, said: Mapping[str, pd.DataFrame]) -> int:
    """Texts of a corpus that stand in any other."""
    others = [own.assign(corpus="others") for other, own in said.items() if other != name]
    both = pd.concat([said[name], *others])
    return sum(count for pair, count in duplicates(both).items() if set(pair) == {name, "others"})
