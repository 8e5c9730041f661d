"""The readers of parallel text by name, each with the class of its options. Nothing heavy is imported.

A reader is a module of this package with `read(source, artifact, ledger)`, which yields pairs (pairs.py); `artifact` is
the manifest of a data set and `source` a ParallelSource, whose `options` are an object of its class here. One whose
class says `can_stream` has also `stream(source, place)`, which reads a data set of the hub without keeping a copy.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Union

from pydantic import Field

from scriptorium.named import ModuleOf
from scriptorium.spec import Spec


class PairsOptions(Spec):
    """Options of a reader that has none."""

    can_stream: ClassVar[bool] = False


class ColumnsOptions(PairsOptions):
    """Options of reader tsv."""

    header: bool = Field(True, description="the first line names the columns")
    a: str = Field("", description="column of the first language, by name or by number from 1; empty: its code")
    b: str = Field("", description="column of the second language; empty: its code")


class RowsOptions(PairsOptions):
    """Options of reader parquet."""

    can_stream: ClassVar[bool] = True

    translation: str = Field(
        "translation", description="column with a text per language, by its code (the hub's form); unused with a and b"
    )
    a: str = Field("", description="column of the first language, where each has a column of its own")
    b: str = Field("", description="column of the second language")

    def model_post_init(self, _: object) -> None:
        if bool(self.a) != bool(self.b):
            raise ValueError("a and b belong together")


READERS: dict[str, type[PairsOptions]] = {
    "tatoeba_pairs": PairsOptions,
    "aligned_lines": PairsOptions,
    "tsv": ColumnsOptions,
    "tmx": PairsOptions,
    "parquet": RowsOptions,
}
Reader = Annotated[Literal[tuple(READERS)], ModuleOf("scriptorium.text.parallel.readers")]
Options = Union[tuple(dict.fromkeys(READERS.values()))]  # noqa: UP007 - computed
