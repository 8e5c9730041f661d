"""From sources to entries.parquet: words in the form in which they are compared, each pair once.

Entries of several words are left out and counted, because words of a text are compared one by one (ours).
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from scriptorium import named
from scriptorium.errors import UserError
from scriptorium.files.tables import write_parquet
from scriptorium.ledger import Ledger
from scriptorium.text.dictionaries.entries import comparable

if TYPE_CHECKING:
    from scriptorium.text.dictionaries.spec import DictionarySpec

COLUMNS = ["lang_a", "lang_b", "word_a", "word_b"]
READERS = "scriptorium.text.dictionaries.readers"

Translations = dict[str, frozenset[str]]


def prepare(spec: DictionarySpec, artifacts: list[Path], out: Path, ledger: Ledger) -> list[Path]:
    """Write entries.parquet, whose columns are COLUMNS, all str; lang_a < lang_b; sorted, no row twice.

    artifacts: manifests, each in a folder named like its data set. Raises UserError: a bad file, nothing left.
    """
    by_name, rows = {path.parent.name: path for path in artifacts}, set()
    for source in spec.sources:
        name, counted = f"{source.dataset}/{'-'.join(source.languages)}", Counter()
        turned = source.languages[0] > source.languages[1]
        languages = tuple(sorted(source.languages))
        before = len(rows)
        for entry in named.load(READERS, source.reader).read(source, by_name[source.dataset], ledger):
            counted["read"] += 1
            words = comparable(entry.first), comparable(entry.second)
            if not all(words):
                counted["empty"] += 1
            elif any(re.search(r"\s", word) for word in words):
                counted["several_words"] += 1
            else:
                rows.add((*languages, *(reversed(words) if turned else words)))
        counted["kept"] = len(rows) - before
        ledger.metrics(0, {f"{name}/{what}": number for what, number in counted.items()})
        ledger.note(f"{name}: " + ", ".join(f"{number} {what}" for what, number in counted.items()))
    if not rows:
        raise UserError(
            "no pair of words is left",
            where=f"config/config.yaml, dictionaries.{spec.dictionary}",
            remedy="the notes of this run's ledger count what was left out",
        )
    return [write_parquet(pd.DataFrame(sorted(rows), columns=COLUMNS), out / "entries.parquet")]


def entries(path: Path, language: str, other: str) -> pd.DataFrame:
    """The entries of a prepared dictionary between two languages: columns word, in `language`, and translation."""
    first, second = sorted((language, other))
    own = pd.read_parquet(path, filters=[("lang_a", "==", first), ("lang_b", "==", second)])
    names = ["word", "translation"] if language == first else ["translation", "word"]
    return own[["word_a", "word_b"]].set_axis(names, axis=1)


@cache
def translations(path: Path, language: str, other: str) -> Translations:
    """word -> its translations, from a prepared dictionary; read once."""
    own = entries(path, language, other)
    found: dict[str, set[str]] = {}
    for key, value in zip(own["word"].to_list(), own["translation"].to_list(), strict=True):
        found.setdefault(key, set()).add(value)
    return {key: frozenset(values) for key, values in found.items()}
