"""Words of tasks and gaze corpora with their features and gaze scores."""

from __future__ import annotations

from scriptorium.errors import UserError
from scriptorium.runs.folders import made_in
from scriptorium.runs.gaze import GazeRuns
from scriptorium.spec import Spec
from scriptorium.stages.reveal import RevealSpec
from scriptorium.stages.score import ScoreSpec
from scriptorium.stages.significance import SignificanceSpec
from scriptorium.tasks.kind import kind_of


class AnnotationRuns(GazeRuns):
    """Words of tasks and gaze corpora with their features and gaze scores."""

    def annotated_data(self, dataset: str) -> str:
        """Manifest of what is annotated under this name: a gaze corpus or a task."""
        if dataset in self.config.gaze.corpora:
            return f"results/gaze/corpora/{dataset}/manifest.json"
        self._known(dataset, self.config.tasks | self.config.gaze.corpora, "task or gaze corpus")
        return f"results/data/{dataset}/manifest.json"

    @made_in("results/annotations/features/{dataset}")
    def annotate(self, dataset: str) -> Spec:
        return self.config.annotation

    def scoring_regressor(self) -> str:
        return f"results/gaze/regressor/{self.config.gaze.scores_from}/seed{self.config.seeds[0]}/manifest.json"

    @made_in("results/annotations/{dataset}")
    def score(self, dataset: str) -> Spec:
        return ScoreSpec()

    @made_in("results/annotations/revealed/{task}")
    def reveal(self, task: str) -> Spec:
        entry = self._known(task, self.config.tasks, "task")
        if found := entry.options.reveals or kind_of(entry.kind).reveals:
            return RevealSpec(of=found)
        raise UserError(
            "its answers cannot be given as features of words",
            where=f"config/config.yaml, tasks.{task}",
            remedy="use cognition.features: revealed on tasks of kind gaze or with the reader marked_words alone",
        )

    @made_in("results/runs/tables/significance")
    def significance(self) -> Spec:
        return SignificanceSpec(pipeline=self.config.annotation.pipeline)
