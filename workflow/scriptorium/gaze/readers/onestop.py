"""OneStop Eye Movements: the word-level table of EyeLink's interest areas (Berzak et al. 2025)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from scriptorium.files.tables import members, numbers, read_table, settle
from scriptorium.gaze.sentences import sentences
from scriptorium.gaze.table import check_words, majority
from scriptorium.ledger import Ledger

# EyeLink's names; a dot or an empty cell means that there was no fixation to measure
NAMES = {
    "n_fix": "IA_FIXATION_COUNT",
    "ffd": "IA_FIRST_FIXATION_DURATION",
    "gd": "IA_FIRST_RUN_DWELL_TIME",
    "gpt": "IA_REGRESSION_PATH_DURATION",
    "trt": "IA_DWELL_TIME",
}


def read(artifact: Path, options: Mapping[str, Any], ledger: Ledger) -> pd.DataFrame:
    """Rows of one word and reader, first readings only.

    Where readers of a paragraph disagree on its words, the word sequence of the majority counts and the other
    readers' paragraph is dropped (with a note in the ledger). Sentences are cut by `sentences`.
    """
    settle(options, "config/config.yaml, gaze.corpora, options")
    required = ("participant_id", "unique_paragraph_id", "IA_ID", "IA_LABEL", *NAMES.values())
    parts = []
    for path in members(artifact, ".csv"):
        raw = read_table(path, required, ("repeated_reading_trial",))
        if "repeated_reading_trial" in raw:
            raw = raw[raw["repeated_reading_trial"].str.lower() != "true"]
        part = {"document": raw["unique_paragraph_id"], "reader": raw["participant_id"], "word": raw["IA_LABEL"]}
        part["position"] = numbers(raw, "IA_ID", path, whole=True).astype(int)
        for measure, column in NAMES.items():
            missing = "" if measure == "n_fix" else ". "
            part[measure] = numbers(raw, column, path, minimum=0, missing=missing)
        part = pd.DataFrame(part)
        check_words(part, path)
        parts.append(part)
    frame = pd.concat(parts).sort_values(["document", "reader", "position"], kind="stable")
    frame = majority(frame, ledger)
    order = frame.groupby(["document", "reader"], sort=False)
    frame["sentence"] = order["word"].transform(lambda words: sentences(list(words)))
    frame["word_index"] = frame.groupby(["document", "reader", "sentence"], sort=False).cumcount()
    return frame.drop(columns="position")
