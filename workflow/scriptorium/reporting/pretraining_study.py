"""Pre-training variants against a baseline: held-out loss at equal steps and at equal FLOPs, by seed and block."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

from scriptorium.errors import UserError
from scriptorium.evaluation.statistics import compare, holm, mean_sd
from scriptorium.reporting.pretraining import ORDERED, PretrainRun
from scriptorium.reporting.style import INK, QUIET, colour_of, marker_of, save, styled
from scriptorium.reporting.verdicts import BASELINE, ONE_SEED, UNKNOWN, scale, undecided

LOWER, HIGHER, OTHER = "lower loss", "higher loss", "other held-out examples"
PLAIN = {  # column -> metric of a run, averaged over seeds
    "parameters": "model/parameters",
    "steps": "train/steps",
    "tokens": "train/tokens",
    "flops": "train/flops",
    "validation_accuracy": "validation/accuracy",
    "unigram_loss": "validation/unigram_loss",
    **ORDERED,
}


def by_variant(runs: Sequence[PretrainRun]) -> dict[str, list[PretrainRun]]:
    """The runs of every variant, in the order given."""
    found: dict[str, list[PretrainRun]] = {}
    for run in runs:
        found.setdefault(run.recipe, []).append(run)
    return found


def mean_of(runs: Sequence[PretrainRun], metric: str) -> float:
    """Mean of a metric over runs; nan where one does not have it."""
    return float(np.mean([run.metrics.get(metric, np.nan) for run in runs]))


def table_of_variants(runs: Sequence[PretrainRun], baseline: str) -> pd.DataFrame:
    """One row per variant, the baseline first. Losses in nats per predicted token, means over the seeds.

    delta is variant minus baseline, so less than 0 is better; interval and p come from evaluation/statistics.py with
    held-out blocks as examples, p_holm from all rows. Held-out masks are the same for every seed; variants whose
    held-out examples are others (another packing, another number of predictions) get a delta but no test. A verdict
    needs both p_holm < 0.05 and an interval without 0, as in fine-tuning; one seed gives none.
    Raises UserError: the baseline is missing.
    """
    variants = by_variant(runs)
    if baseline not in variants:
        raise UserError(f"no run of the baseline {baseline!r}", remedy="add it to the study's variants")
    rows = []
    for name in (baseline, *(name for name in variants if name != baseline)):
        own = variants[name]
        mean, sd = mean_sd([run.metrics["validation/loss"] for run in own])
        row = {"recipe": name, "seeds": len(own), "validation_loss": mean, "validation_loss_sd": sd}
        row |= {column: mean_of(own, metric) for column, metric in PLAIN.items()}
        row |= {"delta": np.nan, "ci_low": np.nan, "ci_high": np.nan, "p": np.nan, "verdict": BASELINE}
        if name != baseline:
            row |= _against(own, variants[baseline])
        rows.append(row | {"scale": scale(len(own))})
    made = pd.DataFrame(rows).dropna(axis="columns", how="all")
    for column in ("delta", "ci_low", "ci_high", "p"):
        made[column] = made.get(column, np.nan)
    made["p_holm"] = holm(made["p"].to_list())
    tested = made["p"].notna()
    made.loc[tested, "verdict"] = [
        UNKNOWN if undecided(row.p_holm, row.ci_low, row.ci_high) else LOWER if row.ci_high < 0 else HIGHER
        for row in made[tested].itertuples()
    ]
    last = ["delta", "ci_low", "ci_high", "p", "p_holm", "verdict", "scale"]
    return made[[*(column for column in made if column not in last), *last]]


def figure(runs: Sequence[PretrainRun], path: Path) -> Path:
    """Held-out loss over tokens and, where runs counted them, over FLOPs: a line per variant, the mean of its seeds."""
    counted = all("train/flops" in run.metrics for run in runs)
    with styled():
        canvas, panels = plt.subplots(
            1, 1 + counted, figsize=(5 + 4 * counted, 4.2), sharey=True, squeeze=False, layout="constrained"
        )
        for number, (name, own) in enumerate(by_variant(runs).items()):
            colour, dots = colour_of(number), f"{marker_of(number)}-"
            steps = sorted(set.intersection(*({step for step, _ in run.curves["validation/loss"]} for run in own)))
            if not steps:
                continue
            values = np.array([[dict(run.curves["validation/loss"])[step] for step in steps] for run in own])
            units = [mean_of(own, "train/tokens") / 1e6] + [mean_of(own, "train/flops") / 1e12] * counted
            for axes, unit in zip(panels[0], units, strict=True):
                places = np.array(steps) * unit / mean_of(own, "train/steps")
                axes.plot(places, values.mean(0), dots, color=colour, markersize=3.5, linewidth=1.2, label=name)
                axes.fill_between(places, values.min(0), values.max(0), color=colour, alpha=0.15, linewidth=0)
        for loss in sorted({round(run.metrics["validation/unigram_loss"], 2) for run in runs}):
            for axes in panels[0]:
                axes.axhline(loss, color=INK, linestyle=(0, (5, 3)), linewidth=0.8, zorder=1)
        for axes, label in zip(panels[0], ("tokens seen (million)", "FLOPs spent (10^12)"), strict=False):
            axes.set_xlim(left=0)
            axes.set_xlabel(label)
            axes.grid(axis="y", color=QUIET, alpha=0.25, linewidth=0.6)
        panels[0][0].set_ylabel("held-out loss (nats per predicted token)")
        canvas.legend(*panels[0][0].get_legend_handles_labels(), loc="outside upper left", fontsize=8.5, ncols=3)
        return save(canvas, path)


def _against(own: list[PretrainRun], base: list[PretrainRun]) -> dict[str, object]:
    """delta, interval, p and, where there is no test, why. Two variants share no more than the number of a seed."""
    if not _same_examples(own[0].held_out, base[0].held_out):
        return {"delta": mean_of(own, "validation/loss") - mean_of(base, "validation/loss"), "verdict": OTHER}
    a, b = (np.stack([run.held_out[["loss", "predicted"]].to_numpy(float) for run in side]) for side in (own, base))
    found = compare(a, b, lambda sums: sums[..., 0] / sums[..., 1], lower_better=True)
    return {
        "delta": found.difference,
        "ci_low": found.low,
        "ci_high": found.high,
        "p": found.p,
        "verdict": ONE_SEED if np.isnan(found.p) else UNKNOWN,
    }


def _same_examples(own: pd.DataFrame, base: pd.DataFrame) -> bool:
    """As many examples, and in half of them at least as many predictions; otherwise the losses are of other tokens."""
    same = len(own) == len(base)
    return same and bool((own["predicted"].to_numpy() == base["predicted"].to_numpy()).mean() >= 0.5)
