"""The shared tasks CMCL 2021 (on ZuCo) and CMCL 2022 (six languages): means over readers, scaled to 0-100."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scriptorium.errors import UserError, nearest
from scriptorium.files.tables import members, numbers, read_table, settle
from scriptorium.gaze.readers.means import in_sentences
from scriptorium.gaze.table import DURATIONS, MEASURES
from scriptorium.ledger import Ledger

# Recovered by comparison with unscaled ZuCo means (docs/papers/cogbert.md section 9.5): 100 stands for so many
# fixations,
# and for so many of ZuCo's samples in every duration
FIXATIONS, SAMPLES = 7.25, 2424.9167
WHERE = "config/config.yaml, gaze.corpora, options"


def read_2021(artifact: Path, options: Mapping[str, Any], ledger: Ledger) -> pd.DataFrame:
    """Rows of one word: sentence_id, word_id, word, nFix, FFD, GPT, TRT, fixProp; every sentence is a document.

    Options: `scaled` (true): the file is scaled as released, and is brought back to fixations, samples and shares;
    false: it holds these already. `labelled` (true): false for the test file, whose label columns are all 0: its
    measures become NaN. The mark <EOS> of last words is taken off. Durations are ZuCo's samples (2 ms).
    """
    settled = settle(options, WHERE, scaled=True, labelled=True)
    names = {"n_fix": "nFix", "ffd": "FFD", "gpt": "GPT", "trt": "TRT", "fix_prop": "fixProp"}
    factor = {"n_fix": FIXATIONS / 100, "fix_prop": 1 / 100, "ffd": SAMPLES / 100}
    parts = []
    for path in members(artifact, ".csv"):
        raw = read_table(path, ("sentence_id", "word_id", "word"), tuple(names.values()))
        raw["word"] = _without_mark(raw, path)
        part = in_sentences(raw, path)
        for measure, column in names.items():
            if settled["labelled"] and column not in raw:
                read_table(path, (column,))  # names the missing column
            part[measure] = numbers(raw, column, path, minimum=0) if settled["labelled"] else np.nan
            if settled["scaled"]:
                part[measure] *= factor.get(measure, factor["ffd"])
        parts.append(part)
    return pd.concat(parts, ignore_index=True).assign(gd=np.nan, n_readers=0)


def read_2022(artifact: Path, options: Mapping[str, Any], ledger: Ledger) -> pd.DataFrame:
    """Rows of one word: language, sentence_id, word_id, word, FFDAvg, TRTAvg. Option `language`: en de nl ru zh hi.

    The words of a sentence count in the order of the file: word_id has gaps and repetitions as released (noted).
    The task has no n_fix, so that a corpus of it cannot supervise the regressor. Its ffd and trt stay on the task's
    scale of 0-100, whose factors are not found; they are comparable within the corpus only.
    """
    language = settle(options, WHERE, language="")["language"]
    parts = []
    for path in members(artifact, ".csv", ".csv.gz"):
        raw = read_table(path, ("language", "sentence_id", "word_id", "word", "FFDAvg", "TRTAvg"))
        if language:
            if language not in (there := set(raw["language"])):
                raise UserError(
                    f"no sentence in language {language!r}, {nearest(language, there)}",
                    where=path,
                    remedy="correct the option `language`",
                )
            raw = raw[raw["language"] == language]
        raw["word"] = _without_mark(raw, path)
        count = raw.groupby("sentence_id").cumcount()
        if odd := int((numbers(raw, "word_id", path) != count).sum()):
            ledger.note(f"gaze: {odd} words of {path.name} have another word_id than their place")
        part = in_sentences(raw.assign(word_id=count.astype(str)), path)
        part["ffd"], part["trt"] = (numbers(raw, name, path, minimum=0) for name in ("FFDAvg", "TRTAvg"))
        parts.append(part)
    frame = pd.concat(parts, ignore_index=True)
    empty = {name: np.nan for name in (*MEASURES, "fix_prop") if name not in frame}
    ledger.note(
        f"gaze: no {', '.join(n for n in MEASURES if n in empty)} in CMCL 2022; "
        f"{', '.join(n for n in DURATIONS if n not in empty)} are on its scale of 0-100"
    )
    return frame.assign(n_readers=0, **empty)


def _without_mark(raw: pd.DataFrame, path: Path) -> pd.Series:
    """Words without <EOS>. Raises UserError where it stands anywhere but at the end of a sentence."""
    last = raw["sentence_id"].ne(raw["sentence_id"].shift(-1))
    odd = raw["word"].str.contains("<EOS>", regex=False) & ~(last & raw["word"].str.endswith("<EOS>"))
    if odd.any():
        row = odd.idxmax()
        raise UserError(
            f"{raw['word'][row]!r}: <EOS> inside a sentence",
            where=f"{path}, row {row}",
            remedy="keep the words of a sentence together and in order",
        )
    return raw["word"].str.removesuffix("<EOS>")


MEASURE_NAMES = {"nFix": "n_fix", "FFD": "ffd", "GPT": "gpt", "TRT": "trt", "fixProp": "fix_prop"}  # theirs -> ours
END = "<EOS>"


def read_parts(artifact: Path) -> dict[str, pd.DataFrame]:
    """{"train": ..., "valid": ...} from train.csv and valid.csv of an artifact (its manifest).

    Columns: corpus, document, sentence, word_index, word, n_fix, ffd, gpt, trt, fix_prop. Each sentence is a document
    of its own: they were drawn from many texts and shuffled. Raises UserError naming file and row: missing file or
    column, a number outside 0 .. 100, an empty word, gaps in word_id, a sentence in both parts.
    """
    files = {path.name: path for path in members(artifact, ".csv")}
    found = {}
    for part in ("train", "valid"):
        if f"{part}.csv" not in files:
            raise UserError(
                f"there is no {part}.csv (it has {', '.join(sorted(files))})",
                where=artifact,
                remedy="correct `members` of this data set in config/datasets.tsv",
            )
        found[part] = _part(files[f"{part}.csv"])
    if both := set(found["train"]["document"]) & set(found["valid"]["document"]):
        raise UserError(
            f"sentence_id {min(both, key=int)} stands in train.csv and in valid.csv",
            where=artifact,
            remedy="give every sentence to one part",
        )
    return found


def _part(path: Path) -> pd.DataFrame:
    raw = read_table(path, ("sentence_id", "word_id", "word", *MEASURE_NAMES))
    number = {name: numbers(raw, name, path, minimum=0, whole=True).astype(int) for name in ("sentence_id", "word_id")}
    word = raw["word"].str.removesuffix(END)
    table = pd.DataFrame(
        {
            "corpus": "cmcl2021",
            "document": number["sentence_id"].astype(str),
            "sentence": 0,
            "word_index": number["word_id"],
            "word": word,
        }
    )
    faults = {
        "is not one word": word.map(lambda w: w.split() != [w]),
        "does not follow its sentence's last word: word_id has a gap or a repetition": number["word_id"]
        != raw.groupby("sentence_id", sort=False).cumcount(),
    }
    for measure, name in MEASURE_NAMES.items():
        table[name] = numbers(raw, measure, path, minimum=0)
        faults[f"has a {measure} above 100"] = table[name] > 100
    for problem, wrong in faults.items():
        if wrong.any():
            row = wrong.idxmax()
            raise UserError(
                f"{raw['word'][row]!r} {problem}",
                where=f"{path}, row {row}",
                remedy="give the shared task's file as it was published",
            )
    return table.reset_index(drop=True)
