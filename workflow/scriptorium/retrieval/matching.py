"""One encoder on a whole set: vectors of all texts, and in every layer what is found by them."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from threadpoolctl import threadpool_limits

from scriptorium.chunks import stop_if_asked
from scriptorium.job import Job
from scriptorium.retrieval import embedding, evaluating, mining
from scriptorium.retrieval.collection import DEV, Part
from scriptorium.retrieval.embedding import Encoder
from scriptorium.retrieval.searching import COSINE, MARGIN


def match(job: Job, scorer: str, encoder: Encoder, parts: Sequence[Part]) -> tuple[pd.DataFrame, dict[str, float]]:
    """The rows of evaluating.py for all test parts and layers; and where pairs are mined the thresholds that dev gave,
    by "<languages>/<layer>". Dev comes before test. Raises Interrupted when the job should stop.
    """
    spec, tables, thresholds = job.spec, [], {}
    score = spec.score or (MARGIN if spec.mining else COSINE)
    for part in parts:
        first, second = evaluating.distinct(part.first), evaluating.distinct(part.second)
        vectors = embedding.in_chunks(job, f"{scorer}-{part.name}", encoder, [*first.texts, *second.texts])
        for number, layer in enumerate(encoder.layers):

            def pause(done: str = f"{part.name}, layer {layer} is being searched by {scorer}") -> None:
                stop_if_asked(job, done)

            both = vectors.of_layer(number)
            x, y = both[: len(first.texts)], both[len(first.texts) :]
            with threadpool_limits(job.impl.threads):
                if not spec.mining:
                    how = score, spec.neighbours, pause
                    made = evaluating.searched(part, x[first.owners], y[second.owners], *how)
                else:
                    proposed = evaluating.candidates(part, x, y, score, spec.neighbours, pause)
                    if part.split == DEV:
                        thresholds[f"{part.languages}/{layer}"] = mining.best_threshold(proposed, len(part.gold))
                        continue
                    made = evaluating.mined(part, proposed, thresholds[f"{part.languages}/{layer}"])
            tables.append(made.assign(languages=part.languages, layer=layer))
    return pd.concat(tables).assign(scorer=scorer), thresholds
