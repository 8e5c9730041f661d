"""Stage 1 is tested on documents it has not seen: the gaze words, the folds, and the measures of a prediction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.stats import spearmanr

from scriptorium import manifest
from scriptorium.errors import UserError
from scriptorium.gaze.pooling import normalised, overlapping
from scriptorium.linguistics import annotate
from scriptorium.linguistics.features import FEATURES

PLACE = ["corpus", "document", "sentence", "word_index"]
SHARED_WORDS = 5  # a sentence of at least so many words in two documents ties them together


def read_words(words: Sequence[Path], features: Sequence[Path], exclude: Sequence[Path] = ()) -> pd.DataFrame:
    """Words of all gaze corpora with their features, one row each, in the order corpus, document, sentence, word.

    Columns: id, corpus, document, sentence, word_index, word, label (n_fix), text_key, the eight FEATURES, group (see
    `groups`). Arguments are manifests; sentences of the corpora in `exclude`, and what overlaps with them, are left
    out. Raises UserError where words and features do not fit, n_fix is missing, or nothing is left.
    """
    tables = [_parquet(path, [*PLACE, "word", "n_fix"]) for path in words]
    table = pd.concat(tables, ignore_index=True).sort_values(PLACE, ignore_index=True)
    where = ", ".join(map(str, words))
    _unique(table, PLACE, where)
    if (odd := ~np.isfinite(table["n_fix"]) | (table["n_fix"] < 0)).any():
        raise UserError(
            f"n_fix must be a number of at least 0 for every word, not so in corpus {table['corpus'][odd].iloc[0]!r}",
            where=where,
            remedy="train on corpora with fixation counts (CMCL 2022 and unlabelled texts have none)",
        )
    kept = annotate.sentences(table)
    if exclude:
        kept = kept[~overlapping(kept["text"], read_sentences(exclude)["text"])].reset_index(drop=True)
        if kept.empty:
            raise UserError("every sentence is excluded", where=where, remedy="name other corpora, or exclude fewer")
    table = table.merge(kept, on=PLACE[:3], how="inner", validate="many_to_one")
    described = pd.concat([_parquet(p, ["text_key", "word_index", "word", *FEATURES]) for p in features])
    described = described.drop_duplicates(["text_key", "word_index"])
    table = table.merge(described, on=["text_key", "word_index"], how="left", suffixes=("", "_annotated"))
    if (wrong := table["word"] != table["word_annotated"]).any():
        raise UserError(
            f"the annotated words differ from the read ones, first in {table[wrong].iloc[0]['text']!r}",
            where=", ".join(map(str, features)),
            remedy="run snakemake for the annotations again",
        )
    group = groups(kept)
    place = list(zip(table["corpus"], table["document"], strict=True))
    return table.assign(
        id=["/".join(map(str, row)) for row in table[PLACE].itertuples(index=False)],
        label=table["n_fix"].astype(np.float64),
        group=[group[key] for key in place],
    )[["id", *PLACE, "word", "label", "text_key", *FEATURES, "group"]]


def read_sentences(words: Sequence[Path]) -> pd.DataFrame:
    """Sentences of gaze corpora, given their manifests: corpus, document, sentence, text, text_key."""
    return annotate.sentences(pd.concat([_parquet(path, [*PLACE, "word"]) for path in words], ignore_index=True))


def groups(sentences: pd.DataFrame) -> dict[tuple[str, str], str]:
    """Group of each (corpus, document): documents that share a sentence are one group, so that no fold can leak it.

    Sentences are the same if their letters and digits are (`pooling.normalised`).
    (A random split leaks sentences read twice: docs/papers/cogbert.md sections 9.2 and 10 no. 12. How to mend it is
    ours.)
    """
    names = sorted(set(zip(sentences["corpus"], sentences["document"], strict=True)))
    number = {name: i for i, name in enumerate(names)}
    long = sentences[sentences["text"].str.split().str.len() >= SHARED_WORDS]
    owner = np.array([number[key] for key in zip(long["corpus"], long["document"], strict=True)], dtype=np.int64)
    text = long["text"].map(normalised).to_numpy()
    first = pd.Series(owner).groupby(text).transform("first").to_numpy(dtype=np.int64)
    links = coo_array((np.ones(len(owner)), (owner, first)), shape=(len(names), len(names)))
    _, component = connected_components(links, directed=False)
    leader: dict[int, str] = {}
    return {name: leader.setdefault(component[i], "/".join(map(str, name))) for i, name in enumerate(names)}


def folds(seed: int, documents: Iterable[str], count: int) -> dict[str, int]:
    """Fold 0 .. count-1 of each document (or group of documents): a pure function of the seed and the set of names.

    Folds hold equally many documents, give or take one. Raises UserError if there are fewer documents than folds.
    """
    names = sorted(set(documents))
    if len(names) < count:
        raise UserError(
            f"{len(names)} independent documents cannot make {count} folds",
            where="recipe: folds",
            remedy="lower `folds` or add a corpus",
        )
    order = np.random.default_rng([seed]).permutation(len(names))
    return {names[index]: place % count for place, index in enumerate(order)}


def measures(predictions: pd.DataFrame) -> dict[str, float]:
    """Measures of predictions with columns corpus, document, label, prediction.

    mae (fixations), r2 (against the mean of all labels), spearman (left out where predictions are constant within
    every document), mae_document_sd (spread of the documents' MAE), words, documents.
    """
    label, predicted = predictions["label"].to_numpy(), predictions["prediction"].to_numpy()
    by_document = document_errors(predictions)
    found = {
        "mae": np.abs(label - predicted).mean(),
        "r2": 1 - ((label - predicted) ** 2).sum() / ((label - label.mean()) ** 2).sum(),
        "mae_document_sd": by_document.std(ddof=1),
        "words": len(predictions),
        "documents": len(by_document),
    }
    if predictions.groupby(["corpus", "document"])["prediction"].nunique().max() > 1:
        found["spearman"] = spearmanr(label, predicted).statistic
    return {name: float(value) for name, value in found.items()}


def document_errors(predictions: pd.DataFrame) -> pd.Series:
    """MAE of each document, indexed by (corpus, document)."""
    error = (predictions["label"] - predictions["prediction"]).abs()
    return error.groupby([predictions["corpus"], predictions["document"]]).mean()


def score_spread(features: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    """Mean and variance of each score over the words that have the feature; both arguments [words, 8].

    Without variance, stage 1 adds nothing to the 0/1 flags (docs/papers/cogbert.md section 4.3).
    """
    found = {}
    for column, name in enumerate(FEATURES):
        if len(values := scores[features[:, column] != 0, column].astype(np.float64)):
            found |= {f"score_mean/{name}": values.mean(), f"score_variance/{name}": values.var()}
    return {name: float(value) for name, value in found.items()}


def _parquet(path: Path, columns: list[str]) -> pd.DataFrame:
    """The one parquet file of a manifest. Raises UserError for a missing column."""
    file = manifest.the_parquet(path)
    table = pd.read_parquet(file)
    if missing := [name for name in columns if name not in table.columns]:
        raise UserError(f"columns missing: {', '.join(missing)}", where=file)
    return table[columns]


def _unique(table: pd.DataFrame, key: list[str], where: str) -> None:
    if (double := table.duplicated(key)).any():
        row = "/".join(map(str, table.loc[double, key].iloc[0]))
        raise UserError(f"word {row} occurs twice", where=where, remedy="name every corpus once in the recipe")
