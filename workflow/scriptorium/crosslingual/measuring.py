"""The tables of one model: hidden pieces, which translation it finds, which words it links. A stopped run goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from scriptorium.chunks import kept_arrays, stop_if_asked
from scriptorium.crosslingual import alignment, reading
from scriptorium.crosslingual.held_out import Pair
from scriptorium.job import Job
from scriptorium.models.veco import VecoForMaskedLM
from scriptorium.text.dictionaries.preparing import translations

MODEL, RANDOM = "model", "random"
CHOICE, TEST = "choice", "test"  # halves of the pairs: the first chooses the layer, the second is reported
TIE = 1e-6  # nats
CHUNK = 60  # questions, or pairs, after which what is found is saved
TOKENS = 8192  # in a batch
KEPT = "what was measured before is kept"
KEYS = ["pair", "text", "context"]


@dataclass(frozen=True)
class Asked:
    """The pairs, what is asked about them, and the ids that a model needs for it."""

    pairs: Sequence[Pair]
    questions: Sequence[reading.Question]
    pad: int


def read(job: Job, model: VecoForMaskedLM, asked: Asked, frequencies: np.ndarray) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(tokens, matches) of all questions.

    tokens, a row per hidden piece and way to read: KEYS, reads, log_frequency (nats), without, true, others (nats; the
    mean over the other candidates). matches, a row per question and way to read: KEYS, reads, right: 1 where the
    translation makes the hidden pieces likeliest, a share where it is not alone, else 0.
    """
    tokens, matches, pause = [], [], partial(stop_if_asked, job, KEPT)
    for start in range(0, len(asked.questions), CHUNK):
        part = asked.questions[start : start + CHUNK]
        found = kept_arrays(
            job, f"read-{start}", lambda part=part: reading.losses(model, asked.pad, part, TOKENS, pause)
        )
        sizes = [len(question.labels) for question in part]
        labels = np.concatenate([question.labels for question in part])
        keys = pd.DataFrame([_keys(asked.pairs, question) for question in part], columns=KEYS)
        for reads in (name for name in found if name != reading.WITHOUT):
            nats = found[reads]
            tokens.append(
                keys.loc[np.repeat(np.arange(len(part)), sizes)].assign(
                    reads=reads,
                    log_frequency=frequencies[labels],
                    without=found[reading.WITHOUT],
                    true=nats[:, 0],
                    others=nats[:, 1:].mean(1),
                )
            )
            summed = np.add.reduceat(nats, np.cumsum([0, *sizes[:-1]]))
            best = summed <= summed.min(1, keepdims=True) + TIE
            matches.append(keys.assign(reads=reads, right=best[:, 0] / best.sum(1)))
    return pd.concat(tokens, ignore_index=True), pd.concat(matches, ignore_index=True)


def linked(job: Job, name: str, model: VecoForMaskedLM, asked: Asked, dictionary: Path) -> pd.DataFrame:
    """A row per text with words of the dictionary, source and layer: KEYS, part, source, layer, links, right, uniform,
    diagonal: how many of its links there are, are found, and would be by chance and by place in the sentence."""
    columns = [*KEYS, "part", "source", "layer", "links", "right", "uniform", "diagonal"]
    frames = []
    for start in range(0, len(asked.pairs), CHUNK):
        part = asked.pairs[start : start + CHUNK]

        def compute(part=part, start=start) -> dict[str, np.ndarray]:
            stop_if_asked(job, KEPT)
            rows = []
            for number, (pair, found) in enumerate(zip(part, alignment.scores(model, part, asked.pad), strict=True)):
                half = CHOICE if (start + number) % 2 else TEST
                for (source, layer, side), scores in found.items():
                    facts = _keys_of(pair, side)
                    table = translations(dictionary, *facts[1:])
                    links = alignment.links(pair.texts[side], pair.texts[1 - side], table)
                    if links:
                        rows.append((*facts, half, source, layer, *_counts(links, scores)))
            return {column: np.array([row[place] for row in rows]) for place, column in enumerate(columns)}

        frames.append(pd.DataFrame(kept_arrays(job, f"linked-{name}-{start}", compute))[columns])
    return pd.concat(frames, ignore_index=True)


def best_layer(rows: pd.DataFrame) -> int:
    """The layer that finds most on the half of the pairs that chooses; the lower one if two find as much."""
    summed = rows[rows["part"] == CHOICE].groupby("layer")[["right", "links"]].sum()
    return int((summed["right"] / summed["links"]).idxmax())


def example(model: VecoForMaskedLM, asked: Asked, dictionary: Path) -> dict:
    """For a picture: the pair of the half that chooses with the most links; its words and the scores of all layers."""
    best, most = 1, -1
    for number in range(1, len(asked.pairs), 2):
        pair = asked.pairs[number]
        count = len(alignment.links(*pair.texts, translations(dictionary, *pair.languages)))
        if count > most and max(len(text.words) for text in pair.texts) <= 14:
            best, most = number, count
    pair = asked.pairs[best]
    (found,) = alignment.scores(model, [pair], asked.pad)
    return {
        "pair": pair.id,
        "languages": pair.languages,
        "words": [[form for form, _, _ in text.words] for text in pair.texts],
        "links": [
            [row, sorted(columns)]
            for row, columns in alignment.links(*pair.texts, translations(dictionary, *pair.languages))
        ],
        "scores": {f"{source}/{layer}": values.tolist() for (source, layer, side), values in found.items() if not side},
    }


def _counts(links: list[tuple[int, frozenset[int]]], scores: np.ndarray) -> tuple[int, int, float, int]:
    rows, columns = scores.shape
    taken = scores.argmax(1)
    places = np.arange(columns) / max(columns - 1, 1)
    across = np.abs(places[None] - (np.arange(rows) / max(rows - 1, 1))[:, None]).argmin(1)
    return (
        len(links),
        sum(int(taken[word] in partners) for word, partners in links),
        sum(len(partners) / columns for _, partners in links),
        sum(int(across[word] in partners) for word, partners in links),
    )


def _keys(pairs: Sequence[Pair], question: reading.Question) -> tuple[str, str, str]:
    return _keys_of(pairs[question.pair], question.side)


def _keys_of(pair: Pair, side: int) -> tuple[str, str, str]:
    return pair.id, pair.languages[side], pair.languages[1 - side]
