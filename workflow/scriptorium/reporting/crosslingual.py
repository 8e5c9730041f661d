"""Table of the zero-shot cross-lingual measures: every variant, beside chance and the study's baseline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from scriptorium.crosslingual.alignment import STATES
from scriptorium.crosslingual.measuring import MODEL, RANDOM, TEST, best_layer
from scriptorium.crosslingual.reading import READS
from scriptorium.errors import UserError
from scriptorium.evaluation.statistics import compare, estimate, holm

GAIN, OVER_OTHERS, MATCHING, ALIGNMENT = "gain", "gain over other texts", "matching", "alignment"
JOINED = READS["tlm"]  # what every model can: how a baseline without cross-attention reads
ALL = "all"


@dataclass(frozen=True)
class CrosslingualRun:
    """One model: its tables (crosslingual/measuring.py)."""

    variant: str
    seed: int
    tokens: pd.DataFrame
    matches: pd.DataFrame
    links: pd.DataFrame


@dataclass(frozen=True)
class Cell:
    """What one row of the table is about. words: all, or a third of the hidden pieces by frequency."""

    measure: str
    reads: str
    text: str = ALL
    context: str = ALL
    words: str = ALL


def read(manifest: Path) -> CrosslingualRun:
    """The run in results/crosslingual/<variant>/seed<k>/."""
    folder = manifest.parent
    tables = (pd.read_parquet(folder / f"{name}.parquet") for name in ("tokens", "matches", "links"))
    return CrosslingualRun(folder.parent.name, int(folder.name.removeprefix("seed")), *tables)


def measures_table(runs: Sequence[CrosslingualRun], baseline: str, candidates: int) -> pd.DataFrame:
    """One row per variant, measure and way to read; by direction and, for the gain, by frequency of the piece.

    Columns: variant, measure, reads, layer (of alignment), text, context, words, seeds, pairs, value, ci_low, ci_high,
    control (what is known without a translation: 0 nats, 1 of the candidates, random weights), against (the baseline's
    way to read), delta (value minus the baseline's), delta_ci_low, delta_ci_high, p, p_holm (over the rows of a measure
    that are about all texts and words). Intervals are of evaluation/statistics.py, over seeds and pairs of texts.
    Raises UserError: seeds or variants that were asked about different pairs.
    """
    variants = _grouped(runs)
    layers = {variant: _layers(own, MODEL) for variant, own in variants.items()}
    untrained = {variant: _layers(own, RANDOM) for variant, own in variants.items()}
    found = {
        (variant, cell): _totals(own, cell, layers[variant])
        for variant, own in variants.items()
        for cell in _cells(own[0])
    }
    rows = []
    for (variant, cell), totals in found.items():
        own, value = variants[variant], estimate(totals, _mean)
        base = Cell(cell.measure, STATES if cell.measure == ALIGNMENT else JOINED, cell.text, cell.context, cell.words)
        rows.append(
            {
                "variant": variant,
                "measure": cell.measure,
                "reads": cell.reads,
                "layer": layers[variant][cell.reads] if cell.measure == ALIGNMENT else "",
                "text": cell.text,
                "context": cell.context,
                "words": cell.words,
                "seeds": len(own),
                "pairs": totals.shape[1],
                "value": value.value,
                "ci_low": value.low,
                "ci_high": value.high,
                "control": _control(own, cell, untrained[variant], candidates),
                "against": f"{baseline}, {base.reads}",
                **_against(totals, found.get((baseline, base)), itself=(variant, cell) == (baseline, base)),
            }
        )
    made = pd.DataFrame(rows)
    whole = (made["text"] == ALL) & (made["words"] == ALL)
    made["p_holm"] = np.nan
    for _, family in made[whole].groupby("measure"):
        made.loc[family.index, "p_holm"] = holm(family["p"].tolist())
    made.loc[~whole, "p"] = np.nan
    return made


def _grouped(runs: Sequence[CrosslingualRun]) -> dict[str, list[CrosslingualRun]]:
    found: dict[str, list[CrosslingualRun]] = {}
    first = runs[0].matches["pair"].unique()
    for run in runs:
        if not np.array_equal(run.matches["pair"].unique(), first):
            raise UserError(
                f"{run.variant}, seed {run.seed}, was asked about other pairs than {runs[0].variant}",
                where="results/crosslingual",
                remedy="compare variants with one corpus of pairs and one vocabulary, or run snakemake again",
            )
        found.setdefault(run.variant, []).append(run)
    return found


def _cells(run: CrosslingualRun) -> Iterator[Cell]:
    directions = [(ALL, ALL), *run.matches[["text", "context"]].drop_duplicates().itertuples(index=False, name=None)]
    for reads in run.matches["reads"].unique():
        for measure in (GAIN, OVER_OTHERS, MATCHING):
            yield from (Cell(measure, reads, *direction) for direction in directions)
        yield from (Cell(GAIN, reads, words=words) for words in ("rare", "middle", "frequent"))
    for source in run.links["source"].unique():
        yield from (Cell(ALIGNMENT, source, *direction) for direction in directions)


def _layers(runs: Sequence[CrosslingualRun], scorer: str) -> dict[str, int]:
    """source -> the layer that was best on the choosing half, over all seeds of a variant."""
    links = pd.concat([run.links[run.links["scorer"] == scorer] for run in runs])
    return {source: best_layer(own) for source, own in links.groupby("source")}


def _totals(runs: Sequence[CrosslingualRun], cell: Cell, layers: dict[str, int], scorer: str = MODEL) -> np.ndarray:
    """[seeds, pairs, 2]: the sum of the measure over a pair, and of how many it is."""
    per_seed = []
    for run in runs:
        if cell.measure == ALIGNMENT:
            rows = run.links
            rows = rows[(rows["source"] == cell.reads) & (rows["layer"] == layers[cell.reads])]
            rows = rows[(rows["part"] == TEST) & (rows["scorer"] == scorer)]
            rows = rows.assign(total=rows["right"], count=rows["links"])
        elif cell.measure == MATCHING:
            rows = run.matches.assign(total=run.matches["right"], count=1)
            rows = rows[rows["reads"] == cell.reads]
        else:
            rows = run.tokens
            rows = rows.assign(total=rows["without" if cell.measure == GAIN else "others"] - rows["true"], count=1)
            thirds = np.quantile(rows["log_frequency"], [1 / 3, 2 / 3])
            rows = rows[rows["reads"] == cell.reads]
            if cell.words != ALL:
                third = np.digitize(rows["log_frequency"], thirds)
                rows = rows[third == ("rare", "middle", "frequent").index(cell.words)]
        if cell.text != ALL:
            rows = rows[(rows["text"] == cell.text) & (rows["context"] == cell.context)]
        per_seed.append(rows.groupby("pair")[["total", "count"]].sum())
    index = per_seed[0].index
    return np.stack([each.reindex(index).to_numpy(float) for each in per_seed])


def _control(runs: Sequence[CrosslingualRun], cell: Cell, layers: dict[str, int], candidates: int) -> float:
    """What is known without the translation. layers: those that are best with random weights."""
    if cell.measure == MATCHING:
        return 1 / candidates
    if cell.measure != ALIGNMENT:
        return 0.0
    return float(_mean(_totals(runs, cell, layers, RANDOM).sum((0, 1))))


def _against(totals: np.ndarray, base: np.ndarray | None, *, itself: bool) -> dict[str, float]:
    if base is None or itself:
        return dict.fromkeys(("delta", "delta_ci_low", "delta_ci_high", "p"), np.nan)
    found = compare(totals, base, _mean)
    return {"delta": found.difference, "delta_ci_low": found.low, "delta_ci_high": found.high, "p": found.p}


def _mean(sums: np.ndarray) -> np.ndarray:
    """[..., 2] -> [...]."""
    return sums[..., 0] / sums[..., 1]
