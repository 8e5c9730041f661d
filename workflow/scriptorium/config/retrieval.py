"""Retrieval sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from scriptorium.config.evaluations import asking, check_beside, check_not_trained_on
from scriptorium.retrieval.readers.spec import READERS as RETRIEVAL_READERS
from scriptorium.retrieval.spec import CollectionSettings, SearchSettings

if TYPE_CHECKING:
    from scriptorium.config.references import ReferenceChecks


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


def check(checks: ReferenceChecks) -> None:
    """Where the texts come from; held-out pairs are for models that were trained on the same corpus of pairs."""
    config = checks.config
    for name, entry in config.retrieval.items():
        place = f"retrieval.{name}"
        if entry.dataset:
            checks.dataset(entry.dataset, f"{place}.dataset")
        else:
            checks.known(entry.parallel, config.parallel, "corpus of pairs", f"{place}.parallel")
        for corpus in entry.without:
            checks.known(corpus, config.corpora | config.parallel, "corpus", f"{place}.without")
        check_beside(checks, entry.beside, place)
    for place, variants, sets in asking(config, "retrieval"):
        for name in sets:
            checks.known(name, config.retrieval, "retrieval set", place)
            check_not_trained_on(checks, config.retrieval[name].parallel, variants, f"{place}: {name}")
