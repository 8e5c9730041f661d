"""The schema of the configuration: what config.yaml and the recipes may say. `project.py` reads and checks the files.

Nothing heavy is imported: this runs whenever the DAG is built.
"""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any, Literal

from pydantic import Field

from scriptorium.kinds import KIND, LABELS, OPTION_LENGTH, AnswerSpec, Kind
from scriptorium.modes import CognitionSpec
from scriptorium.objectives.spec import EncoderSpec, ObjectiveSpec, check_layout
from scriptorium.spec import Spec
from scriptorium.stages.annotate import AnnotateSpec
from scriptorium.stages.benchmark_cmcl2021 import BenchmarkCmcl2021Spec
from scriptorium.stages.pack import LayoutSpec
from scriptorium.stages.prepare_corpus import CorpusSource
from scriptorium.stages.train_predictor import TrainPredictorSpec
from scriptorium.stages.train_regressor import RegressorSettings
from scriptorium.stages.train_vocabulary import VocabularySpec

Options = dict[str, str | int | float | bool]
Seed = Annotated[int, Field(ge=0)]
SPLITS = ("train", "validation", "test")
METRICS = {  # kind of task -> what its tables can show, beside those of single measures and parts
    "classification": ("test/accuracy", "test/error", "test/f1", "test/mcc"),
    "regression": ("test/pearson", "test/spearman", "test/mse"),
    "tagging": ("test/f1", "test/precision", "test/recall", "test/accuracy"),
    "gaze": ("test/accuracy", "test/mae"),
    "question_answering": (
        "test/f1",
        "test/em",
        "test/f1_threshold_0",
        "test/em_threshold_0",
        "test/f1_has_answer",
        "test/em_has_answer",
        "test/f1_no_answer",
        "test/em_no_answer",
    ),
    "multiple_choice": ("test/accuracy",),
}


class GazeCorpus(Spec):
    """A gaze corpus: which data set, read how."""

    dataset: str = Field(description="name in config/datasets.tsv")
    reader: str = Field(
        description="reader of data/gaze: onestop | csv | zuco | geco | provo | cmcl2021 | cmcl2022 | means | text"
    )
    options: Options = Field(default_factory=dict, description="settings of the reader")


class Predictor(Spec):
    """The gaze predictor for any text (results/gaze/predictor)."""

    corpora: tuple[str, ...] = Field(min_length=1, description="gaze corpora of this file that it is trained on")
    backbone: str = Field(description="backbone of this file that is fine-tuned")
    settings: TrainPredictorSpec = Field(TrainPredictorSpec(), description="measures, folds, training")


class Cmcl2021(Spec):
    """The table of the CMCL 2021 shared task (results/tables/gaze_cmcl2021.tsv)."""

    dataset: str = Field(description="name in config/datasets.tsv, with train.csv and valid.csv")
    backbone: str = Field(description="backbone of this file that is fine-tuned")
    settings: BenchmarkCmcl2021Spec = Field(BenchmarkCmcl2021Spec(), description="folds, training, comparison")


class Gaze(Spec):
    """Stage 1."""

    corpora: dict[str, GazeCorpus] = Field(description="name -> data set and reader")
    regressors: tuple[str, ...] = Field(min_length=1, description="variants of ablations.tsv to train")
    scores_from: str = Field(description="the variant whose scores enter stage 2")
    predictor: Predictor | None = Field(None, description="the gaze predictor for any text; empty: none")
    cmcl2021: Cmcl2021 | None = Field(None, description="the shared task's table; empty: none")


class Backbone(Spec):
    """An encoder: from the catalogue, from a pre-training variant of ours, or fine-tuned on another task first."""

    dataset: str | None = Field(None, description="name in config/datasets.tsv")
    pretrained: str | None = Field(None, description="pre-training variant of config/ablations.tsv")
    finetuned: str | None = Field(None, description="fine-tuning variant of config/ablations.tsv, with `task`")
    task: str | None = Field(None, description="task that `finetuned` was trained on, such as eye-tracking measures")
    seed: Seed | Literal["paired"] = Field(
        0, description="which seed of that variant; paired: of a pre-training variant, the fine-tuning run's own seed"
    )

    def model_post_init(self, _: Any) -> None:
        if sum(name is not None for name in (self.dataset, self.pretrained, self.finetuned)) != 1:
            raise ValueError("give one of dataset, pretrained and finetuned")
        if (self.finetuned is None) != (self.task is None):
            raise ValueError("finetuned and task belong together")
        if self.seed == "paired" and self.pretrained is None:
            raise ValueError("seed: paired belongs to a pretrained backbone")


