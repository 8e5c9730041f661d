"""From sources to pairs.parquet, as a stream; memory holds a digest of 8 bytes per text, and for the split a few arrays
of as many numbers.

Texts are normalised (NFC, white space); what breaks a rule is left out and counted (rules.py); pairs are held out so
that no text of theirs occurs in train (splitting.py). The split is known only at the end: pairs wait in a scratch file
and are written again with it.
"""

from __future__ import annotations

import shutil
from array import array
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq

from scriptorium import named
from scriptorium.errors import UserError, nearest
from scriptorium.files.tables import clean
from scriptorium.ledger import Ledger
from scriptorium.text.corpora.preparing import ROWS_PER_READ, write, writing
from scriptorium.text.parallel import splitting
from scriptorium.text.parallel.pairs import Pair
from scriptorium.text.parallel.rules import REASONS, Repetitions, fault

if TYPE_CHECKING:
    from scriptorium.text.parallel.spec import ParallelSource, ParallelSpec

COLUMNS = ("id", "split", "lang_a", "lang_b", "text_a", "text_b")
READERS = "scriptorium.text.parallel.readers"

Row = tuple[str, str, str, str, str]  # COLUMNS without the split


def prepare(spec: ParallelSpec, artifacts: list[Path], out: Path, ledger: Ledger) -> list[Path]:
    """Read all sources, clean, split and write pairs.parquet, whose columns are COLUMNS, all str; lang_a < lang_b.

    artifacts: manifests, each in a folder named like its data set.
    Raises UserError: a bad file, no pair left, everything in one component, disk full.
    """
    scratch, result = out / ".scratch", out / "pairs.parquet"
    shutil.rmtree(scratch, ignore_errors=True)  # of a killed attempt
    digests = array("Q")
    with writing(out):
        scratch.mkdir(parents=True)
        try:
            with Repetitions(scratch / "seen.sqlite") as seen:
                rows = _collect(spec, artifacts, seen, digests, ledger)
                write(scratch / "pairs.parquet", (COLUMNS[0], *COLUMNS[2:]), rows)
            held_out = splitting.held_out(_enough(digests, spec), spec.validation_share)
            if not held_out.any():
                raise UserError(
                    "every pair hangs together with every other by a text in common, so none can be held out",
                    where=_where(spec),
                    remedy="give more text",
                )
            write(result, COLUMNS, _divided(scratch / "pairs.parquet", held_out, ledger))
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return [result]


def _collect(
    spec: ParallelSpec, artifacts: list[Path], seen: Repetitions, digests: array, ledger: Ledger
) -> Iterator[Row]:
    """Every pair that is kept; its texts' digests are added to `digests`."""
    by_name = {path.parent.name: path for path in artifacts}
    for source in spec.sources:  # all names, before the first source is read
        if not source.stream and source.dataset not in by_name:
            raise UserError(f"no input for {source.dataset!r}, {nearest(source.dataset, by_name)}", where=_where(spec))
    names: set[str] = set()
    for place, source in enumerate(spec.sources):
        counted = Counter(dict.fromkeys(("read", *REASONS, "kept"), 0))
        prefix = f"{source.dataset}/{source.sides}"
        prefix = f"{prefix}-{place}" if prefix in names else prefix
        names.add(prefix)
        turned = source.languages[0] > source.languages[1]
        for pair in _pairs(spec, source, by_name, ledger):
            counted["read"] += 1
            texts = clean(pair.first), clean(pair.second)
            reason = _emptiness(source, pair, texts) or fault(*texts, spec.rules)
            first, second = reversed(texts) if turned else texts
            languages = tuple(sorted(source.languages))
            if reason := reason or seen.fault(languages, first, second, spec.rules):
                counted[reason] += 1
                continue
            counted["kept"] += 1
            digests.extend(splitting.digest(spec.split_seed, text) for text in (first, second))
            yield f"{prefix}/{pair.name}", *languages, first, second
        ledger.metrics(0, {f"{prefix}/{what}": number for what, number in counted.items()})
        ledger.note(f"{prefix}: " + ", ".join(f"{number} {what}" for what, number in counted.items()))


def _pairs(spec: ParallelSpec, source: ParallelSource, by_name: dict[str, Path], ledger: Ledger) -> Iterator[Pair]:
    reader = named.load(READERS, source.reader)
    if source.stream:
        return reader.stream(source, spec.streams[source.dataset])
    return reader.read(source, by_name[source.dataset], ledger)


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


def _divided(path: Path, held_out: np.ndarray, ledger: Ledger) -> Iterator[tuple[str, ...]]:
    """The pairs again, with their split."""
    counted: Counter[str] = Counter()
    with pq.ParquetFile(path) as file:
        number = 0
        for batch in file.iter_batches(ROWS_PER_READ, use_threads=False):
            for name, *row in zip(*(batch[column].to_pylist() for column in batch.schema.names), strict=True):
                split = "validation" if held_out[number] else "train"
                number += 1
                counted[f"pairs/{split}"] += 1
                counted[f"{row[0]}-{row[1]}/{split}"] += 1
                yield name, split, *row
    ledger.metrics(0, counted)


def _where(spec: ParallelSpec) -> str:
    return f"config/config.yaml, parallel.{spec.parallel}"
