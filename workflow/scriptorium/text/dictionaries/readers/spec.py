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


READERS: dict[str, type[EntriesOptions]] = {
    "jmdict_pivot": PivotOptions,
    "muse": EntriesOptions,
}
Reader = Annotated[Literal[tuple(READERS)], ModuleOf("scriptorium.text.dictionaries.readers")]
Options = Union[tuple(dict.fromkeys(READERS.values()))]  # noqa: UP007 - computed
