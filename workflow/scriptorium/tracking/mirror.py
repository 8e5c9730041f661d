"""Writes portraits of ledgers into MLflow, so that a second writing changes nothing.

The files are the truth: everything here can be deleted and made again. Experiments are made beforehand and runs go to
them by id; a run is found again by its tags; what it already has is not written twice.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scriptorium import ledger
from scriptorium.errors import UserError
from scriptorium.spec import canonical_json
from scriptorium.tracking.complaints import answering
from scriptorium.tracking.family import Family
from scriptorium.tracking.portrait import Identity, Point, Portrait
from scriptorium.tracking.spelling import respell
from scriptorium.tracking.store import Store, connect, project_id

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment, Run

METRICS_PER_CALL, TAGS_PER_CALL = 1000, 100  # MLflow's limits
DIGEST, SUPERSEDED, PROJECT = "scriptorium.digest", "scriptorium.superseded", "scriptorium.project"
STUDY = "scriptorium.study"
PARENT, LEFT_OUT = "mlflow.parentRunId", "scriptorium.left_out"


@dataclass
class Mirror:
    """An MLflow store seen from one project: its experiments, and its runs by identity."""

    client: MlflowClient
    store: Store
    project: str
    weights: str = "reference"  # reference | upload (config.Tracking) | later: neither now
    paths: tuple[str, ...] = ()  # look for these runs only; empty: all of the project
    experiments: dict[str, Experiment] = field(default_factory=dict)  # by name
    runs: list[Run] = field(default_factory=list)  # of this project, oldest first
    index: dict[Identity, Run] = field(default_factory=dict)  # the oldest of each identity
    superseded: set[str] = field(default_factory=set)  # ids of the runs that were marked now

    @classmethod
    def open(
        cls, store: Store, results: Path, *, weights: str = "reference", paths: tuple[str, ...] = (), **how: int
    ) -> Mirror:
        """`how`: see `store.connect`."""
        client = connect(store, **how)

        def known() -> list[str]:
            with answering(store.uri):
                return [own for each in _experiments(client) if (own := each.tags.get(PROJECT))] if store.ours else []

        mirror = cls(client, store, project_id(results, known), weights, paths)
        with answering(store.uri):
            mirror.load()
        return mirror

    def load(self) -> None:
        """Read the experiments and runs that are there. Raises UserError for a moved or copied sqlite store."""
        found = _experiments(self.client)
        if self.store.artifacts:
            home = self.store.artifacts.as_uri()
            for experiment in found:
                if experiment.tags.get(PROJECT) and not experiment.artifact_location.startswith(f"{home}/"):
                    raise UserError(
                        f"experiment {experiment.name!r} keeps its artifacts in {experiment.artifact_location}: "
                        "this folder was moved or copied, and MLflow stores absolute paths",
                        where=self.store.database,
                        remedy=f"rm -r {self.store.database} {self.store.artifacts} and import again: "
                        "the mirror is made anew from the ledgers",
                    )
        # by the study that it was made for: people may rename it
        self.experiments = {experiment.tags.get(STUDY) or experiment.name: experiment for experiment in found}
        if found:
            ids, mine = [experiment.experiment_id for experiment in found], f"tags.`{PROJECT}` = '{self.project}'"
            filters = [f"{mine} and tags.`scriptorium.path` = '{path}'" for path in self.paths] or [mine]
            runs = []
            for text in filters:
                runs += _pages(
                    lambda token, t=text: self.client.search_runs(ids, t, max_results=1000, page_token=token)
                )
            self.runs = sorted(runs, key=lambda run: (run.info.start_time, run.info.run_id))
            self.index = {identity(run): run for run in reversed(self.runs)}

    def prepare(self, name: str) -> None:
        """Make an experiment if it is missing, before any run of it is looked for or written."""
        from mlflow.exceptions import MlflowException

        if there := self.experiments.get(name):
            if there.tags.get(PROJECT) == self.project and STUDY not in there.tags:  # made by a version before
                self.client.set_experiment_tag(there.experiment_id, STUDY, name)
            return
        place = self.store.artifacts / name.replace(" ", "-") if self.store.artifacts else None
        tags = {
            PROJECT: self.project,
            STUDY: name,
            "mlflow.experimentKind": "custom_model_development",
        }  # not the GenAI view
        try:
            made = self.client.create_experiment(name, place.as_uri() if place else None, tags)
            self.experiments[name] = self.client.get_experiment(made)
        except MlflowException:  # another host was quicker, or somebody deleted it in the UI
            there = self.client.get_experiment_by_name(name)
            if there is None:
                raise
            if there.lifecycle_stage == "deleted":
                self.client.restore_experiment(there.experiment_id)
            self.load()

    def find(self, picture: Portrait | Family) -> Run | None:
        """The MLflow run of a portrait or family, the oldest if there are duplicates."""
        return self.index.get(picture.identity)

    def create(self, picture: Portrait | Family, experiment: str, parent: str | None = None) -> Run:
        family = {PARENT: parent} if parent else {}
        tags = {**family, **picture.tags, SUPERSEDED: "false", PROJECT: self.project}
        run = self.client.create_run(self.experiments[experiment].experiment_id, picture.start, tags, picture.name)
        self.runs.append(run)
        self.index[picture.identity] = run
        return run

    def push(self, portrait: Portrait, parent: str) -> str:
        """Make MLflow show `portrait` below `parent`. Returns the run id."""
        run = self.find(portrait)
        new = run is None
        if run is None:
            run = self.create(portrait, portrait.run.study, parent)
        elif run.data.tags.get(DIGEST) == portrait.digest and run.data.tags.get(SUPERSEDED) == "false":
            if run.data.tags.get(PARENT) != parent:
                self.client.set_tag(run.info.run_id, PARENT, parent)
            return run.info.run_id
        run_id, points = run.info.run_id, portrait.points()
        known = set() if new else self.known_points(run_id, {point.key for point in points})
        self._add_datasets(run, portrait)
        self._add_files(run, portrait)
        if self.weights == "reference" and portrait.status == ledger.FINISHED:
            self._refer_to_weights(run, portrait)
        points = [point for point in points if (point.key, point.step) not in known]
        self._close(run, portrait, points, {PARENT: parent, **portrait.tags})
        return run_id

    def push_superseded(self, portrait: Portrait, parent: str) -> None:
        """Make MLflow show a run that another one has replaced. One that it shows already stays as it is."""
        run = self.find(portrait)
        if run is None or not run.data.tags.get(DIGEST):
            self._supersede(self.client.get_run(self.push(portrait, parent)))

    def push_family(self, family: Family) -> str:
        """Make MLflow show a parent, after its children. Returns the run id."""
        run = self.find(family) or self.create(family, family.study)
        if run.data.tags.get(DIGEST) != family.digest or run.data.tags.get(SUPERSEDED) != "false":
            changed = {k: v for k, v in family.metrics.items() if run.data.metrics.get(k) != v}
            self._upload(run, *family.files())
            self._close(run, family, [Point(k, v, family.end, 0) for k, v in changed.items()], family.tags)
        return run.info.run_id

    def mark_left_out(self, portrait: Portrait, reason: str) -> None:
        """Say at a run of which only a part could be written why that is so, and that it does not go on."""
        if run := self.find(portrait):
            self.client.set_tag(run.info.run_id, LEFT_OUT, reason[:500])
            if run.info.status == ledger.RUNNING and portrait.status != ledger.RUNNING:
                self.client.set_terminated(run.info.run_id, portrait.status, portrait.end)

    def describe(self, name: str, text: str, metrics: list[str]) -> None:
        """Text on an experiment's page, with a link to a table of `metrics`: MLflow's own table shows none at first.

        The table is one of MLflow's shared views: an experiment tag that holds the state of the page.
        """
        experiment = self.experiments[name]
        if experiment.tags.get(PROJECT) != self.project:
            return  # somebody else's on a shared server
        link = runs_page(experiment.experiment_id)
        own = {"attributes.`Run Name`": 280, "runDateAndNestInfo": 150, "attributes.`Duration`": 90}
        widths = own | {f"metrics.`{metric}`": 40 + 7 * len(metric) for metric in metrics}  # pixels: whole names fit
        view = {"selectedColumns": list(widths), "columnOrder": list(widths), "columnWidths": widths}
        tags = {
            "mlflow.note.content": f"{text} [Numbers as a table]({link})",
            "mlflow.sharedViewState.numbers": canonical_json(view),
        }
        for key, value in tags.items():
            if experiment.tags.get(key) != value:
                self.client.set_experiment_tag(experiment.experiment_id, key, value)

    def supersede(self, current: set[str], paths: set[str]) -> None:
        """Mark what is no longer current among the runs of `paths`: tagged and renamed, never deleted."""
        for run in self.runs:
            old = run.info.run_id not in current and run.data.tags.get("scriptorium.path") in paths
            if old and run.info.run_id not in self.superseded and run.data.tags.get(SUPERSEDED) != "true":
                self._supersede(run)

    def _supersede(self, run: Run) -> None:
        self.client.set_tag(run.info.run_id, SUPERSEDED, "true")
        self.client.update_run(run.info.run_id, name=f"{run.info.run_name} (superseded)")
        if run.info.status == ledger.RUNNING:
            self.client.set_terminated(run.info.run_id, ledger.KILLED, run.info.start_time)
        self.superseded.add(run.info.run_id)

    def known_points(self, run_id: str, keys: Iterable[str]) -> set[tuple[str, int]]:
        history = (point for key in sorted(keys) for point in self.client.get_metric_history(run_id, key))
        return {(point.key, point.step) for point in history}

    def add_points(self, run_id: str, points: list[Point]) -> None:
        self._log(run_id, points, {}, {})

    def _log(self, run_id: str, points: list[Point], params: dict[str, str], tags: dict[str, str]) -> None:
        """Write numbers, params and tags, in this order; in one call where it takes them all."""
        from mlflow.entities import Metric, Param, RunTag

        numbers = [Metric(p.key, p.value, p.time, p.step) for p in points]
        settings = [Param(key, value) for key, value in params.items()]
        marks = [RunTag(key, value) for key, value in tags.items()]
        if len(settings) <= TAGS_PER_CALL and len(numbers) + len(settings) + len(marks) <= METRICS_PER_CALL:
            self.client.log_batch(run_id, numbers, settings, marks)
            return
        for chunk in _chunks(settings, TAGS_PER_CALL):
            self.client.log_batch(run_id, params=chunk)
        for chunk in _chunks(numbers, METRICS_PER_CALL):
            self.client.log_batch(run_id, metrics=chunk)
        if marks:
            self.client.log_batch(run_id, tags=marks)

    def _add_datasets(self, run: Run, portrait: Portrait) -> None:
        """The run's inputs, by name, path and our own digest; the data are not read."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        there = {(i.dataset.name, i.dataset.digest) for i in run.inputs.dataset_inputs} if run.inputs else set()
        added = {}
        # the table of runs has room for the first one: data rather than the model that all have in common
        for entry in sorted(
            portrait.record["inputs"], key=lambda e: e["name"] in ("backbone", "embeddings", "tokenizer")
        ):
            name = entry["path"].removesuffix("/manifest.json").removeprefix("results/").removeprefix("resources/")
            source = canonical_json({"path": entry["path"], "sha256": entry["sha256"]})
            dataset = Dataset(name[-500:], entry["sha256"][:16], "manifest", source)
            if (dataset.name, dataset.digest) not in there:
                tags = [InputTag("mlflow.data.context", entry["name"])]
                added.setdefault((dataset.name, dataset.digest), DatasetInput(dataset, tags))
        if added:
            self.client.log_inputs(run.info.run_id, list(added.values()))

    def _add_files(self, run: Run, portrait: Portrait) -> None:
        files, texts = portrait.files()
        if self.weights == "upload" and portrait.weights() and portrait.status == ledger.FINISHED:
            folder = (portrait.directory / portrait.weights()[0]["path"]).parent
            files |= {f"model/{file.name}": file for file in folder.iterdir() if file.is_file()}
        self._upload(run, files, texts)

    def _upload(self, run: Run, files: dict[str, Path], texts: dict[str, str]) -> None:
        if not files and not texts:
            return
        if self.store.artifacts and run.info.artifact_uri.startswith("file:"):  # no call is needed
            from mlflow.utils.file_utils import local_file_uri_to_path

            write_files(Path(local_file_uri_to_path(run.info.artifact_uri)), files, texts, shutil.copyfile)
            return
        with tempfile.TemporaryDirectory() as made:  # links: large weights are not copied twice
            write_files(Path(made), files, texts, lambda file, link: link.symlink_to(file.resolve()))
            self.client.log_artifacts(run.info.run_id, made)

    def _refer_to_weights(self, run: Run, portrait: Portrait) -> None:
        """An external LoggedModel: where the weights are and their sha256, without a copy."""
        from mlflow import create_external_model
        from mlflow.entities import LoggedModelOutput

        if (run.outputs and run.outputs.model_outputs) or not portrait.weights():
            return
        run_id, place = run.info.run_id, run.info.experiment_id
        made = self.client.search_logged_models([place], f"source_run_id = '{run_id}'", max_results=1)
        where = {"path": str(Path(portrait.run.path, portrait.weights()[0]["path"]).parent)}
        where |= {respell(f"{entry['path']}.sha256"): entry["sha256"] for entry in portrait.weights()}
        name = "".join("-" if c in "/:.%\"'" else c for c in portrait.name)
        # an import that was killed here has made it already
        with self.client.waiting():
            model = made[0] if made else create_external_model(name, run_id, where, where, portrait.run.stage, place)
        self.client.log_outputs(run.info.run_id, [LoggedModelOutput(model.model_id, 0)])

    def _close(self, run: Run, picture: Portrait | Family, points: list[Point], tags: dict[str, str]) -> None:
        """Name, status, end, numbers, params and tags; the digest last, so that an import cut short is done again."""
        run_id = run.info.run_id
        if run.info.run_name != picture.name:
            self.client.update_run(run_id, name=picture.name)
        if picture.status == ledger.RUNNING:
            self.client.update_run(run_id, status=ledger.RUNNING)
        else:
            self.client.set_terminated(run_id, picture.status, picture.end)
        params = {key: value for key, value in picture.params.items() if key not in run.data.params}
        tags = {SUPERSEDED: "false", **tags}
        tags = {key: value for key, value in tags.items() if run.data.tags.get(key) != value}
        digest = "" if self.weights == "later" else picture.digest
        self._log(run_id, points, params, {**tags, DIGEST: digest})
        if LEFT_OUT in run.data.tags:
            self.client.delete_tag(run_id, LEFT_OUT)


