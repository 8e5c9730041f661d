"""A translation beside every text of a task: from the task's own data, or from files of translations.

The task's own: where a reader gives the same examples in all languages, rows of one split and id translate each other.

Files: `.tsv` (also `.gz`) without a header, whose names tell both languages, from and into, side by side:
`en-de-translated.tsv`. A row has a text and its translation; of pairs of texts both, and then both translations; and
may end with the class, which is not read: XTREME's translate-train has five columns. A text is found by what it says,
so order and number of the rows do not matter. Rows with another number of cells are left out, and counted.

Prepared tables get the columns translation str, translation_b str or null, translation_language str.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from scriptorium.errors import UserError
from scriptorium.files.tables import clean, members
from scriptorium.ledger import Ledger
from scriptorium.tasks.raw_files import read_lines
from scriptorium.tasks.spec import TaskLanguages

if TYPE_CHECKING:
    from scriptorium.tasks.spec import TaskDataSpec

COLUMNS = ("translation", "translation_b", "translation_language")
ENDINGS = (".tsv", ".tsv.gz")
Texts = tuple[str, str | None]


def widened(spec: TaskDataSpec) -> TaskDataSpec:
    """The task in all languages that it must be read in: its own, and those of translations in its own data."""
    given = spec.translations
    if given is None or given.dataset:
        return spec
    own = spec.languages
    test = own.test if given.train_only else _with(own.test, given.into)
    return spec.model_copy(update={"languages": TaskLanguages(train=_with(own.train, given.into), test=test)})


def _with(languages: Sequence[str], into: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*languages, *(into[own] for own in languages))))


class Translations:
    """What stands beside the texts of a task.

    whole: the rows of the task in all languages (`widened`), raw: the manifest that they are from; given: the manifest
    of files of translations, if there are any.
    """

    def __init__(self, spec: TaskDataSpec, whole: pd.DataFrame, raw: Path, given: Path | None, ledger: Ledger) -> None:
        self.spec, self.into = spec, spec.translations.into
        self.from_files = given is not None
        self._where: dict[tuple[str, str], Path] = {}
        self._known: dict[tuple, Texts] = {}
        if given is None:
            self._source = raw
            names = ("split", "id", "language", "text", "text_b")
            for split, key, language, *texts in zip(*(whole[name] for name in names), strict=True):
                self._known[split, key, language] = tuple(texts)
            return
        self._source = given
        for pair in dict.fromkeys(pair for pair in self.into.items() if pair[0] != pair[1]):
            paths = [path for path in members(given, *ENDINGS) if _tells(path.name, *pair)]
            if not paths:
                raise UserError(
                    f"no file of translations from {pair[0]!r} into {pair[1]!r}",
                    where=given,
                    remedy=f"add one, named such as {'-'.join(pair)}-translated.tsv, or say translations.into: "
                    f"{{{pair[0]}: {pair[0]}}}: the text is its own other side",
                )
            self._where[pair] = paths[0]
            for path in paths:
                self._read(path, pair, bool(whole["text_b"].notna().all()), ledger)

    def _read(self, path: Path, pair: tuple[str, str], pairs: bool, ledger: Ledger) -> None:
        sides = 2 if pairs else 1
        left_out = 0
        for _, line in read_lines(path):
            cells = [clean(cell) for cell in line.split("\t")]
            if len(cells) not in (2 * sides, 2 * sides + 1) or not all(cells[: 2 * sides]):
                left_out += bool(line.strip())
                continue
            own, other = cells[:sides], cells[sides : 2 * sides]
            self._known.setdefault((*pair, *own), (other[0], other[1] if pairs else None))
        if left_out:
            ledger.note(f"{left_out} rows of {path.name} were left out: they do not have {2 * sides} texts")

    def beside(self, split: str, table: pd.DataFrame) -> pd.DataFrame:
        """The rows of a split with their translations. Raises UserError naming the first text that has none."""
        found = [self._of(row) for row in table.itertuples()]
        if missing := [number for number, texts in enumerate(found) if texts is None]:
            self._refuse(split, table, missing)
        languages = table["language"].map(self.into)
        columns = zip(COLUMNS, ([a for a, _ in found], [b for _, b in found], list(languages)), strict=True)
        return table.assign(**{name: pd.Series(values, table.index, object) for name, values in columns})

    def _of(self, row: tuple) -> Texts | None:
        language, other = row.language, self.into[row.language]
        if language == other:
            return row.text, None if pd.isna(row.text_b) else row.text_b
        if not self.from_files:
            return self._known.get((row.split, row.id, other))
        own = (row.text,) if pd.isna(row.text_b) else (row.text, row.text_b)
        return self._known.get((language, other, *map(clean, own)))

    def _refuse(self, split: str, table: pd.DataFrame, missing: list[int]) -> None:
        first = table.iloc[min(missing, key=lambda number: table.index[number])]  # in the order of the source
        pair = first["language"], self.into[first["language"]]
        of = table["language"] == first["language"]
        lost = int(of.iloc[missing].sum())
        raise UserError(
            f"the translations from {pair[0]!r} into {pair[1]!r} do not cover the task: {lost} of {int(of.sum())} "
            f"texts of {split} have none, the first is {first['id']!r}: {first['text'][:80]!r}",
            where=self._where.get(pair, self._source),
            remedy="add a row with this text and its translation"
            if self.from_files
            else f"give the rows of {pair[0]} in {pair[1]} as well, under the same ids",
        )


def _tells(name: str, language: str, into: str) -> bool:
    """Whether the name of a file tells these two languages side by side, in this order."""
    side_by_side = f"{re.escape(language)}-{re.escape(into)}"
    return re.search(rf"(?<![A-Za-z0-9]){side_by_side}(?![A-Za-z0-9])", name) is not None
