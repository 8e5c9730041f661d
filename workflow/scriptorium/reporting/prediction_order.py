"""Does a prediction use what was revealed before it? Held-out loss by order of prediction, and against the baseline.

The loss of a rank depends first of all on which tokens happen to stand there. Variants that predict the same tokens in
the same order are therefore compared rank by rank: what is left is what the model makes of the order.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from scriptorium.evaluation.statistics import compare
from scriptorium.objectives.order import TENTHS, loss_column, predicted_column
from scriptorium.reporting.pretraining import PretrainRun
from scriptorium.reporting.pretraining_study import by_variant, mean_of
from scriptorium.reporting.style import INK, QUIET, colour_of, marker_of, save, styled

TREND = "trend"  # change of the loss from the first tenth to the last, along a straight line
COLUMNS = ["recipe", "tenth", "loss", "loss_error", "delta", "ci_low", "ci_high"]
LOSSES, COUNTS = [loss_column(tenth) for tenth in TENTHS], [predicted_column(tenth) for tenth in TENTHS]


def table_by_tenth(runs: Sequence[PretrainRun], baseline: str) -> pd.DataFrame:
    """recipe, tenth (1 to 10, and the trend over them), loss (nats, mean over the seeds), its standard error; delta to
    the baseline with its 95 % interval over held-out blocks and seeds, where both predict the same tokens.

    Without rows where no run predicts in an order.
    """
    variants = {name: own for name, own in by_variant(runs).items() if all(LOSSES[0] in run.held_out for run in own)}
    if not variants:
        return pd.DataFrame(columns=COLUMNS)
    base = variants.get(baseline)
    made = []
    for name, own in variants.items():
        losses = np.array([mean_of(own, f"validation/loss_by_rank/{tenth}") for tenth in TENTHS])
        # not divided by the root of the seeds: these all predict the same held-out tokens
        errors = [mean_of(own, f"validation/loss_by_rank_error/{tenth}") for tenth in TENTHS]
        rows = pd.DataFrame(
            {
                "recipe": name,
                "tenth": [*map(str, TENTHS), TREND],
                "loss": [*losses, float(trend(losses))],
                "loss_error": [*errors, np.nan],
                "delta": np.nan,
                "ci_low": np.nan,
                "ci_high": np.nan,
            }
        )
        made.append(rows.assign(**_against(own, base)) if base and name != baseline else rows)
    return pd.concat(made, ignore_index=True)


def trend(losses: np.ndarray) -> np.ndarray:
    """Losses [..., 10] of the tenths -> [...], the rise of the least squares line from the first tenth to the last."""
    places = np.arange(len(TENTHS)) - (len(TENTHS) - 1) / 2
    return losses @ places / (places @ places) * (len(TENTHS) - 1)


def _against(own: list[PretrainRun], base: list[PretrainRun]) -> dict[str, list]:
    """delta, ci_low and ci_high of all rows; nothing where other tokens are predicted."""
    if len({run.metrics["validation/unigram_loss"] for run in (*own, *base)}) > 1:  # a fingerprint of the tokens
        return {}
    counts = [run.held_out[COUNTS].to_numpy() for run in (*own, *base)]
    if any(not np.array_equal(each, counts[0]) for each in counts):
        return {}
    a, b = (np.stack([run.held_out[[*LOSSES, *COUNTS]].to_numpy(float) for run in side]) for side in (own, base))

    def means(sums: np.ndarray) -> np.ndarray:  # nan where short blocks leave a tenth without predictions
        losses, counts = np.split(sums, 2, axis=-1)
        return np.divide(losses, counts, out=np.full_like(losses, np.nan), where=counts > 0)

    parts = [[tenth, len(LOSSES) + tenth] for tenth in range(len(LOSSES))]
    found = [compare(a[..., part], b[..., part], lambda sums: means(sums)[..., 0]) for part in parts]
    found.append(compare(a, b, lambda sums: trend(means(sums))))
    return {
        "delta": [each.difference for each in found],
        "ci_low": [each.low for each in found],
        "ci_high": [each.high for each in found],
    }


def figure(rows: pd.DataFrame, runs: Sequence[PretrainRun], baseline: str, path: Path) -> Path:
    """Left the loss of each tenth with its standard error; right, where there is one, the difference to the baseline
    on the same tokens with its interval; a sentence where there are no rows. `rows`: what `table` made of `runs`."""
    if rows.empty:
        with styled():
            canvas, axes = plt.subplots(figsize=(7.2, 1.2), layout="constrained")
            axes.set_axis_off()
            axes.text(0.5, 0.5, "None of these variants predicts in an order.", ha="center", va="center")
            return save(canvas, path)
    compared = rows["delta"].notna().any()
    with styled():
        canvas, panels = plt.subplots(
            1, 1 + compared, figsize=(7.2 + 3.6 * compared, 4.4), layout="constrained", squeeze=False
        )
        names, variants = list(dict.fromkeys(rows["recipe"])), by_variant(runs)
        for number, name in enumerate(names):
            own = rows[rows["recipe"] == name]
            tenths, (last,) = own[own["tenth"] != TREND], own[own["tenth"] == TREND].itertuples()
            places = np.array(TENTHS) + 0.06 * (number - (len(names) - 1) / 2)  # so that bars stay apart
            style = {"fmt": f"{marker_of(number)}-", "color": colour_of(number), "markersize": 4.5, "linewidth": 1.2}
            shares = [mean_of(variants[name], f"visible/{what}") for what in ("tokens", "positions")]
            label = f"{name}: sees {shares[0]:.1%} of tokens, {shares[1]:.1%} of positions"
            panels[0][0].errorbar(places, tenths["loss"], tenths["loss_error"], label=label, **style)
            if tenths["delta"].notna().any():
                bars = [tenths["delta"] - tenths["ci_low"], tenths["ci_high"] - tenths["delta"]]
                label = f"{name}: trend {last.delta:+.3f} [{last.ci_low:+.3f}, {last.ci_high:+.3f}]"
                panels[0][1].errorbar(places, tenths["delta"], bars, label=label, **style)
        _finish(panels[0][0], "held-out loss (nats per predicted token)")
        if compared:
            panels[0][1].axhline(0, color=INK, linewidth=1, linestyle=(0, (5, 3)), zorder=1)
            _finish(panels[0][1], f"difference to {baseline} on the same tokens")
        return save(canvas, path)


def _finish(axes: Axes, label: str) -> None:
    axes.set_xticks(TENTHS)
    axes.set_xlabel("order of prediction (tenths)")
    axes.set_ylabel(label)
    axes.grid(axis="y", color=QUIET, alpha=0.25, linewidth=0.6)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1.01), fontsize=8.5, frameon=False)
