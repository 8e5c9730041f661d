"""A gaze corpus can be a task: measures per word, whole paragraphs in one split."""

import numpy as np
import pandas as pd
import pytest

from scriptorium import manifest
from scriptorium.errors import UserError
from scriptorium.ledger import Ledger
from scriptorium.tasks import preparing
from scriptorium.tasks.spec import TaskDataSpec


@pytest.fixture
def corpus(tmp_path):
    rows = [
        {
            "document": f"d{d}",
            "sentence": s,
            "word_index": w,
            "word": f"w{d}{s}{w}",
            "participant": participant,
            "n_fix": (d + s + w + len(participant)) % 3,
        }
        for d in range(10)
        for s in range(4)
        for w in range(3)
        for participant in ("x", "yy")
    ]
    path = tmp_path / "raw" / "gaze.csv"
    path.parent.mkdir()
    pd.DataFrame(rows).to_csv(path, index=False)
    return manifest.write(path.parent, [path])


def prepare(corpus, tmp_path, **changes):
    values = {
        "task": "gaze-x",
        "reader": "gaze_corpus",
        "options": {"reader": "csv"},
        "kind": "gaze",
        "labels": ["n_fix", "fix_prop"],
        "limits": {},
        **changes,
    }
    out = tmp_path / "out"
    out.mkdir()
    preparing.prepare(TaskDataSpec.parse(values), corpus, out, Ledger.open(out, stage="prepare_task", key="k"))
    return {name: pd.read_parquet(out / f"{name}.parquet") for name in ("train", "validation", "test")}


def test_a_paragraph_is_never_split_and_labels_have_a_row_per_word(corpus, tmp_path):
    splits = prepare(corpus, tmp_path)
    documents = [set(part["id"].str.split("-").str[0]) for part in splits.values()]
    assert sum(map(len, documents)) == len(set.union(*documents)) == 10
    for part in splits.values():
        for text, label in zip(part["text"], part["label"], strict=True):
            assert np.stack(label).shape == (len(text.split()), 2)
    train = np.concatenate([np.stack(label) for label in splits["train"]["label"]])
    assert train.min(axis=0).tolist() == [0, 0]
    assert train.max(axis=0).tolist() == [100, 100]


def test_a_measure_that_the_corpus_lacks_is_named(corpus, tmp_path):
    with pytest.raises(UserError, match="no measure 'ffd' for every word"):
        prepare(corpus, tmp_path, labels=["ffd"])
