"""Retrieval sets: is the translation the nearest text?"""

from __future__ import annotations

from scriptorium.retrieval.spec import CollectionSpec, RetrieveSpec, SearchSettings
from scriptorium.runs.configured import Run
from scriptorium.runs.evaluations import EvaluationRuns, asked_by
from scriptorium.runs.folders import made_in
from scriptorium.spec import Spec
from scriptorium.stages.tabulate_retrieval import TabulateRetrievalSpec


class RetrievalRuns(EvaluationRuns):
    """Retrieval sets: is the translation the nearest text?"""

    @asked_by("retrieval", stage="retrieve")
    def retrieval_of(self, of_study: str) -> list[Run]:
        """Runs on retrieval sets of a pre-training study (`_<name>`), or of what the default target pre-trains (""),
        and of the backbones that stand beside these."""
        trained, names = self._asked(of_study, "retrieval")
        sets = {name: self.config.retrieval[name].beside for name in names}
        return self._on_sets("retrieve", "retrieval", trained, sets)

    @made_in("results/data/retrieval/{collection}")
    def prepare_retrieval(self, collection: str) -> Spec:
        entry = self._known(collection, self.config.retrieval, "retrieval set")
        return CollectionSpec(collection=collection, **entry.shared(CollectionSpec))

    def retrieval_source(self, collection: str) -> str:
        """Manifest of the data set or of the corpus of pairs that a retrieval set is read from."""
        entry = self._known(collection, self.config.retrieval, "retrieval set")
        return self._data_or_corpus(entry.dataset, entry.parallel)

    def retrieval_trained_on(self, collection: str) -> list[str]:
        """Manifests of the corpora whose texts a retrieval set leaves out."""
        return self._corpora(self._known(collection, self.config.retrieval, "retrieval set").without)

    @made_in("results/retrieval/{variant}/{collection}/seed{seed}")
    def retrieve(self, variant: str, collection: str, seed: str) -> Spec:
        self._known(variant, self.project.backbones, "pre-training variant or backbone")
        entry = self._known(collection, self.config.retrieval, "retrieval set")
        return RetrieveSpec(**entry.shared(SearchSettings), mining=entry.mining, seed=int(seed))

    @made_in("results/runs/tables/retrieval{of_study}")
    def tabulate_retrieval(self, of_study: str) -> Spec:
        self.retrieval_of(of_study)
        return TabulateRetrievalSpec()