def write_files(
    folder: Path, files: dict[str, Path], texts: dict[str, str], copy: Callable[[Path, Path], object]
) -> None:
    """Put texts, and files by `copy`, into a folder, by their names there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        Path(folder, name).write_text(text, encoding="utf-8", errors="backslashreplace")
    for name, file in files.items():
        target = Path(folder, name)
        target.parent.mkdir(exist_ok=True)
        copy(file, target)


def _experiments(client: MlflowClient) -> list[Experiment]:
    return _pages(lambda token: client.search_experiments(max_results=1000, page_token=token))


def runs_page(experiment_id: str) -> str:
    """The page of an experiment's runs: in the view for model training, with the columns that `describe` chose."""
    return f"#/experiments/{experiment_id}/runs?viewStateShareKey=numbers&workflowType=machine_learning"


def identity(run: Run) -> Identity:
    """Which ledger or family an MLflow run shows."""
    kind, path, key = (run.data.tags.get(f"scriptorium.{name}") for name in ("kind", "path", "run_key"))
    return kind, path, key, run.info.start_time if kind == "run" else None


def _pages(search: Callable[[str | None], Any]) -> list[Any]:
    found, token = [], None
    while True:
        page = search(token)
        found += page
        token = page.token
        if not token:
            return found


def _chunks(items: list[Any], size: int) -> Iterator[list[Any]]:
    for begin in range(0, len(items), size):
        yield items[begin : begin + size]
