"""What may be configured of parallel text."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from scriptorium.named import class_by
from scriptorium.spec import Seed, Spec
from scriptorium.text.languages.spec import Language
from scriptorium.text.parallel.readers.spec import READERS, Options, Reader
from scriptorium.text.spec import StreamSpec


class ParallelSource(Spec):
    """One source of pairs in two languages."""

    dataset: str = Field(description="catalogue name")
    languages: tuple[Language, Language] = Field(description="the two languages, as the files name them")
    reader: Reader = Field(description="how it is read, by a module of text/parallel/readers")
    options: Annotated[Options, class_by("reader", READERS)] = Field(
        default_factory=dict, validate_default=True, description="settings of that reader"
    )
    empty: bool = Field(
        False, description="a text without its translation is left out and counted; false: it is an error"
    )
    stream: bool = Field(False, description="read a data set of the hub without keeping a copy of it; reader parquet")

    def model_post_init(self, _: object) -> None:
        if self.languages[0] == self.languages[1]:
            raise ValueError(f"languages: a pair needs two languages, not {self.languages[0]} twice")
        if self.stream and not self.options.can_stream:
            able = " and ".join(name for name, options in READERS.items() if options.can_stream)
            raise ValueError(f"stream: true belongs to the reader {able}, not to {self.reader}")

    @property
    def sides(self) -> str:
        """The two languages in the order of the alphabet, such as de-en."""
        return "-".join(sorted(self.languages))


class PairRules(Spec):
    """Which pairs are left out (ours, all of them)."""

    identical: bool = Field(True, description="pairs whose sides are equal but for upper and lower case")
    repeated_sides: bool = Field(
        True, description="pairs of which a side was there before in the same two languages; the first one stays"
    )
    ratio: float = Field(
        2.5, gt=1, description="pairs with (longer + 10) / (shorter + 10) above it, both in characters"
    )
    longest: int = Field(1000, gt=0, description="pairs with a side of more characters")


class ParallelSettings(Spec):
    """What a corpus of pairs is made of."""

    sources: tuple[ParallelSource, ...] = Field(min_length=1, description="where the pairs come from, in this order")
    rules: PairRules = Field(PairRules(), description="which pairs are left out")
    validation_share: float = Field(0.02, gt=0, lt=1, description="share of the pairs held out")
    split_seed: Seed = Field(0, description="seed of the split")


class ParallelSpec(ParallelSettings):
    """The preparation of one corpus of pairs."""

    parallel: str = Field(description="name of the corpus of pairs")
    streams: dict[str, StreamSpec] = Field(
        default_factory=dict, description="where streamed data sets lie, from the catalogue, by name"
    )
