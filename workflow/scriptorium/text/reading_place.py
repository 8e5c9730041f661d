"""Where the reading of several sources stands, so that a later attempt goes on there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from scriptorium.errors import UserError, nearest
from scriptorium.text.corpora.streams import Bookmark

if TYPE_CHECKING:
    from scriptorium.job import Job

Source = TypeVar("Source")
Item = TypeVar("Item")

NOTHING = {"source": 0, "taken": 0, "stream": None}  # noted where a reading begins


def inputs_of(job: Job, where: str) -> dict[str, Path]:
    """The manifest of each data set that is not streamed, by its name. Raises UserError for a source without one."""
    found = {path.parent.name: path for path in job.inputs.get("sources", [])}
    for source in job.spec.sources:
        if not source.stream and source.dataset not in found:
            raise UserError(f"no input for {source.dataset!r}, {nearest(source.dataset, found)}", where=where)
    return found


class ReadingPlace:
    """Keeps three entries of `noted` up to date, before an item is handed on: `source`, how many sources are read to
    their end; `taken`, how many items of the next one; `stream`, the note of its bookmark, if it is a stream.
    """

    def __init__(self, noted: dict[str, Any]):
        self.noted = noted

    def left(self, sources: Iterable[Source]) -> Iterator[tuple[int, Source]]:
        """(number, source) of those that are not read to their end, from the one in which the reading stands."""
        for number, source in list(enumerate(sources))[self.noted["source"] :]:
            yield number, source
            self.noted.update(source=number + 1, taken=0, stream=None)

    def items(self, found: Iterator[Item]) -> Iterator[Item]:
        """Those of a source that were not taken; the others are read again and passed over."""
        for item in islice(found, self.noted["taken"], None):
            self.noted["taken"] += 1
            yield item

    def streamed(self, stream: Callable[[Bookmark], Iterator[Item]]) -> Iterator[Item]:
        """The same of a stream, whose library reads no file before that of the bookmark."""
        bookmark = Bookmark(self.noted["stream"])
        for item in stream(bookmark):
            self.noted["stream"] = bookmark.note()
            yield item
