"""Few labels: accuracy over the number of labelled texts, pre-trained beside random weights and no encoder at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from scriptorium.errors import UserError
from scriptorium.evaluation.statistics import compare, estimate
from scriptorium.few_labels.probing import MODEL, RANDOM, TFIDF
from scriptorium.reporting.differences import Difference
from scriptorium.reporting.manipulation import without_logits
from scriptorium.reporting.style import INK, QUIET, colour_of, marker_of, plt, save, styled

CONTROLS = {RANDOM: "random weights", TFIDF: "TF-IDF of the same pieces"}
PROBE = "probe"
OVER_DRAWS, OVER_ENCODERS = "draws of one encoder", "encoders"


@dataclass(frozen=True)
class ProbeRun:
    """All draws of one encoder: predictions of every scorer, number of labels and draw."""

    variant: str
    task: str
    seed: int
    predictions: pd.DataFrame

    def of_model(self) -> pd.DataFrame:
        """The rows of the pre-trained encoder."""
        return self.predictions[self.predictions["scorer"] == MODEL]

    def right(self, scorer: str, labels: int) -> np.ndarray:
        """[draws, texts]: 1 where the prediction is right."""
        own = self.predictions
        own = own[(own["scorer"] == scorer) & (own["labels"] == labels)]
        own = own.assign(right=(own["label"] == own["prediction"]).astype(float))
        return own.pivot(index="draw", columns="id", values="right").to_numpy()


def read(manifest: Path) -> ProbeRun:
    """The run in results/probe/<variant>/<task>/seed<k>/."""
    folder = manifest.parent
    predictions = pd.read_parquet(folder / "predictions.parquet")
    names = folder.parent.parent.name, folder.parent.name, int(folder.name.removeprefix("seed"))
    return ProbeRun(*names, predictions)


def learning_curve_table(runs: Sequence[ProbeRun]) -> pd.DataFrame:
    """One row per variant, control and number of labels: variant, control, labels, seeds, accuracy, ci_low, ci_high,
    delta (accuracy minus that of the control), delta_ci_low, delta_ci_high; behind them method and over.

    Intervals are of evaluation/statistics.py. What stands for the seeds: of several encoders the encoders, each with
    the mean of its draws, so that the interval speaks of other encoders; of one encoder its draws, so that it speaks
    of other labelled texts for this one only (`over`). The labelled texts of a draw are the same for the encoder and
    its controls, so the two are paired.
    """
    rows = []
    for variant, own in grouped(runs).items():
        for count in sorted(own[0].predictions["labels"].unique()):
            totals = {scorer: _totals(own, scorer, count) for scorer in (MODEL, *CONTROLS)}
            over = OVER_ENCODERS if len(own) > 1 else OVER_DRAWS
            for control, shown in CONTROLS.items():
                found = compared(totals[MODEL], totals[control])
                rows.append({"variant": variant, "control": shown, "labels": int(count), **found})
                rows[-1] |= {"method": PROBE, "over": over}
    return pd.DataFrame(rows)


def difference(
    own: Sequence[ProbeRun], base: Sequence[ProbeRun], *, smallest: float
) -> tuple[tuple[float, float], Difference]:
    """(accuracy of both variants, the first minus the second): the mean over all numbers of labels and draws, so that
    an encoder stands for a seed. Raises UserError: other texts, draws or numbers of labels.
    """
    for run in (*own, *base):
        same_texts(run, base[0])
    a, b = (np.stack([_over_all(run) for run in side]) for side in (own, base))
    predicted = [{run.seed: run.of_model()["prediction"].to_numpy() for run in side} for side in (own, base)]
    values = estimate(a, accuracy).value, estimate(b, accuracy).value
    found = compare(a, b, accuracy, smallest=smallest)
    return values, Difference(found, without_logits(*predicted), min(len(own), len(base)))


def compared(totals: np.ndarray, control: np.ndarray) -> dict[str, float]:
    """The columns from seeds to delta_ci_high.

    totals, control: [seeds, texts, 2], whether a text is right, and 1; row by row they share the labelled texts, so
    they are paired.
    """
    found, against = estimate(totals, accuracy), compare(totals, control, accuracy, paired=True)
    return {
        "seeds": len(totals),
        "accuracy": found.value,
        "ci_low": found.low,
        "ci_high": found.high,
        "delta": against.difference,
        "delta_ci_low": against.low,
        "delta_ci_high": against.high,
    }


def controls(runs: Sequence[ProbeRun]) -> pd.DataFrame:
    """The curves of the first variant's controls: control, labels, accuracy, ci_low, ci_high."""
    own = next(iter(grouped(runs).values()))
    rows = []
    for control, shown in CONTROLS.items():
        for count in sorted(own[0].predictions["labels"].unique()):
            found = estimate(_totals(own, control, count), accuracy)
            rows.append((shown, int(count), found.value, found.low, found.high))
    return pd.DataFrame(rows, columns=["control", "labels", "accuracy", "ci_low", "ci_high"])


