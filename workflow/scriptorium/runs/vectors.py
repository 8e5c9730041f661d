"""Vectors of translations, their words and their gold alignments."""

from __future__ import annotations

from scriptorium.runs.configured import Run
from scriptorium.runs.evaluations import EvaluationRuns, asked_by
from scriptorium.runs.folders import made_in
from scriptorium.spec import Spec
from scriptorium.stages.tabulate_vectors import TabulateVectorsSpec
from scriptorium.vectors.spec import MeasureVectorsSpec, VectorsSettings


class VectorRuns(EvaluationRuns):
    """Vectors of translations, their words and their gold alignments."""

    @asked_by("vectors", stage="measure_vectors")
    def vectors_of(self, of_study: str) -> list[Run]:
        """Measures on vectors of a pre-training study (`_<name>`), and of the backbones that stand beside it."""
        trained, names = self._asked(of_study, "vectors")
        sets = {name: self.config.vectors[name].beside for name in names}
        return self._on_sets("measure_vectors", "vectors", trained, sets)

    @made_in("results/vectors/{variant}/{collection}/seed{seed}")
    def measure_vectors(self, variant: str, collection: str, seed: str) -> Spec:
        self._known(variant, self.project.backbones, "pre-training variant or backbone")
        entry = self._known(collection, self.config.vectors, "set of translations")
        return MeasureVectorsSpec(**entry.shared(VectorsSettings), seed=int(seed))

    def vectors_start(self, variant: str, seed: int) -> list[str]:
        """Manifest of the model that a pre-training run began with; none for a new one and for a backbone."""
        recipe = self.project.variants[variant].recipe if variant in self.project.variants else None
        return self.pretrain_start(variant, seed) if recipe and recipe.stage == "pretrain" else []

    def vectors_parallel(self, collection: str) -> list[str]:
        """Manifest of the pairs of a set of translations; none if it has gold alignments."""
        return self._of_vectors(collection, "parallel", "parallel")

    def vectors_dictionary(self, collection: str) -> list[str]:
        return self._of_vectors(collection, "dictionary", "dictionaries")

    def vectors_alignments(self, collection: str) -> list[str]:
        """Manifest of the gold alignments of a set of translations, if it has them."""
        return self._of_vectors(collection, "alignments", "alignments")

    def _of_vectors(self, collection: str, key: str, folder: str) -> list[str]:
        name = getattr(self._known(collection, self.config.vectors, "set of translations"), key)
        return [f"results/data/{folder}/{name}/manifest.json"] if name else []

    @made_in("results/runs/tables/vectors{of_study}")
    def tabulate_vectors(self, of_study: str) -> Spec:
        self.vectors_of(of_study)
        study = self.config.pretraining.studies[of_study.removeprefix("_")]
        layers = {name: self.config.vectors[name].layer for name in study.vectors}
        return TabulateVectorsSpec(baseline=study.baseline, layers=layers)
