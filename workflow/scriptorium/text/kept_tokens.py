"""Tokens of a corpus, kept part by part while a job works: a job that was stopped or killed tokenises no part twice.

Parts are cut from the stream of texts by its characters alone, so they are the same in every attempt. They lie in the
job's state, at two bytes per token, and go when it has finished.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from scriptorium.chunks import kept_arrays, stop_if_asked
from scriptorium.text.blocks import piece_type
from scriptorium.text.packing import Tokens, grouped, tokenise

if TYPE_CHECKING:
    import transformers

    from scriptorium.job import Job

CHARACTERS_PER_PART = 1 << 22  # about five seconds of one core


class KeptTokens(Tokens):
    """The same arrays in the same order, and what was done before is read from the job's state."""

    def __init__(self, job: Job, tokenizer: transformers.PreTrainedTokenizerBase):
        super().__init__(tokenizer, job.impl.threads)
        self.job = job

    def of(self, name: str, texts: Iterable[str], *, by_line: bool = False) -> Iterator[list[np.ndarray]]:
        """Each document's word pieces, as `tokenise` gives them.

        Raises Interrupted between two parts when the job should stop.
        """
        for number, part in enumerate(grouped(texts, len, CHARACTERS_PER_PART)):

            def compute(number=number, part=part) -> dict[str, np.ndarray]:
                stop_if_asked(self.job, f"{number} parts of {name} are tokenised")
                return self._tokenised(part, by_line)

            yield from _documents(kept_arrays(self.job, f"tokens/{name}-{number:06d}", compute))

    def _tokenised(self, texts: list[str], by_line: bool) -> dict[str, np.ndarray]:
        """The pieces of all texts one behind the other, how many each run of them has, and how many runs a text."""
        made = list(tokenise(texts, self.tokenizer, by_line=by_line, threads=self.threads))
        runs = [run for document in made for run in document]
        return {
            "pieces": np.concatenate(runs).astype(piece_type(len(self.tokenizer))),
            "run_lengths": np.array([len(run) for run in runs], np.int32),
            "runs": np.array([len(document) for document in made], np.int32),
        }


def _documents(kept: dict[str, np.ndarray]) -> Iterator[list[np.ndarray]]:
    runs = np.split(kept["pieces"].astype(np.int32), np.cumsum(kept["run_lengths"])[:-1])
    ends = np.cumsum(kept["runs"])
    for start, end in zip(ends - kept["runs"], ends, strict=True):
        yield runs[start:end]
