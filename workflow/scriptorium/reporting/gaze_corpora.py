"""Table of the gaze corpora: their size and level, what occurs in them twice, and how far their participants agree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from scriptorium.gaze.pooling import duplicates
from scriptorium.gaze.table import summary
from scriptorium.linguistics import annotate

NOISE = ("split_half_r", "split_half_sd", "ceiling_r", "repeat_sentences", "repeat_r", "repeat_mae")


def corpora_table(corpora: Mapping[str, tuple[pd.DataFrame, Mapping[str, Any]]]) -> pd.DataFrame:
    """One row per corpus: corpus, words, sentences, documents, participants, mean_n_fix, share_never_fixated, mean_ffd,
    repeated, shared, and the noise ceiling (gaze/ceiling.py).

    corpora: name -> (gaze table, its ceiling.json). mean_ffd: ms, over participants who fixated the word. repeated:
    texts that occur in the corpus twice; shared: texts that occur in another corpus as well. Empty: the source cannot
    tell.
    """
    sentences = {name: annotate.sentences(words) for name, (words, _) in corpora.items()}
    rows = []
    for name, (words, noise) in corpora.items():
        counts = summary(words)
        fixated = words["fix_prop"].sum()
        rows.append(
            {
                "corpus": name,
                **{column: int(counts[column]) for column in ("words", "sentences", "documents")},
                "participants": int(counts["participants"]) or "",
                "mean_n_fix": counts["mean_n_fix"],
                "share_never_fixated": counts["share_never_fixated"],
                "mean_ffd": words["ffd"].sum() / fixated if fixated else np.nan,
                "repeated": duplicates(sentences[name]).get((name, name), 0),
                "shared": _shared(name, sentences),
                **{column: noise.get(column, np.nan) for column in NOISE},
            }
        )
    return pd.DataFrame(rows).astype({"repeat_sentences": "Int64"})


def _shared(name: str, sentences: Mapping[str, pd.DataFrame]) -> int:
    """Texts of a corpus that occur in any other."""
    others = [own.assign(corpus="others") for other, own in sentences.items() if other != name]
    both = pd.concat([sentences[name], *others])
    return sum(count for pair, count in duplicates(both).items() if set(pair) == {name, "others"})
