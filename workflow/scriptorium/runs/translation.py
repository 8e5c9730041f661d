"""Translation runs and their studies."""

from __future__ import annotations

from scriptorium.config import translation as translators
from scriptorium.engine.spec import TrainSpec
from scriptorium.runs.configured import Run
from scriptorium.runs.encoders import EncoderRuns
from scriptorium.runs.folders import made_in
from scriptorium.spec import Spec
from scriptorium.stages.tabulate_translation import TabulateTranslationSpec
from scriptorium.translation.spec import Direction, TranslateSettings, TranslateSpec


class TranslationRuns(EncoderRuns):
    """Translation runs and their studies."""

    def translation_study(self, name: str) -> list[Run]:
        """The runs of a comparison of translation variants."""
        study = self._known(name, self.config.translation_studies, "translation study")
        return self._compared("translate", name, study, study.translations)

    def translations(self, programme: str = "") -> list[Run]:
        """The runs of all studies of this kind, or of those of a programme, each once."""
        studies = [
            name for name, entry in self.config.translation_studies.items() if programme in ("", entry.programme)
        ]
        return list({run.path: run for name in studies for run in self.translation_study(name)}.values())

    @made_in("results/translate/{variant}/{translation}/seed{seed}")
    def translate(self, variant: str, translation: str, seed: str) -> Spec:
        recipe = self._recipe(variant, "translate")
        entry = self._known(translation, self.config.translation, "translation")
        train = TrainSpec.parse(recipe.train, where=f"variant {variant!r}: train")
        return TranslateSpec(
            **entry.shared(Direction),
            **recipe.shared(TranslateSettings),
            body=translators.body_of(self.project, variant),
            train=train,
            seed=int(seed),
        )

    def translate_backbone(self, variant: str, translation: str, seed: int) -> str:
        """Manifest of what a translation run begins with; of step two, the run of step one."""
        name = self._recipe(variant, "translate").backbone
        if translators.step_one(self.project, variant):
            return f"results/translate/{name}/{translation}/seed{seed}/manifest.json"
        return self.backbone(name, seed)

    def translate_vocabulary(self, variant: str) -> list[str]:
        """Manifest of the source's own vocabulary, for a variant that has a new encoder of the source."""
        encoder = self._recipe(variant, "translate").source_encoder
        return [f"results/data/vocabularies/{encoder.vocabulary}/manifest.json"] if encoder else []

    def translate_pairs(self, translation: str) -> str:
        entry = self._known(translation, self.config.translation, "translation")
        return f"results/data/parallel/{entry.parallel}/manifest.json"

    def translate_test(self, translation: str) -> list[str]:
        """Manifest of another corpus of pairs that is the test set, if there is one."""
        test = self._known(translation, self.config.translation, "translation").test
        return [f"results/data/parallel/{test}/manifest.json"] if test else []

    @made_in("results/runs/tables/translation_{study}")
    def tabulate_translation(self, study: str) -> Spec:
        entry = self._known(study, self.config.translation_studies, "translation study")
        directions = {name: self.config.translation[name] for name in entry.translations}
        return TabulateTranslationSpec(
            study=study,
            baseline=entry.baseline,
            translations={name: Direction(**each.shared(Direction)) for name, each in directions.items()},
        )
