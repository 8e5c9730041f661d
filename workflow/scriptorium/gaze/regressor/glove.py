"""Word vectors from a text file of your own, such as GloVe 840B (docs/papers/cogbert.md section 4.1): a word and its
numbers per line.

Of the file, which may have millions of lines, only the words that are asked for are kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from scriptorium.errors import UserError
from scriptorium.files.lines import lines
from scriptorium.ledger import Ledger


class FileVectors:
    """Vectors of words by look-up; `size` is their dimension D.

    A word is looked up as it is, without the punctuation around it, in lower case, and both, in this order (ours: the
    released code meant to strip punctuation but did not, docs/papers/cogbert.md section 10 no. 11). What is not found
    has the zero vector (released code) and counts as unknown.
    """

    def __init__(self, table: dict[str, np.ndarray], size: int):
        self.table, self.size, self.unknown, self.looked_up = table, size, 0, 0

    @classmethod
    def read(cls, path: Path, words: Iterable[str]) -> FileVectors:
        """From .txt or .txt.gz, keeping what `words` may need. Raises UserError naming file and line."""
        wanted = {form for word in words for form in spellings(word)}
        table: dict[str, np.ndarray] = {}
        size = 0
        for number, line in lines(path):
            line = line.rstrip(" ")
            if number == 1 and len(line.split()) == 2:
                continue  # word2vec's header: how many words, how many numbers
            size = size or len(line.split()) - 1
            # from the right: some words of GloVe 840B hold blanks
            word, *cells = line.rsplit(" ", size)
            if size < 2 or len(cells) != size:
                raise UserError(
                    f"{len(cells)} numbers, {size} in the lines before",
                    where=f"{path}, line {number}",
                    remedy="give one word and its numbers per line, separated by blanks",
                )
            if word not in wanted or word in table:
                continue
            try:
                vector = np.array(cells, dtype=np.float32)
            except ValueError as error:
                raise UserError(
                    f"not numbers: {error}",
                    where=f"{path}, line {number}",
                    remedy="give one word and its numbers per line",
                ) from None
            if not np.isfinite(vector).all():
                raise UserError(
                    f"the vector of {word!r} is not finite",
                    where=f"{path}, line {number}",
                    remedy="download the file again",
                )
            table[word] = vector
        if not size:
            raise UserError("there is not one vector", where=path, remedy="download the file again")
        return cls(table, size)

    def __call__(self, sentences: list[list[str]]) -> list[np.ndarray]:
        """[words, D] float32 for each sentence, given as its words."""
        return [np.array([self._find(word) for word in words], dtype=np.float32) for words in sentences]

    def _find(self, word: str) -> np.ndarray:
        self.looked_up += 1
        for form in spellings(word):
            if form in self.table:
                return self.table[form]
        self.unknown += 1
        return np.zeros(self.size, dtype=np.float32)

    def record(self, ledger: Ledger) -> None:
        share = self.unknown / max(self.looked_up, 1)
        ledger.metrics(0, {"word_vectors/unknown_share": share})
        ledger.note(f"{self.unknown} of {self.looked_up} words are not in the vector file; they have the zero vector")


def spellings(word: str) -> tuple[str, ...]:
    """The forms of a word in the order in which they are looked up; a word of punctuation only stays as it is."""
    kept = [at for at, character in enumerate(word) if character.isalnum()]
    stripped = word[kept[0] : kept[-1] + 1] if kept else word
    return tuple(dict.fromkeys((word, stripped, word.lower(), stripped.lower())))
