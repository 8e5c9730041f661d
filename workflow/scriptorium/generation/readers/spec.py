"""The readers of sources and targets, by name, and what may be set for each. A reader is a module of this package.

A new one is a file beside this one with `read(spec, artifact, ledger) -> DataFrame` (see generation/preparing.py) and a
name in OPTIONS, with a class of its own if anything may be set.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Union

from pydantic import Field

from scriptorium.named import ModuleOf
from scriptorium.spec import Spec
from scriptorium.text.languages.spec import Language


class ReaderOptions(Spec):
    """A reader without options, of files."""

    of_parallel: ClassVar[bool] = False  # it reads a corpus of pairs of config.yaml, not a data set


class JsonlOptions(ReaderOptions):
    """Lines of JSON, an object per line: which of its keys are what."""

    source: tuple[str, ...] = Field(
        ("source",), min_length=1, description="keys whose texts, joined by blanks, are the source: [question, context]"
    )
    target: str = Field("target", min_length=1, description="key of the text that is to be written")
    apart: str = Field(
        "", description="key of a text that no two splits share, such as context; empty: the source itself"
    )


class PairsOptions(ReaderOptions):
    """Pairs of a corpus of pairs: translation."""

    of_parallel: ClassVar = True
    source: Language = Field(description="language that is read")
    target: Language = Field(description="language that is written")

    def model_post_init(self, _: object) -> None:
        if self.source == self.target:
            raise ValueError(f"source and target are both {self.source}")


OPTIONS: dict[str, type[ReaderOptions]] = {
    "bbc_headlines": ReaderOptions,
    "jsonl": JsonlOptions,
    "pairs": PairsOptions,
}
GenerationReader = Annotated[Literal[tuple(OPTIONS)], ModuleOf("scriptorium.generation.readers")]
AnyOptions = Union[tuple(dict.fromkeys(OPTIONS.values()))]  # noqa: UP007 -- computed from the table
