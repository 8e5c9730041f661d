"""Bits per byte of held-out sentences."""

from __future__ import annotations

from scriptorium.bits_per_byte.spec import ScoreTextsSpec, TextsSettings
from scriptorium.runs.configured import Run
from scriptorium.runs.evaluations import EvaluationRuns, asked_by
from scriptorium.runs.folders import made_in
from scriptorium.spec import Spec
from scriptorium.stages.tabulate_texts import TabulateTextsSpec


class BitsPerByteRuns(EvaluationRuns):
    """Bits per byte of held-out sentences."""

    @asked_by("bits_per_byte", stage="score_texts")
    def texts_of(self, of_study: str) -> list[Run]:
        """Runs on held-out text, for bits per byte, of a pre-training study (`_<name>`)."""
        trained, _ = self._asked(of_study, "bits_per_byte")
        return [
            self._run("score_texts", f"bits_per_byte/{run.variant}", run.study, run.variant, "held-out", run.seed)
            for run in trained
        ]

    def texts_corpus(self) -> str:
        """Manifest of the corpus whose held-out sentences are scored for bits per byte."""
        return f"results/data/corpora/{self._block('bits_per_byte').corpus}/manifest.json"

    @made_in("results/bits_per_byte/{variant}/seed{seed}")
    def score_texts(self, variant: str, seed: str) -> Spec:
        likelihood = self._recipe(variant, "pretrain").objective.likelihood
        sentences = TextsSettings(**self._block("bits_per_byte").shared(TextsSettings))
        return ScoreTextsSpec(likelihood=likelihood, sentences=sentences, seed=int(seed))

    @made_in("results/runs/tables/bits_per_byte{of_study}")
    def tabulate_texts(self, of_study: str) -> Spec:
        self.texts_of(of_study)
        return TabulateTextsSpec(baseline=self.config.pretraining.studies[of_study.removeprefix("_")].baseline)
