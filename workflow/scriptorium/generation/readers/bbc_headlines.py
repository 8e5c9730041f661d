"""Headlines of BBC news (Greene and Cunningham 2006): the first line of an article is its headline, the rest is the
source."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from scriptorium.errors import UserError
from scriptorium.files.tables import clean
from scriptorium.generation.frame import FIELDS
from scriptorium.ledger import Ledger
from scriptorium.text.corpora.readers import bbc
from scriptorium.text.corpora.readers.spec import ReaderOptions

if TYPE_CHECKING:
    from scriptorium.generation.spec import GenerationDataSpec


def read(spec: GenerationDataSpec, artifact: Path, ledger: Ledger) -> pd.DataFrame:
    """Every article. Raises UserError naming the file: no text, or a headline without an article."""
    rows = []
    for name, paragraphs in bbc.read(artifact, ReaderOptions(), ledger):
        headline, *rest = [text for text in map(clean, paragraphs) if text] or [""]
        if not (headline and rest):
            raise UserError(
                "a headline without an article" if headline else "the file is empty",
                where=f"{artifact.parent / name}.txt",
                remedy="fetch it again, or leave it out",
            )
        article = " ".join(rest)
        whole = f"{headline} {article}"
        rows.append((name, article, headline, "", whole, (headline, article)))
    return pd.DataFrame(rows, columns=FIELDS)
