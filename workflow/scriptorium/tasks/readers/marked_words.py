"""A positive control for fusion: which words of a text count is said by its features and by nothing else (ours).

A text is a random order of short words and equally many long ones, all of them from the data set. One word is marked,
and the label says whether it is a short or a long one. Which word is marked is a hash of the whole text, so no word
and no order of words tells it; `tasks/revealed.py` gives the mark to the features. A fused model can solve the task
if a score changes what attention carries; a plain one cannot, whatever it learns of words.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scriptorium.errors import UserError
from scriptorium.files.lines import lines
from scriptorium.files.tables import members
from scriptorium.ledger import Ledger
from scriptorium.tasks.marks import marked
from scriptorium.tasks.raw_files import FIELDS, need_classes

if TYPE_CHECKING:
    from scriptorium.tasks.spec import TaskDataSpec

LETTERS = {"short": (2, 4), "long": (7, 12)}


def read(spec: TaskDataSpec, artifact: Path, ledger: Ledger) -> pd.DataFrame:
    """Texts of `options.words` words, made by `split_seed` of the frequent words of all .txt files of the data set.

    Raises UserError: other labels than short and long, a data set with too few words.
    """
    need_classes(spec, *LETTERS)
    options, words = spec.options, frequent(artifact, spec.options.vocabulary)
    kinds = {word: kind for kind, own in words.items() for word in own}
    generator, rows = np.random.default_rng(spec.split_seed), []
    for number in range(options.examples):
        chosen = [generator.choice(own, options.words // 2, replace=False) for own in words.values()]
        order = generator.permutation(np.concatenate(chosen)).tolist()
        text = " ".join(order)
        rows.append((f"marked-{number:06d}", text, None, kinds[order[marked(text)]], ""))
    return pd.DataFrame(rows, columns=FIELDS)


def frequent(artifact: Path, count: int) -> dict[str, list[str]]:
    """The most frequent words of each kind, so many of each; equally frequent ones by the alphabet."""
    found: Counter[str] = Counter()
    for path in members(artifact, ".txt"):
        for _, line in lines(path):
            found.update(re.findall(r"[a-z]+", line.lower()))
    ranked = sorted(found, key=lambda word: (-found[word], word))
    words = {kind: [w for w in ranked if low <= len(w) <= high][:count] for kind, (low, high) in LETTERS.items()}
    if scarce := [kind for kind, own in words.items() if len(own) < count]:
        raise UserError(
            f"the data set has fewer than {count} different {' and '.join(scarce)} words",
            where=artifact,
            remedy="lower options.vocabulary of the task, or take another data set",
        )
    return words
