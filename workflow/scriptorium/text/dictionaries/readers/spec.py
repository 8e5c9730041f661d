"""The readers of bilingual dictionaries by name, each with the class of its options. Nothing heavy is imported.

A reader is a module of this package with `read(source, artifact, ledger)`, which yields translations (entries.py);
`artifact` is the manifest of a data set and `source` a DictionarySource, whose `options` are an object of its class.
"""

from __future__ import annotations

from typing import Annotated, Literal, Union

from pydantic import Field

from scriptorium.named import ModuleOf
from scriptorium.spec import Spec


class EntriesOptions(Spec):
    """Options of a reader that has none."""


class PivotOptions(EntriesOptions):
    """Options of reader jmdict_pivot."""

    support: int = Field(
        1, gt=0, description="so many Japanese words must link two words; 1 finds more, 2 has fewer wrong ones"
    )


class VarietiesOptions(EntriesOptions):
    """Options of reader panlex_swadesh."""

    a: str = Field("", description="list of the first language, such as eng-000; empty: the only one of that language")
    b: str = Field("", description="list of the second language")


class ColumnsOptions(EntriesOptions):
    """Options of reader tsv."""

    header: bool = Field(True, description="the first line names the columns")
    a: str = Field("", description="column of the first language, by name or by number from 1; empty: its code")
    b: str = Field("", description="column of the second language; empty: its code")


READERS: dict[str, type[EntriesOptions]] = {
    "jmdict_pivot": PivotOptions,
    "muse": EntriesOptions,
    "freedict": EntriesOptions,
    "panlex_swadesh": VarietiesOptions,
    "tsv": ColumnsOptions,
}
Reader = Annotated[Literal[tuple(READERS)], ModuleOf("scriptorium.text.dictionaries.readers")]
Options = Union[tuple(dict.fromkeys(READERS.values()))]  # noqa: UP007 - computed
