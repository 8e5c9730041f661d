"""What pre-trained models have learned of held-out translations."""

from __future__ import annotations

from scriptorium.crosslingual.spec import CrosslingualSettings, MeasureCrosslingualSpec
from scriptorium.runs.configured import Run
from scriptorium.runs.evaluations import EvaluationRuns, asked_by
from scriptorium.runs.folders import made_in
from scriptorium.spec import Spec
from scriptorium.stages.tabulate_crosslingual import TabulateCrosslingualSpec


class CrosslingualRuns(EvaluationRuns):
    """What pre-trained models have learned of held-out translations."""

    @asked_by("crosslingual", stage="measure_crosslingual")
    def crosslingual_of(self, of_study: str) -> list[Run]:
        """Cross-lingual measures of a pre-training study (`_<name>`)."""
        trained, _ = self._asked(of_study, "crosslingual")
        return [
            self._run("measure_crosslingual", f"crosslingual/{run.variant}", run.study, run.variant, "", run.seed)
            for run in trained
        ]

    @made_in("results/crosslingual/{variant}/seed{seed}")
    def measure_crosslingual(self, variant: str, seed: str) -> Spec:
        self._recipe(variant, "pretrain")
        return MeasureCrosslingualSpec(**self._block("crosslingual").shared(CrosslingualSettings), seed=int(seed))

    def crosslingual_parallel(self) -> str:
        return f"results/data/parallel/{self._block('crosslingual').parallel}/manifest.json"

    def crosslingual_dictionary(self) -> str:
        return f"results/data/dictionaries/{self._block('crosslingual').dictionary}/manifest.json"

    @made_in("results/runs/tables/crosslingual{of_study}")
    def tabulate_crosslingual(self, of_study: str) -> Spec:
        self.crosslingual_of(of_study)
        entry = self.config.pretraining.studies[of_study.removeprefix("_")]
        return TabulateCrosslingualSpec(baseline=entry.baseline, candidates=self._block("crosslingual").candidates)
