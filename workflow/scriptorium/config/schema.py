"""The schema of the configuration, put together from the subjects' modules. `loading.py` reads the files.

Nothing heavy is imported: this runs whenever the DAG is built.
"""

from __future__ import annotations

import json
import sys
from typing import Any, get_args, get_origin

from pydantic import Field

from scriptorium.config.attention import Attention
from scriptorium.config.bits_per_byte import BitsPerByte
from scriptorium.config.crosslingual import Crosslingual
from scriptorium.config.encoders import Backbone, Vocabulary
from scriptorium.config.few_labels import FewLabels
from scriptorium.config.finetuning import FinetuneRecipe, Study
from scriptorium.config.gaze import Gaze, RegressorRecipe
from scriptorium.config.generation import Generation
from scriptorium.config.minimal_pairs import MinimalPairs
from scriptorium.config.pretraining import Pretraining, PretrainingStudy, PretrainRecipe
from scriptorium.config.resources import Resources
from scriptorium.config.retrieval import Retrieval
from scriptorium.config.tasks import Task
from scriptorium.config.text import Alignments, Corpus, Dictionary, Parallel
from scriptorium.config.tracking import Tracking
from scriptorium.config.vectors import Vectors
from scriptorium.generation.spec import GenerateRecipe, GenerationStudy
from scriptorium.linguistics.spec import AnnotateSpec
from scriptorium.spec import Seed, Spec
from scriptorium.translation.spec import TranslateRecipe, TranslationSettings, TranslationStudy


def _named(annotation: Any) -> bool:
    """Is it name -> block?"""
    values = get_args(annotation)[1:] if get_origin(annotation) is dict else ()
    return any(isinstance(value, type) and issubclass(value, Spec) for value in values)


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

    @property
    def all_studies(self) -> dict[str, Study | PretrainingStudy | TranslationStudy | GenerationStudy]:
        """Comparisons of all kinds by their keys, such as `pretraining.studies.mpnet`."""
        blocks = {name: getattr(self, name) for name in ("studies", "translation_studies", "generation_studies")}
        blocks["pretraining.studies"] = self.pretraining.studies
        return {f"{block}.{name}": study for block, studies in blocks.items() for name, study in studies.items()}


# Blocks of config.yaml whose entries have names; an overlay takes one away by null.
NAMED = tuple(name for name, field in Config.model_fields.items() if _named(field.annotation))

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
