"""Fine-tuning runs, their studies, and the tables and figures of these."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from scriptorium.config import bodies
from scriptorium.engine.spec import TrainSpec
from scriptorium.errors import UserError
from scriptorium.reporting.spec import TaskInLanguages, TaskInTables
from scriptorium.runs.annotations import AnnotationRuns
from scriptorium.runs.configured import Run
from scriptorium.runs.folders import made_in
from scriptorium.runs.tasks import TaskRuns
from scriptorium.spec import Spec, overlay
from scriptorium.stages.tabulate_boundary import TabulateBoundarySpec
from scriptorium.stages.tabulate_dose import TabulateDoseSpec
from scriptorium.stages.tabulate_finetune import TabulateFinetuneSpec
from scriptorium.stages.tabulate_languages import TabulateLanguagesSpec
from scriptorium.stages.tabulate_reading import TabulateReadingSpec
from scriptorium.stages.tabulate_weights import TabulateWeightsSpec
from scriptorium.tasks.kind import kind_of
from scriptorium.tasks.spec import FinetuneSettings, FinetuneSpec, TaskInput


class FinetuningRuns(AnnotationRuns, TaskRuns):
    """Fine-tuning runs, their studies, and the tables and figures of these."""

    @cached_property
    def finetuning(self) -> list[Run]:
        """Of all studies, also of those made on request, and the runs that lend others their encoder."""
        runs: dict[str, Run] = {}
        for name, study in self.config.studies.items():
            for variant in study.variants:
                for task in study.tasks:
                    for seed in study.seeds or self.config.seeds:
                        run = self._run("finetune", f"finetune/{variant}/{task}", name, variant, task, seed)
                        runs.setdefault(run.path, run)
        for variant, task, seed in self._lent:
            run = self._run("finetune", f"finetune/{variant}/{task}", "backbones", variant, task, seed)
            runs.setdefault(run.path, run)
        return list(runs.values())

    def study(self, name: str) -> list[Run]:
        """Fine-tuning runs that the tables of a study need."""
        study = self.config.studies[name]
        wanted = {(v, t) for v in study.variants for t in study.tasks}
        return [run for run in self.finetuning if (run.variant, run.task) in wanted]

    def finetuned_in(self, studies: Iterable[str]) -> list[Run]:
        """Fine-tuning runs of these studies, each once."""
        wanted = {run.path for study in studies for run in self.study(study)}
        return [run for run in self.finetuning if run.path in wanted]

    def programme(self, name: str) -> list[str]:
        """Studies that a paper's target makes."""
        return [study for study, entry in self.config.studies.items() if entry.programme == name]

    def default_studies(self) -> list[str]:
        return [study for study, entry in self.config.studies.items() if not entry.on_request]

    def fused(self, study: str) -> list[Run]:
        """The runs of a study whose variants have cognition."""
        return [run for run in self.study(study) if self.project.variants[run.variant].recipe.cognition]

    @made_in("results/finetune/{variant}/{task}/seed{seed}")
    def finetune(self, variant: str, task: str, seed: str) -> Spec:
        recipe = self._recipe(variant, "finetune")
        entry = self._known(task, self.config.tasks, "task")
        train = TrainSpec.parse(overlay(recipe.train, entry.train), where=f"variant {variant!r} on {task!r}: train")
        return FinetuneSpec(
            **entry.shared(TaskInput),
            **recipe.shared(FinetuneSettings) | {"body": bodies.of_run(self.project, recipe, task)},
            train=train,
            save_model=(variant, task, int(seed)) in self._kept_models(),
            seed=int(seed),
            architecture=self._architecture(recipe.backbone),
        )

    def finetune_backbone(self, variant: str, seed: int) -> str:
        return self.backbone(self._recipe(variant, "finetune").backbone, seed)

    def finetune_annotations(self, variant: str, task: str) -> list[str]:
        """Manifest of the task's scored words, for variants with cognition or a gaze loss."""
        recipe = self._recipe(variant, "finetune")
        needed = recipe.cognition or recipe.gaze_loss
        if recipe.cognition and recipe.cognition.features == "revealed":
            return [f"results/annotations/revealed/{task}/manifest.json"]
        return [f"results/annotations/{task}/manifest.json"] if needed else []

    def _kept_models(self) -> set[tuple[str, str, int]]:
        """(variant, task, seed) of the fine-tuned models that other stages read, and that are kept for them."""
        return self._lent

    @cached_property
    def _lent(self) -> set[tuple[str, str, int]]:
        """Fine-tuned models that are another variant's backbone, where one uses it."""
        used = {
            self.project.variants[name].recipe.backbone
            for study in self.config.studies.values()
            for name in study.variants
        }
        entries = [self.config.backbones[name] for name in used if name in self.config.backbones]
        return {(entry.finetuned, entry.task, entry.seed) for entry in entries if entry.finetuned}

    @made_in("results/runs/tables/finetune_{study}")
    def tabulate_finetune(self, study: str) -> Spec:
        entry = self._known(study, self.config.studies, "study")
        return TabulateFinetuneSpec(
            study=study, baseline=entry.baseline, tasks=self._in_tables(entry.tasks), protocol=entry.protocol
        )

    @made_in("results/runs/tables/boundary_{study}")
    def tabulate_boundary(self, study: str) -> Spec:
        tasks = self._known(study, self.config.studies, "study").tasks
        return TabulateBoundarySpec(study=study, metrics={task: self._metric(task) for task in tasks})

    @made_in("results/runs/tables/dose_{study}")
    def tabulate_dose(self, study: str) -> Spec:
        entry = self._known(study, self.config.studies, "study")
        tasks = {name: self._validated(task) for name, task in self._in_tables(entry.tasks).items()}
        return TabulateDoseSpec(study=study, baseline=entry.baseline, tasks=tasks)

    @staticmethod
    def _validated(task: TaskInTables) -> TaskInTables:
        """The task with its metric on validation instead of test."""
        return task.model_copy(update={"metric": f"validation/{task.metric.removeprefix('test/')}"})

    @made_in("results/runs/tables/feature_weights_{study}")
    def tabulate_weights(self, study: str) -> Spec:
        return TabulateWeightsSpec(study=study)

    def reading(self, study: str) -> list[Run]:
        """The runs of a study on tasks of a kind that the figure `reading` can show."""
        return [run for run in self.study(study) if "reading" in kind_of(self.config.tasks[run.task].kind).figures]

    def reading_data(self, study: str) -> list[str]:
        return list(dict.fromkeys(f"results/data/{run.task}/manifest.json" for run in self.reading(study)))

    @made_in("results/runs/tables/reading_{study}")
    def tabulate_reading(self, study: str) -> Spec:
        return TabulateReadingSpec(study=study)

    @made_in("results/runs/tables/languages_{study}")
    def tabulate_languages(self, study: str) -> Spec:
        entry = self._known(study, self.config.studies, "study")
        tasks = {}
        for name, shown in self._in_tables(entry.tasks).items():
            task = self.config.tasks[name]
            if not task.languages:
                raise UserError(
                    f"task {name} of study {study} has no languages", where="target path", remedy="set its languages"
                )
            tasks[name] = TaskInLanguages(**shown.model_dump(), train=task.languages.train, xtreme=task.xtreme)
        return TabulateLanguagesSpec(study=study, baseline=entry.baseline, tasks=tasks)
