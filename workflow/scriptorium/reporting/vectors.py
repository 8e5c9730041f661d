"""Table of the measures on vectors: every encoder and layer, beside chance, random weights and the study's baseline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from scriptorium.crosslingual.alignment import STATES
from scriptorium.errors import UserError, nearest
from scriptorium.evaluation.statistics import Comparison, compare, estimate, holm
from scriptorium.reporting.differences import Difference
from scriptorium.reporting.manipulation import without_logits
from scriptorium.reporting.verdicts import BASELINE, of_difference, scale
from scriptorium.vectors import layers
from scriptorium.vectors.measures import BOTH, MEASURES, MODEL, RANDOM, SUMS, chance_of

DELTAS = ("delta", "delta_ci_low", "delta_ci_high", "p", "p_holm")


class Cell(NamedTuple):
    """What a row of the table is about, but for the layer."""

    measure: str
    languages: str
    direction: str
    reads: str


@dataclass(frozen=True)
class VectorsRun:
    """One encoder on one set: its tables (vectors/measuring.py)."""

    variant: str
    collection: str
    seed: int
    sums: pd.DataFrame
    points: pd.DataFrame


def read(manifest: Path) -> VectorsRun:
    """The run in results/vectors/<variant>/<set>/seed<k>/."""
    folder = manifest.parent
    tables = (pd.read_parquet(folder / f"{name}.parquet") for name in ("sums", "points"))
    return VectorsRun(folder.parent.parent.name, folder.parent.name, int(folder.name.removeprefix("seed")), *tables)


def vectors_table(runs: Sequence[VectorsRun], baseline: str, given: Mapping[str, int | None]) -> pd.DataFrame:
    """One row per set, measure, direction, way to read, variant and layer.

    Columns: variant, set, measure, languages, direction, reads, layer, counts (whether it is the layer that counts),
    seeds, pairs, value, ci_low, ci_high, chance, control (random weights; where the layer counts, at the one that
    counts for them), against, delta (value minus the baseline's by its states, at the layers that count),
    delta_ci_low, delta_ci_high, p, p_holm (over the variants and ways to read of a measure, of rows about both
    directions), verdict, scale. Intervals are of evaluation/statistics.py, over seeds and pairs of texts.

    given: set -> the layer that counts, if one is given. Raises UserError: runs that were asked about different pairs.
    """
    rows, found = [], {}
    for collection, variants in _grouped(runs).items():
        made = {name: _Encoder(own, given[collection]) for name, own in variants.items()}
        for name, own in made.items():
            for cell, layer in own.cells():
                counts = own.counts(MODEL, cell) == layer
                base = made.get(baseline) if counts else None
                row, comparison = _row(own, cell, layer, base, itself=name == baseline)
                facts = {"variant": name, "set": collection, **cell._asdict(), "layer": layer, "counts": counts}
                if comparison:
                    found[len(rows)] = comparison, min(own.seeds, base.seeds)
                    row |= {"against": f"{baseline}, {STATES}"}
                rows.append(facts | {"seeds": own.seeds} | row)
    return _decided(pd.DataFrame(rows), found)


def difference(
    own: Sequence[VectorsRun], base: Sequence[VectorsRun], measure: str, given: int | None, *, smallest: float
) -> tuple[tuple[float, float], Difference]:
    """(values of both variants, the first minus the second) on one set by a measure of states: both directions, all
    languages together, each variant at its layer that counts. A pair of texts is changed if its sums are.

    given: the layer that counts, if one is given. Raises UserError: a measure that is not there, other pairs.
    """
    if measure not in MEASURES:
        raise UserError(f"vectors have no measure {measure!r}, {nearest(measure, MEASURES)}")
    _grouped([*own, *base])
    a, b = (_whole(_Encoder(side, given), measure) for side in (own, base))
    of = MEASURES[measure].of
    by_seed = [{run.seed: sums for run, sums in zip(*side, strict=True)} for side in ((own, a), (base, b))]
    acted = without_logits(*by_seed, _unequal)
    compared = compare(a, b, of, smallest=smallest, lower_better=MEASURES[measure].lower_better)
    values = estimate(a, of).value, estimate(b, of).value
    return values, Difference(compared, acted, min(len(own), len(base)))


def _whole(encoder: _Encoder, measure: str) -> np.ndarray:
    """[seeds, pairs of all languages, 4]."""
    cells = {
        cell for cell, _ in encoder.cells() if (cell.measure, cell.direction, cell.reads) == (measure, BOTH, STATES)
    }
    return np.concatenate([encoder.totals(MODEL, cell, encoder.counts(MODEL, cell)) for cell in sorted(cells)], axis=1)


def _unequal(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a != b).any(axis=-1)


class _Encoder:
    """The runs of one variant on one set."""

    def __init__(self, runs: Sequence[VectorsRun], given: int | None):
        self.seeds = len(runs)
        whole = pd.concat([run.sums for run in runs])
        self._counts = {name: layers.counting(whole[whole["scorer"] == name], given) for name in (MODEL, RANDOM)}
        parts = [_by_cell(run.sums) for run in runs]
        self._totals = {key: np.stack([own[key] for own in parts]) for key in parts[0]}

    def counts(self, scorer: str, cell: Cell) -> int:
        """The layer that counts."""
        return self._counts[scorer][cell.measure, cell.languages, cell.reads]

    def cells(self) -> Iterator[tuple[Cell, int]]:
        for scorer, *cell, layer in self._totals:
            if scorer == MODEL:
                yield Cell(*cell), layer

    def totals(self, scorer: str, cell: Cell, layer: int) -> np.ndarray | None:
        """[seeds, pairs, 4]."""
        return self._totals.get((scorer, *cell, layer))

    def value(self, scorer: str, cell: Cell, layer: int) -> float:
        """Of all pairs of all seeds together; NaN if there is none."""
        sums = self.totals(scorer, cell, layer)
        return float("nan") if sums is None else float(MEASURES[cell.measure].of(sums.sum((0, 1))))


def _by_cell(sums: pd.DataFrame) -> dict[tuple, np.ndarray]:
    """(scorer, *cell, layer) -> [pairs, 4]."""
    shown = layers.reported(sums)
    values = shown[list(SUMS)].to_numpy(np.float64)
    groups = shown.reset_index(drop=True).groupby(["scorer", *Cell._fields, "layer"], sort=False).indices
    return {key: values[rows] for key, rows in groups.items()}


def _row(
    own: _Encoder, cell: Cell, layer: int, base: _Encoder | None, *, itself: bool
) -> tuple[dict[str, object], Comparison | None]:
    """base: the baseline, where the layer counts; itself: the variant is the baseline."""
    measure, sums = MEASURES[cell.measure], own.totals(MODEL, cell, layer)
    value = estimate(sums, measure.of)
    row = {
        "pairs": sums.shape[1],
        "value": value.value,
        "ci_low": value.low,
        "ci_high": value.high,
        "chance": own.value(chance_of(MODEL), cell, layer),
        "control": own.value(RANDOM, cell, own.counts(RANDOM, cell) if base else layer),
        "against": "",
        **dict.fromkeys(DELTAS, np.nan),
        "verdict": BASELINE if base and itself and cell.reads == STATES else "",
        "scale": scale(own.seeds),
    }
    plain = cell._replace(reads=STATES)
    if base is None or (itself and cell == plain):
        return row, None
    found = compare(sums, base.totals(MODEL, plain, base.counts(MODEL, plain)), measure.of)
    deltas = {"delta": found.difference, "delta_ci_low": found.low, "delta_ci_high": found.high, "p": found.p}
    return row | deltas | {"scale": scale(min(own.seeds, base.seeds))}, found


def _decided(made: pd.DataFrame, found: Mapping[int, tuple[Comparison, int]]) -> pd.DataFrame:
    """With p_holm and verdicts, of the rows about both directions; other p values are left out."""
    tested = made[made.index.isin(found) & (made["direction"] == BOTH)]
    for _, family in tested.groupby(["set", "measure", "languages"], sort=False):
        made.loc[family.index, "p_holm"] = holm(family["p"].tolist())
    for place in tested.index:
        comparison, seeds = found[place]
        lower = MEASURES[made.loc[place, "measure"]].lower_better
        made.loc[place, "verdict"] = of_difference(comparison, made.loc[place, "p_holm"], seeds, lower_better=lower)
    made.loc[~made.index.isin(tested.index), "p"] = np.nan
    return made


def _grouped(runs: Sequence[VectorsRun]) -> dict[str, dict[str, list[VectorsRun]]]:
    """Set -> variant -> runs, all about the same pairs. Raises UserError if they are not."""
    found: dict[str, dict[str, list[VectorsRun]]] = {}
    first: dict[str, list] = {}
    for run in runs:
        rows = run.sums[(run.sums["scorer"] == MODEL) & (run.sums["layer"] == run.sums["layer"].max())]
        about = rows[rows["reads"] == STATES][["measure", "languages", "direction", "part", "pair"]].to_numpy().tolist()
        if first.setdefault(run.collection, about) != about:
            raise UserError(
                f"{run.variant}, seed {run.seed}, was asked about other pairs than the runs before it",
                where=f"results/vectors/{run.variant}/{run.collection}",
                remedy="run snakemake for all of them again",
            )
        found.setdefault(run.collection, {}).setdefault(run.variant, []).append(run)
    return found
