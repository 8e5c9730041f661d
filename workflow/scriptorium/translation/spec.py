"""What may be configured of translation: the pairs of a direction, a recipe, a run. See docs/translation.md."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from scriptorium.engine.spec import TrainSpec
from scriptorium.spec import Seed, Spec
from scriptorium.text.languages.spec import Language

Split = Literal["train", "validation", "test"]


class Direction(Spec):
    """From which language into which, and how much of the pairs is used."""

    source: Language = Field(description="language that is translated")
    target: Language = Field(description="language of the translations")
    limits: dict[Split, Annotated[int, Field(gt=0)]] = Field(
        default_factory=dict, description="largest number of pairs of a split, the first in the order of a hash"
    )
    max_length: int = Field(
        128,
        gt=4,
        description="longest text in pieces, with both symbols: longer pairs are left out of train and validation, "
        "a longer source of the test set is cut, a translation ends there",
    )
    tokenize: Literal["13a", "intl", "zh", "char", "none"] | None = Field(
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


class TranslateSettings(Spec):
    """What a variant may change of translation, beside its backbone and the training settings."""

    reinitialise: bool = Field(False, description="control: keep the shape, throw the pre-trained weights away")
    encoder_layers: int | None = Field(None, gt=0, description="layers of the encoder, from the bottom; empty: all")
    decoder_layers: int = Field(gt=0, description="layers of the decoder: the top ones of the backbone")
    dropout: float | None = Field(None, ge=0, lt=1, description="of states and attention; empty: the backbone's")
    label_smoothing: float = Field(0.1, ge=0, lt=1, description="share of a label that all words have evenly")
    average: int = Field(
        0, ge=0, description="the weights of so many last evaluations are averaged; 0: those of the last step"
    )
    patience: int | None = Field(
        None,
        gt=0,
        description="training ends after so many evaluations without a lower validation loss, with the weights of the "
        "best one, or their average if that is asked for; empty: never",
    )
    beams: int = Field(5, gt=0, description="hypotheses of the beam search; 1: greedy")
    length_penalty: float = Field(1.0, description="log-likelihoods are divided by length to this power")
    save_model: bool = Field(False, description="keep model/ (large)")


class TranslateRecipe(TranslateSettings):
    """config/recipes/*.yaml with `stage: translate`."""

    stage: Literal["translate"]
    backbone: str = Field(description="backbone of config.yaml, or a pre-training variant: its model of the same seed")
    train: dict[str, Any] = Field(description="see TrainSpec")


class TranslateSpec(Direction, TranslateSettings):
    """One translation run."""

    train: TrainSpec
    seed: Seed = Field(0, description="of new weights, dropout and order")


class TranslationStudy(Spec):
    """Translation variants against one baseline, on the same test sets. Made by its programme's target."""

    baseline: str = Field(description="the variant that all others are compared with")
    variants: tuple[str, ...] = Field(min_length=2, description="translation variants, baseline included")
    translations: tuple[str, ...] = Field(min_length=1, description="entries of `translation`")
    seeds: tuple[Seed, ...] = Field((), description="empty: the seeds of pre-training")
    programme: str = Field("", description="paper whose target makes it, such as veco")
