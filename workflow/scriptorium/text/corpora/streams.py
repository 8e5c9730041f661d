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


class Bookmark:
    """How far a stream is read. What `note` says, as JSON, lets another process go on there: the library reads the file
    in which it stands, and of those before it at most the schema of the first."""

    def __init__(self, noted: Mapping[str, Any] | None = None):
        self.rows: int = noted["rows"] if noted else 0
        self._state = noted["state"] if noted else None
        self._stream: Any = None

    def open(self, stream: Any) -> Any:
        """The library's stream, from the place noted on."""
        self._stream = stream
        if self._state is not None:
            stream.load_state_dict(self._state)
        return stream

    def note(self) -> dict[str, Any]:
        """The place behind the last row that was given."""
        return {"rows": self.rows, "state": self._stream.state_dict() if self._stream is not None else self._state}


def rows(
    files: list[str], kind: str, where: str, bookmark: Bookmark, **settings: Any
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(place, row) of files, remote or here, in the order of their names; one at a time, from the bookmark on.

    kind: the library's name of a format, such as json or parquet; settings: of its reader of that format.
    Raises UserError if they cannot be read to their end.
    """
    os.environ["HF_HUB_OFFLINE"] = "0"  # stages are offline; this one reads what is pinned. Before the import
    import datasets

    try:
        stream = datasets.load_dataset(kind, data_files={"train": files}, split="train", streaming=True, **settings)
        for row in bookmark.open(stream):
            bookmark.rows += 1
            yield f"{where}, row {bookmark.rows}", row
    except Exception as error:  # of the network, the hub or the format: the library has no common class
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(
            f"the stream broke off after {bookmark.rows} rows: {reason}",
            where=where,
            remedy="check the network and the catalogue's row, then run it again: it goes on behind what was kept",
        ) from error
