"""Reader of the CMCL 2021 shared task's training data (papers/cogbert section 9.3): ZuCo words, means over readers.

The task's own scales are kept, because its error is defined on them: every measure lies between 0 and 100 (nFix, FFD,
GPT, TRT scaled over the whole data, fixProp a percentage), and an error of 1 is one point of each.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from scriptorium.data.tables import members, numbers, read_table
from scriptorium.errors import UserError

MEASURES = {"nFix": "n_fix", "FFD": "ffd", "GPT": "gpt", "TRT": "trt", "fixProp": "fix_prop"}  # theirs -> ours
END = "<EOS>"


def read(artifact: Path) -> dict[str, pd.DataFrame]:
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
    raw = read_table(path, ("sentence_id", "word_id", "word", *MEASURES))
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
    for measure, name in MEASURES.items():
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
