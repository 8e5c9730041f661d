"""Text that is read from the hub while a corpus is prepared, and of which no copy is kept.

Only the library's own readers of two formats run, never code of a repository; the commit is pinned by the catalogue.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from scriptorium.errors import UserError
from scriptorium.fetching.unpack import expand

if TYPE_CHECKING:
    from scriptorium.text.spec import StreamSpec


def addresses(source: StreamSpec) -> list[str]:
    """The streamed files at their pinned commit, as addresses (globs included) of the library's file system."""
    members = [pattern for member in source.members or ("**",) for pattern in expand(member)]
    return [f"hf://{source.location}@{source.revision}/{member}" for member in members]


def rows(files: list[str], kind: str, where: str, **settings: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(place, row) of files, remote or here, in the order of their names; one at a time.

    kind: the library's name of a format, such as json or parquet; settings: of its reader of that format.
    Raises UserError if they cannot be read to their end.
    """
    os.environ["HF_HUB_OFFLINE"] = "0"  # stages are offline; this one reads what is pinned. Before the import
    import datasets

    number = 0
    try:
        stream = datasets.load_dataset(kind, data_files={"train": files}, split="train", streaming=True, **settings)
        for row in stream:
            number += 1
            yield f"{where}, row {number}", row
    except Exception as error:  # of the network, the hub or the format: the library has no common class
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(
            f"the stream broke off after {number} rows: {reason}",
            where=where,
            remedy="check the network and the catalogue's row, then run it again: it starts anew",
        ) from error
