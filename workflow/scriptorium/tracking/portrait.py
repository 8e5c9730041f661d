"""How a ledger looks in MLflow: names, tags, params, points and files, as plain values.

Nothing here imports mlflow or talks to a server; `mirror.py` sends what it finds here. A portrait is a pure function of
the files of a run and of the configuration that names it, so two imports of the same files see the same picture.
"""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import json
import math
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from scriptorium import ledger
from scriptorium.errors import UserError
from scriptorium.runs import Run, Runs
from scriptorium.spec import canonical_json

VERSION = "1"  # raise it when the same files should look different: the next import then renews every run
DATA, UNLISTED = "data and tables", "not in the configuration"
TABLES = "tables and figures"  # the parent of every tabulating and drawing stage
STUDY_OF_STAGE = {"pretrain": "pretraining", "train_regressor": "gaze", "finetune": UNLISTED}
FOLDERS = {"figure": "figures", "table": "tables", "model": "model", "dataset": "data", "log": "logs"}
MAX_PARAM, MAX_TAG, MAX_FILE = 6000, 8000, 10_000_000  # characters, characters (MLflow's limits), bytes (ours)


Identity = tuple[str | None, str | None, str | None, int | None]  # kind, path, key, and of a run its start


class Point(NamedTuple):
    """One number of a curve; `time` in milliseconds since the epoch."""

    key: str
    value: float
    time: int
    step: int


def ledgers(results: Path) -> dict[str, Path]:
    """Run directories of a project by the names that the configuration uses (`results/...`, `resources/...`).

    MLflow's own folder holds copies of run.json, and hidden folders hold unfinished work: neither counts.
    """
    found = {}
    for name, root in (("results", results), ("resources", results.parent / "resources")):
        for directory in ledger.find(root) if root.is_dir() else ():
            parts = directory.relative_to(root).parts
            if parts and parts[0] != "mlflow" and not any(part.startswith(".") for part in parts):
                found["/".join((name, *parts))] = directory
    return found


def path_of(directory: Path, results: Path) -> str:
    """The name of one run directory, as `ledgers` gives it. Raises UserError for a directory elsewhere."""
    for name, root in (("results", results), ("resources", results.parent / "resources")):
        if directory.resolve().is_relative_to(root.resolve()):
            return "/".join((name, *directory.resolve().relative_to(root.resolve()).parts))
    raise UserError("not a run directory of this project", where=directory, remedy=f"name one below {results}")


def name_run(path: str, stage: str, expected: Mapping[str, Run]) -> Run:
    """What people call the run at `path`: as the configuration says, else as its path says."""
    if path in expected:
        return expected[path]
    _, *parts = path.split("/")
    if stage == "gaze_baselines":  # measured on the same folds as the regressors, so it stands beside them
        return Run(path, stage, "gaze", "baselines", "n_fix")
    seed = re.fullmatch(r"seed(\d+)", parts[-1])
    if stage in STUDY_OF_STAGE and seed and len(parts) > 2:
        _, variant, *task = parts[:-1] if stage != "train_regressor" else parts[1:-1]
        return Run(path, stage, STUDY_OF_STAGE[stage], variant, "/".join(task), int(seed[1]))
    drawing = stage.startswith("tabulate") or stage == "attention_maps"
    return Run(path, stage, DATA, TABLES if drawing else stage.replace("_", " "), parts[-1])


