"""Sets of minimal pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from scriptorium.config.evaluations import asking, check_held_out
from scriptorium.minimal_pairs.spec import PairsSettings

if TYPE_CHECKING:
    from scriptorium.config.references import ReferenceChecks


class MinimalPairs(PairsSettings):
    """A set of minimal pairs: read from a data set, or made from the held-out sentences of a corpus."""

    dataset: str | None = Field(None, description="name in config/datasets.tsv, for a reader of files")
    corpus: str | None = Field(None, description="corpus of this file, for a reader that breaks held-out sentences")

    def model_post_init(self, _: Any) -> None:
        wanted, other = ("corpus", "dataset") if self.options.of_corpus else ("dataset", "corpus")
        if getattr(self, wanted) is None or getattr(self, other) is not None:
            raise ValueError(f"reader {self.reader!r} needs `{wanted}`, and no `{other}`")


def check(checks: ReferenceChecks) -> None:
    """Where they come from; and held-out sentences are scored by models of the same corpus only."""
    config = checks.config
    for name, pairs in config.minimal_pairs.items():
        if pairs.dataset:
            checks.dataset(pairs.dataset, f"minimal_pairs.{name}.dataset")
        else:
            checks.known(pairs.corpus, config.corpora, "corpus", f"minimal_pairs.{name}.corpus")
    for place, variants, sets in asking(config, "minimal_pairs"):
        for name in sets:
            checks.known(name, config.minimal_pairs, "set of minimal pairs", place)
            if corpus := config.minimal_pairs[name].corpus:
                remedy = "add a set whose corpus is {own!r}"
                check_held_out(checks, corpus, variants, f"{place}: {name} holds", remedy)
