"""Which sentence of a pair a model finds more likely, and two controls that have learned no context.

Scorers: `model`, the pre-trained model · `random`, its architecture with random weights · `unigram`, frequencies of its
training tokens, which know no order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from scriptorium.chunks import stop_if_asked, write_whole
from scriptorium.job import Job
from scriptorium.minimal_pairs.sentences import Sentence

MODEL, RANDOM, UNIGRAM = "model", "random", "unigram"
TIE = 1e-4  # nats: more than batches of another shape change a score
CHUNK = 1024  # sentences after which scores are saved

Scores = Callable[[Sequence[Sentence]], np.ndarray]


def right(good: np.ndarray, bad: np.ndarray) -> np.ndarray:
    """[pairs]: 1 where the good sentence is more likely, .5 where both are equally likely (ours), else 0."""
    return np.where(np.abs(good - bad) <= TIE, 0.5, (good > bad).astype(np.float64))


def unigram(log_frequency: np.ndarray) -> Scores:
    """Scores by log frequencies [vocabulary]. The sum is exact, so the order of the tokens cannot matter."""
    return lambda sentences: np.array([math.fsum(log_frequency[list(each.pieces)]) for each in sentences])


def in_chunks(job: Job, name: str, scores: Scores, sentences: Sequence[Sentence]) -> np.ndarray:
    """The scores of all sentences, float64 [sentences]; a run that is stopped goes on behind the last chunk.

    Raises Interrupted between two chunks, when the job should stop.
    """
    parts = []
    for start in range(0, len(sentences), CHUNK):
        path = job.state / f"{name}-{start}.npy"
        if not path.is_file():
            stop_if_asked(job, f"{start} of {len(sentences)} sentences are scored by {name}")
            values = scores(sentences[start : start + CHUNK])
            write_whole(path, lambda handle, values=values: np.save(handle, values))
        parts.append(np.load(path, allow_pickle=False))
    return np.concatenate(parts)
