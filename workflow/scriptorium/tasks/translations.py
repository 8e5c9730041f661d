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
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from scriptorium.errors import UserError
from scriptorium.files.lines import lines
from scriptorium.files.tables import clean, members
from scriptorium.ledger import Ledger
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


def translations_of(
    spec: TaskDataSpec, whole: pd.DataFrame, raw: Path, given: Path | None, ledger: Ledger
) -> Translations:
    """Those that the task asks for. whole: its rows in all languages (`widened`), raw: the manifest that they are from;
    given: the manifest of files of translations, if there are any."""
    into = spec.translations.into
    return OfTheTask(into, whole, raw) if given is None else OfFiles(into, whole, given, ledger)


class Translations:
    """What stands beside the texts of a task."""

    remedy = ""

    def __init__(self, into: Mapping[str, str]):
        self.into = into

    def of(self, row: Any, into: str) -> Texts | None:
        """The translation of a row into a language, if there is one."""
        raise NotImplementedError

    def told(self, language: str, into: str) -> tuple[Path, str]:
        """Where translations of these languages should be, and what to know of them."""
        raise NotImplementedError

    def beside(self, split: str, table: pd.DataFrame) -> pd.DataFrame:
        """The rows of a split with their translations. Raises UserError naming the first text that has none."""
        found = [
            _texts(row) if self.into[row.language] == row.language else self.of(row, self.into[row.language])
            for row in table.itertuples()
        ]
        if missing := [number for number, texts in enumerate(found) if texts is None]:
            self._refuse(split, table, missing)
        languages = table["language"].map(self.into)
        columns = zip(COLUMNS, ([a for a, _ in found], [b for _, b in found], list(languages)), strict=True)
        return table.assign(**{name: pd.Series(values, table.index, object) for name, values in columns})

    def _refuse(self, split: str, table: pd.DataFrame, missing: list[int]) -> None:
        first = table.iloc[min(missing, key=lambda number: table.index[number])]  # in the order of the source
        language, into = first["language"], self.into[first["language"]]
        of = table["language"] == language
        where, more = self.told(language, into)
        raise UserError(
            f"the translations from {language!r} into {into!r} do not cover the task: {int(of.iloc[missing].sum())} of "
            f"{int(of.sum())} texts of {split} have none, the first is {first['id']!r}: {first['text'][:80]!r}{more}",
            where=where,
            remedy=self.remedy,
        )


class OfTheTask(Translations):
    """Rows of the task's own data."""

    remedy = "give the rows in both languages, under the same ids"

    def __init__(self, into: Mapping[str, str], whole: pd.DataFrame, raw: Path):
        super().__init__(into)
        self.raw = raw
        self.known = {(row.split, row.id, row.language): _texts(row) for row in whole.itertuples()}

    def of(self, row: Any, into: str) -> Texts | None:
        return self.known.get((row.split, row.id, into))

    def told(self, language: str, into: str) -> tuple[Path, str]:
        return self.raw, ""


class OfFiles(Translations):
    """Rows of files of translations. Raises UserError for languages without a file."""

    remedy = "add a row with this text and its translation"

    def __init__(self, into: Mapping[str, str], whole: pd.DataFrame, given: Path, ledger: Ledger):
        super().__init__(into)
        self.known: dict[tuple[str, str, Texts], Texts] = {}
        self.files: dict[tuple[str, str], list[Path]] = {}
        self.left_out: dict[tuple[str, str], list[str]] = {}
        sides = 2 if whole["text_b"].notna().all() else 1
        for pair in [pair for pair in into.items() if pair[0] != pair[1]]:
            self.files[pair] = [path for path in members(given, *ENDINGS) if _tells(path.name, *pair)]
            if not self.files[pair]:
                raise UserError(
                    f"no file of translations from {pair[0]!r} into {pair[1]!r}",
                    where=given,
                    remedy=f"add one, named such as {'-'.join(pair)}-translated.tsv, or say translations.into: "
                    f"{{{pair[0]}: {pair[0]}}}: the text is its own other side",
                )
            self.left_out[pair] = [place for path in self.files[pair] for place in self._read(path, pair, sides)]
            if lost := self.left_out[pair]:
                ledger.note(f"{len(lost)} rows of translations do not have {2 * sides} texts, the first is {lost[0]}")

    def of(self, row: Any, into: str) -> Texts | None:
        return self.known.get((row.language, into, _texts(row)))

    def told(self, language: str, into: str) -> tuple[Path, str]:
        lost = self.left_out[language, into]
        more = f" ({len(lost)} rows were left out for their number of cells, the first is {lost[0]})" if lost else ""
        return self.files[language, into][0], more

    def _read(self, path: Path, pair: tuple[str, str], sides: int) -> Iterator[str]:
        """Remember the rows of a file; the places of those that are left out."""
        for number, line in lines(path):
            cells = [clean(cell) for cell in line.split("\t")]
            if len(cells) in (2 * sides, 2 * sides + 1) and all(cells[: 2 * sides]):
                own, other = ((*cells[at : at + sides], None)[:2] for at in (0, sides))
                self.known.setdefault((*pair, own), other)
            elif line.strip():
                yield f"{path.name}, line {number}"


def _texts(row: Any) -> Texts:
    return row.text, None if pd.isna(row.text_b) else row.text_b


def _tells(name: str, language: str, into: str) -> bool:
    """Whether the name of a file tells these two languages side by side, in this order."""
    side_by_side = f"{re.escape(language)}-{re.escape(into)}"
    return re.search(rf"(?<![A-Za-z0-9]){side_by_side}(?![A-Za-z0-9])", name) is not None
