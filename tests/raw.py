"""Raw data sets made on the spot, for the tests of readers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scriptorium import manifest
from scriptorium.gaze import corpora as gaze
from scriptorium.job import Impl, Job
from scriptorium.ledger import Ledger
from scriptorium.spec import Spec
from scriptorium.tasks import preparing as tasks
from scriptorium.tasks.spec import TaskDataSpec
from scriptorium.text.corpora import preparing
from scriptorium.text.parallel import preparing as parallel
from scriptorium.text.parallel.spec import ParallelSpec
from scriptorium.text.spec import CorpusSpec


class Raw:
    """A folder of data sets, each with the manifest that `fetch` would have written, and a ledger."""

    def __init__(self, root: Path):
        self.root = root
        self.ledger = Ledger.open(root / "ledger", key="0", stage="prepare")

    def add(self, files: dict[str, str | bytes], name: str = "set") -> Path:
        """Write a data set; returns its manifest."""
        folder = self.root / name
        for path, content in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content.encode() if isinstance(content, str) else content)
        return manifest.write(folder, [folder / path for path in files])

    def gaze(self, reader: str, files: dict[str, str | bytes], **options: Any) -> pd.DataFrame:
        return gaze.read("corpus", reader, options, self.add(files), self.ledger)

    def task(
        self,
        reader: str,
        files: dict[str, str | bytes],
        translated: dict[str, str | bytes] | None = None,
        **settings: Any,
    ) -> dict[str, pd.DataFrame]:
        """The three splits of a task; translated: files of translations."""
        settings = {"kind": "classification", "labels": ("bad", "good"), "limits": {}, **settings}
        spec = TaskDataSpec.parse({"task": "toy", "reader": reader, **settings})
        given = self.add(translated, "translated") if translated else None
        paths = tasks.prepare(spec, self.add(files), self.root / "out", self.ledger, given)
        return {path.stem: pd.read_parquet(path) for path in paths if path.suffix == ".parquet"}

    def corpus(self, *sources: tuple, **settings: Any) -> pd.DataFrame:
        """documents.parquet of sources (reader, files) or (reader, files, options), named set0, set1 ..."""
        names = [f"set{number}" for number in range(len(sources))]
        artifacts = [self.add(files, name) for name, (_, files, *_) in zip(names, sources, strict=True)]
        described = [
            {"dataset": name, "reader": reader, "options": options[0] if options else {}}
            for name, (reader, _, *options) in zip(names, sources, strict=True)
        ]
        spec = CorpusSpec.parse({"corpus": "toy", "sources": described, **settings})
        (path,) = preparing.prepare(self.job(spec, sources=artifacts))
        return pd.read_parquet(path)

    def pairs(self, *sources: tuple, languages: tuple[str, str] = ("en", "de"), **settings: Any) -> pd.DataFrame:
        """pairs.parquet of sources (reader, files) or (reader, files, source's settings), named set0, set1 ..."""
        names = [f"set{number}" for number in range(len(sources))]
        artifacts = [self.add(files, name) for name, (_, files, *_) in zip(names, sources, strict=True)]
        described = [
            {"dataset": name, "reader": reader, "languages": languages, **(more[0] if more else {})}
            for name, (reader, _, *more) in zip(names, sources, strict=True)
        ]
        spec = ParallelSpec.parse({"parallel": "toy", "sources": described, **settings})
        (path,) = parallel.prepare(self.job(spec, sources=artifacts))
        return pd.read_parquet(path)

    def job(self, spec: Spec, out: str = "out", **inputs: list[Path]) -> Job:
        """A job that begins, whose result lies in `out`."""
        state = self.root / f"state-{out}"
        shutil.rmtree(state, ignore_errors=True)
        return Job(spec, self.root / out, inputs, {}, self.ledger, state, Impl())

    def events(self, kind: str) -> list[Any]:
        """The notes or metrics in the ledger."""
        lines = (self.root / "ledger/events.jsonl").read_text(encoding="utf-8").splitlines()
        return [event[kind] for event in map(json.loads, lines) if kind in event]


def damaged(sound: bytes, generator: np.random.Generator) -> bytes:
    """A byte changed, some cut out, some doubled, or the end cut off."""
    data, at = bytearray(sound), int(generator.integers(len(sound)))
    kind = generator.integers(4)
    if kind == 0:
        data[at] = int(generator.integers(256))
    elif kind == 1:
        del data[at : at + int(generator.integers(1, 40))]
    elif kind == 2:
        data[at:at] = data[at : at + 40]
    else:
        del data[at:]
    return bytes(data)
