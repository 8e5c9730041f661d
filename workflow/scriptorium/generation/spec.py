"""What may be configured of texts that models write: a task's data, a recipe, a run. See docs/generation.md."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from scriptorium.engine.spec import TrainSpec
from scriptorium.generation.readers.spec import OPTIONS, AnyOptions, GenerationReader
from scriptorium.named import ModuleOf, class_by
from scriptorium.spec import Seed, Spec

Split = Literal["train", "validation", "test"]
Limits = dict[Split, Annotated[int, Field(gt=0)]]
Body = Annotated[Literal["seq2seq", "causal"], ModuleOf("scriptorium.generation.bodies")]
Metric = Literal["ROUGE-1", "ROUGE-2", "ROUGE-L", "BLEU", "chrF", "exact match", "perplexity"]
Tokenize = Literal["13a", "intl", "zh", "char", "none"]


class GenerationData(Spec):
    """What a generation task's sources and targets are made of."""

    reader: GenerationReader = Field(description="the format of the raw data")
    options: Annotated[AnyOptions, class_by("reader", OPTIONS)] = Field(
        default_factory=dict, validate_default=True, description="settings of that reader"
    )
    limits: Limits = Field(default_factory=dict, description="largest number of examples per split; empty: all")
    split_seed: Seed = Field(0, description="seed of the split, where the source brings none, and of limits")


class GenerationDataSpec(GenerationData):
    """The preparation of one generation task."""

    generation: str = Field(description="name of the task")


class Lengths(Spec):
    """How an example becomes a model's input."""

    prompt: str = Field("", description="text that stands before every source, with a blank behind it: `summarize:`")
    source_length: int = Field(
        128, gt=4, description="longest source in pieces, its symbols included; longer ones are cut at the end, counted"
    )
    target_length: int = Field(
        64,
        gt=1,
        description="longest text that is written, in pieces, its end included; longer targets are cut, and counted",
    )


class Words(Spec):
    """What metrics take for a word."""

    tokenize: Tokenize = Field("13a", description="how BLEU finds words, a name of sacrebleu")


class Scored(Words):
    """How written texts are measured."""

    metrics: tuple[Metric, ...] = Field(
        ("ROUGE-L", "perplexity"), min_length=1, description="what tables show, in this order; claims take the first"
    )


class WritingSettings(Spec):
    """What a variant may change of a model that learns to write, beside its backbone and the training settings."""

    reinitialise: bool = Field(False, description="control: keep the shape, throw the pre-trained weights away")
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


class GenerateRecipe(WritingSettings):
    """config/recipes/*.yaml with `stage: generate`."""

    stage: Literal["generate"]
    backbone: str = Field(description="backbone of config.yaml, or a pre-training variant: its model of the same seed")
    body: Body | None = Field(
        None, description="what the backbone is; empty: what its objective trains (needed for backbones of a data set)"
    )
    train: dict[str, Any] = Field(description="see TrainSpec")


class GenerateSpec(Lengths, Words, WritingSettings):
    """One run: fine-tuned on a generation task, and its test set written."""

    body: Body = Field(description="seq2seq: an encoder-decoder; causal: a language model that writes on")
    train: TrainSpec
    seed: Seed = Field(0, description="of new weights, dropout and order")


class GenerationStudy(Spec):
    """Variants against one baseline on the same generation tasks. Made by its programme's target."""

    baseline: str = Field(description="the variant that all others are compared with")
    variants: tuple[str, ...] = Field(min_length=2, description="variants of stage generate, baseline included")
    generation: tuple[str, ...] = Field(min_length=1, description="entries of `generation`")
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = Field((), description="empty: the seeds of pre-training")
    samples: int = Field(20, ge=0, description="test examples whose texts stand side by side on the page of samples")
    programme: str = Field("", description="paper whose target makes it, such as objectives")
