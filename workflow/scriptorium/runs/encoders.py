"""Encoders that runs begin with, and vocabularies."""

from __future__ import annotations

from scriptorium.errors import UserError
from scriptorium.fetching.spec import ConvertSpec
from scriptorium.runs.folders import made_in
from scriptorium.runs.text import TextRuns
from scriptorium.spec import Spec
from scriptorium.text.spec import VocabularySpec


class EncoderRuns(TextRuns):
    """Encoders that runs begin with, and vocabularies."""

    def backbone(self, name: str, seed: int = 0) -> str:
        """Manifest of a backbone's directory; `seed` is that of the run which asks, for paired seeds."""
        entry = self._known(name, self.project.backbones, "backbone")
        if entry.format:
            return f"results/backbones/{name}/manifest.json"
        if entry.dataset:
            return f"resources/{entry.dataset}/manifest.json"
        if entry.finetuned:
            return f"results/finetune/{entry.finetuned}/{entry.task}/seed{entry.seed}/manifest.json"
        own = seed if entry.seed == "paired" else entry.seed
        return f"results/pretrain/{entry.pretrained}/seed{own}/manifest.json"

    @made_in("results/backbones/{backbone}")
    def convert_backbone(self, backbone: str) -> Spec:
        entry = self._known(backbone, self.project.backbones, "backbone")
        if entry.format is None:
            raise UserError(
                f"backbone {backbone!r} is in Hugging Face's format, so there is nothing to convert",
                where="target path",
                remedy=f"its own place is {self.backbone(backbone)}",
            )
        return ConvertSpec(format=entry.format)

    def converted(self, backbone: str) -> str:
        """Manifest of the data set that a backbone of another format is made of."""
        return f"resources/{self._known(backbone, self.project.backbones, 'backbone').dataset}/manifest.json"

    @made_in("results/data/vocabularies/{vocabulary}")
    def train_vocabulary(self, vocabulary: str) -> Spec:
        entry = self._known(vocabulary, self.config.vocabularies, "vocabulary")
        return VocabularySpec(**entry.shared(VocabularySpec))

    def vocabulary_corpora(self, name: str) -> list[str]:
        """Manifests of the running text and of the pairs that it is learned from."""
        return self._corpora(self._known(name, self.config.vocabularies, "vocabulary").corpora)

    def vocabulary_backbone(self, name: str) -> list[str]:
        """Manifest of the backbone whose pieces are kept; none for a vocabulary that is learned."""
        backbone = self._known(name, self.config.vocabularies, "vocabulary").backbone
        return [self.backbone(backbone)] if backbone else []

    def _tokenizer(self, name: str) -> str:
        """Manifest of a backbone, or of a vocabulary of our own."""
        if name in self.config.vocabularies:
            return f"results/data/vocabularies/{name}/manifest.json"
        return self.backbone(name)

    def _architecture(self, backbone: str) -> str | None:
        """What transformers must know to read a backbone: nothing, or an architecture of ours."""
        entry = self.project.backbones.get(backbone)
        return self._recipe(entry.pretrained, "pretrain").objective.architecture if entry and entry.pretrained else None
