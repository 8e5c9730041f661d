"""A retrieval set as tables: read, checked, without what an encoder was trained on, written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from scriptorium import manifest, named
from scriptorium.errors import UserError
from scriptorium.files.tables import clean
from scriptorium.ledger import Ledger
from scriptorium.retrieval import collection
from scriptorium.retrieval.collection import Part, Side
from scriptorium.text.lines_of_corpora import Lines
from scriptorium.text.order import place

if TYPE_CHECKING:
    from scriptorium.retrieval.spec import CollectionSpec


def prepare(spec: CollectionSpec, artifact: Path, trained_on: list[Path], out: Path, ledger: Ledger) -> list[Path]:
    """Write sentences.parquet and gold.parquet. artifact: manifest of a data set or of a corpus of pairs.

    trained_on: manifests of corpora; a pair is left out if the train split of one of them holds a text of it as a line.
    Raises UserError: what the reader says, or fewer than two pairs in two languages.
    """
    reader = named.load("scriptorium.retrieval.readers", spec.reader)
    parts = list(reader.read(spec, artifact, ledger))
    where = f"config/config.yaml, retrieval.{spec.collection}"
    if not parts:
        raise UserError("no texts are found", where=where, remedy="correct `languages` or the data set")
    seen = _seen(parts, trained_on)
    made = [each if spec.mining else _limited(_without(each, seen), spec.limit) for each in parts]
    for before, after in zip(parts, made, strict=True):
        sizes = {side.language: len(side) for side in (after.first, after.second)}
        ledger.metrics(0, {f"{after.name}/{name}": size for name, size in {"pairs": len(after.gold), **sizes}.items()})
        if trained_on:
            left = sum(_known(before, seen))
            ledger.note(f"{after.name}: {left} of {len(before.gold)} pairs left out, whose texts are trained on")
        if len(after.gold) < 2:
            raise UserError(
                f"{after.languages}: {len(after.gold)} pairs are left in {after.split}, two are the least",
                where=where,
                remedy="give more data, leave this language out, or shorten `without`",
            )
    return collection.write(made, out)


def _seen(parts: list[Part], trained_on: list[Path]) -> set[str]:
    """Those texts of the set that are lines of the corpora's train splits."""
    asked = {clean(text) for each in parts for side in (each.first, each.second) for text in side.texts}
    return {line for line in Lines([manifest.the_parquet(path) for path in trained_on]) if line in asked}


def _known(each: Part, seen: set[str]) -> Iterator[bool]:
    for one, other in each.gold:
        yield clean(each.first.texts[one]) in seen or clean(each.second.texts[other]) in seen


def _without(each: Part, seen: set[str]) -> Part:
    return _chosen(each, ~np.fromiter(_known(each, seen), bool, len(each.gold))) if seen else each


def _limited(each: Part, limit: int | None) -> Part:
    """The pairs of lowest hash, in their order: more data change few of them."""
    if limit is None or len(each.gold) <= limit:
        return each
    order = np.argsort([place(each.first.texts[one], each.second.texts[other]) for one, other in each.gold])
    kept = np.zeros(len(each.gold), bool)
    kept[order[:limit]] = True
    return _chosen(each, kept)


def _chosen(each: Part, kept: np.ndarray) -> Part:
    """These pairs alone; no other text stays on either side."""
    gold = each.gold[kept]
    sides = [
        Side(side.language, [side.ids[row] for row in gold[:, number]], [side.texts[row] for row in gold[:, number]])
        for number, side in enumerate((each.first, each.second))
    ]
    rows = np.arange(len(gold))
    return Part(each.split, *sides, np.stack([rows, rows], axis=1))
