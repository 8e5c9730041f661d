"""Generation tasks, runs that write, and their studies."""

from __future__ import annotations

from collections.abc import Iterable

from scriptorium.config.generation import body_of
from scriptorium.engine.spec import TrainSpec
from scriptorium.generation.spec import GenerateSpec, GenerationDataSpec, Lengths, Scored, Words, WritingSettings
from scriptorium.runs.configured import Run
from scriptorium.runs.encoders import EncoderRuns
from scriptorium.runs.folders import made_in
from scriptorium.spec import Spec
from scriptorium.stages.tabulate_generation import TabulateGenerationSpec


class GenerationRuns(EncoderRuns):
    """Generation tasks, runs that write, and their studies."""

    @made_in("results/data/generation/{generation}")
    def prepare_generation(self, generation: str) -> Spec:
        entry = self._known(generation, self.config.generation, "generation task")
        return GenerationDataSpec(generation=generation, **entry.shared(GenerationDataSpec))

    def generation_source(self, generation: str) -> str:
        """Manifest of the data set or of the corpus of pairs that a generation task is read from."""
        entry = self._known(generation, self.config.generation, "generation task")
        return self._data_or_corpus(entry.dataset, entry.parallel)

    def generation_like(self, generation: str) -> list[str]:
        """Manifest of the labelled task whose split a generation task takes over, if there is one."""
        like = self._known(generation, self.config.generation, "generation task").splits
        return [f"results/data/{like}/manifest.json"] if like else []

    def generation_study(self, name: str) -> list[Run]:
        """The runs of a comparison of variants that write."""
        study = self._known(name, self.config.generation_studies, "generation study")
        return self._compared("generate", name, study, study.generation)

    def generations(self, programme: str = "") -> list[Run]:
        """The runs of all studies of this kind, or of those of a programme, each once."""
        studies = [name for name, entry in self.config.generation_studies.items() if programme in ("", entry.programme)]
        return list({run.path: run for name in studies for run in self.generation_study(name)}.values())

    @made_in("results/generate/{variant}/{generation}/seed{seed}")
    def generate(self, variant: str, generation: str, seed: str) -> Spec:
        recipe = self._recipe(variant, "generate")
        entry = self._known(generation, self.config.generation, "generation task")
        return GenerateSpec(
            **entry.shared(Lengths),
            **entry.shared(Words),
            **recipe.shared(WritingSettings),
            body=body_of(self.project, variant),
            train=TrainSpec.parse(recipe.train, where=f"variant {variant!r}: train"),
            seed=int(seed),
        )

    def generate_backbone(self, variant: str, seed: int) -> str:
        return self.backbone(self._recipe(variant, "generate").backbone, seed)

    @made_in("results/runs/tables/generate_{study}")
    def tabulate_generation(self, study: str) -> Spec:
        entry = self._known(study, self.config.generation_studies, "generation study")
        return TabulateGenerationSpec(
            study=study,
            baseline=entry.baseline,
            generation=self._scored(entry.generation),
            samples=entry.samples,
        )

    def _scored(self, tasks: Iterable[str]) -> dict[str, Scored]:
        return {name: Scored(**self.config.generation[name].shared(Scored)) for name in tasks}
