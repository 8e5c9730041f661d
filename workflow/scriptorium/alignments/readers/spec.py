"""The readers of gold alignments by name, each with the class of its options. Nothing heavy is imported.

A reader is a module of this package with `read(spec, artifact, ledger)`, which yields linked sentences
(alignments/linked.py); `artifact` is the manifest of a data set and `spec` an AlignmentsSpec, whose `options` are an
object of its class.
"""

from __future__ import annotations

from typing import Annotated, Literal, Union

from pydantic import Field

from scriptorium.named import ModuleOf
from scriptorium.spec import Spec


class LinksOptions(Spec):
    """Options of a reader that has none."""


class PharaohOptions(LinksOptions):
    """Options of reader pharaoh."""

    links: str = Field("align", min_length=1, description="ending of the files of links, without dot or compression")
    first: Literal[0, 1] = Field(0, description="number of the first word of a sentence")


READERS: dict[str, type[LinksOptions]] = {"bible_alignments": LinksOptions, "pharaoh": PharaohOptions}
Reader = Annotated[Literal[tuple(READERS)], ModuleOf("scriptorium.alignments.readers")]
Options = Union[tuple(dict.fromkeys(READERS.values()))]  # noqa: UP007 - computed