class Task(Spec):
    """A labelled task."""

    dataset: str = Field(description="name in config/datasets.tsv")
    reader: str = Field(
        description="reader of data/tasks: vader | tatoeba_paraphrase | glue | imdb | conll | reading | gaze_corpus | "
        "squad | race | copa | choices | tsv"
    )
    options: Options = Field(default_factory=dict, description="settings of the reader")
    kind: Kind = Field("classification", description=KIND)
    labels: tuple[str, ...] = Field((), description=LABELS)
    max_length: int = Field(128, gt=2, description="longest input in word pieces")
    answers: AnswerSpec = Field(AnswerSpec(), description="question answering: windows, and how an answer is read off")
    option_length: int = Field(
        OPTION_LENGTH, gt=0, description="multiple choice: longest question with an option, in pieces"
    )
    limits: dict[Literal["train", "validation", "test"], int] = Field(
        default_factory=dict, description="largest number of examples per split; empty: all"
    )
    split_seed: int = Field(0, ge=0, description="seed of the split, where the source brings none")
    train: dict[str, Any] = Field(
        default_factory=dict, description="what differs from the recipe's train on this task, for every variant alike"
    )
    validation_share: float = Field(
        0.1, gt=0, le=0.15, description="share of train that becomes validation, where the source has train and test"
    )
    metric: str | None = Field(
        None,
        description="what tables show, such as test/mcc; empty: accuracy, for regression spearman, for tagging and "
        "question answering f1",
    )


class Corpus(Spec):
    """Running text for pre-training."""

    sources: tuple[CorpusSource, ...] = Field(min_length=1, description="data sets and their readers")
    validation_share: float = Field(0.02, gt=0, lt=1, description="share of the documents held out")
    split_seed: int = Field(0, ge=0, description="seed of the split by document")


class PretrainingStudy(Spec):
    """Pre-training variants against one baseline, on the same held-out blocks. Made by its programme's target."""

    baseline: str = Field(description="the variant that all others are compared with")
    variants: tuple[str, ...] = Field(min_length=2, description="pre-training variants, baseline included")
    seeds: tuple[Seed, ...] = Field((), description="empty: those of pretraining.seeds")
    programme: str = Field("", description="paper whose target makes it, such as mpnet")


class Vocabulary(VocabularySpec):
    """A vocabulary of our own, which a pre-training recipe may name as its tokenizer."""

    corpus: str = Field(description="corpus of this file; its train split alone is learned from")


class Pretraining(Spec):
    """Which recipes are trained."""

    recipes: tuple[str, ...] = Field((), description="pre-training variants of ablations.tsv")
    seeds: tuple[Seed, ...] = Field((0,), min_length=1, description="seeds of each")
    studies: dict[str, PretrainingStudy] = Field(
        default_factory=dict, description="comparisons of pre-training variants by name; null removes one"
    )


class Study(Spec):
    """A comparison: variants on tasks against one baseline. One MLflow experiment each."""

    baseline: str = Field(description="the variant that all others are compared with")
    variants: tuple[str, ...] = Field(min_length=1, description="variants of ablations.tsv, baseline included")
    tasks: tuple[str, ...] = Field(min_length=1, description="tasks of this file")
    seeds: tuple[Seed, ...] = Field((), description="empty: the seeds of this file")
    programme: str = Field("", description="paper whose target makes it as well, such as cogbert")
    on_request: bool = Field(False, description="made by its programme's target or by its path, not by default")
    figures: tuple[Literal["boundary", "feature_weights", "reading"], ...] = Field(
        (),
        description="boundary: the variants differ in it, draw the curve; feature_weights: table and map of alpha; "
        "reading: eye-tracking tasks beside word length alone",
    )


class Attention(Spec):
    """Which attention maps are drawn."""

    study: str = Field(description="its baseline is drawn beside its other variants")
    task: str = Field(description="the task that the models were fine-tuned on")
    corpus: str = Field(description="gaze corpus that lends sentences and human fixation counts")
    sentences: int = Field(4, gt=0, le=20, description="how many sentences")


class Tracking(Spec):
    """Where the MLflow mirror is."""

    uri: str | None = Field(None, description="empty: sqlite in results/mlflow; or http(s)://host:port")
    weights: Literal["reference", "upload"] = Field("reference", description="weights: by path and sha256, or copied")


