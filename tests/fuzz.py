"""Damages the files of every reader's sample and sees what the reader says: a longer run of what CI does briefly.

    python -m tests.fuzz --mutations 500 --seed 1

Prints how many files were read and refused, and every outcome that is neither; exit code 1 if there is one.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from scriptorium.errors import UserError
from tests.raw import Raw, damaged
from tests.reader_samples import SAMPLES, Sample

# What people's files hold, and no reader may pass on or stumble over
PIECES = (
    b"\0",
    b"\xff\xfe",
    b"\xe9",
    b'"',
    b"\t",
    b",",
    b"\n",
    b"\r",
    b"[" * 3000,
    b'{"a":' * 3000,
    b"9" * 6000,
    b'"\\ud83d"',
    b"\\ud83d",
    b"NaN",
    b"-1",
    b"1e999",
    b"\xef\xbb\xbf",
    b"\xe2\x80\x8b",
    b"<!DOCTYPE a [<!ENTITY b 'c'>]>",
    b"#N/A",
)


@dataclass(frozen=True)
class Outcome:
    """What became of one damaged file: read, refused, or fault (with what was wrong)."""

    sample: Sample
    seed: tuple[int, ...]
    kind: str
    text: str = ""


def attack(sample: Sample, raw: Raw, mutations: int, seed: int) -> Iterator[Outcome]:
    """So many damaged files of a sample, one at a time. The same seed gives the same damage."""
    number = SAMPLES.index(sample)
    for mutation in range(mutations):
        chosen = (seed, number, mutation)
        generator = np.random.default_rng(chosen)
        name = sample.targets[int(generator.integers(len(sample.targets)))]
        content = sample.files[name]
        broken = changed(content.encode() if isinstance(content, str) else content, generator)
        try:
            for table in sample.read(raw, {name: broken}):
                check(table)
        except UserError as error:
            named = str(raw.root) in str(error) or "config/config.yaml" in str(error)
            yield Outcome(sample, chosen, "refused" if named else "fault", str(error))
        except Exception:
            yield Outcome(sample, chosen, "fault", traceback.format_exc(limit=-4))
        else:
            yield Outcome(sample, chosen, "read")


def changed(sound: bytes, generator: np.random.Generator) -> bytes:
    """A piece put in, the end made zero, or what a disk or a transfer does (tests/raw.py)."""
    at, kind = int(generator.integers(len(sound))), generator.integers(3)
    if kind == 0:
        return sound[:at] + PIECES[int(generator.integers(len(PIECES)))] + sound[at:]
    if kind == 1 and generator.integers(3) == 0:
        return sound[:at] + b"\0" * (len(sound) - at)
    return damaged(sound, generator)


def check(table: pd.DataFrame) -> None:
    """A sensible result holds text that any file can hold, and finite numbers."""
    for name in table:
        for cell in table[name]:
            if isinstance(cell, str):
                assert "\0" not in cell, f"{name}: a zero byte in {cell[:80]!r}"
                cell.encode()
            elif isinstance(cell, float):
                assert not np.isinf(cell), f"{name}: {cell}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("--mutations", type=int, default=200, help="damaged files per sample")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--reader", default="", help="only samples of this reader")
    arguments = parser.parse_args()
    counted: Counter[str] = Counter()
    for sample in SAMPLES:
        if arguments.reader in ("", sample.reader):
            with tempfile.TemporaryDirectory() as folder:
                for outcome in attack(sample, Raw(Path(folder)), arguments.mutations, arguments.seed):
                    counted[outcome.kind] += 1
                    if outcome.kind == "fault":
                        print(f"{sample.kind} {sample.reader} {outcome.seed}: {outcome.text}", flush=True)
    print(", ".join(f"{number} {kind}" for kind, number in sorted(counted.items())))
    return int(counted["fault"] > 0)


if __name__ == "__main__":
    sys.exit(main())