def grouped(runs: Sequence[ProbeRun]) -> dict[str, list[ProbeRun]]:
    """variant -> its runs. Raises UserError if they were tested on different texts or with other numbers of labels."""
    found: dict[str, list[ProbeRun]] = {}
    for run in runs:
        own = found.setdefault(run.variant, [])
        own.append(run)
        same_texts(run, own[0])
    return found


def same_texts(run: ProbeRun, first: ProbeRun) -> None:
    """Raises UserError if the two were tested on different texts, or with other draws or numbers of labels."""
    keys = ["scorer", "labels", "draw", "id", "label"]
    if not run.predictions[keys].equals(first.predictions[keys]):
        both = run.variant if run.variant == first.variant else f"{run.variant} and {first.variant}"
        raise UserError(
            f"the seeds of {both} were probed on different texts or numbers of labels",
            where="results/probe",
            remedy="run snakemake for all of them again",
        )


def figure(made: pd.DataFrame, curves: pd.DataFrame, path: Path) -> Path:
    """Accuracy over the number of labelled texts, a line per variant; grey are the first variant's controls."""
    with styled():
        canvas, axes = plt.subplots(figsize=(7.2, 4.2), layout="constrained")
        for (control, own), style in zip(curves.groupby("control", sort=False), ("--", ":"), strict=False):
            axes.plot(own["labels"], own["accuracy"], style, color=INK, linewidth=1.3, label=control)
            axes.fill_between(own["labels"], own["ci_low"], own["ci_high"], color=QUIET, alpha=0.15, linewidth=0)
        one = made.drop_duplicates(["variant", "method", "labels"])
        for number, ((variant, method), own) in enumerate(one.groupby(["variant", "method"], sort=False)):
            colour, label = colour_of(number), variant if method == PROBE else f"{variant}, fine-tuned"
            axes.plot(
                own["labels"], own["accuracy"], f"{marker_of(number)}-", color=colour, markersize=4.5, label=label
            )
            axes.fill_between(own["labels"], own["ci_low"], own["ci_high"], color=colour, alpha=0.15, linewidth=0)
        axes.set_xscale("log")
        ticks = sorted(one["labels"].unique())
        axes.set_xticks(ticks, [str(tick) for tick in ticks])
        axes.minorticks_off()
        axes.set_xlabel("labelled texts")
        axes.set_ylabel("accuracy on test")
        axes.grid(axis="y", color=QUIET, alpha=0.25, linewidth=0.6)
        canvas.legend(loc="outside upper left", fontsize=9, ncols=3)
        return save(canvas, path)


def _totals(runs: Sequence[ProbeRun], scorer: str, labels: int) -> np.ndarray:
    """[rows, texts, 2]: how right a text is, and 1; a row is an encoder, or of one encoder a draw."""
    values = np.stack([run.right(scorer, labels) for run in runs])  # [encoders, draws, texts]
    values = values.mean(1) if len(runs) > 1 else values[0]
    return np.stack([values, np.ones_like(values)], axis=-1)


def _over_all(run: ProbeRun) -> np.ndarray:
    """[texts, 2]: how often a text is right, over all numbers of labels and draws, and 1."""
    counts = sorted(run.predictions["labels"].unique())
    values = np.mean([run.right(MODEL, count).mean(0) for count in counts], axis=0)
    return np.stack([values, np.ones_like(values)], axis=-1)


def accuracy(sums: np.ndarray) -> np.ndarray:
    """[..., 2] -> [...]."""
    return sums[..., 0] / sums[..., 1]
