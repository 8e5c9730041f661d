"""Minimal pairs: is the real sentence the more likely one?"""

from __future__ import annotations

from scriptorium.minimal_pairs.spec import PairsSpec, ScorePairsSpec
from scriptorium.runs.configured import Run
from scriptorium.runs.evaluations import EvaluationRuns, asked_by
from scriptorium.runs.folders import made_in
from scriptorium.spec import Spec
from scriptorium.stages.tabulate_pairs import TabulatePairsSpec


class MinimalPairRuns(EvaluationRuns):
    """Minimal pairs: is the real sentence the more likely one?"""

    @asked_by("minimal_pairs", stage="score_pairs")
    def pairs_of(self, of_study: str) -> list[Run]:
        """Runs on minimal pairs of a pre-training study (`_<name>`), or of what the default target pre-trains ("")."""
        trained, sets = self._asked(of_study, "minimal_pairs")
        return [
            self._run("score_pairs", f"minimal_pairs/{run.variant}/{pairs}", run.study, run.variant, pairs, run.seed)
            for run in trained
            for pairs in sets
        ]

    @made_in("results/data/minimal_pairs/{pairs}")
    def prepare_pairs(self, pairs: str) -> Spec:
        entry = self._known(pairs, self.config.minimal_pairs, "set of minimal pairs")
        return PairsSpec(pairs=pairs, **entry.shared(PairsSpec))

    def pairs_source(self, pairs: str) -> str:
        """Manifest of the data set or of the corpus that minimal pairs are made of."""
        entry = self._known(pairs, self.config.minimal_pairs, "set of minimal pairs")
        return self._data_or_corpus(entry.dataset, entry.corpus)

    def pairs_data(self, of_study: str) -> list[str]:
        """Manifests of the sets of pairs that a table shows."""
        names = dict.fromkeys(run.task for run in self.pairs_of(of_study))
        return [f"results/data/minimal_pairs/{name}/manifest.json" for name in names]

    @made_in("results/minimal_pairs/{variant}/{pairs}/seed{seed}")
    def score_pairs(self, variant: str, pairs: str, seed: str) -> Spec:
        entry = self._known(pairs, self.config.minimal_pairs, "set of minimal pairs")
        likelihood = self._recipe(variant, "pretrain").objective.likelihood
        return ScorePairsSpec(likelihood=likelihood, per_token=entry.options.per_token, seed=int(seed))

    @made_in("results/runs/tables/minimal_pairs{of_study}")
    def tabulate_pairs(self, of_study: str) -> Spec:
        self.pairs_of(of_study)
        return TabulatePairsSpec()
