"""GLUE's test sets, whose labels only its server has: .tsv files, plain or gzip, and the hub's parquet files."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from scriptorium.errors import UserError
from scriptorium.files.lines import lines
from scriptorium.files.tables import clean, members
from scriptorium.tasks.glue_submission import FILES
from scriptorium.tasks.raw_files import bare_name
from scriptorium.tasks.readers.glue import FORMATS

INDEX = ("index", "idx", "id")  # the column that says which row a prediction is of
SETS = {"MNLI-m.tsv": ("test_matched",), "MNLI-mm.tsv": ("test_mismatched",), "AX.tsv": ("diagnostic", "ax", "test")}


def test_sets(artifact: Path, task: str) -> dict[str, pd.DataFrame]:
    """File of the server -> its rows, from the data set of a GLUE task: index int, text str, text_b str or None.

    artifact: manifest of the raw data. Of MNLI, files that are there make the sets; the diagnostic set is called
    diagnostic or ax, or, in the hub's parquet files, test in the folder ax. Raises UserError: no test set, a missing
    column, a broken row, an index that does not count from 0.
    """
    paths = members(artifact, ".tsv", ".tsv.gz", ".parquet")
    found = {}
    for file in (name for name, wanted in FILES.items() if wanted.task == task):
        names = SETS.get(file, ("test",))
        for path in paths:
            if bare_name(path) in names:
                found[file] = _rows(path, task)
    if not found:
        raise UserError(
            f"no test file among {', '.join(path.name for path in paths)}",
            where=artifact,
            remedy="add GLUE's test file of this task to the data set, or take the task out of the study",
        )
    return found


def _rows(path: Path, task: str) -> pd.DataFrame:
    if path.suffix == ".parquet":
        table = pd.read_parquet(path)
    else:
        rows = lines(path)
        header = next(rows, (1, ""))[1].split("\t")
        cells = [(number, line.split("\t")) for number, line in rows]
        for number, row in cells:
            if len(row) != len(header):
                raise UserError(
                    f"{len(row)} cells, and the header has {len(header)}",
                    where=f"{path}, line {number}",
                    remedy="mend the row: the server wants a prediction for it too",
                )
        table = pd.DataFrame([row for _, row in cells], columns=header)
    texts = next((names for names in FORMATS[task].texts if set(names) <= set(table)), None)
    index = next((name for name in INDEX if name in table), None)
    if texts is None or index is None:
        wanted = " or ".join(INDEX) if texts else " or ".join(" and ".join(names) for names in FORMATS[task].texts)
        raise UserError(
            f"no column {wanted} among {', '.join(map(str, table))}",
            where=path,
            remedy="give GLUE's own test file of this task",
        )
    made = pd.DataFrame({"index": pd.to_numeric(table[index], errors="coerce"), "text": table[texts[0]].map(clean)})
    made["text_b"] = table[texts[1]].map(clean) if len(texts) > 1 else None
    if sorted(made["index"]) != list(range(len(made))):
        raise UserError(
            f"column {index} does not number the rows from 0 to {len(made) - 1}",
            where=path,
            remedy="give GLUE's own test file of this task, whole",
        )
    return made.astype({"index": int})
