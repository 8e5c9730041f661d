"""How a ledger looks in MLflow: names, tags, params, points and files, as plain values.

Nothing here imports mlflow or talks to a server; `mirror.py` sends what it finds here. A portrait is a pure function of
the files of a run and of the configuration that names it, so two imports of the same files see the same picture.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import re
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from scriptorium import ledger
from scriptorium.config import Variant
from scriptorium.runs import Run, Runs
from scriptorium.spec import canonical_json

VERSION = "1"  # raise it when the same files should look different: the next import then renews every run
DATA, UNLISTED = "data and tables", "not in the configuration"
STUDY_OF_STAGE = {"pretrain": "pretraining", "train_regressor": "gaze", "finetune": UNLISTED}
FOLDERS = {"figure": "figures", "table": "tables", "model": "model", "dataset": "data", "log": "logs"}
MAX_PARAM, MAX_TAG, MAX_FILE = 6000, 8000, 10_000_000  # characters, characters (MLflow's limits), bytes (ours)


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
    return Run(path, stage, DATA, stage.replace("_", " "), parts[-1])


@dataclass(frozen=True)
class Portrait:
    """One run as MLflow should show it."""

    run: Run
    directory: Path
    record: dict[str, Any]
    description: str = ""

    @property
    def identity(self) -> tuple[str, str, int]:
        """(path, key, start): a run started anew in the same place is another run, a continued one is not."""
        return self.run.path, self.record["key"], self.start

    @property
    def name(self) -> str:
        return self.run.name

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
        return _tags({
            **place, "stage": run.stage, "study": run.study, "scriptorium.kind": "run",
            "scriptorium.path": run.path, "scriptorium.run_key": record["key"], "code": record.get("code"),
            "attempt": record["attempt"], "host": record["host"], "device": record["device"],
            "slurm.job_id": record["slurm_job_id"], "git.commit": git.get("commit"), "git.dirty": git.get("dirty"),
            "mlflow.source.git.commit": git.get("commit"), "mlflow.source.git.branch": git.get("branch"),
            "mlflow.source.name": f"scriptorium.stages.{run.stage}", "mlflow.source.type": "JOB",
            "mlflow.user": _owner(self.directory), "mlflow.note.content": self._note(),
        })  # fmt: skip

    @cached_property
    def params(self) -> dict[str, str]:
        return flatten(self.record.get("spec") or {})

    @cached_property
    def events(self) -> list[dict[str, Any]]:
        return list(ledger.read_events(self.directory))

    @cached_property
    def metrics(self) -> dict[str, float]:
        """metrics.json: the numbers that tables are made of; empty where a stage has none or it is unreadable."""
        try:
            values = json.loads((self.directory / "metrics.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        numbers = {k: v for k, v in values.items() if isinstance(v, int | float)} if isinstance(values, dict) else {}
        return {_key(k): float(v) for k, v in numbers.items()}

    def points(self) -> list[Point]:
        """Curves from the events, then the final metrics at the last step; one point per (key, step)."""
        found = curve(self.events)
        last_step = max((step for _, step in found), default=0)
        time = self.end or (_ms(self.events[-1]["t"]) if self.events else self.start)
        drawn = {key for key, _ in found}
        final = [Point(k, v, time, last_step) for k, v in sorted(self.metrics.items()) if k not in drawn]
        return [*found.values(), *final]

    def notes(self) -> list[str]:
        return [event["note"] for event in self.events if "note" in event]

    def files(self) -> tuple[dict[str, Path], dict[str, str]]:
        """What is uploaded: files and texts, both by their path in MLflow's artifacts."""
        files = {name: self.directory / name for name in ("run.json", "metrics.json")}
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
        """Markdown on the run's page: what it is, how to run it again, and how it failed if it did."""
        run = self.run
        what = " · ".join(part for part in (run.study, run.name, run.paper_table) if part)
        parts = [self.description, f"`{run.stage}`: {what}"]
        if command := self.record.get("command"):
            parts.append(f"Run it again without Snakemake:\n\n```sh\n{_cut(command, 5000)}\n```")
        if self.status in (ledger.FAILED, ledger.KILLED) and (notes := self.notes()):
            parts.append(f"**{self.status}**\n\n```\n{notes[-1][-2000:]}\n```")
        return "\n\n".join(part for part in parts if part)


