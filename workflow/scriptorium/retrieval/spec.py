"""What may be configured of retrieval: which texts are matched, and how an encoder matches them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from scriptorium.retrieval.readers.spec import READERS, Reader
from scriptorium.spec import Seed, Spec
from scriptorium.text.languages.spec import Language


class CollectionSettings(Spec):
    """Which texts are matched."""

    reader: Reader = Field(description="how the set is read, by a module of retrieval/readers")
    languages: tuple[Language, ...] = Field(
        (), description="languages that are matched with `pivot`; empty: all that the data have"
    )
    pivot: Language = Field("en", description="the language that all others are matched with")
    limit: int | None = Field(
        None, gt=1, description="at most so many pairs of two languages, those of lowest hash; empty: all"
    )

    @property
    def mining(self) -> bool:
        """Whether the pairs are to be mined, not only to be found."""
        return READERS[self.reader].mining

    def model_post_init(self, _: object) -> None:
        if self.pivot in self.languages:
            raise ValueError(f"languages: {self.pivot} is the pivot; name the languages that are matched with it")
        if len(set(self.languages)) < len(self.languages):
            raise ValueError("languages: a language stands there twice")
        if self.limit and self.mining:
            raise ValueError(f"limit: reader {self.reader} has texts without a translation, so pairs alone are no set")


class CollectionSpec(CollectionSettings):
    """The preparation of one set."""

    collection: str = Field(description="name of the set")


class SearchSettings(Spec):
    """How an encoder matches texts."""

    layer: int = Field(
        -1, description="the layer that counts: 0 the embeddings, 1 the first layer's output; -1 the last one, -2 ..."
    )
    layers: tuple[int, ...] = Field((), description="layers that are reported beside it, counted in the same way")
    pool: Literal["mean", "first"] = Field("mean", description="a text's vector: the mean of its states, or the first")
    special_tokens: bool = Field(True, description="the mean takes in the first and the last symbol, as VECO's does")
    score: Literal["cosine", "margin"] | None = Field(
        None, description="what is compared; empty: margin where pairs are mined, else cosine"
    )
    neighbours: int = Field(
        4, gt=0, description="margin: nearest texts on both sides, whose mean cosine is the measure"
    )
    pieces: int = Field(512, gt=2, description="word pieces of a text that are read, with its two symbols")


class RetrieveSpec(SearchSettings):
    """One encoder on one set."""

    mining: bool = Field(description="pairs are mined: a threshold, tuned on dev, says which are predicted")
    seed: Seed = Field(0, description="of the control with random weights")
