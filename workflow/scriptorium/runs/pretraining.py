"""Pre-training runs and their studies."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from scriptorium.engine.spec import TrainSpec
from scriptorium.objectives.spec import PretrainSettings, PretrainSpec
from scriptorium.runs.configured import Run
from scriptorium.runs.folders import made_in
from scriptorium.runs.packing import PackingRuns, links_name, packing_name
from scriptorium.spec import Spec
from scriptorium.stages.compare_pretrain import ComparePretrainSpec
from scriptorium.stages.draw_objectives import DrawObjectivesSpec, VariantPicture
from scriptorium.stages.tabulate_pretrain import TabulatePretrainSpec


class PretrainingRuns(PackingRuns):
    """Pre-training runs and their studies."""

    @cached_property
    def pretraining(self) -> list[Run]:
        """What the default target pre-trains."""
        return self._pretraining_runs("pretraining", self.config.pretraining.recipes, self.config.pretraining.seeds)

    @property
    def pretrained(self) -> list[Run]:
        """Of all studies, each run once; those of the default target are named after its experiment."""
        studied = {run.path: run for name in self.config.pretraining.studies for run in self.pretraining_study(name)}
        return list((studied | {run.path: run for run in self.pretraining}).values())

    def pretraining_study(self, name: str) -> list[Run]:
        """The runs of a comparison of pre-training variants."""
        study = self._known(name, self.config.pretraining.studies, "pre-training study")
        return self._pretraining_runs(name, study.variants, study.seeds or self.config.pretraining.seeds)

    def pretraining_programme(self, name: str) -> list[str]:
        """Pre-training studies that a paper's target makes."""
        return [study for study, entry in self.config.pretraining.studies.items() if entry.programme == name]

    def _pretraining_runs(self, study: str, names: Iterable[str], seeds: Iterable[int]) -> list[Run]:
        return [self._run("pretrain", f"pretrain/{name}", study, name, "", seed) for name in names for seed in seeds]

    @made_in("results/pretrain/{variant}/seed{seed}")
    def pretrain(self, variant: str, seed: str) -> Spec:
        recipe = self._recipe(variant, "pretrain")
        train = TrainSpec.parse(recipe.train, where=f"variant {variant!r}: train")
        return PretrainSpec(**recipe.shared(PretrainSettings), train=train, seed=int(seed))

    def pretrain_blocks(self, variant: str) -> str:
        recipe = self._recipe(variant, "pretrain")
        folder = "packed_pairs" if recipe.parallel else "packed"
        return f"results/data/{folder}/{packing_name(recipe)}/manifest.json"

    def pretrain_links(self, variant: str) -> list[str]:
        """Manifest of the links between words that a run reads, if it does."""
        recipe = self._recipe(variant, "pretrain")
        return [f"results/data/links/{links_name(recipe)}/manifest.json"] if recipe.objective.linked else []

    def pretrain_start(self, variant: str, seed: int) -> list[str]:
        """Manifest of the model that a run begins with; none for a new one."""
        start = self._recipe(variant, "pretrain").start
        return [self.backbone(start, seed)] if start else []

    @made_in("results/runs/tables/pretrain")
    def tabulate_pretrain(self) -> Spec:
        return TabulatePretrainSpec()

    @made_in("results/runs/tables/pretrain_{study}")
    def compare_pretrain(self, study: str) -> Spec:
        entry = self._known(study, self.config.pretraining.studies, "pre-training study")
        return ComparePretrainSpec(study=study, baseline=entry.baseline)

    @made_in("results/runs/figures/objectives_{study}")
    def draw_objectives(self, study: str) -> Spec:
        entry = self._known(study, self.config.pretraining.studies, "pre-training study")
        pictures = [
            VariantPicture.of_recipe(self._recipe(name, "pretrain").objective, variant=name) for name in entry.variants
        ]
        return DrawObjectivesSpec(study=study, pictures=pictures)