@dataclass(frozen=True)
class Family:
    """The parent of a variant's runs (or of one preparatory stage's), with what they have in common."""

    study: str
    name: str
    members: tuple[Portrait, ...]
    variant: Variant | None = None

    @property
    def path(self) -> str:
        return f"{self.study}/{self.name}"

    @property
    def key(self) -> str:
        """A variant with other params is another parent: MLflow's params cannot change."""
        return hashlib.sha256(canonical_json([self.path, self.params]).encode()).hexdigest()[:16]

    @property
    def status(self) -> str:
        """The worst of the members'."""
        order = (ledger.RUNNING, ledger.FAILED, ledger.KILLED, ledger.FINISHED)
        return min((member.status for member in self.members), key=order.index)

    @property
    def start(self) -> int:
        return min(member.start for member in self.members)

    @property
    def end(self) -> int:
        return max(member.end or member.start for member in self.members)

    @cached_property
    def digest(self) -> str:
        shown = [VERSION, self.path, self.key, self.tags, self.metrics, self.status, self.end]
        return hashlib.sha256(canonical_json(shown).encode()).hexdigest()[:32]

    @cached_property
    def params(self) -> dict[str, str]:
        return flatten(self.variant.recipe.model_dump(mode="json", exclude_none=True)) if self.variant else {}

    @cached_property
    def tags(self) -> dict[str, str]:
        described = self.variant.description if self.variant else ""
        return _tags({
            "scriptorium.kind": "variant", "scriptorium.path": self.path, "scriptorium.run_key": self.key,
            "study": self.study, "variant": self.name if self.study != DATA else "",
            "paper_table": self.variant.paper_table if self.variant else "", "mlflow.source.type": "JOB",
            "mlflow.source.name": "scriptorium.track", "mlflow.user": _owner(self.members[0].directory),
            "mlflow.note.content": "\n\n".join(part for part in (described, self._table()) if part),
        })  # fmt: skip

    @cached_property
    def metrics(self) -> dict[str, float]:
        """Mean, standard deviation (n - 1, from two seeds on) and number of seeds per task and metric; time spent."""
        finished = [member for member in self.members if member.status == ledger.FINISHED]
        values: dict[str, float] = {
            "runs_finished": len(finished),
            "seconds": sum((m.end - m.start) / 1000 for m in self.members if m.end is not None),
        }
        for task, key, numbers in self._numbers():
            place = f"{task}/{key}" if task else key
            values[f"{place}_mean"] = statistics.fmean(numbers)
            values[f"{place}_seeds"] = len(numbers)
            if len(numbers) > 1:
                values[f"{place}_std"] = statistics.stdev(numbers)
        return {_key(key): value for key, value in values.items()}

    def _numbers(self) -> list[tuple[str, str, list[float]]]:
        """(task, metric, its values over the finished seeds), sorted."""
        found: dict[tuple[str, str], list[float]] = {}
        for member in sorted(self.members, key=lambda m: (m.run.task, m.run.seed or 0)):
            if member.status == ledger.FINISHED:
                for key, value in member.metrics.items():
                    found.setdefault((member.run.task, key), []).append(value)
        return [(task, key, numbers) for (task, key), numbers in sorted(found.items())]

    def _table(self) -> str:
        rows = [
            f"| {task} | {key} | {statistics.fmean(n):.4f} | {f'{statistics.stdev(n):.4f}' if len(n) > 1 else ''} | {len(n)} |"
            for task, key, n in self._numbers()
        ]
        head = ["| task | metric | mean | standard deviation | seeds |", "| --- | --- | --- | --- | --- |"]
        return "\n".join([*head, *rows[:40]]) if rows else ""


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


def families(members: Iterable[Portrait], runs: Runs) -> list[Family]:
    """The portraits grouped by study and variant, sorted."""
    groups: dict[tuple[str, str], list[Portrait]] = {}
    for member in members:
        groups.setdefault((member.run.study, member.run.variant), []).append(member)
    return [
        Family(study, name, tuple(group), runs.project.variants.get(name) if study != DATA else None)
        for (study, name), group in sorted(groups.items())
    ]


def curve(events: Iterable[Mapping[str, Any]]) -> dict[tuple[str, int], Point]:
    """Points of the metric events by (key, step); a step logged again after a resume replaces the first."""
    found = {}
    for event in events:
        for name, value in event.get("metrics", {}).items():
            key = _key(name)
            found[key, event["step"]] = Point(key, value, _ms(event["t"]), event["step"])
    return found


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested settings as MLflow params: dotted keys, JSON for lists, long values cut with a remark."""
    flat = {}
    for name, value in values.items():
        key = _key(f"{prefix}{name}")
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{key}.")
        else:
            text = value if isinstance(value, str) else canonical_json(value)
            flat[key] = _cut(text, MAX_PARAM)
    return flat


def _cut(text: str, limit: int) -> str:
    remark = f" ... ({len(text)} characters; the whole is in spec.json and run.json)"
    return text if len(text) <= limit else text[: limit - len(remark)] + remark


def _tags(values: Mapping[str, Any]) -> dict[str, str]:
    texts = {k: str(v).lower() if isinstance(v, bool) else str(v) for k, v in values.items() if v not in (None, "")}
    return {key: _cut(text, MAX_TAG) for key, text in texts.items()}


def _key(name: str) -> str:
    """A name that MLflow accepts for params and metrics."""
    return re.sub(r"[^\w\-. :/]", "_", name)[:250]


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _owner(directory: Path) -> str:
    try:
        return (directory / "run.json").owner()
    except (KeyError, OSError):
        return getpass.getuser()
