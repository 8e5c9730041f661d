"""A task with few labels, by probes and by fine-tuning."""

from __future__ import annotations

from scriptorium.errors import UserError
from scriptorium.few_labels.spec import ProbeSettings, ProbeSpec
from scriptorium.runs.configured import Run
from scriptorium.runs.evaluations import EvaluationRuns, asked_by
from scriptorium.runs.finetuning import FinetuningRuns
from scriptorium.runs.folders import made_in
from scriptorium.spec import Spec
from scriptorium.stages.tabulate_few_labels import TabulateFewLabelsSpec


class FewLabelRuns(FinetuningRuns, EvaluationRuns):
    """A task with few labels, by probes and by fine-tuning."""

    @asked_by("few_labels", stage="probe")
    def probes_of(self, of_study: str) -> list[Run]:
        """Probes with few labels of a pre-training study (`_<name>`), or of what the default target pre-trains ("")."""
        trained, _ = self._asked(of_study, "few_labels")
        task = self.config.few_labels.task
        return [
            self._run("probe", f"probe/{run.variant}/{task}", run.study, run.variant, task, run.seed) for run in trained
        ]

    @made_in("results/probe/{variant}/{task}/seed{seed}")
    def probe(self, variant: str, task: str, seed: str) -> Spec:
        recipe = self._recipe(variant, "pretrain")
        block = self.config.few_labels
        if block is None or task != block.task:
            raise UserError(
                f"{task!r} is not the task of few_labels", where="target path", remedy="set few_labels.task"
            )
        return ProbeSpec(
            **block.shared(ProbeSettings),
            classes=self.config.tasks[task].labels,
            seed=int(seed),
            architecture=recipe.objective.architecture,
        )

    def few_finetuned(self, of_study: str) -> list[Run]:
        """Fine-tuning runs with few labels, which stand in the table beside the default's probes."""
        block = self.config.few_labels
        return self.study(block.study) if block and block.study and not of_study else []

    @made_in("results/runs/tables/few_labels{of_study}")
    def tabulate_few_labels(self, of_study: str) -> Spec:
        self.probes_of(of_study)
        runs = self.few_finetuned(of_study)
        if not runs:
            return TabulateFewLabelsSpec()
        labelled = {run.task: self.config.tasks[run.task].labelled for run in runs}
        return TabulateFewLabelsSpec(
            baseline=self.config.studies[self.config.few_labels.study].baseline, labelled=labelled
        )
