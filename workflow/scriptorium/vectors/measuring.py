"""One encoder on one set: vectors and links of all pairs, in chunks that are saved, and what measures make of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import transformers

from scriptorium.chunks import kept_arrays, stop_if_asked
from scriptorium.crosslingual import alignment
from scriptorium.crosslingual.held_out import Pair
from scriptorium.job import Job
from scriptorium.models.positions import longest_input
from scriptorium.text.dictionaries.preparing import translations as lookup
from scriptorium.vectors import embedding, projection, tables, texts
from scriptorium.vectors.measures import CHOICE, TEST
from scriptorium.vectors.tables import Group
from scriptorium.vectors.texts import Translation

CHUNK = 50  # pairs after which what is found is saved


@dataclass(frozen=True)
class Asked:
    """What every encoder is asked. dictionary: entries.parquet; none: the translations have gold links. halves: half of
    the pairs choose a layer."""

    translations: Sequence[Translation]
    dictionary: Path | None
    halves: bool


@dataclass(frozen=True)
class Encoder:
    """Who is asked; name: measures.MODEL, RANDOM or START."""

    name: str
    model: transformers.PreTrainedModel
    tokenizer: transformers.PreTrainedTokenizerBase

    @property
    def pad(self) -> int:
        return self.tokenizer.pad_token_id


def measured(job: Job, encoder: Encoder, asked: Asked) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(sums, points). sums: KEYS and SUMS of measures.py. points: scorer, languages, pair, language, x, y, share: where
    the texts lie in the plane of the last layer (projection.py).

    Raises Interrupted between two chunks, when the job should stop.
    """
    pairs = texts.encoded(asked.translations, encoder.tokenizer, longest_input(encoder.model.config))
    found = _in_chunks(job, encoder, asked, pairs)
    ends = [np.cumsum([0, *(len(pair.texts[side].words) for pair in pairs)]) for side in (0, 1)]
    sums, points = [], []
    for start, stop in _groups(pairs):
        parts = [CHOICE if asked.halves and number % 2 else TEST for number in range(stop - start)]
        group = Group(pairs[start:stop], parts)
        both = [found[f"{embedding.TEXTS}-{side}"][:, start:stop] for side in (0, 1)]
        for layer, (x, y) in enumerate(zip(*both, strict=True)):
            sums += tables.of_texts(group, x, y, layer, encoder.name)
        if asked.dictionary:
            words = [found[f"{embedding.WORDS}-{side}"][:, ends[side][start] : ends[side][stop]] for side in (0, 1)]
            sums += tables.of_words(group, words, partial(lookup, asked.dictionary), encoder.name)
        else:
            sums += tables.of_links(group, {k: own[start:stop] for k, own in found.items() if "/" in k}, encoder.name)
        points.append(_points(group, both[0][-1], both[1][-1]))
    return tables.joined_rows(sums), pd.concat(points, ignore_index=True).assign(scorer=encoder.name)


def _in_chunks(job: Job, encoder: Encoder, asked: Asked, pairs: Sequence[Pair]) -> dict[str, np.ndarray]:
    """{words-0, words-1, texts-0, texts-1}: [layers, ..., d]; with gold {"<source>/<layer>": [pairs, methods, 4]}."""
    chunks = []
    for start in range(0, len(pairs), CHUNK):

        def compute(start=start) -> dict[str, np.ndarray]:
            stop_if_asked(job, f"{start} of {len(pairs)} pairs are read ({encoder.name})")
            part, own = pairs[start : start + CHUNK], asked.translations[start : start + CHUNK]
            made = {}
            for side in (0, 1):
                vectors = embedding.vectors(encoder.model, [pair.texts[side] for pair in part], encoder.pad)
                made |= {f"{name}-{side}": values for name, values in vectors.items()}
            if asked.dictionary is None:
                scores = alignment.scores(encoder.model, part, encoder.pad)
                rows = [tables.counted(each, given) for each, given in zip(own, scores, strict=True)]
                made |= {name: np.stack([row[name] for row in rows]) for name in rows[0]}
            return made

        chunks.append(kept_arrays(job, f"{encoder.name}-{start}", compute))
    return {name: np.concatenate([own[name] for own in chunks], axis=int("/" not in name)) for name in chunks[0]}


def _groups(pairs: Sequence[Pair]) -> Iterator[tuple[int, int]]:
    """Where the pairs of two languages begin and end; they stand together."""
    starts = [at for at, pair in enumerate(pairs) if not at or pair.languages != pairs[at - 1].languages]
    yield from zip(starts, [*starts[1:], len(pairs)], strict=True)


def _points(group: Group, x: np.ndarray, y: np.ndarray) -> pd.DataFrame:
    *places, share = projection.plane(x, y)
    facts = {"languages": "-".join(group.languages), "pair": [pair.id for pair in group.pairs], "share": share}
    return pd.concat(
        [
            pd.DataFrame(facts | {"language": language, "x": own[:, 0], "y": own[:, 1]})
            for language, own in zip(group.languages, places, strict=True)
        ]
    )