@dataclass(frozen=True)
class Portrait:
    """One run as MLflow should show it."""

    run: Run
    directory: Path
    record: dict[str, Any]
    description: str = ""

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
        """Equal digests: MLflow already shows this."""
        shown = canonical_json([VERSION, self.run.path, self.run.study, self.name, self.tags, self.params])
        total = hashlib.sha256(shown.encode())
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
        return flatten(self.record.get("spec") or {})

    @cached_property
    def events(self) -> list[dict[str, Any]]:
        return list(ledger.read_events(self.directory))

    @cached_property
    def metrics(self) -> dict[str, float]:
        """metrics.json of a finished run: the numbers that tables are made of; empty where a stage has none."""
        if self.status != ledger.FINISHED:  # what lies there is from a run before
            return {}
        try:
            values = json.loads((self.directory / "metrics.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        numbers = {k: v for k, v in values.items() if isinstance(v, int | float)} if isinstance(values, dict) else {}
        return {safe_key(k): float(v) for k, v in numbers.items() if math.isfinite(v)}

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
        files = {name: self.directory / name for name in ("run.json", *finished)}
        texts = {"spec.json": json.dumps(self.record.get("spec"), indent=2, sort_keys=True, ensure_ascii=False) + "\n"}
        notes = self.notes()
        for event in self.events:
            if "artifact" in event:
                file = self.directory / event["artifact"]
                if file.is_file() and file.stat().st_size > MAX_FILE:
                    notes.append(f"{event['artifact']} is larger than {MAX_FILE / 1e6:.0f} MB and was not uploaded")
                else:
                    files[f"{FOLDERS.get(event.get('kind', 'file'), 'files')}/{file.name}"] = file
        if notes:
            texts["notes.txt"] = "\n".join(notes) + "\n"
        return {name: file for name, file in files.items() if file.is_file()}, texts

    def weights(self) -> list[dict[str, Any]]:
        """The ledger's entries (path, bytes, sha256) of model weights."""
        return [entry for entry in self.record["outputs"] if entry["path"].endswith(".safetensors")]

    def _note(self) -> str:
        """Markdown on the run's page: how it failed if it did, what it is, and how to run it again."""
        parts = []
        if self.status in (ledger.FAILED, ledger.KILLED) and (notes := self.notes()):
            parts.append(f"**{self.status}**\n\n```\n{notes[-1][-2000:]}\n```")
        what = self.description or self.run.variant
        parts.append(f"{what}; paper table: {self.run.paper_table}" if self.run.paper_table else what)
        if command := self.record.get("command"):
            parts.append(f"Run it again without Snakemake:\n\n```sh\n{_cut(readable(command), 5000)}\n```")
        return "\n\n".join(part for part in parts if part)


def portraits(results: Path, runs: Runs) -> tuple[list[Portrait], list[Path]]:
    """All runs of a project that can be read, and the directories whose run.json cannot."""
    expected = {run.path: run for run in runs.all()}
    found, unreadable = [], []
    for path, directory in ledgers(results).items():
        if record := ledger.read_record(directory):
            found.append(portray(path, directory, record, expected, runs))
        else:
            unreadable.append(directory)
    return found, unreadable


def portray(path: str, directory: Path, record: dict[str, Any], expected: Mapping[str, Run], runs: Runs) -> Portrait:
    run = name_run(path, record["stage"], expected)
    variant = runs.project.variants.get(run.variant)
    return Portrait(run, directory, record, variant.description if variant else "")


def curve(events: Iterable[Mapping[str, Any]]) -> dict[tuple[str, int], Point]:
    """Points of the metric events by (key, step); a step logged again after a resume replaces the first."""
    found = {}
    for event in events:
        for name, value in event.get("metrics", {}).items():
            key = safe_key(name)
            found[key, event["step"]] = Point(key, value, _ms(event["t"]), event["step"])
    return found


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested settings as MLflow params: dotted keys, JSON for lists, long values cut with a remark."""
    flat = {}
    for name, value in values.items():
        key = safe_key(f"{prefix}{name}")
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{key}.")
        else:
            text = value if isinstance(value, str) else canonical_json(value)
            flat[key] = _cut(text, MAX_PARAM)
    return flat


def readable(command: str) -> str:
    """A shell command on many short lines, JSON in it as well: a long line pushes MLflow's page out of the window."""
    text, inputs = "", 0
    for word in shlex.split(command):
        inputs = 0 if word.startswith("--") else inputs + ("=" in word)
        separator = " \\\n  " if word.startswith("--") else " \\\n    " if inputs > 1 else " "
        if word.startswith("{"):
            with contextlib.suppress(json.JSONDecodeError):
                word = json.dumps(json.loads(word), indent=1, ensure_ascii=False)
        text += (separator if text else "") + shlex.quote(word)
    return text


def _cut(text: str, limit: int) -> str:
    remark = f" ... ({len(text)} characters; the whole is in spec.json and run.json)"
    return text if len(text) <= limit else text[: limit - len(remark)] + remark


def tag_texts(values: Mapping[str, Any]) -> dict[str, str]:
    texts = {k: str(v).lower() if isinstance(v, bool) else str(v) for k, v in values.items() if v not in (None, "")}
    return {key: _cut(text, MAX_TAG) for key, text in texts.items()}


def safe_key(name: str) -> str:
    """A name that MLflow accepts for params and metrics."""
    return re.sub(r"[^\w\-. :/]", "_", name)[:250]


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def owner(directory: Path) -> str:
    try:
        return (directory / "run.json").owner()
    except (KeyError, OSError):
        return getpass.getuser()
