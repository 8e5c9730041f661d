"""Makes project folders with ledgers that look like real ones, without training anything."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from scriptorium import ledger, manifest
from scriptorium.runs import Run, Runs
from scriptorium.runs.folders import wildcards_of
from scriptorium.track import load_runs

REPOSITORY = Path(__file__).parents[1]
START = 1_790_000_000.0  # seconds since the epoch


@dataclass
class Project:
    """A project folder: this repository's configuration beside made-up results."""

    root: Path
    runs: Runs

    @property
    def results(self) -> Path:
        return self.root / "results"

    def directory(self, run: Run) -> Path:
        return self.root / run.path

    def add(
        self, run: Run, *, status: str = ledger.FINISHED, steps: int = 8, start: float = START, **facts: Any
    ) -> Path:
        """A run's ledger, outputs and manifest. A RUNNING one looks as a killed process leaves it."""
        directory = self.directory(run)
        plan = self.runs.plan(run.stage, **wildcards_of(run.stage, run.path))
        facts = {
            "key": f"key-{run.path}",
            "spec": json.loads(plan.spec),
            "code": plan.code,
            "declared": {},
            "threads": 1,
            "command": f"python -m scriptorium.stages.{run.stage} --out {run.path}",
            **facts,
        }
        journal = ledger.Ledger.open(directory, stage=run.stage, **facts)
        for step in range(1, steps + 1):
            journal.metrics(step, {"train/loss": math.exp(-step / steps) + 0.01 * (run.seed or 0)})
        metrics = {"test/accuracy": 0.8 + 0.01 * (run.seed or 0), "test/f1": 0.75 + 0.02 * (run.seed or 0)}
        outputs = [manifest.write_json(directory / "metrics.json", metrics)]
        figure = directory / "curve.svg"
        figure.write_text(
            '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="30"><text y="20">loss</text></svg>'
        )
        journal.artifact(figure, "figure")
        if run.stage == "pretrain":
            (directory / "model").mkdir(exist_ok=True)
            outputs.append(directory / "model" / "model.safetensors")
            outputs[-1].write_bytes(bytes(64))
        if status == ledger.FINISHED:
            journal.update(outputs=manifest.read(manifest.write(directory, outputs))["files"])
        elif status == ledger.FAILED:
            journal.note("failed: Traceback (most recent call last):\nValueError: a planted failure")
        journal.finish(status)
        self._set_times(directory, start, status)
        return directory

    def _set_times(self, directory: Path, start: float, status: str) -> None:
        events = [{**event, "t": start + i + 1} for i, event in enumerate(ledger.read_events(directory))]
        write_events(directory, events)
        record = ledger.read_record(directory) | {"start": start, "end": start + len(events) + 1}
        if status == ledger.RUNNING:
            record |= {"end": None, "pid": 2**22 + 1, "pid_start": 1.0}  # above the kernel's largest process id
        manifest.write_json(directory / "run.json", record | {"events": ledger.events_digest(directory)})


def build(root: Path) -> Project:
    """A project without results, with this repository's configuration. Of all studies but `cogbert` it has a part,
    which holds runs of every kind; MLflow would take a minute for all runs."""
    shutil.copytree(REPOSITORY / "config", root / "config")
    path = root / "config/config.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    others = (config.get(block, {}) for block in ("translation_studies", "generation_studies"))
    for studies in (config["studies"], config["pretraining"]["studies"], *others):
        studies |= {name: in_part(study) for name, study in studies.items() if name != "cogbert"}
    path.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    (root / "results").mkdir()
    return Project(root, load_runs([str(root / "config/config.yaml")], root))


def in_part(study: dict[str, Any]) -> dict[str, Any]:
    """Its baseline and its last variant, with one seed, on one task."""
    part = {**study, "variants": [study["baseline"], study["variants"][-1]], "seeds": [0]}
    return part | ({"tasks": study["tasks"][:1]} if "tasks" in study else {})


def write_events(directory: Path, events: list[dict[str, Any]]) -> None:
    text = "".join(json.dumps(event) + "\n" for event in events)
    (directory / "events.jsonl").write_text(text, encoding="utf-8")
