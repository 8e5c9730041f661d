"""What may be configured of translation: the pairs of a direction, a recipe, a run. See docs/translation.md."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from scriptorium.engine.spec import TrainSpec
from scriptorium.generation.spec import Limits, Tokenize, WritingSettings
from scriptorium.named import ModuleOf
from scriptorium.spec import Seed, Spec
from scriptorium.text.languages.spec import Language


class Direction(Spec):
    """From which language into which, and how much of the pairs is used."""

    source: Language = Field(description="language that is translated")
    target: Language = Field(description="language of the translations")
    limits: Limits = Field(
        default_factory=dict, description="largest number of pairs of a split, the first in the order of a hash"
    )
    max_length: int = Field(
        128,
        gt=4,
        description="longest text in pieces, with both symbols: longer pairs are left out of train and validation, "
        "a longer source of the test set is cut, a translation ends there",
    )
    tokenize: Tokenize | None = Field(
        None,
        description="how BLEU finds words, a name of sacrebleu; empty: zh for Chinese, char for Japanese, Korean and "
        "Thai, else 13a",
    )

    def model_post_init(self, _: Any) -> None:
        if self.source == self.target:
            raise ValueError(f"source and target are both {self.source}")


class TranslationSettings(Direction):
    """A direction of translation and its pairs."""

    parallel: str = Field(description="corpus of pairs of this file: its train split is trained on")
    test: str | None = Field(
        None,
        description="another corpus of pairs of this file, all of whose pairs are the test set; empty: three of four "
        "held-out pairs of `parallel`, by hash; validation is the fourth, or with `test` all of them",
    )

    def model_post_init(self, context: Any) -> None:
        super().model_post_init(context)
        if self.test == self.parallel:
            raise ValueError(f"test: {self.test} is trained on; leave test empty to take its held-out pairs")


class SourceEncoder(Spec):
    """BART's translation: the new encoder that stands in place of the embeddings of BART's encoder."""

    vocabulary: str = Field(
        description="vocabulary of config.yaml: that of the source language, no matter which BART's"
    )
    layers: int = Field(gt=0, description="layers of the new encoder, each as wide as BART's")


class TranslateSettings(WritingSettings):
    """What a variant may change of translation, beside its backbone and the training settings."""

    encoder_layers: int | None = Field(
        None, gt=0, description="of a pre-trained encoder: layers of the encoder, from the bottom; empty: all"
    )
    decoder_layers: int | None = Field(
        None, gt=0, description="of a pre-trained encoder: layers of the decoder, the top ones of the backbone"
    )
    source_encoder: SourceEncoder | None = Field(
        None,
        description="of a BART: the new encoder of the source; empty where an encoder is the backbone, or step one",
    )
    updates: Literal["all", "source"] = Field(
        "all",
        description="source: step one of BART's two, the new encoder learns and most of BART is frozen; all: all learn",
    )

    def model_post_init(self, _: Any) -> None:
        halves = self.encoder_layers is not None or self.decoder_layers is not None
        if halves and self.source_encoder is not None:
            raise ValueError("encoder_layers and decoder_layers are of an encoder, source_encoder is of a BART")
        if self.updates == "source" and self.source_encoder is None:
            raise ValueError("updates: source trains a new encoder: give source_encoder, or leave updates out")


class TranslateRecipe(TranslateSettings):
    """config/recipes/*.yaml with `stage: translate`."""

    stage: Literal["translate"]
    backbone: str = Field(
        description="backbone of config.yaml, or a pre-training variant: its model of the same seed; for step two of "
        "BART's, the translation variant that is step one: its model of the same translation and seed"
    )
    train: dict[str, Any] = Field(description="see TrainSpec")


class TranslateSpec(Direction, TranslateSettings):
    """One translation run."""

    body: Annotated[Literal["veco", "bart"], ModuleOf("scriptorium.translation.bodies")] = Field(
        "veco", description="veco: encoder and decoder from an encoder; bart: BART behind a new encoder"
    )
    train: TrainSpec
    seed: Seed = Field(0, description="of new weights, dropout and order")


class TranslationStudy(Spec):
    """Translation variants against one baseline, on the same test sets. Made by its programme's target."""

    baseline: str = Field(description="the variant that all others are compared with")
    variants: tuple[str, ...] = Field(min_length=2, description="translation variants, baseline included")
    translations: tuple[str, ...] = Field(min_length=1, description="entries of `translation`")
    seeds: tuple[Seed, ...] = Field((), description="empty: the seeds of pre-training")
    programme: str = Field("", description="paper whose target makes it, such as veco")
