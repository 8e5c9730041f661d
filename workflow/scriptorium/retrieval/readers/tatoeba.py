"""Tatoeba as a test of retrieval (Artetxe and Schwenk 2019): 1,000 sentences or fewer of a language with English.

Two layouts. LASER's: tatoeba.deu-eng.deu and tatoeba.deu-eng.eng, where line n of one translates line n of the other.
XTREME's: de-en.de and de-en.en; its preparation sorts the English side, so that nobody sees the gold. It can be scored
with its labels alone, test-de.tsv: for each English line the row, from 0, of the other file. Without them a sorted
English side is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from scriptorium.errors import UserError, nearest
from scriptorium.files import lines
from scriptorium.files.tables import members
from scriptorium.ledger import Ledger
from scriptorium.retrieval.collection import TEST, Part, Side, part

if TYPE_CHECKING:
    from scriptorium.retrieval.spec import CollectionSpec

# LASER's names of languages, of those that XTREME has (its utils_preprocess.py); others keep their three letters
CODES = (
    "afr:af ara:ar aze:az ben:bn bul:bg cmn:zh deu:de ell:el eng:en est:et eus:eu fin:fi fra:fr heb:he hin:hi hun:hu "
    "ind:id ita:it jav:jv jpn:ja kat:ka kaz:kk kor:ko lit:lt mal:ml mar:mr nld:nl pes:fa pol:pl por:pt ron:ro rus:ru "
    "spa:es swh:sw tam:ta tel:te tgl:tl tha:th tur:tr ukr:uk urd:ur vie:vi"
)
SHORT = dict(pair.split(":") for pair in CODES.split(" "))
LASER = re.compile(r"tatoeba\.([a-z]{3})-([a-z]{3})\.([a-z]{3})")
XTREME = re.compile(r"([a-z]{2,3})-([a-z]{2,3})\.([a-z]{2,3})")
LABELS = re.compile(r"test-([a-z]{2,3})\.tsv")


def read(spec: CollectionSpec, artifact: Path, ledger: Ledger) -> Iterator[Part]:
    """A part for each language. All files are looked at before the first is read.

    Raises UserError: a language without files, a file without its partner, another number of lines, an empty line, not
    UTF-8, an English side whose gold is hidden.
    """
    found, labels = _files(artifact, spec.pivot)
    if not found:
        raise UserError(
            f"no pair of files with {spec.pivot}, such as tatoeba.deu-eng.deu and tatoeba.deu-eng.eng",
            where=artifact,
            remedy="give LASER's or XTREME's files, or correct `pivot`",
        )
    for language in spec.languages:
        if language not in found:
            raise UserError(
                f"no file for language {language!r}, {nearest(language, found)}",
                where=artifact,
                remedy="correct `languages`, or add its files",
            )
    chosen = {language: found[language] for language in spec.languages or sorted(found)}
    for language, sides in chosen.items():
        if len(sides) < 2:
            there = next(iter(sides.values()))
            raise UserError("its other side is missing", where=there, remedy=f"add it, or leave {language} out")
    lines.check_heads([path for sides in chosen.values() for path in sides.values()])
    for language, sides in chosen.items():
        own, pivot = (_side(code, sides[code], f"{language}-{spec.pivot}") for code in (language, spec.pivot))
        if len(own) != len(pivot):
            raise UserError(
                f"{len(own)} lines, but {sides[spec.pivot].name} has {len(pivot)}",
                where=sides[language],
                remedy="line n of one must be the translation of line n of the other: get both files again",
            )
        if language in labels:
            rows = _labels(labels[language], len(own))
        else:
            _check_order(sides[spec.pivot], pivot)
            rows = np.arange(len(own))
        yield part(TEST, own, pivot, np.stack([rows, np.arange(len(pivot))], axis=1))


def _files(artifact: Path, pivot: str) -> tuple[dict[str, dict[str, Path]], dict[str, Path]]:
    """Language -> its file and the pivot's, each by language; and language -> file of labels."""
    found: dict[str, dict[str, Path]] = {}
    labels = {}
    for path in members(artifact):
        if named := LASER.fullmatch(path.name) or XTREME.fullmatch(path.name):
            one, other, side = (SHORT.get(code, code) for code in named.groups())
            if other == pivot and side in (one, other):
                found.setdefault(one, {})[side] = path
        elif named := LABELS.fullmatch(path.name):
            labels[named[1]] = path
    return found, labels


def _side(language: str, path: Path, languages: str) -> Side:
    texts = []
    for number, line in lines.lines(path):
        if not (text := line.strip()):
            raise UserError(
                "the line is empty", where=f"{path}, line {number}", remedy="get the file again: every line is a text"
            )
        texts.append(text)
    return Side(language, [f"{languages}-{number:05d}" for number in range(1, len(texts) + 1)], texts)


def _labels(path: Path, count: int) -> np.ndarray:
    """int64 [count]: the row of the other file for each line of the pivot's."""
    rows = []
    for number, line in lines.lines(path):
        if not line.strip().isdecimal() or int(line) >= count:
            raise UserError(
                f"{line!r} is not a row from 0 to {count - 1}", where=f"{path}, line {number}", remedy="get it again"
            )
        rows.append(int(line))
    if len(rows) != count:
        raise UserError(f"{len(rows)} lines for {count} sentences", where=path, remedy="get the file again")
    return np.array(rows)


def _check_order(path: Path, pivot: Side) -> None:
    """Raises UserError where the pivot's side was sorted, so that lines no longer belong together."""
    if XTREME.fullmatch(path.name) and len(pivot) > 2 and pivot.texts == sorted(pivot.texts):
        raise UserError(
            "this side is sorted, as XTREME's preparation does to hide the gold, so line n is no translation of line n",
            where=path,
            remedy="give LASER's files (data/tatoeba/v1), or XTREME's labels beside them: test-<language>.tsv",
        )
