"""Table of retrieval: every encoder beside its architecture with random weights, and chance."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from scriptorium.errors import UserError
from scriptorium.evaluation.statistics import compare, estimate
from scriptorium.reporting.differences import Difference
from scriptorium.reporting.manipulation import without_logits
from scriptorium.retrieval.evaluating import BOTH, MODEL, RANDOM

CONTROL = "random weights"
MEAN = "mean"  # of the languages
ACCURACY, F1 = "accuracy", "F1"


@dataclass(frozen=True)
class RetrievalRun:
    """One encoder on one set: the rows of evaluating.py, and metrics.json."""

    variant: str
    collection: str
    seed: int
    rows: pd.DataFrame
    metrics: dict[str, float]


def read(manifest: Path) -> RetrievalRun:
    """The run in results/retrieval/<variant>/<set>/seed<k>/."""
    folder = manifest.parent
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    variant, collection, seed = folder.parent.parent.name, folder.parent.name, int(folder.name.removeprefix("seed"))
    return RetrievalRun(variant, collection, seed, pd.read_parquet(folder / "ranks.parquet"), metrics)


def retrieval_table(runs: Sequence[RetrievalRun]) -> pd.DataFrame:
    """One row per variant, set, layer, languages and direction: variant, set, languages, direction, layer, counts
    (whether it is the layer that counts), metric, n, seeds, value, ci_low, ci_high, chance, control, delta (value minus
    that of random weights), delta_ci_low, delta_ci_high.

    direction `both`: both directions together, one pair one example; languages `mean`: the plain mean over languages,
    as XTREME's. Intervals are of evaluation/statistics.py, over seeds and pairs (where pairs are mined, texts of the
    first language); random weights share nothing with the run but the number of the seed, so the seeds are not paired.
    Raises UserError: runs of a variant on different texts.
    """
    made = []
    for own in grouped(runs):
        for layer in sorted(own[0].rows["layer"].unique()):
            rows = [run.rows[run.rows["layer"] == layer] for run in own]
            totals = {name: [_Totals.of(each[each["scorer"] == name]) for each in rows] for name in (MODEL, RANDOM)}
            made += [_row(own, int(layer), totals, *key) for key in totals[MODEL][0].shown()]
    return pd.DataFrame(made)


def difference(
    own: Sequence[RetrievalRun], base: Sequence[RetrievalRun], *, smallest: float
) -> tuple[tuple[float, float], Difference]:
    """(values of both variants, the first minus the second) on one set: the mean over its languages, both directions
    together, each variant by its layer that counts. Raises UserError: other texts."""
    counted = [[_counted(run) for run in side] for side in (own, base)]
    asked = [rows[["id", "languages", "direction"]].reset_index(drop=True) for side in counted for rows in side]
    if not all(each.equals(asked[0]) for each in asked):
        raise UserError(
            f"{own[0].variant} and {base[0].variant} were tested on different texts",
            where=f"results/retrieval/*/{own[0].collection}",
            remedy="run snakemake for both again",
        )
    totals = [[_Totals.of(rows) for rows in side] for side in counted]
    key = totals[0][0].shown()[-1]
    a, b = (np.stack([each.of_key(*key) for each in side]) for side in totals)
    texts = [
        {run.seed: rows["found"].to_numpy() for run, rows in zip(side, tables, strict=True)}
        for side, tables in zip((own, base), counted, strict=True)
    ]
    acted = without_logits(*texts)
    values = estimate(a, _measure).value, estimate(b, _measure).value
    return values, Difference(compare(a, b, _measure, smallest=smallest), acted, min(len(own), len(base)))


def metric_of(run: RetrievalRun) -> str:
    """Texts that are mined have F1, those that are searched accuracy."""
    return F1 if any(name.startswith("threshold/") for name in run.metrics) else ACCURACY


def _counted(run: RetrievalRun) -> pd.DataFrame:
    """The rows of the encoder, of the layer that counts."""
    return run.rows[(run.rows["layer"] == run.metrics["layer"]) & (run.rows["scorer"] == MODEL)]


def grouped(runs: Sequence[RetrievalRun]) -> list[list[RetrievalRun]]:
    """The runs of each variant and set, all on the same texts. Raises UserError if they are not."""
    found: dict[tuple[str, str], list[RetrievalRun]] = {}
    for run in runs:
        found.setdefault((run.variant, run.collection), []).append(run)
    keys = ["id", "languages", "direction", "layer", "scorer"]
    for (variant, collection), own in found.items():
        if any(not run.rows[keys].equals(own[0].rows[keys]) for run in own):
            raise UserError(
                "the seeds were tested on different texts or layers",
                where=f"results/retrieval/{variant}/{collection}",
                remedy="run snakemake for all of them again",
            )
    return list(found.values())


class _Totals:
    """Of one scorer and layer: languages -> direction -> [examples, 2], hits and what they are divided by."""

    def __init__(self, sums: dict[str, dict[str, np.ndarray]]):
        self.sums = sums

    @classmethod
    def of(cls, rows: pd.DataFrame) -> _Totals:
        sums: dict[str, dict[str, np.ndarray]] = {}
        for (languages, direction), own in rows.groupby(["languages", "direction"], sort=False):
            divisor = (own["predicted"] + own["gold"]) / 2
            sums.setdefault(languages, {})[direction] = np.stack([own["hit"], divisor], axis=-1).astype(np.float64)
        for found in sums.values():
            found.setdefault(BOTH, sum(found.values()))
        return cls(sums)

    def shown(self) -> list[tuple[str, str]]:
        """(languages, direction) of the rows of the table."""
        found = [(languages, direction) for languages, own in self.sums.items() for direction in own]
        return [*found, (MEAN, BOTH)] if len(self.sums) > 1 else found

    def of_key(self, languages: str, direction: str) -> np.ndarray:
        """[examples, 2 L]: L languages have columns of their own, and an example counts in those of its own."""
        if languages != MEAN:
            return self.sums[languages][direction]
        blocks = [own[BOTH] for own in self.sums.values()]
        found = np.zeros((sum(map(len, blocks)), 2 * len(blocks)))
        start = 0
        for number, block in enumerate(blocks):
            found[start : start + len(block), 2 * number : 2 * number + 2] = block
            start += len(block)
        return found


def _row(own: list[RetrievalRun], layer: int, totals: dict[str, list[_Totals]], languages: str, direction: str) -> dict:
    model, random = (np.stack([each.of_key(languages, direction) for each in totals[name]]) for name in (MODEL, RANDOM))
    found, against = estimate(model, _measure), compare(model, random, _measure)
    return {
        "variant": own[0].variant,
        "set": own[0].collection,
        "languages": languages,
        "direction": direction,
        "layer": layer,
        "counts": layer == own[0].metrics["layer"],
        "metric": metric_of(own[0]),
        "n": model.shape[1],
        "seeds": len(own),
        "value": found.value,
        "ci_low": found.low,
        "ci_high": found.high,
        "chance": _chance(own[0].metrics, languages, direction),
        "control": CONTROL,
        "delta": against.difference,
        "delta_ci_low": against.low,
        "delta_ci_high": against.high,
    }


def _measure(sums: np.ndarray) -> np.ndarray:
    """[..., 2 L] -> [...]: hits over their divisor, the mean over languages; 0 where nothing is predicted."""
    hits, divisor = sums[..., 0::2], sums[..., 1::2]
    return np.divide(hits, divisor, out=np.zeros_like(hits), where=divisor > 0).mean(axis=-1)


def _chance(metrics: dict[str, float], languages: str, direction: str) -> float:
    """That of the row; of several directions or languages the mean."""
    known: dict[str, dict[str, float]] = {}
    for name, value in metrics.items():
        if name.startswith("chance/"):
            _, pair, way = name.split("/")
            known.setdefault(pair, {})[way] = value
    means = {pair: own | {BOTH: float(np.mean(list(own.values())))} for pair, own in known.items()}
    if languages == MEAN:
        return float(np.mean([own[direction] for own in means.values()]))
    return means[languages][direction]
