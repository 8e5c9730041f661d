"""What no understanding gives: the scores that a task's models are to be read against."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scriptorium.tasks.kinds import tagging, word_measures
from scriptorium.tasks.readers import paraphrase

if TYPE_CHECKING:
    from scriptorium.tasks.spec import TaskDataSpec


def baselines(spec: TaskDataSpec, train: pd.DataFrame, test: pd.DataFrame) -> dict[str, float]:
    """<baseline> or <baseline>/<metric> on test; empty for regression. Labels are names, or scaled measures."""
    if spec.kind == "classification":
        majority = train["label"].mode()[0]
        found = {"majority_accuracy": float((test["label"] == majority).mean())}
        if train["text_b"].notna().all() and test["text_b"].notna().all():
            found["word_overlap_accuracy"] = overlap_baseline(train, test)
        return found
    if spec.kind == "tagging":
        return {f"word_majority/{name}": value for name, value in word_majority(train, test).items()}
    if spec.kind == "gaze":
        return word_measures.baselines((train["text"], train["label"]), (test["text"], test["label"]), spec.labels)
    if spec.kind == "multiple_choice":
        return {"chance_accuracy": float((1 / test["options"].map(len)).mean())}
    if spec.kind == "question_answering" and (test["label"].map(len) == 0).any():
        return {"never_answer_em": float((test["label"].map(len) == 0).mean())}
    return {}


def word_majority(train: pd.DataFrame, test: pd.DataFrame) -> dict[str, float]:
    """Every word gets its most frequent tag in train, an unknown one the most frequent of all (ours)."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for text, tags in zip(train["text"], train["label"], strict=True):
        for word, tag in zip(text.split(), tags, strict=True):
            counts[word][tag] += 1
    most = {word: own.most_common(1)[0][0] for word, own in counts.items()}
    everywhere = sum(counts.values(), Counter()).most_common(1)[0][0]
    names = sorted({tag for frame in (train, test) for tags in frame["label"] for tag in tags})
    place = {name: number for number, name in enumerate(names)}
    true = [[place[tag] for tag in tags] for tags in test["label"]]
    guess = [[place[most.get(word, everywhere)] for word in text.split()] for text in test["text"]]
    return tagging.measures(true, guess, names)


def overlap_baseline(train: pd.DataFrame, test: pd.DataFrame) -> float:
    """Test accuracy of the best threshold on word overlap (Jaccard), chosen on train: what no understanding gives."""

    def overlaps(frame: pd.DataFrame) -> np.ndarray:
        pairs = zip(frame["text"], frame["text_b"], strict=True)
        return np.array([paraphrase.overlap(paraphrase.words(a), paraphrase.words(b)) for a, b in pairs])

    known, unknown = overlaps(train), overlaps(test)
    best = (-1.0, 0.0, "", "")
    labels = sorted(train["label"].unique())
    for threshold in np.unique(np.quantile(known, np.linspace(0, 1, 101))):
        for low in labels:
            for high in labels:
                accuracy = float((np.where(known >= threshold, high, low) == train["label"]).mean())
                best = max(best, (accuracy, float(threshold), low, high))
    _, threshold, low, high = best
    return float((np.where(unknown >= threshold, high, low) == test["label"]).mean())
