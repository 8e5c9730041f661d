"""Stage 1: gaze corpora, regressors, the predictor, corpora left out, the shared task."""

from __future__ import annotations

from functools import cached_property

from scriptorium import own_data
from scriptorium.errors import UserError
from scriptorium.gaze.spec import GazeCorpusSpec, GazeLeftOutSpec, RegressorSpec, SurprisalSpec
from scriptorium.runs.configured import Run
from scriptorium.runs.encoders import EncoderRuns
from scriptorium.runs.folders import made_in
from scriptorium.spec import Spec
from scriptorium.stages.gaze_baselines import GazeBaselineSpec
from scriptorium.stages.tabulate_corpora import TabulateCorporaSpec
from scriptorium.stages.tabulate_gaze import TabulateGazeSpec


class GazeRuns(EncoderRuns):
    """Stage 1: gaze corpora, regressors, the predictor, corpora left out, the shared task."""

    @made_in("results/gaze/corpora/{corpus}")
    def prepare_gaze(self, corpus: str) -> Spec:
        entry = self._known(corpus, self.config.gaze.corpora, "gaze corpus")
        return GazeCorpusSpec(corpus=corpus, **entry.shared(GazeCorpusSpec))

    def gaze_source(self, corpus: str) -> str:
        return f"resources/{self._known(corpus, self.config.gaze.corpora, 'gaze corpus').dataset}/manifest.json"

    def gaze_corpora(self) -> list[str]:
        return [f"results/gaze/corpora/{corpus}/manifest.json" for corpus in self.config.gaze.corpora]

    @made_in("results/runs/tables/gaze_corpora")
    def tabulate_corpora(self) -> Spec:
        return TabulateCorporaSpec()

    @cached_property
    def regressors(self) -> list[Run]:
        return [
            self._run("train_regressor", f"gaze/regressor/{name}", "gaze", name, "n_fix", seed)
            for name in self.config.gaze.regressors
            for seed in self.config.seeds
        ]

    @made_in("results/gaze/regressor/{variant}/seed{seed}")
    def train_regressor(self, variant: str, seed: str) -> Spec:
        recipe = self._recipe(variant, "regressor")
        return RegressorSpec(**recipe.shared(RegressorSpec), seed=int(seed))

    def regressor_embeddings(self, variant: str) -> str:
        return self.backbone(self._recipe(variant, "regressor").embeddings)

    def gaze_words(self, variant: str) -> list[str]:
        corpora = self._recipe(variant, "regressor").corpora
        return [f"results/gaze/corpora/{corpus}/manifest.json" for corpus in corpora]

    def gaze_excluded(self, variant: str) -> list[str]:
        """Gaze corpora whose texts a regressor must not be trained on."""
        corpora = self._recipe(variant, "regressor").exclude
        return [f"results/gaze/corpora/{corpus}/manifest.json" for corpus in corpora]

    def gaze_features(self, variant: str) -> list[str]:
        corpora = self._recipe(variant, "regressor").corpora
        return [f"results/annotations/features/{corpus}/manifest.json" for corpus in corpora]

    @made_in("results/gaze/baselines")
    def gaze_baselines(self) -> Spec:
        recipe = self.project.variants[self.config.gaze.scores_from].recipe
        return GazeBaselineSpec(folds=recipe.folds)

    @made_in("results/runs/tables/gaze")
    def tabulate_gaze(self) -> Spec:
        return TabulateGazeSpec()

    @made_in("results/gaze/predictor")
    def train_predictor(self) -> Spec:
        return self._block("gaze", "predictor").settings

    predictor_manifest = "results/gaze/predictor/manifest.json"

    def predictor_words(self) -> list[str]:
        return [f"results/gaze/corpora/{corpus}/manifest.json" for corpus in self._block("gaze", "predictor").corpora]

    def predictor_backbone(self) -> str:
        return self.backbone(self._block("gaze", "predictor").backbone)

    @made_in("results/gaze/left_out")
    def gaze_left_out(self) -> Spec:
        block = self._block("gaze", "left_out")
        languages = {name: self.config.gaze.corpora[name].language for name in block.corpora}
        return GazeLeftOutSpec(**block.settings.model_dump(), languages=languages)

    def left_out_words(self) -> list[str]:
        return [f"results/gaze/corpora/{corpus}/manifest.json" for corpus in self._block("gaze", "left_out").corpora]

    def left_out_surprisal(self) -> list[str]:
        """Manifests of the corpora's surprisal, in their order; none where no language model is named."""
        block = self._block("gaze", "left_out")
        return [f"results/gaze/surprisal/{corpus}/manifest.json" for corpus in block.corpora if block.surprisal]

    @made_in("results/gaze/surprisal/{corpus}")
    def gaze_surprisal(self, corpus: str) -> Spec:
        self._known(corpus, self.config.gaze.corpora, "gaze corpus")
        return SurprisalSpec(corpus=corpus)

    def surprisal_model(self) -> str:
        """Manifest of the causal language model. Raises UserError where none is named."""
        if (name := self._block("gaze", "left_out").surprisal) is None:
            raise UserError(
                "no causal language model is named",
                where="config/config.yaml, gaze.left_out.surprisal",
                remedy="name a backbone that is one; docs/gaze.md says how",
            )
        return self.backbone(name)

    @made_in("results/runs/tables/gaze_cmcl2021")
    def benchmark_cmcl2021(self) -> Spec:
        return self._block("gaze", "cmcl2021").settings

    def has_cmcl2021(self) -> bool:
        """Is the table of the shared task asked for, and are its data there? They are the user's own to bring."""
        block = self.config.gaze.cmcl2021
        if block is None:
            return False
        entry = self.project.datasets[block.dataset]
        return entry.source != "file" or own_data.place(entry.location, self.config.data_root).exists()

    def cmcl2021_source(self) -> str:
        return f"resources/{self._block('gaze', 'cmcl2021').dataset}/manifest.json"

    def cmcl2021_backbone(self) -> str:
        return self.backbone(self._block("gaze", "cmcl2021").backbone)
