"""GLUE's test files in the form in which its server takes them: a table of two columns for each, in one zip file.

Sources: names of the files, header and labels as the public submission scripts of jiant and KerasNLP write them;
numbers of rows by the data card of nyu-mll/glue. MNLI's three files, QNLI and RTE name their classes, the other
classifications number them, and STS-B has numbers from 0 to 5. That more than one seed is predicted, and which counts,
is ours: see `median_seed`.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from scriptorium.errors import UserError

HEADER = ("index", "prediction")
LOWEST, HIGHEST = 0.0, 5.0  # STS-B
ARCHIVE = "submission.zip"


@dataclass(frozen=True)
class TestFile:
    """A file of the server: of which task, how many rows, and whether classes stand there by name."""

    task: str
    rows: int
    named: bool = False


FILES = {
    "CoLA.tsv": TestFile("cola", 1063),
    "SST-2.tsv": TestFile("sst2", 1821),
    "MRPC.tsv": TestFile("mrpc", 1725),
    "STS-B.tsv": TestFile("stsb", 1379),
    "QQP.tsv": TestFile("qqp", 390_965),
    "MNLI-m.tsv": TestFile("mnli", 9796, named=True),
    "MNLI-mm.tsv": TestFile("mnli", 9847, named=True),
    "QNLI.tsv": TestFile("qnli", 5463, named=True),
    "RTE.tsv": TestFile("rte", 3000, named=True),
    "WNLI.tsv": TestFile("wnli", 146),
    "AX.tsv": TestFile("mnli", 1104, named=True),  # the diagnostic set, for MNLI's model
}


def median_seed(scores: Mapping[int, float]) -> int:
    """The seed whose score on the dev set is the median; of an even number the lower middle one, of equal ones the
    lowest seed (ours: a server takes one set of predictions, and neither the luckiest seed nor the first is typical).
    """
    ranked = sorted(scores, key=lambda seed: (scores[seed], seed))
    middle = scores[ranked[(len(ranked) - 1) // 2]]
    return min(seed for seed, score in scores.items() if score == middle)


def as_wanted(file: str, logits: np.ndarray, labels: Sequence[str]) -> list[str]:
    """What stands in column `prediction`; logits [n, classes], or [n, 1] of STS-B. labels: in GLUE's order."""
    if not labels:
        return [f"{value:.3f}" for value in np.clip(logits[:, 0], LOWEST, HIGHEST)]
    numbers = logits.argmax(axis=-1)
    return [labels[number] if FILES[file].named else str(number) for number in numbers]


def write(folder: Path, file: str, index: Sequence[int], predictions: Sequence[str]) -> Path:
    """One file, rows by their index."""
    made = pd.DataFrame({"index": index, "prediction": predictions}).sort_values("index")
    folder.mkdir(parents=True, exist_ok=True)
    made.to_csv(folder / file, sep="\t", index=False, lineterminator="\n")
    return folder / file


def pack(folder: Path, files: Sequence[Path]) -> Path:
    """All of them in one zip file, whose bytes depend on theirs alone."""
    path = folder / ARCHIVE
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(files):
            archive.writestr(zipfile.ZipInfo(file.name), file.read_bytes(), zipfile.ZIP_DEFLATED)
    return path


def check(path: Path, labels: Sequence[str]) -> None:
    """Raises UserError, with the row, unless the server can read this file; labels: of its task, in GLUE's order."""
    if path.name not in FILES:
        raise UserError("GLUE has no such test file", where=path, remedy=f"name it one of {', '.join(FILES)}")
    wanted = FILES[path.name]
    header, *rows = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines())
    if tuple(header) != HEADER:
        raise _wrong(path, 1, f"the header is {' '.join(header)}, not {' '.join(HEADER)}")
    if len(rows) != wanted.rows:
        raise UserError(
            f"{len(rows)} predictions, and GLUE's test set has {wanted.rows}",
            where=path,
            remedy="give the whole test file of this task in its data set, as GLUE published it",
        )
    for number, row in enumerate(rows):
        if len(row) != len(HEADER) or row[0] != str(number):
            raise _wrong(path, number + 2, f"expected index {number} and a prediction, not {' '.join(row)!r}")
        if not _right(row[1], wanted, labels):
            raise _wrong(path, number + 2, f"prediction {row[1]!r} is none that the server takes")


def _right(prediction: str, wanted: TestFile, labels: Sequence[str]) -> bool:
    if labels:
        return prediction in (labels if wanted.named else map(str, range(len(labels))))
    try:
        return LOWEST <= float(prediction) <= HIGHEST
    except ValueError:
        return False


def _wrong(path: Path, line: int, what: str) -> UserError:
    return UserError(what, where=f"{path}, line {line}", remedy="make the file again")
