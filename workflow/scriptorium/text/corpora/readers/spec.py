"""The readers of running text by name, each with the class of its options. Nothing heavy is imported.

A reader is a module of this package with `read(artifact, options, ledger)`, which yields documents (documents.py);
`artifact` is the manifest of a data set and `options` an object of its class here. One whose class says `can_stream`
has also `stream(source, options)`, which reads a data set of the hub without keeping a copy.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Union

from pydantic import Field

from scriptorium.named import ModuleOf
from scriptorium.spec import Spec


class ReaderOptions(Spec):
    """Options of a reader that has none."""

    can_stream: ClassVar[bool] = False


class TextOptions(ReaderOptions):
    """Options of reader text."""

    documents: Literal["blank", "line", "file"] = Field(
        "blank", description="what a document is: what ends at a blank line, every line, or every file"
    )
    join_lines: bool = Field(
        True, description="lines between blank ones are one paragraph; false: every line is one, for one sentence each"
    )
    files: str = Field(
        "",
        exclude_if=lambda pattern: not pattern,
        description="pattern of the names of the files that are read, such as de.txt*; empty: all",
    )


class TableOptions(ReaderOptions):
    """Options of readers of tables."""

    can_stream: ClassVar[bool] = True

    text: str = Field("text", description="the key or the column that holds the text")


class TatoebaOptions(ReaderOptions):
    """Options of reader tatoeba_sentences."""

    language: Literal["jpn", "eng", "dut", "ger", "fre", "spa", "swe"] = Field(
        "eng", description="whose sentences are read"
    )


READERS: dict[str, type[ReaderOptions]] = {
    "text": TextOptions,
    "jsonl": TableOptions,
    "parquet": TableOptions,
    "wikitext": ReaderOptions,
    "bbc": ReaderOptions,
    "tatoeba_sentences": TatoebaOptions,
    "wikipedia": ReaderOptions,
    "bible": ReaderOptions,
}
Reader = Annotated[Literal[tuple(READERS)], ModuleOf("scriptorium.text.corpora.readers")]
Options = Union[tuple(dict.fromkeys(READERS.values()))]  # noqa: UP007 - computed
