"""Two protocols of fine-tuning side by side, and GLUE's test files."""

from __future__ import annotations

from functools import cached_property

from scriptorium.errors import UserError
from scriptorium.runs.configured import Run
from scriptorium.runs.finetuning import FinetuningRuns
from scriptorium.runs.folders import made_in
from scriptorium.spec import Spec
from scriptorium.stages.predict_glue import GlueTask, PredictGlueSpec
from scriptorium.stages.tabulate_protocols import TabulateProtocolsSpec
from scriptorium.tasks.protocols import without_protocol
from scriptorium.tasks.spec import TaskInput


class ProtocolRuns(FinetuningRuns):
    """Two protocols of fine-tuning side by side, and GLUE's test files."""

    def beside_ours(self, name: str) -> list[Run]:
        """The runs under protocol ours that stand beside those of a study of protocol paper."""
        study = self._known(name, self.config.studies, "study")
        if not study.beside:
            raise UserError(
                f"study {name} has no study of protocol ours beside it",
                where="target path",
                remedy=f"set studies.{name}.protocol: paper, and beside: <a study with the same variants and tasks>",
            )
        tasks = set(map(without_protocol, study.tasks))
        return [run for run in self.study(study.beside) if run.variant in study.variants and run.task in tasks]

    @made_in("results/runs/tables/protocols_{study}")
    def tabulate_protocols(self, study: str) -> Spec:
        self.beside_ours(study)
        names = map(without_protocol, self.config.studies[study].tasks)
        return TabulateProtocolsSpec(study=study, tasks=self._in_tables(names))

    def submissions(self) -> list[str]:
        """Manifests of GLUE's test files, predicted by every variant of the studies that ask for them."""
        found = [
            f"results/glue_submission/{name}/{variant}/manifest.json"
            for name, study in self.config.studies.items()
            if study.glue_submission
            for variant in study.variants
        ]
        if not found:
            raise UserError(
                "no study predicts GLUE's test files",
                where="config/config.yaml",
                remedy="set glue_submission: true in a study on tasks of GLUE (docs/protocols.md)",
            )
        return found

    def submitted(self, name: str, variant: str) -> list[Run]:
        """The runs of a variant whose models predict GLUE's test files."""
        study = self._known(name, self.config.studies, "study")
        if not study.glue_submission:
            raise UserError(
                f"study {name} does not predict GLUE's test files",
                where="target path",
                remedy=f"set studies.{name}.glue_submission: true",
            )
        self._known(variant, dict.fromkeys(study.variants), f"variant of study {name}")
        return [run for run in self.study(name) if run.variant == variant]

    def submission_sources(self, study: str) -> list[str]:
        """Manifests of the raw data of a study's tasks, in their order."""
        return [self.task_source(task) for task in self._known(study, self.config.studies, "study").tasks]

    @made_in("results/glue_submission/{study}/{variant}")
    def predict_glue(self, study: str, variant: str) -> Spec:
        self.submitted(study, variant)
        entries = {name: self.config.tasks[name] for name in self.config.studies[study].tasks}
        return PredictGlueSpec(
            tasks={
                name: GlueTask(**task.shared(TaskInput), glue=task.options.task, metric=self._metric(name))
                for name, task in entries.items()
            }
        )

    def _kept_models(self) -> set[tuple[str, str, int]]:
        return super()._kept_models() | self._submitted

    @cached_property
    def _submitted(self) -> set[tuple[str, str, int]]:
        """Fine-tuned models that predict GLUE's test files."""
        studies = {name: study for name, study in self.config.studies.items() if study.glue_submission}
        runs = [run for name, study in studies.items() for own in study.variants for run in self.submitted(name, own)]
        return {(run.variant, run.task, run.seed) for run in runs}
