"""From a data set to links.parquet: sentences in the order of their hash, what is too long left out and counted."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from scriptorium import named
from scriptorium.alignments import linked
from scriptorium.alignments.linked import Linked
from scriptorium.errors import UserError
from scriptorium.ledger import Ledger
from scriptorium.text.order import place

if TYPE_CHECKING:
    from scriptorium.alignments.spec import AlignmentsSpec

LEAST = 4  # two sentences to choose a layer with, and two to report


def prepare(spec: AlignmentsSpec, artifact: Path, out: Path, ledger: Ledger) -> list[Path]:
    """artifact: manifest of a data set. Raises UserError: what the reader says, a link of a word that is not there, a
    side without words, fewer than four sentences left."""
    rows, counted = [], Counter()
    turned = spec.languages[0] > spec.languages[1]
    languages = sorted(spec.languages)
    for sentence in named.load("scriptorium.alignments.readers", spec.reader).read(spec, artifact, ledger):
        counted["read"] += 1
        _check(sentence)
        if max(len(sentence.first.spans), len(sentence.second.spans)) > spec.longest:
            counted["longer"] += 1
            continue
        sides = (sentence.second, sentence.first) if turned else (sentence.first, sentence.second)
        links = [_sorted(given, turned=turned) for given in (sentence.sure, sentence.sure | sentence.possible)]
        texts, spans = zip(*sides, strict=True)
        rows.append((sentence.name, *languages, *texts, *map(list, spans), *links))
    rows.sort(key=lambda row: (place(row[0]), row[0]))
    counted["kept"] = len(rows)
    counted["links"] = sum(len(row[-2]) for row in rows)
    counted["possible_links"] = sum(len(row[-1]) for row in rows)
    ledger.metrics(0, dict(counted))
    ledger.note(", ".join(f"{number} {what}" for what, number in counted.items()))
    if len(rows) < LEAST:
        raise UserError(
            f"{len(rows)} sentences of {counted['read']} are left, {LEAST} are the least",
            where=f"config/config.yaml, alignments.{spec.alignments}",
            remedy="give more of them, or raise `longest`",
        )
    return [linked.write(rows, out)]


def _check(sentence: Linked) -> None:
    sizes = len(sentence.first.spans), len(sentence.second.spans)
    if not all(sizes):
        raise UserError("a side without words", where=sentence.place, remedy="complete or remove the sentence")
    for link in sorted(sentence.sure | sentence.possible):
        for number, size, side in zip(link, sizes, (sentence.first, sentence.second), strict=True):
            if not 0 <= number < size:
                raise UserError(
                    f"link {link[0]}-{link[1]}, counted from 0, but {side.text[:60]!r} has {size} words",
                    where=sentence.place,
                    remedy="the links belong to another tokenisation, are counted from 1 (options: {first: 1}), or are "
                    "in the other direction (turn `languages` round)",
                )


def _sorted(links: linked.Links, *, turned: bool) -> list[tuple[int, int]]:
    return sorted((b, a) if turned else (a, b) for a, b in links)
