"""MUSE's dictionaries (Conneau et al. 2018): a word and its translation in a line, a blank or a tab between them; also
compressed. Of a folder with several files those are read whose names begin with the two languages: en-de.txt.gz,
en-de.0-5000.txt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from scriptorium.errors import UserError
from scriptorium.files import lines
from scriptorium.files.tables import members
from scriptorium.ledger import Ledger
from scriptorium.text.dictionaries.entries import Entry

if TYPE_CHECKING:
    from scriptorium.text.dictionaries.spec import DictionarySource

SUFFIXES = lines.suffixes(".txt", ".dict")


def read(source: DictionarySource, artifact: Path, ledger: Ledger) -> Iterator[Entry]:
    """Every line. Raises UserError: no file of these languages, or a line with other than two words."""
    paths, name = members(artifact, *SUFFIXES), "-".join(source.languages)
    own = [path for path in paths if path.name.split(".")[0] == name]
    if not own:
        raise UserError(
            f"no file {name}.txt; there are {', '.join(sorted(path.name for path in paths)[:8])}",
            where=artifact,
            remedy="correct `languages` of this source: they are read in the order of the file's name",
        )
    lines.check_heads(own)
    for path in own:
        for number, line in lines.lines(path):
            words = line.split("\t") if "\t" in line else line.split()
            if not words:
                continue
            place = f"{path}, row {number}"
            if len(words) != 2 or not all(word.strip() for word in words):
                raise UserError(
                    f"{len(words)} cells instead of a word and its translation: {line[:60]!r}",
                    where=place,
                    remedy="mend or remove the row",
                )
            yield Entry(place, words[0], words[1])
