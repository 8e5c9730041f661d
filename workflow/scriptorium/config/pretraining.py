"""Pre-training: recipes, what is asked of their models, and studies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from scriptorium.engine.spec import TrainSpec
from scriptorium.errors import UserError
from scriptorium.objectives.spec import PretrainSettings
from scriptorium.objectives.spec.base import PACKED, TWO_SIDED
from scriptorium.spec import Seed, Spec
from scriptorium.text.spec import PackPairsSpec, PackSpec, SidesSpec
from scriptorium.text.synonyms.spec import LinkSettings

if TYPE_CHECKING:
    from scriptorium.config.references import ReferenceChecks


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


def check(checks: ReferenceChecks) -> None:
    """Recipes and studies."""
    trained = {name: "pretraining.recipes" for name in checks.config.pretraining.recipes}
    for name, study in checks.config.pretraining.studies.items():
        trained |= dict.fromkeys(study.variants, f"pretraining.studies.{name}.variants")
    for name, place in trained.items():
        recipe = checks.project.variant(name, "pretrain", f"{checks.where}: {place}").recipe
        checks.known(recipe.corpus, checks.config.corpora, "corpus", f"variant {name}, corpus")
        if recipe.parallel:
            checks.known(recipe.parallel, checks.config.parallel, "corpus of pairs", f"variant {name}, parallel")
            if not checks.config.corpora[recipe.corpus].languages:
                raise UserError(
                    f"variant {name}: the sources of corpus {recipe.corpus} name no language",
                    where=checks.where,
                    remedy=f"give each source of corpora.{recipe.corpus} its own, such as `language: en`",
                )
        if recipe.objective.linked:
            checks.known(
                recipe.synonyms.dictionary, checks.config.dictionaries, "dictionary", f"variant {name}, synonyms"
            )
        if recipe.start:
            checks.known(recipe.start, checks.project.backbones, "backbone", f"variant {name}, start")
        checks.known(
            recipe.tokenizer,
            checks.config.backbones | checks.config.vocabularies,
            "backbone or vocabulary",
            f"variant {name}, tokenizer",
        )
