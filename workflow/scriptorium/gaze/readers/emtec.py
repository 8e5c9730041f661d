"""EMTeC: texts that language models wrote (Bolliger et al. 2024): reading_measures.csv, or ..._corrected.csv.

The columns are those that the repository's scripts write (DiLi-Lab/EMTeC, preprocessing/utils/merge_rm_files.py).
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from scriptorium.files.tables import members, read_table
from scriptorium.gaze.readers.spec import EmtecOptions
from scriptorium.gaze.reports import measures, with_words
from scriptorium.gaze.rows import place_of, position
from scriptorium.ledger import Ledger

GAPS_ARE_FAULTS = False  # a word that a single participant lacks is noticed

TEXT = ("item_id", "model", "decoding_strategy")  # a prompt, and who answered it how
# FD and not FFD is the first fixation of the other corpora: FFD is 0 where the first pass skipped the word
NAMES = {"n_fix": "TFC", "ffd": "FD", "gd": "FPRT", "gpt": "RPD_inc", "trt": "TFT"}


def read(artifact: Path, options: EmtecOptions, ledger: Ledger) -> pd.DataFrame:
    """Rows of one word and participant of .csv files (tab-separated as released); a generated text is a document of
    running text, named <item>-<model>-<strategy>. Raises UserError naming file, row and remedy.
    """
    return pd.concat([_table(path, ledger) for path in members(artifact, ".csv")])


def _table(path: Path, ledger: Ledger) -> pd.DataFrame:
    raw = with_words(read_table(path, (*TEXT, "subject_id", "word_id", "word", *NAMES.values())), "word", path, ledger)
    part = pd.DataFrame(
        {
            "document": raw["item_id"] + "-" + raw["model"] + "-" + raw["decoding_strategy"],
            "participant": raw["subject_id"],
            "word": raw["word"].str.strip(),
            "position": position(raw, "word_id", path),
        }
    )
    return part.join(measures(raw, NAMES, path, ledger)).assign(place=place_of(raw, path))