class Config(Spec):
    """config/config.yaml."""

    seeds: tuple[Seed, ...] = Field(min_length=1, description="seeds of stage 1 and of fine-tuning")
    data_root: str = Field(
        "data",
        min_length=1,
        description="folder of your own data, below which rows of datasets.tsv with source `file` give their place; "
        "the environment variable SCRIPTORIUM_DATA_ROOT goes before it",
    )
    gaze: Gaze
    annotation: AnnotateSpec = Field(AnnotateSpec(), description="the spaCy pipeline")
    recipes: dict[str, str] = Field(
        default_factory=dict,
        description="recipe -> the one that stands in for it in every variant, such as a larger one",
    )
    backbones: dict[str, Backbone] = Field(description="encoders by name")
    tasks: dict[str, Task] = Field(description="tasks by name")
    corpora: dict[str, Corpus] = Field(default_factory=dict, description="pre-training corpora by name")
    vocabularies: dict[str, Vocabulary] = Field(default_factory=dict, description="vocabularies to learn, by name")
    pretraining: Pretraining = Pretraining()
    studies: dict[str, Study] = Field(default_factory=dict, description="comparisons by name; null removes one")
    attention: Attention | None = None
    tracking: Tracking = Tracking()
    verify: tuple[str, ...] = Field((), description="run directories that `snakemake verify` repeats")


class FinetuneRecipe(Spec):
    """config/recipes/*.yaml with `stage: finetune`."""

    stage: Literal["finetune"]
    backbone: str = Field(description="backbone of config.yaml, or a pre-training variant: its model of the same seed")
    train: dict[str, Any] = Field(description="see TrainSpec")
    cognition: CognitionSpec | None = Field(None, description="empty: the plain encoder")
    gaze_loss: float | None = Field(None, gt=0, description="weight of an auxiliary gaze loss; empty: none")
    reinitialise: bool = Field(False, description="control: random weights of the same shape")


class RegressorRecipe(RegressorSettings):
    """config/recipes/*.yaml with `stage: regressor`."""

    stage: Literal["regressor"]
    corpora: tuple[str, ...] = Field(min_length=1, description="gaze corpora of config.yaml")
    exclude: tuple[str, ...] = Field((), description="gaze corpora whose texts must not be trained on")
    embeddings: str = Field(description="backbone that lends word vectors: an encoder, or a text file such as GloVe")

    def settings(self) -> dict[str, Any]:
        """What goes into RegressorSpec."""
        return self.model_dump(include=set(RegressorSettings.model_fields))


class PretrainRecipe(Spec):
    """config/recipes/*.yaml with `stage: pretrain`."""

    stage: Literal["pretrain"]
    corpus: str = Field(description="corpus of config.yaml")
    tokenizer: str = Field(description="backbone that lends its tokenizer, or a vocabulary of config.yaml")
    block_length: int = Field(128, gt=8, description="tokens per block")
    vocabulary: Literal["fairseq"] | None = Field(None, description="see PackSpec")
    layout: LayoutSpec | None = Field(None, description="see PackSpec")
    model: EncoderSpec | None = Field(None, description="shape of a new encoder; or give start")
    start: str | None = Field(
        None,
        description="backbone of config.yaml whose weights training begins with, or a pre-training variant: its model "
        "of the same seed",
    )
    trains: Literal["all", "head"] = Field("all", description="see PretrainSpec")
    objective: ObjectiveSpec
    train: dict[str, Any] = Field(description="see TrainSpec")

    def model_post_init(self, _: Any) -> None:
        if (self.model is None) == (self.start is None):
            raise ValueError("give either model, a new encoder, or start, a trained one")
        check_layout(self.objective, self.layout.name if self.layout else "packed")


RECIPES = {"finetune": FinetuneRecipe, "regressor": RegressorRecipe, "pretrain": PretrainRecipe}


class Variant(Spec):
    """A row of config/ablations.tsv with its recipe resolved."""

    name: str
    recipe: FinetuneRecipe | RegressorRecipe | PretrainRecipe
    paper: str = ""
    paper_table: str = ""
    description: str = ""


def schema() -> str:
    """JSON Schema of config.yaml, for editors; workflow/schemas/config.schema.json is kept equal to it by a test."""
    return json.dumps(Config.model_json_schema(), indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema())
