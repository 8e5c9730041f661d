"""Tables of minimal pairs: every pre-trained model beside random weights, unigram frequencies and published models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from scriptorium import manifest as manifests
from scriptorium.errors import UserError
from scriptorium.evaluation.statistics import compare, estimate
from scriptorium.minimal_pairs.preparing import PUBLISHED
from scriptorium.minimal_pairs.scoring import MODEL, RANDOM, UNIGRAM, right
from scriptorium.reporting.differences import Difference
from scriptorium.reporting.manipulation import without_logits

CONTROLS = {RANDOM: "random weights", UNIGRAM: "unigram frequencies"}


@dataclass(frozen=True)
class PairsRun:
    """One model on one set of pairs: 1, .5 or 0 for every pair and scorer (columns), in the order of the set."""

    variant: str
    data: str
    seed: int
    right: pd.DataFrame


@dataclass(frozen=True)
class PairsData:
    """A set of pairs: id, phenomenon, paradigm; and published accuracies, if it has any."""

    name: str
    pairs: pd.DataFrame
    published: pd.DataFrame | None


def read(manifest: Path) -> PairsRun:
    """The run in results/minimal_pairs/<variant>/<data>/seed<k>/."""
    folder = manifest.parent
    scores = pd.read_parquet(folder / "scores.parquet")
    scores["right"] = right(scores["good"].to_numpy(), scores["bad"].to_numpy())
    table = scores.pivot(index="id", columns="scorer", values="right")
    table = table.loc[scores.loc[scores["scorer"] == MODEL, "id"]]
    return PairsRun(folder.parent.parent.name, folder.parent.name, int(folder.name.removeprefix("seed")), table)


def read_data(manifest: Path) -> PairsData:
    """The set in results/data/minimal_pairs/<name>/."""
    pairs = pd.read_parquet(manifests.the_parquet(manifest), columns=["id", "phenomenon", "paradigm"])
    path = manifest.parent / PUBLISHED
    published = pd.read_csv(path, sep="\t", keep_default_na=False) if path.is_file() else None
    return PairsData(manifest.parent.name, pairs, published)


def pairs_table(runs: Sequence[PairsRun]) -> pd.DataFrame:
    """One row per variant, set of pairs and control: variant, data, pairs, seeds, accuracy, ci_low, ci_high, control,
    delta (accuracy of the model minus that of the control), delta_ci_low, delta_ci_high.

    Intervals are of evaluation/statistics.py, over seeds and pairs; random weights are drawn by the run's seed and
    share nothing else with it, so the seeds are not paired. The unigram control is the same for every seed.
    Raises UserError: runs of a variant on different pairs.
    """
    rows = []
    for (variant, data), own in grouped(runs).items():
        found = estimate(_totals(own, MODEL), _accuracy)
        for control, shown in CONTROLS.items():
            against = compare(_totals(own, MODEL), _totals(own, control), _accuracy)
            rows.append(
                {
                    "variant": variant,
                    "data": data,
                    "pairs": len(own[0].right),
                    "seeds": len(own),
                    "accuracy": found.value,
                    "ci_low": found.low,
                    "ci_high": found.high,
                    "control": shown,
                    "delta": against.difference,
                    "delta_ci_low": against.low,
                    "delta_ci_high": against.high,
                }
            )
    return pd.DataFrame(rows)


def phenomena(runs: Sequence[PairsRun], data: Mapping[str, PairsData]) -> pd.DataFrame:
    """One row per variant, set, phenomenon and, where a set divides these, paradigm (empty: the whole phenomenon).

    Columns: variant, data, phenomenon, paradigm, pairs, seeds, accuracy, ci_low, ci_high, random, unigram (accuracy of
    the controls), and a column `published_<model>` for each published model, on all pairs of the published set.
    """
    rows = []
    for (variant, name), own in grouped(runs).items():
        known = data[name]
        for phenomenon, paradigm, chosen in _parts(known.pairs):
            found = estimate(_totals(own, MODEL, chosen), _accuracy)
            rows.append(
                {
                    "variant": variant,
                    "data": name,
                    "phenomenon": phenomenon,
                    "paradigm": paradigm,
                    "pairs": int(chosen.sum()),
                    "seeds": len(own),
                    "accuracy": found.value,
                    "ci_low": found.low,
                    "ci_high": found.high,
                    "random": float(_totals(own, RANDOM, chosen)[..., 0].mean()),
                    "unigram": float(_totals(own, UNIGRAM, chosen)[..., 0].mean()),
                    **_published(known.published, phenomenon, paradigm),
                }
            )
    return pd.DataFrame(rows)


def difference(
    own: Sequence[PairsRun], base: Sequence[PairsRun], *, smallest: float
) -> tuple[tuple[float, float], Difference]:
    """(accuracy of both variants on a set, the first minus the second). A pair is changed if it is right for one alone.

    Raises UserError: different pairs.
    """
    for run in (*own, *base):
        if not run.right.index.equals(base[0].right.index):
            raise UserError(
                f"{own[0].variant} and {base[0].variant} were scored on different pairs of {run.data}",
                where="results/minimal_pairs",
                remedy="run snakemake for both again",
            )
    a, b = _totals(own, MODEL), _totals(base, MODEL)
    by_seed = [{run.seed: run.right[MODEL].to_numpy() for run in side} for side in (own, base)]
    values = estimate(a, _accuracy).value, estimate(b, _accuracy).value
    found = compare(a, b, _accuracy, smallest=smallest)
    return values, Difference(found, without_logits(*by_seed), min(len(own), len(base)))


def grouped(runs: Sequence[PairsRun]) -> dict[tuple[str, str], list[PairsRun]]:
    """(variant, data) -> its runs, all on the same pairs. Raises UserError if they are not."""
    found: dict[tuple[str, str], list[PairsRun]] = {}
    for run in runs:
        found.setdefault((run.variant, run.data), []).append(run)
    for (variant, data), own in found.items():
        if any(not run.right.index.equals(own[0].right.index) for run in own):
            raise UserError(
                "the seeds were scored on different pairs",
                where=f"results/minimal_pairs/{variant}/{data}",
                remedy="run snakemake for all of them again",
            )
    return found


def _totals(runs: Sequence[PairsRun], scorer: str, chosen: np.ndarray | None = None) -> np.ndarray:
    """[seeds, pairs, 2]: how right a pair is, and 1."""
    values = np.stack([run.right[scorer].to_numpy() for run in runs])
    values = values if chosen is None else values[:, chosen]
    return np.stack([values, np.ones_like(values)], axis=-1)


def _accuracy(sums: np.ndarray) -> np.ndarray:
    """[..., 2] -> [...]."""
    return sums[..., 0] / sums[..., 1]


def _parts(pairs: pd.DataFrame) -> Iterator[tuple[str, str, np.ndarray]]:
    """(phenomenon, paradigm, which pairs are of it) for every phenomenon, and behind each its paradigms."""
    for phenomenon in pairs["phenomenon"].drop_duplicates():
        own = (pairs["phenomenon"] == phenomenon).to_numpy()
        yield phenomenon, "", own
        for paradigm in pairs.loc[own, "paradigm"].drop_duplicates():
            chosen = own & (pairs["paradigm"] == paradigm).to_numpy()
            if chosen.sum() < own.sum():
                yield phenomenon, paradigm, chosen


def _published(published: pd.DataFrame | None, phenomenon: str, paradigm: str) -> dict[str, float]:
    if published is None:
        return {}
    row = published[(published["phenomenon"] == phenomenon) & (published["paradigm"] == paradigm)]
    models = [name for name in published if name not in ("phenomenon", "paradigm")]
    return {f"published_{name}": float(row[name].iloc[0]) if len(row) else np.nan for name in models}
