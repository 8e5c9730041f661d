"""The New Testament in Greek (SBLGNT) and English (Berean Standard Bible), linked by hand (Clear Bible, in Scripture
Burrito's format): SBLGNT.tsv, nt_BSB.tsv and SBLGNT-BSB-manual.json of the package bible-alignments.

A verse is a sentence. A record links one or several words with one or several: each with each, all of them sure (ours:
the data do not tell sure from possible). Tokens that the data exclude from alignment, which are the punctuation, are
text, but no words. Links between verses are left out and counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, product
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from scriptorium.alignments.linked import Linked, Side
from scriptorium.errors import UserError
from scriptorium.files import json_text
from scriptorium.files.tables import clean, members, read_table, read_text
from scriptorium.ledger import Ledger

if TYPE_CHECKING:
    from scriptorium.alignments.spec import AlignmentsSpec

GREEK, ENGLISH, RECORDS = "SBLGNT.tsv", "nt_BSB.tsv", "SBLGNT-BSB-manual.json"
LANGUAGES = ("grc", "en")
VERSE = slice(0, 8)  # of a token's id: book, chapter, verse; the word's number follows


class Token(NamedTuple):
    """verse: its id · number: of the word in its verse, -1 for what is no word."""

    verse: str
    number: int


def read(spec: AlignmentsSpec, artifact: Path, ledger: Ledger) -> Iterator[Linked]:
    """Every verse that both sides have. Raises UserError: other languages, a file or a token that is missing."""
    if set(spec.languages) != set(LANGUAGES):
        raise UserError(
            f"languages {' and '.join(spec.languages)}: the data are in {' and '.join(LANGUAGES)}",
            where=f"config/config.yaml, alignments.{spec.alignments}",
            remedy=f"set languages: [{', '.join(LANGUAGES)}]",
        )
    (greek_path,), (english_path,), (records_path,) = (members(artifact, name) for name in (GREEK, ENGLISH, RECORDS))
    greek_table = read_table(greek_path, ("id", "text"))
    greek = _verses(greek_table.assign(id=greek_table["id"].str.removeprefix("n")), greek_path)
    english = _verses(read_table(english_path, ("id", "text"), ("skip_space_after", "exclude")), english_path)
    links, crossing = _links(records_path, greek[1], english[1])
    ledger.note(f"{len(links)} verses have links; {crossing} links between verses or with punctuation are left out")
    turned = spec.languages != LANGUAGES
    for verse in (each for each in greek[0] if each in english[0]):
        sides = greek[0][verse], english[0][verse]
        if not all(side.spans for side in sides):  # a verse that one edition leaves empty
            continue
        own = links.get(verse, set())
        if turned:
            sides, own = sides[::-1], {(b, a) for a, b in own}
        yield Linked(verse, f"{records_path}, verse {verse}", *sides, frozenset(own), frozenset())


def _verses(table: pd.DataFrame, path: Path) -> tuple[dict[str, Side], dict[str, Token]]:
    """(verse -> its text and words, token's id -> what it is)."""
    empty = pd.Series("", index=table.index)
    columns = (table["id"], table["text"], *(table.get(name, empty) for name in ("skip_space_after", "exclude")))
    rows = zip(table.index, *(column.tolist() for column in columns), strict=True)
    sides, tokens = {}, {}
    for verse, own in groupby(rows, key=lambda row: row[1][VERSE]):
        text, spans = "", []
        for row, name, given, glued, excluded in own:
            word = clean(given)
            if name in tokens or verse in sides or not word:
                problem = "has no text" if not word else "stands there twice, or apart from its verse"
                raise UserError(f"token {name} {problem}", where=f"{path}, row {row}", remedy="get the file again")
            tokens[name] = Token(verse, -1 if excluded else len(spans))
            if not excluded:
                spans.append((len(text), len(text) + len(word)))
            text += word if glued else f"{word} "
        sides[verse] = Side(text.rstrip(), tuple(spans))
    return sides, tokens


def _links(path: Path, greek: dict[str, Token], english: dict[str, Token]) -> tuple[dict[str, set], int]:
    """(verse -> (Greek word, English word), how many are left out)."""
    remedy = "get the files of one version of the package"
    try:
        records = json_text.parse(read_text(path), str(path))["records"]
        named = [([n.removeprefix("n") for n in record["source"]], list(record["target"])) for record in records]
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(f"not Scripture Burrito's alignments: {error!r}", where=path, remedy=remedy) from None
    found: dict[str, set] = {}
    crossing = 0
    for number, record in enumerate(named, start=1):
        for names, tokens in zip(record, (greek, english), strict=True):
            if missing := [name for name in names if name not in tokens]:
                raise UserError(f"no token {missing[0]}", where=f"{path}, record {number}", remedy=remedy)
        for one, other in product((greek[name] for name in record[0]), (english[name] for name in record[1])):
            if one.verse == other.verse and one.number >= 0 and other.number >= 0:
                found.setdefault(one.verse, set()).add((one.number, other.number))
            else:
                crossing += 1
    return found, crossing
