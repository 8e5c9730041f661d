"""The shared task CMCL 2021 (on ZuCo): means over participants on scales of 0-100 (docs/papers/cogbert.md
section 9.5).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from scriptorium.errors import UserError
from scriptorium.files.tables import members, read_table
from scriptorium.gaze.readers.spec import Cmcl2021Options
from scriptorium.gaze.rows import aligned, measure
from scriptorium.gaze.sentence_ids import place_by_sentence, without_end_mark
from scriptorium.ledger import Ledger

GAPS_ARE_FAULTS = True

MEASURES = {"n_fix": "nFix", "ffd": "FFD", "gpt": "GPT", "trt": "TRT", "fix_prop": "fixProp"}
# Recovered by comparison with unscaled ZuCo means: 100 stands for so many fixations, and for so many of ZuCo's samples
# in every duration
FIXATIONS, SAMPLES = 7.25, 2424.9167
HIGHEST = {"n_fix": FIXATIONS, "ffd": SAMPLES, "gpt": SAMPLES, "trt": SAMPLES, "fix_prop": 1.0}


def read(artifact: Path, options: Cmcl2021Options, ledger: Ledger) -> pd.DataFrame:
    """Rows of one word of all .csv files; every sentence is a document.

    Numbers on the scale of 0-100 are brought back to fixations, samples of 2 ms, and shares; with `scaled: false` the
    file holds these already. With `labelled: false` all measures are NaN.
    """
    parts = [_words(path, options) for path in members(artifact, ".csv")]
    rows = pd.concat(parts).assign(n_participants=0)
    if options.scaled:
        for name, highest in HIGHEST.items():
            rows[name] *= highest / 100
    return rows


def read_parts(artifact: Path, ledger: Ledger) -> dict[str, pd.DataFrame]:
    """{"train": ..., "valid": ...} from train.csv and valid.csv of an artifact (its manifest), on scales of 0-100.

    Columns: corpus, document, sentence, word_index, word, n_fix, ffd, gpt, trt, fix_prop. Each sentence is a document
    of its own, named by its sentence_id: they were drawn from many texts and shuffled. Raises UserError for a missing
    file, a sentence in both parts, and whatever `read` refuses.
    """
    files = {path.name: path for path in members(artifact, ".csv")}
    parts = []
    for part in ("train", "valid"):
        if f"{part}.csv" not in files:
            raise UserError(
                f"there is no {part}.csv (it has {', '.join(sorted(files))})",
                where=artifact,
                remedy="correct `members` of this data set in config/datasets.tsv",
            )
        parts.append(_words(files[f"{part}.csv"], Cmcl2021Options()).assign(part=part))
    rows = aligned(pd.concat(parts), ledger, gaps_are_faults=GAPS_ARE_FAULTS)
    rows["document"] = rows["document"].astype(int).astype(str)
    columns = ["corpus", "document", "sentence", "word_index", "word", *MEASURES]
    return {
        part: rows[rows["part"] == part].assign(corpus="cmcl2021").reset_index(drop=True)[columns]
        for part in ("train", "valid")
    }


def _words(path: Path, options: Cmcl2021Options) -> pd.DataFrame:
    """The words of a file with its numbers as they stand. Raises UserError for one above 100 where 100 is the end."""
    labels = tuple(MEASURES.values()) if options.labelled else ()
    raw = read_table(path, ("sentence_id", "word_id", "word", *labels))
    raw["word"] = without_end_mark(raw, path)
    part = place_by_sentence(raw, path)
    for name, column in MEASURES.items():
        part[name] = measure(raw, column, path) if options.labelled else np.nan
        if options.scaled and (above := part[name] > 100).any():
            row = above.idxmax()
            raise UserError(
                f"{column} is {raw[column][row]!r}, above 100",
                where=f"{path}, row {row}",
                remedy="give the shared task's file as it was published; set the option scaled to false for a file "
                "of fixations, samples and shares",
            )
    return part
