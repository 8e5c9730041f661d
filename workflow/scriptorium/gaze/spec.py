"""What may be configured of stage 1: gaze corpora, the regressor, the predictor, the shared task."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from scriptorium.gaze.readers.spec import OPTIONS, AnyOptions, GazeReader
from scriptorium.named import ModuleOf, class_by
from scriptorium.spec import Seed, Spec


class RegressorSettings(Spec):
    """The gaze regressor (docs/papers/cogbert.md section 4): what a recipe may set."""

    variant: Literal["paper", "released", "fixed"] = Field(
        "paper",
        description="paper: the four-layer Bi-LSTM of the paper's text; released: the authors' code with its defects; "
        "fixed (ours): the paper's network, corpora at one level, output calibrated out of fold",
    )
    hidden_size: int = Field(64, gt=0, description="LSTM units per direction (not found in the paper; ours)")
    layers: int = Field(4, gt=0, description="LSTM layers")
    dropout: float = Field(0.15, ge=0, lt=1, description="between LSTM layers (released code)")
    epochs: int = Field(40, gt=0, description="passes over the training paragraphs (released code)")
    batch_size: int = Field(4, gt=0, description="sentences per step")
    lr: float = Field(1e-3, gt=0, description="AdamW learning rate (released code)")
    weight_decay: float = Field(0.01, ge=0, description="AdamW decay")
    folds: int = Field(6, gt=1, description="cross-validation folds; a paragraph is never split")
    inner_folds: int = Field(3, gt=1, description="variant fixed: folds inside the training part that calibrate")

    def model_post_init(self, _: Any) -> None:
        if self.variant == "released" and self.hidden_size <= 6:
            raise ValueError("hidden_size must be above 6 for variant released, which projects it to six scores")


class RegressorSpec(RegressorSettings):
    """One training run of the gaze regressor."""

    seed: Seed = Field(0, description="of initialisation, order and folds")


Measure = Literal["n_fix", "ffd", "gd", "gpt", "trt", "fix_prop"]


class EncoderTraining(Spec):
    """Fine-tuning of one member (all ours; rates and batch size chosen on a held-out fold of CMCL 2021's train.csv)."""

    epochs: int = Field(5, gt=0, description="passes over the training sentences, always all of them")
    batch_size: int = Field(8, gt=0, description="sentences per step")
    lr: float = Field(2e-4, gt=0, description="AdamW peak rate of the encoder; its embedding table stays as it is")
    head_lr: float = Field(2e-3, gt=0, description="AdamW peak rate of the head")
    weight_decay: float = Field(0.01, ge=0, description="AdamW decay")
    warmup: float = Field(0.1, ge=0, lt=1, description="share of the steps with rising rate, linear decay after it")
    head_size: int = Field(128, gt=0, description="hidden units of the head")
    dropout: float = Field(0.1, ge=0, lt=1, description="in the head; the encoder keeps its own")
    precision: Literal["auto", "fp32", "bf16"] = Field(
        "fp32", description="of the training's matrix products; auto: bf16 where the processor has it, else fp32"
    )


class BoostingTraining(Spec):
    """Gradient boosting on surface features (ours, chosen by cross-validation over CMCL 2021's train.csv)."""

    iterations: int = Field(200, gt=0, description="trees per measure")
    learning_rate: float = Field(0.05, gt=0, description="shrinkage")
    min_samples_leaf: int = Field(40, gt=0, description="fewest words in a leaf")


class PredictorSettings(Spec):
    """What a predictor is made of."""

    measures: tuple[Measure, ...] = Field(
        ("n_fix", "ffd", "gpt", "trt", "fix_prop"), min_length=1, description="what is predicted, in this order"
    )
    folds: int = Field(3, gt=1, description="documents are dealt to so many folds; each fold's models are members")
    seeds: tuple[Seed, ...] = Field((0,), min_length=1, description="members per fold, one of each seed")
    encoder: EncoderTraining = EncoderTraining()
    boosting: BoostingTraining = BoostingTraining()


class TrainPredictorSpec(PredictorSettings):
    """One predictor."""


class BenchmarkCmcl2021Spec(PredictorSettings):
    """Settings of the predictor (its five measures are the task's), and of the comparison."""

    folds: int = Field(5, gt=1, description="folds over the training sentences; each fold's models are members")
    encoder: EncoderTraining = EncoderTraining(precision="auto")
    resamples: int = Field(10_000, gt=0, description="bootstrap samples of sentences for the intervals")


class LeftOutSettings(Spec):
    """A predictor for corpora that it has not seen, judged on each corpus left out in turn (all ours)."""

    measures: tuple[Measure, ...] = Field(
        ("n_fix", "ffd", "trt", "fix_prop"), min_length=1, description="what is predicted, in this order"
    )
    sentences: int = Field(400, ge=20, description="so many sentences at most of a corpus, whole documents at random")
    spill_over: Literal[0, 1, 2] = Field(
        1, description="words before whose length and frequency the line knows as well"
    )
    boosting: BoostingTraining = BoostingTraining(iterations=150)
    folds: int = Field(5, gt=1, description="folds of texts, by which the log-likelihood is measured")
    resamples: int = Field(1000, ge=100, description="bootstrap samples of texts for the intervals")
    seed: Seed = Field(0, description="of the sentences, the boosting, the folds and the intervals")


class GazeLeftOutSpec(LeftOutSettings):
    """One table of corpora left out, and the predictor trained on all of them."""

    languages: dict[str, str] = Field(description="corpus -> its language, for the frequencies of its words")


class SurprisalSpec(Spec):
    """The surprisal of the words of one gaze corpus."""

    corpus: str = Field(description="name of the corpus")
    tokens: int = Field(4096, gt=0, description="most tokens in a batch")


class GazeFormat(Spec):
    """In which format a gaze corpus comes: the reader, and its options."""

    reader: Annotated[GazeReader, ModuleOf("scriptorium.gaze.readers")] = Field(description="a reader of gaze/readers")
    options: Annotated[AnyOptions, class_by("reader", OPTIONS)] = Field(
        default_factory=dict, validate_default=True, description="settings of that reader"
    )


class GazeCorpusSpec(GazeFormat):
    """The preparation of one gaze corpus."""

    corpus: str = Field(description="name written into the `corpus` column")
    halves: int = Field(100, gt=0, description="random halves of the participants for the noise ceiling")
