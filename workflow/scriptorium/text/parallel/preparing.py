"""From sources to pairs.parquet, as a stream; memory holds a digest of 8 bytes per text, and for the split a few arrays
of as many numbers.

Texts are normalised (NFC, white space); what breaks a rule is left out and counted (rules.py); pairs are held out so
that no text of theirs occurs in train (splitting.py). The split is known only at the end: pairs wait in parts
(../kept_rows.py) and are written again with it. A job that was stopped or killed goes on behind its last part.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from scriptorium import named
from scriptorium.errors import UserError
from scriptorium.files.tables import clean
from scriptorium.ledger import Ledger
from scriptorium.text import kept_rows
from scriptorium.text.corpora.preparing import writing
from scriptorium.text.kept_rows import KeptRows, Row
from scriptorium.text.parallel import splitting
from scriptorium.text.parallel.pairs import Pair
from scriptorium.text.parallel.rules import REASONS, Repetitions, fault
from scriptorium.text.reading_place import ReadingPlace, inputs_of

if TYPE_CHECKING:
    from scriptorium.job import Job
    from scriptorium.text.parallel.spec import ParallelSource, ParallelSpec

COLUMNS = ("id", "split", "lang_a", "lang_b", "text_a", "text_b")
READERS = "scriptorium.text.parallel.readers"


def prepare(job: Job) -> list[Path]:
    """Read all sources, clean, split and write pairs.parquet, whose columns are COLUMNS, all str; lang_a < lang_b.

    job.spec: ParallelSpec; inputs: sources, manifests, each in a folder named like its data set.
    Raises UserError: a bad file, no pair left, everything in one component, disk full; Interrupted: it should stop.
    """
    spec, result, folder = job.spec, job.out / "pairs.parquet", job.state / "read"
    with writing(job.out, folder), kept_rows.opened(folder, Repetitions) as seen:
        kept = KeptRows(job, folder, (COLUMNS[0], *COLUMNS[2:]), seen)
        kept.keep(_collect(job, seen))
        for prefix, counted in seen.progress["counted"].items():
            job.ledger.metrics(0, {f"{prefix}/{what}": number for what, number in counted.items()})
            job.ledger.note(f"{prefix}: " + ", ".join(f"{number} {what}" for what, number in counted.items()))
        digests = array("Q")
        for *_, first, second in kept.rows():
            digests.extend(splitting.digest(spec.split_seed, text) for text in (first, second))
        held_out = splitting.held_out(_enough(digests, spec), spec.validation_share)
        if not held_out.any():
            raise UserError(
                "every pair hangs together with every other by a text in common, so none can be held out",
                where=_where(spec),
                remedy="give more text",
            )
        job.out.mkdir(parents=True, exist_ok=True)
        kept_rows.write(result, COLUMNS, _divided(kept.rows(), held_out, job.ledger))
    return [result]


def _collect(job: Job, seen: Repetitions) -> Iterator[Row]:
    """Every pair that is left, from the first that is not kept yet."""
    spec, progress = job.spec, seen.progress
    by_name = inputs_of(job, _where(spec))
    place = ReadingPlace(progress)
    for _, (prefix, source) in place.left(_prefixed(spec)):
        counted = progress["counted"].setdefault(prefix, dict.fromkeys(("read", *REASONS, "kept"), 0))
        turned = source.languages[0] > source.languages[1]
        for pair in _pairs(spec, source, by_name, job.ledger, place):
            counted["read"] += 1
            texts = clean(pair.first), clean(pair.second)
            reason = _emptiness(source, pair, texts) or fault(*texts, spec.rules)
            first, second = reversed(texts) if turned else texts
            languages = tuple(sorted(source.languages))
            if reason := reason or seen.fault(languages, first, second, spec.rules):
                counted[reason] += 1
                continue
            counted["kept"] += 1
            yield f"{prefix}/{pair.name}", *languages, first, second


def _prefixed(spec: ParallelSpec) -> Iterator[tuple[str, ParallelSource]]:
    """The sources, each with what the names of its pairs begin with."""
    names: set[str] = set()
    for place, source in enumerate(spec.sources):
        prefix = f"{source.dataset}/{source.sides}"
        prefix = f"{prefix}-{place}" if prefix in names else prefix
        names.add(prefix)
        yield prefix, source


def _pairs(
    spec: ParallelSpec, source: ParallelSource, by_name: dict[str, Path], ledger: Ledger, place: ReadingPlace
) -> Iterator[Pair]:
    reader = named.load(READERS, source.reader)
    if source.stream:
        return place.streamed(partial(reader.stream, source, spec.streams[source.dataset]))
    return place.items(reader.read(source, by_name[source.dataset], ledger))


def _emptiness(source: ParallelSource, pair: Pair, texts: tuple[str, str]) -> str | None:
    """Both texts are empty in a blank line. Raises UserError where one of them is, unless the source allows it."""
    if all(texts):
        return None
    if any(texts) and not source.empty:
        language = source.languages[texts.index("")]
        raise UserError(
            f"the text in {language} is empty",
            where=pair.place,
            remedy="complete or remove the pair, or set `empty: true` in this source, which leaves such pairs out",
        )
    return "empty"


def _enough(digests: array, spec: ParallelSpec) -> np.ndarray:
    """uint64 [pairs, 2]. Raises UserError for fewer than two pairs."""
    sides = np.frombuffer(digests, dtype=np.uint64).reshape(-1, 2)
    if len(sides) < 2:
        raise UserError(
            f"only {len(sides)} pairs are left, so none can be held out",
            where=_where(spec),
            remedy="give more text, or loosen `rules`; the notes of this run's ledger count what was left out",
        )
    return sides


def _divided(rows: Iterator[Row], held_out: np.ndarray, ledger: Ledger) -> Iterator[Row]:
    """The pairs again, with their split."""
    counted: Counter[str] = Counter()
    for (name, *row), apart in zip(rows, held_out, strict=True):
        split = "validation" if apart else "train"
        counted[f"pairs/{split}"] += 1
        counted[f"{row[0]}-{row[1]}/{split}"] += 1
        yield name, split, *row
    ledger.metrics(0, counted)


def _where(spec: ParallelSpec) -> str:
    return f"config/config.yaml, parallel.{spec.parallel}"
