"""Parents in MLflow: the runs of a variant, or of one preparatory stage, as one, with mean and spread over seeds."""

from __future__ import annotations

import hashlib
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from scriptorium import ledger
from scriptorium.config.schema import Variant
from scriptorium.runs import Runs
from scriptorium.spec import canonical_json
from scriptorium.tracking.portrait import VERSION, Identity, Portrait, owner
from scriptorium.tracking.run_names import DATA
from scriptorium.tracking.spelling import respelled
from scriptorium.tracking.texts import as_json, flatten, respelled_keys, tag_texts


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
    def identity(self) -> Identity:
        return "variant", self.path, self.key, None

    @cached_property
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
    def settings(self) -> dict[str, str]:
        return flatten(self.variant.recipe.model_dump(mode="json", exclude_none=True)) if self.variant else {}

    @cached_property
    def params(self) -> dict[str, str]:
        return respelled_keys(self.settings)

    @cached_property
    def tags(self) -> dict[str, str]:
        described = self.variant.description if self.variant else ""
        return tag_texts(
            {
                "study": self.study,
                "variant": self.name if self.study != DATA else "",
                "paper_table": self.variant.paper_table if self.variant else "",
                "scriptorium.kind": "variant",
                "scriptorium.path": self.path,
                "scriptorium.run_key": self.key,
                "mlflow.source.type": "JOB",
                "mlflow.source.name": "scriptorium.track",
                "mlflow.user": owner(self.members[0].directory),
                "mlflow.note.content": "\n\n".join(part for part in (described, self._table()) if part),
            }
        )

    @cached_property
    def numbers(self) -> dict[str, float]:
        """Mean, standard deviation (n - 1, from two seeds on) and number of seeds per task and metric; time spent."""

        def seeds(task: str) -> str:  # a name that MLflow draws in a section of its own
            return f"seeds/{task}" if task else "seeds"

        finished = [member for member in self.members if member.status == ledger.FINISHED]
        values: dict[str, float] = {
            "runs_finished": len(finished),
            "seconds": sum((m.end - m.start) / 1000 for m in self.members if m.end is not None),
        }
        for member in finished:
            if member.run.seed is not None:
                values[seeds(member.run.task)] = values.get(seeds(member.run.task), 0) + 1
        for task, key, numbers in self._numbers():
            place = f"{task}/{key}" if task else key
            values[f"{place}_mean"] = statistics.fmean(numbers)
            if len(numbers) > 1:
                values[f"{place}_std"] = statistics.stdev(numbers)
            if len(numbers) != values.get(seeds(task), len(numbers)):
                values[f"{place}_seeds"] = len(numbers)  # a seed lacks this metric
        return values

    @cached_property
    def metrics(self) -> dict[str, float]:
        """The numbers, by the names that MLflow takes."""
        return respelled_keys(self.numbers)

    def files(self) -> tuple[dict[str, Path], dict[str, str]]:
        """What is uploaded, as of a run: the names that were respelled, if there are any."""
        names = respelled([*self.numbers, *self.settings])
        return {}, {"names.json": as_json(names)} if names else {}

    def _numbers(self) -> list[tuple[str, str, list[float]]]:
        """(task, metric, its values over the finished seeds), sorted."""
        found: dict[tuple[str, str], list[float]] = {}
        for member in sorted(self.members, key=lambda m: (m.run.task, m.run.seed or 0)):
            if member.status == ledger.FINISHED:
                for key, value in member.numbers.items():
                    found.setdefault((member.run.task, key), []).append(value)
        return [(task, key, numbers) for (task, key), numbers in sorted(found.items())]

    def _table(self) -> str:
        rows = []
        for task, key, numbers in self._numbers():
            spread = f"{statistics.stdev(numbers):.4f}" if len(numbers) > 1 else ""
            rows.append(f"| {task} | {key} | {statistics.fmean(numbers):.4f} | {spread} | {len(numbers)} |")
        head = ["| task | metric | mean | standard deviation | seeds |", "| --- | --- | --- | --- | --- |"]
        return "\n".join([*head, *rows[:40]]) if rows else ""


def families(members: Iterable[Portrait], runs: Runs) -> list[Family]:
    """The portraits grouped by study and variant, sorted."""
    groups: dict[tuple[str, str], list[Portrait]] = {}
    for member in members:
        groups.setdefault((member.run.study, member.run.variant), []).append(member)
    return [
        Family(study, name, tuple(group), runs.project.variants.get(name) if study != DATA else None)
        for (study, name), group in sorted(groups.items())
    ]


def about_study(study: str, groups: Iterable[Family], runs: Runs) -> str:
    """One paragraph of markdown for the page of an experiment."""
    if study == DATA:
        return (
            "What the studies read and what was made of them: downloads, prepared data, annotations, tables, figures."
        )
    names = ", ".join(group.name for group in groups)
    if known := runs.config.studies.get(study):
        return f"{names}, on {', '.join(known.tasks)}; everything is compared with {known.baseline}."
    return f"{names}."


def columns(groups: Iterable[Family]) -> list[str]:
    """Metrics of the table that the experiment's page links to: means and spreads, then the runs' own numbers."""
    groups = list(groups)
    means = {k for g in groups for k in g.metrics if k.endswith(("_mean", "_std"))}
    own = {k for g in groups for m in g.members for k in m.metrics}
    held_out = [{k for k in keys if "test/" in k or "oof/" in k} or keys for keys in (means, own)]
    return [*sorted(held_out[0])[:12], *sorted(held_out[1])[:6]] or ["seconds"]
