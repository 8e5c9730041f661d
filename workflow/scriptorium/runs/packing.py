"""Text packed into blocks for pre-training, and words of packed pairs linked. Recipes that pack alike share both."""

from __future__ import annotations

from functools import cached_property

from scriptorium.config.pretraining import PretrainRecipe
from scriptorium.runs.encoders import EncoderRuns
from scriptorium.runs.folders import made_in
from scriptorium.spec import Spec
from scriptorium.text.spec import PackPairsSpec, PackSpec, SidesSpec
from scriptorium.text.synonyms.spec import LinkSettings


def pack_spec(recipe: PretrainRecipe) -> PackSpec:
    """How a recipe's corpus is packed."""
    return PackSpec(**recipe.shared(PackSpec))


def pack_pairs_spec(recipe: PretrainRecipe) -> PackPairsSpec:
    """How a recipe's corpus and its pairs are packed."""
    return PackPairsSpec(block_length=recipe.block_length, sides=recipe.sides or SidesSpec())


def packing_name(recipe: PretrainRecipe) -> str:
    """<corpus>-<tokenizer>-<block length>, and what differs from the default packing, such as -fairseq.

    With pairs, these follow the corpus: <corpus>-<parallel>-<tokenizer>-<block length>.
    """
    spec = pack_pairs_spec(recipe) if recipe.parallel else pack_spec(recipe)
    changed = spec.model_dump(exclude_defaults=True, exclude={"block_length"})
    changed |= changed.pop("layout", {}) | changed.pop("sides", {})
    parts = [value if key in ("vocabulary", "name") else f"{key}_{value}".lower() for key, value in changed.items()]
    texts = [recipe.corpus, *([recipe.parallel] if recipe.parallel else [])]
    return "-".join([*texts, recipe.tokenizer, str(recipe.block_length), *parts])


def links_name(recipe: PretrainRecipe) -> str:
    """<packed pairs>-<dictionary>, and what differs from the default links, such as -stop_words_50."""
    changed = recipe.synonyms.model_dump(exclude_defaults=True, exclude={"dictionary"})
    parts = [f"{key}_{value}".lower() for key, value in changed.items()]
    return "-".join([packing_name(recipe), recipe.synonyms.dictionary, *parts])


class PackingRuns(EncoderRuns):
    """Packed text and linked words, by names that follow from the recipes."""

    @cached_property
    def packings(self) -> dict[str, PretrainRecipe]:
        """Packed corpora by name, each with a recipe that reads it. Recipes that pack alike share one."""
        return {name: recipe for name, recipe in self._packings.items() if not recipe.parallel}

    @cached_property
    def pair_packings(self) -> dict[str, PretrainRecipe]:
        """The same of recipes with pairs."""
        return {name: recipe for name, recipe in self._packings.items() if recipe.parallel}

    @cached_property
    def _packings(self) -> dict[str, PretrainRecipe]:
        return {packing_name(recipe): recipe for recipe in reversed(self._pretrain_recipes)}

    @cached_property
    def _pretrain_recipes(self) -> list[PretrainRecipe]:
        return [variant.recipe for variant in self.project.variants.values() if variant.recipe.stage == "pretrain"]

    @made_in("results/data/packed/{blocks}")
    def pack(self, blocks: str) -> Spec:
        return pack_spec(self._known(blocks, self.packings, "packed corpus"))

    def pack_corpus(self, blocks: str) -> str:
        recipe = self._known(blocks, self.packings, "packed corpus")
        return f"results/data/corpora/{recipe.corpus}/manifest.json"

    def pack_tokenizer(self, blocks: str) -> str:
        return self._tokenizer(self._known(blocks, self.packings, "packed corpus").tokenizer)

    @made_in("results/data/packed_pairs/{blocks}")
    def pack_pairs(self, blocks: str) -> Spec:
        return pack_pairs_spec(self._known(blocks, self.pair_packings, "packed corpus with pairs"))

    def pack_pairs_corpus(self, blocks: str) -> str:
        recipe = self._known(blocks, self.pair_packings, "packed corpus with pairs")
        return f"results/data/corpora/{recipe.corpus}/manifest.json"

    def pack_pairs_parallel(self, blocks: str) -> str:
        recipe = self._known(blocks, self.pair_packings, "packed corpus with pairs")
        return f"results/data/parallel/{recipe.parallel}/manifest.json"

    def pack_pairs_tokenizer(self, blocks: str) -> str:
        return self._tokenizer(self._known(blocks, self.pair_packings, "packed corpus with pairs").tokenizer)

    @cached_property
    def linkings(self) -> dict[str, PretrainRecipe]:
        """Links between words of packed pairs by name, each with a recipe that reads them."""
        return {links_name(recipe): recipe for recipe in reversed(self._pretrain_recipes) if recipe.objective.linked}

    @made_in("results/data/links/{links}")
    def link_words(self, links: str) -> Spec:
        synonyms = self._known(links, self.linkings, "links of words").synonyms
        return LinkSettings(**synonyms.shared(LinkSettings))

    def links_blocks(self, links: str) -> str:
        recipe = self._known(links, self.linkings, "links of words")
        return f"results/data/packed_pairs/{packing_name(recipe)}/manifest.json"

    def links_dictionary(self, links: str) -> str:
        recipe = self._known(links, self.linkings, "links of words")
        return f"results/data/dictionaries/{recipe.synonyms.dictionary}/manifest.json"
