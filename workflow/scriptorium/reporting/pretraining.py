"""Table and figure of pre-training runs. Only what a repeated run gives again is read: no times, no speeds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from matplotlib import pyplot as plt

from scriptorium import ledger
from scriptorium.errors import UserError
from scriptorium.objectives.order import TENTHS
from scriptorium.reporting.style import INK, QUIET, colour_of, marker_of, save, styled

CURVES = ("train/loss", "validation/loss")
ORDERED = {
    "visible_tokens": "visible/tokens",
    "visible_positions": "visible/positions",
    "loss_first_tenth": f"validation/loss_by_rank/{TENTHS[0]}",
    "loss_last_tenth": f"validation/loss_by_rank/{TENTHS[-1]}",
}


@dataclass(frozen=True, eq=False)
class PretrainRun:
    """One run: its name by path, its final metrics, its curves {name: [(step, loss)]} with steps ascending.

    held_out: a row per held-out block, see objectives/held_out.py.
    """

    recipe: str
    seed: int
    metrics: dict[str, float]
    curves: dict[str, list[tuple[int, float]]]
    held_out: pd.DataFrame

    @property
    def tokens_per_step(self) -> float:
        return self.metrics["train/tokens"] / self.metrics["train/steps"]


def read(manifest: Path) -> PretrainRun:
    """The run in results/pretrain/<recipe>/seed<k>/. Raises UserError when its journal holds no loss curve."""
    directory = manifest.parent
    metrics = json.loads((directory / "metrics.json").read_text(encoding="utf-8"))
    curves: dict[str, dict[int, float]] = {name: {} for name in CURVES}
    for event in ledger.read_events(directory):
        for name in CURVES:
            if name in event.get("metrics", {}):
                curves[name][event["step"]] = event["metrics"][name]  # a resumed run writes some steps again
    if not curves["train/loss"]:
        raise UserError(
            "the journal of this run has no loss curve",
            where=directory / "events.jsonl",
            remedy=f"delete {manifest} and run snakemake again",
        )
    seed = int(directory.name.removeprefix("seed"))
    held_out = pd.read_parquet(directory / "held_out.parquet")
    ordered = {name: sorted(points.items()) for name, points in curves.items()}
    return PretrainRun(directory.parent.name, seed, metrics, ordered, held_out)


def table_of_runs(runs: Sequence[PretrainRun]) -> pd.DataFrame:
    """One row per run. Losses in nats per predicted token; unigram_loss is the yardstick of objectives/bert.py.

    Where a run knows them, also what its predictions could use (shares of the tokens and of the positions of a block,
    on average) and the loss of the first and of the last tenth of the predictions in their order.
    """
    made = pd.DataFrame(
        [
            {
                "recipe": run.recipe,
                "seed": run.seed,
                "parameters": int(run.metrics["model/parameters"]),
                "steps": int(run.metrics["train/steps"]),
                "tokens": int(run.metrics["train/tokens"]),
                "validation_loss": run.metrics["validation/loss"],
                "validation_perplexity": run.metrics["validation/perplexity"],
                "validation_accuracy": run.metrics["validation/accuracy"],
                "unigram_loss": run.metrics["validation/unigram_loss"],
                "below_unigram": run.metrics["validation/unigram_loss"] - run.metrics["validation/loss"],
            }
            for run in runs
        ]
    )
    for column, metric in ORDERED.items():
        if any(metric in run.metrics for run in runs):
            made[column] = [run.metrics.get(metric) for run in runs]
    return made


def figure(runs: Sequence[PretrainRun], path: Path) -> Path:
    """Loss over tokens: a thin line for training, dots for validation, a dashed line for guessing by frequency."""
    with styled():
        canvas, axes = plt.subplots(figsize=(7.2, 4.2), layout="constrained")
        recipes = list(dict.fromkeys(run.recipe for run in runs))
        for run in runs:
            number = recipes.index(run.recipe)
            colour, dots = colour_of(number), f"{marker_of(number)}-"
            for name in CURVES:
                steps, losses = zip(*run.curves[name], strict=True) if run.curves[name] else ((), ())
                tokens = [step * run.tokens_per_step / 1e6 for step in steps]
                label = f"{run.recipe}, seed {run.seed}"
                if name == "train/loss":
                    axes.plot(tokens, losses, color=colour, linewidth=0.9, alpha=0.55, label=f"{label}: training")
                else:
                    axes.plot(tokens, losses, dots, color=colour, markersize=4.5, label=f"{label}: validation")
        for loss in sorted({run.metrics["validation/unigram_loss"] for run in runs}):
            axes.axhline(
                loss,
                color=INK,
                linestyle=(0, (5, 3)),
                linewidth=1,
                zorder=1,
                label=f"guessing by word frequency ({loss:.2f})",
            )
        axes.set_xlim(left=0)
        axes.set_xlabel("tokens seen (million)")
        axes.set_ylabel("loss (nats per predicted token)")
        axes.grid(axis="y", color=QUIET, alpha=0.25, linewidth=0.6)
        canvas.legend(loc="outside upper left", fontsize=9, ncols=2)
        return save(canvas, path)
