"""The lines of the train splits of corpora and of parallel text, as vocabularies are learned from them.

With alpha, languages share the text as they share the steps of training (languages/sampling.py): lines of common
languages are thinned out evenly, and none is there twice.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from scriptorium.errors import UserError
from scriptorium.text.languages.sampling import kept
from scriptorium.text.packing import ROWS_PER_READ

NO_LANGUAGE = ""
PAIRS = (("lang_a", "text_a"), ("lang_b", "text_b"))  # columns of a pairs.parquet

Row = list[tuple[str, str]]  # (language, text): of a document one, of a pair two


class Lines:
    """The lines, as often as they are asked for; of each table only those of its first `limit` rows.

    tables: documents.parquet or pairs.parquet. Raises UserError: alpha is given, but a table names no languages.
    """

    def __init__(self, tables: list[Path], limit: int | None = None, alpha: float | None = None):
        self.tables, self.limit = tables, limit
        self.shares: dict[str, float] = {}  # language -> share of its lines that is kept; others: all
        self.kept_lines: dict[str, int] = {}  # of each language, with alpha
        if alpha is None:
            return
        for table in tables:
            if not {"language", "lang_a"} & set(pq.read_schema(table).names):
                raise UserError(
                    "alpha shares the text among languages, but these documents name none",
                    where=table,
                    remedy="name the language of every source of the corpus, or leave out alpha",
                )
        counts = Counter(language for language, _ in self._all())
        names = sorted(counts)
        self.shares = dict(zip(names, kept([counts[name] for name in names], alpha).tolist(), strict=True))
        self.kept_lines = {f"lines/{name}": int(np.floor(counts[name] * self.shares[name])) for name in names}

    def __iter__(self) -> Iterator[str]:
        seen: Counter[str] = Counter()
        for language, line in self._all():
            share = self.shares.get(language, 1.0)
            seen[language] += 1
            if int(seen[language] * share) > int((seen[language] - 1) * share):
                yield line

    def _all(self) -> Iterator[tuple[str, str]]:
        """(language, line) of every line."""
        for table in self.tables:
            for row in itertools.islice(_rows(table), self.limit):
                for language, text in row:
                    yield from ((language, line) for line in text.split("\n"))


def _rows(table: Path) -> Iterator[Row]:
    """The rows of the train split, in the order of the file."""
    names = pq.read_schema(table).names
    columns = PAIRS if "text_a" in names else (("language" if "language" in names else None, "text"),)
    wanted = ["split", *(name for pair in columns for name in pair if name)]
    with pq.ParquetFile(table) as file:
        for batch in file.iter_batches(ROWS_PER_READ, columns=wanted, use_threads=False):
            cells = {name: batch[name].to_pylist() for name in batch.schema.names}
            for number, split in enumerate(cells["split"]):
                if split == "train":
                    yield [
                        (cells[language][number] if language else NO_LANGUAGE, cells[text][number])
                        for language, text in columns
                    ]
