"""How a ledger looks in MLflow: names, tags, params, points and files, as plain values.

Nothing here imports mlflow or talks to a server; `mirror.py` sends what it finds here. A portrait is a pure function of
the files of a run and of the configuration that names it, so two imports of the same files see the same picture.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from scriptorium import code_patch, ledger, replaced
from scriptorium.runs import Run, Runs
from scriptorium.spec import canonical_json
from scriptorium.tracking import records
from scriptorium.tracking.complaints import in_one_line
from scriptorium.tracking.run_names import DATA, ledgers, name_run
from scriptorium.tracking.spelling import respell, respelled
from scriptorium.tracking.texts import as_json, cut, flatten, readable, respelled_keys, tag_texts

VERSION = "3"  # raise it when the same files should look different: the next import then renews every run
FOLDERS = {"figure": "figures", "table": "tables", "model": "model", "dataset": "data", "log": "logs"}
MAX_FILE = 10_000_000  # bytes; larger ones are not uploaded


Identity = tuple[str | None, str | None, str | None, int | None]  # kind, path, key, and of a run its start


class Point(NamedTuple):
    """One number of a curve; `time` in milliseconds since the epoch."""

    key: str
    value: float
    time: int
    step: int


@dataclass(frozen=True)
class Portrait:
    """One run as MLflow should show it."""

    run: Run
    directory: Path
    record: dict[str, Any]
    description: str = ""
    superseded: bool = False  # a journal that another run has replaced (replaced.py)

    @property
    def identity(self) -> Identity:
        """A run started anew in the same place is another one, a continued one is not."""
        return "run", self.run.path, self.record["key"], self.start

    @property
    def name(self) -> str:
        """`sentiment · seed0 · cogbert`: a table cuts long names, charts of several variants need all of it."""
        run = self.run
        parts = (run.task, "" if run.seed is None else f"seed{run.seed}", run.variant)
        return " · ".join(part for part in parts if part)

    @property
    def status(self) -> str:
        return self.record["status"]

    @property
    def start(self) -> int:
        return _ms(self.record["start"])

    @property
    def end(self) -> int | None:
        return None if self.record["end"] is None else _ms(self.record["end"])

    @cached_property
    def digest(self) -> str:
        """Equal digests: MLflow already shows this. It is taken of what tags and params are made of, not of them:
        thousands of runs are looked through each time."""
        shown = [VERSION, *vars(self.run).values(), self.description, self.superseded, owner(self.directory)]
        total = hashlib.sha256(canonical_json(shown).encode())
        for name in ("run.json", "events.jsonl", "metrics.json"):
            file = self.directory / name
            total.update(name.encode() + b"\0" + (file.read_bytes() if file.is_file() else b"") + b"\0")
        return total.hexdigest()[:32]

    @cached_property
    def tags(self) -> dict[str, str]:
        """What a person would search for, and what MLflow's own columns read."""
        record, run = self.record, self.run
        git = record.get("git") or {}
        if run.study == DATA:
            place = {"dataset": run.task}
        else:
            place = {"variant": run.variant, "task": run.task, "seed": run.seed, "paper_table": run.paper_table}
        return tag_texts(
            {
                **place,
                "stage": run.stage,
                "study": run.study,
                "git.commit": git.get("commit"),
                "git.dirty": git.get("dirty"),
                "code": record.get("code"),
                "host": record["host"],
                "device": record["device"],
                "slurm.job_id": record["slurm_job_id"],
                "attempt": record["attempt"],
                "scriptorium.kind": "run",
                "scriptorium.path": run.path,
                "scriptorium.run_key": record["key"],
                "mlflow.source.git.commit": git.get("commit"),
                "mlflow.source.git.branch": git.get("branch"),
                "mlflow.source.name": f"scriptorium.stages.{run.stage}",
                "mlflow.source.type": "JOB",
                "mlflow.user": owner(self.directory),
                "mlflow.note.content": self._note(),
            }
        )

    @cached_property
    def params(self) -> dict[str, str]:
        return respelled_keys(flatten(self.record.get("spec") or {}))

    @cached_property
    def events(self) -> list[dict[str, Any]]:
        return list(ledger.read_events(self.directory))

    @cached_property
    def numbers(self) -> dict[str, float]:
        """metrics.json of a finished run: the numbers that tables are made of; empty where a stage has none."""
        if self.status != ledger.FINISHED:  # what lies there is from a run before
            return {}
        try:
            values = json.loads((self.directory / "metrics.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        numbers = {k: v for k, v in values.items() if isinstance(v, int | float)} if isinstance(values, dict) else {}
        return {k: float(v) for k, v in numbers.items() if math.isfinite(v)}

    @cached_property
    def metrics(self) -> dict[str, float]:
        """The numbers, by the names that MLflow takes."""
        return {respell(name): value for name, value in self.numbers.items()}

    def points(self, *, final: bool = True) -> list[Point]:
        """Curves from the events and the final metrics, one point per (key, step).

        A final metric that is no curve has step 0: MLflow draws what has no other step as a bar, easy to compare.
        """
        found = curve(self.events)
        if final:
            drawn = Counter(key for key, _ in found)
            single = {key: value for key, value in self.metrics.items() if drawn[key] < 2}
            found = {place: point for place, point in found.items() if point.key not in single}
            found |= {(k, 0): Point(k, v, self.end or self.start, 0) for k, v in sorted(single.items())}
        return list(found.values())

    def notes(self) -> list[str]:
        return [event["note"] for event in self.events if "note" in event]

    def files(self) -> tuple[dict[str, Path], dict[str, str]]:
        """What is uploaded: files and texts, both by their path in MLflow's artifacts."""
        finished = ("metrics.json",) if self.status == ledger.FINISHED else ()
        files = {name: self.directory / name for name in ("run.json", code_patch.NAME, *finished)}
        texts = {"spec.json": as_json(self.record.get("spec"))}
        notes = self.notes()
        for event in self.events:
            if "artifact" in event:
                file = self._own(event["artifact"])
                if file is None:
                    notes.append(f"{event['artifact']!r} is no file of this run and was not uploaded")
                elif file.is_file() and file.stat().st_size > MAX_FILE:
                    notes.append(f"{event['artifact']} is larger than {MAX_FILE / 1e6:.0f} MB and was not uploaded")
                else:
                    files[f"{FOLDERS.get(str(event.get('kind', 'file')), 'files')}/{file.name}"] = file
        if notes:
            texts["notes.txt"] = "\n".join(notes) + "\n"
        curves = [name for event in self.events for name in event.get("metrics", {})]
        if names := respelled([*curves, *self.numbers, *flatten(self.record.get("spec") or {})]):
            texts["names.json"] = as_json(names)
        return {name: file for name, file in files.items() if file.is_file()}, texts

    def weights(self) -> list[dict[str, Any]]:
        """The ledger's entries (path, bytes, sha256) of model weights; a replaced run has none any more."""
        if self.superseded:
            return []
        entries = [entry for entry in self.record["outputs"] if entry["path"].endswith(".safetensors")]
        return [entry for entry in entries if self._own(entry["path"])]

    def _own(self, name: Any) -> Path | None:
        """A file that an event names, if it is one of the run's: in its folder, or a declared output below results/.

        A ledger may come from anywhere, and must not carry another file of this machine to a server.
        """
        if not isinstance(name, str) or "\0" in name:
            return None
        if self.superseded:
            file = replaced.place(self.directory, name).resolve()
            return file if file.is_relative_to(self.directory.resolve()) else None
        folder, file = self.directory.resolve(), (self.directory / name).resolve()
        results = self.directory.absolute().parents[len(Path(self.run.path).parts) - 1] / "results"
        declared = self.record.get("declared")
        outputs = list(declared.values()) if isinstance(declared, dict) else []
        named = {(results.parent / path).resolve() for path in outputs if isinstance(path, str) and "\0" not in path}
        named |= {(self.directory / entry["path"]).resolve() for entry in self.record["outputs"]}
        inside = file.is_relative_to(folder) or (file in named and file.is_relative_to(results.resolve()))
        return file if inside else None

    def check(self) -> None:
        """Raise whatever would be raised when this is shown beside others: what is needed is computed once anyway."""
        _ = self.digest, self.metrics, self.end, self.identity

    def _note(self) -> str:
        """Markdown on the run's page: how it failed if it did, what it is, and how to run it again."""
        parts = []
        if self.status in (ledger.FAILED, ledger.KILLED) and (notes := self.notes()):
            parts.append(f"**{self.status}**\n\n```\n{notes[-1][-2000:]}\n```")
        what = self.description or self.run.variant
        parts.append(f"{what}; paper table: {self.run.paper_table}" if self.run.paper_table else what)
        if command := self.record.get("command"):
            parts.append(f"Run it again without Snakemake:\n\n```sh\n{cut(readable(command), 5000)}\n```")
        if self.status == ledger.FINISHED and (self.record.get("git") or {}).get("commit"):
            words = f"python -m scriptorium.reproduce {self.record['key']}"
            parts.append(f"Make it again with the code of that time, and compare every byte:\n\n```sh\n{words}\n```")
        return "\n\n".join(part for part in parts if part)


def portraits(
    results: Path, runs: Runs, found: Mapping[str, Path] | None = None
) -> tuple[list[Portrait], dict[str, str]]:
    """All runs of a project that can be shown, and why the others cannot, by their paths.

    found: what `ledgers` gives, where somebody has asked already.
    """
    return _shown((ledgers(results) if found is None else found).items(), runs)


def replaced_portraits(found: Mapping[str, Path], runs: Runs) -> tuple[list[Portrait], dict[str, str]]:
    """The runs whose journals others have replaced (replaced.py), below the run directories of `ledgers`."""
    older = [(path, journal) for path, directory in found.items() for journal in replaced.find(directory)]
    return _shown(older, runs, superseded=True)


def _shown(
    directories: Iterable[tuple[str, Path]], runs: Runs, *, superseded: bool = False
) -> tuple[list[Portrait], dict[str, str]]:
    expected = {run.path: run for run in runs.all()}
    found, faulty = [], {}
    for path, directory in directories:
        name = f"{path}/{replaced.FOLDER}/{directory.name}" if superseded else path
        record, fault = records.read(directory)
        if fault:
            faulty[name] = fault
            continue
        portrait = portray(path, directory, record, expected, runs, superseded=superseded)
        try:
            portrait.check()
        except Exception as error:  # whatever is wrong in the files of one run is no reason to stop
            faulty[name] = f"its files cannot be shown: {in_one_line(error)}"
        else:
            found.append(portrait)
    return found, faulty


def portray(
    path: str,
    directory: Path,
    record: dict[str, Any],
    expected: Mapping[str, Run],
    runs: Runs,
    *,
    superseded: bool = False,
) -> Portrait:
    run = name_run(path, record["stage"], expected)
    variant = runs.project.variants.get(run.variant)
    return Portrait(run, directory, record, variant.description if variant else "", superseded)


def curve(events: Iterable[Mapping[str, Any]]) -> dict[tuple[str, int], Point]:
    """Points of the metric events by (key, step); a step logged again after a resume replaces the first."""
    found = {}
    for event in events:
        for name, value in event.get("metrics", {}).items():
            key = respell(name)
            found[key, event["step"]] = Point(key, value, _ms(event["t"]), event["step"])
    return found


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def owner(directory: Path) -> str:
    try:
        return (directory / "run.json").owner()
    except (KeyError, OSError):
        return getpass.getuser()
