"""A gaze corpus as a task, by any reader of gaze/readers: so an encoder can be tuned on eye movements first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scriptorium.errors import UserError, nearest
from scriptorium.gaze import corpora
from scriptorium.ledger import Ledger
from scriptorium.tasks.raw_files import FIELDS
from scriptorium.tasks.splits import split

if TYPE_CHECKING:
    from scriptorium.tasks.spec import TaskDataSpec

MEASURES = (*corpora.MEASURES, "fix_prop")
HELD_OUT = 0.15  # share of the sentences each for validation and test (ours)


def read(spec: TaskDataSpec, artifact: Path, ledger: Ledger) -> pd.DataFrame:
    """The sentences of a gaze corpus; the task's labels choose among n_fix, ffd, gd, gpt, trt, fix_prop.

    Split by document, 70/15/15: sentences of one paragraph have participants, topic and words in common. Raises
    UserError for a measure that the corpus lacks.
    """
    words, _ = corpora.load(spec.task, spec.options, artifact, ledger)
    for name in spec.labels:
        if name not in MEASURES or words[name].isna().any():
            known = [measure for measure in MEASURES if words[measure].notna().all()]
            raise UserError(
                f"the corpus has no measure {name!r} for every word, {nearest(name, known)}",
                where=f"config/config.yaml, tasks.{spec.task}.labels",
            )
    rows, documents = [], []
    for (document, sentence), part in words.groupby(["document", "sentence"], sort=True):
        values = part[list(spec.labels)].to_numpy(np.float64)
        rows.append(
            {
                "id": f"{document}-{sentence}",
                "text": " ".join(part["word"]),
                "text_b": None,
                "label": tuple(map(tuple, values)),
                "split": "",
            }
        )
        documents.append(document)
    frame = pd.DataFrame(rows, columns=FIELDS)
    held_out = round(HELD_OUT * len(frame))
    limits = {"validation": held_out, "test": held_out}
    for name, chosen in split(documents, [""] * len(frame), limits, spec.split_seed).items():
        frame.loc[chosen, "split"] = name
    return frame
