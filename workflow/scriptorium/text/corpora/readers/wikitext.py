"""WikiText-2 and -103: a line `= Title =` starts an article; every line is a paragraph, and headings lose their equals
signs. The files' own marks, such as @-@ and <unk>, stay."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from scriptorium.files import lines
from scriptorium.files.tables import members
from scriptorium.ledger import Ledger
from scriptorium.text.corpora.documents import Document, lines_of

if TYPE_CHECKING:
    from scriptorium.text.corpora.readers.spec import ReaderOptions

SUFFIXES = lines.suffixes(".tokens", ".raw", ".txt")
HEADING = re.compile(r"\s*= (?!=)(.*\S) =\s*")  # of an article; sections have two or more equals signs: "= = ... = ="


def read(artifact: Path, options: ReaderOptions, ledger: Ledger) -> Iterator[Document]:
    """An article is a document."""
    paths = members(artifact, *SUFFIXES)
    lines.check_heads(paths)
    for path in paths:
        name, article, number = lines.stem(path, artifact, SUFFIXES), [], 0
        for line in lines_of(path):
            if HEADING.fullmatch(line) and article:
                yield f"{name}-{number:05d}", article
                article, number = [], number + 1
            if text := line.strip(" ="):
                article.append(text)
        if not article:
            raise lines.empty(path)
        yield f"{name}-{number:05d}", article
