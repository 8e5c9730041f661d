"""Benchmarks, on what the configuration has first."""

from __future__ import annotations

from scriptorium.errors import UserError
from scriptorium.runs.folders import made_in
from scriptorium.runs.pretraining import PretrainingRuns
from scriptorium.spec import Spec
from scriptorium.stages.bench_cogbert import BenchCogbertSpec
from scriptorium.stages.bench_crosslingual import BenchCrosslingualSpec
from scriptorium.stages.bench_pretrain import BenchPretrainSpec


class BenchRuns(PretrainingRuns):
    """Benchmarks, on what the configuration has first."""

    @made_in("results/runs/bench/cogbert")
    def bench_cogbert(self) -> Spec:
        return BenchCogbertSpec(pipeline=self.config.annotation.pipeline)

    @made_in("results/runs/bench/pretrain")
    def bench_pretrain(self) -> Spec:
        return BenchPretrainSpec()

    def bench_blocks(self) -> str:
        return self.pretrain_blocks(self._bench_variant())

    def bench_corpus(self) -> str:
        recipe = self._recipe(self._bench_variant(), "pretrain")
        return f"results/data/corpora/{recipe.corpus}/manifest.json"

    def _bench_variant(self) -> str:
        """The first pre-training recipe on packed blocks: the bench cuts and joins these."""
        for variant in self.config.pretraining.recipes:
            recipe = self._recipe(variant, "pretrain")
            if recipe.layout is None and recipe.parallel is None:
                return variant
        raise UserError(
            "the bench needs packed blocks, but pretraining.recipes has no recipe that packs",
            where="config.yaml",
            remedy="add bert-mlm to pretraining.recipes",
        )

    @made_in("results/runs/bench/crosslingual")
    def bench_crosslingual(self) -> Spec:
        return BenchCrosslingualSpec()

    def bench_parallel(self) -> str:
        return f"results/data/parallel/{self._bench_pairs()}/manifest.json"

    def bench_dictionary(self) -> str:
        """The first dictionary in languages of these pairs."""
        corpus = self._bench_pairs()
        wanted = {source.sides for source in self.config.parallel[corpus].sources}
        for name, dictionary in self.config.dictionaries.items():
            if wanted & {"-".join(sorted(source.languages)) for source in dictionary.sources}:
                return f"results/data/dictionaries/{name}/manifest.json"
        raise UserError(
            f"the bench links the words of parallel {corpus}, but no dictionary is in {', '.join(sorted(wanted))}",
            where="config.yaml",
            remedy="add one to dictionaries; docs/crosslingual_measures.md shows how",
        )

    def _bench_pairs(self) -> str:
        """The first corpus of pairs."""
        for name in self.config.parallel:
            return name
        raise UserError(
            "the bench needs pairs of texts, but no corpus of pairs is configured",
            where="config.yaml",
            remedy="add one to parallel; docs/crosslingual.md shows how",
        )
