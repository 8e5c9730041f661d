"""Table and figure of stage 1: the gaze regressor beside its baselines."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd

from scriptorium.gaze.folds import document_errors, measures
from scriptorium.gaze.likelihood import delta_log_likelihood, folds_of
from scriptorium.linguistics.surface import bare, zipf_of

matplotlib.use("Agg")
from matplotlib import pyplot as plt

BASELINE_COLOUR, OURS_COLOUR, INK = "#b8bec6", "#2f6f9f", "#30353b"
FOLDS = 5  # of documents, for the log-likelihood
STYLE = {
    "svg.hashsalt": "scriptorium",
    "svg.fonttype": "none",
    "font.size": 9,
    "font.family": "sans-serif",
    "axes.spines.top": False,
    "axes.spines.right": False,
}
LABELS = {
    "mean": "mean",
    "length": "word length",
    "length_frequency": "length and frequency",
    "features": "eight features, linear",
    "boosting": "boosting on surface features",
}


def regressor_table(models: Mapping[str, list[pd.DataFrame]]) -> pd.DataFrame:
    """One row per model: model, mae, mae_sd, r2, spearman, delta_ll, seeds, words, paragraphs.

    `models` holds the out-of-fold predictions of each seed. mae, r2 and spearman are means over the seeds, mae_sd is
    the deviation of the mae between seeds (empty for one seed). delta_ll: see `gain_over_length_and_frequency`.
    """
    rows = []
    for name, seeds in models.items():
        found = pd.DataFrame([measures(predictions) for predictions in seeds])
        rows.append(
            {
                "model": name,
                "mae": found["mae"].mean(),
                "mae_sd": found["mae"].std(ddof=1),
                "r2": found["r2"].mean(),
                "spearman": found["spearman"].mean() if "spearman" in found else np.nan,
                "delta_ll": np.mean([gain_over_length_and_frequency(predictions) for predictions in seeds]),
                "seeds": len(seeds),
                "words": int(found["words"].iloc[0]),
                "paragraphs": int(found["documents"].iloc[0]),
            }
        )
    return pd.DataFrame(rows)


def gain_over_length_and_frequency(predictions: pd.DataFrame) -> float:
    """Nats per word by which the predictions help a line on length and (English) frequency, on unseen documents."""
    words, document = predictions["word"], pd.factorize(predictions["corpus"] + "/" + predictions["document"])[0]
    base = np.column_stack([words.str.len(), [zipf_of(bare(word)) for word in words]])
    fold = folds_of(document, FOLDS, 0)
    label, more = predictions["label"].to_numpy(), predictions[["prediction"]].to_numpy()
    return float(np.mean(delta_log_likelihood(base, more, label, fold)))


def figure(models: Mapping[str, list[pd.DataFrame]], baselines: set[str], path: Path) -> None:
    """Two panels (svg): each model's error with its spread over paragraphs, and the first regressor's words."""
    with plt.rc_context(STYLE):
        canvas, (left, right) = plt.subplots(1, 2, figsize=(9.2, 3.6), width_ratios=(1.25, 1), layout="constrained")
        _errors(left, models, baselines)
        name = next(model for model in models if model not in baselines)
        _calibration(right, name, _over_seeds(models[name]))
        canvas.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
        plt.close(canvas)


def _errors(axes: plt.Axes, models: Mapping[str, list[pd.DataFrame]], baselines: set[str]) -> None:
    """A bar per model, a dot per paragraph (means over seeds)."""
    for place, (name, seeds) in enumerate(models.items()):
        mae = float(np.mean([measures(predictions)["mae"] for predictions in seeds]))
        by_document = pd.concat([document_errors(predictions) for predictions in seeds], axis=1).mean(axis=1)
        axes.barh(place, mae, height=0.62, color=BASELINE_COLOUR if name in baselines else OURS_COLOUR)
        # dots side by side in the bar, in the order of the paragraphs
        height = place + np.linspace(-0.22, 0.22, len(by_document))
        axes.plot(by_document, height, "o", markersize=3.2, color=INK, markeredgecolor="white", markeredgewidth=0.4)
        axes.text(
            axes.margins()[0],
            place,
            f" {mae:.3f}",
            va="center",
            ha="left",
            fontweight="bold",
            color=INK if name in baselines else "white",
        )
    axes.set_yticks(range(len(models)), [LABELS.get(name, name) for name in models])
    axes.invert_yaxis()
    axes.set_xlim(left=0)
    axes.set_xlabel("mean absolute error, fixations per word (dots: paragraphs)")
    axes.set_title("Unseen paragraphs", loc="left", fontsize=10)


def _calibration(axes: plt.Axes, name: str, predictions: pd.DataFrame) -> None:
    """Human against predicted fixations, a dot per word, and the human mean in ten equal groups of the prediction."""
    predicted, label = predictions["prediction"].to_numpy(), predictions["label"].to_numpy()
    axes.plot(predicted, label, "o", markersize=2.4, color=OURS_COLOUR, alpha=0.3, markeredgewidth=0)
    groups = np.array_split(np.argsort(predicted, kind="stable"), 10)
    axes.plot(
        [predicted[g].mean() for g in groups],
        [label[g].mean() for g in groups],
        "o-",
        color=INK,
        markersize=4,
        linewidth=1.2,
        label="mean of each tenth",
    )
    high = float(predicted.max()) * 1.05
    axes.plot([0, high], [0, high], "--", color=INK, linewidth=0.8, label="equal")
    axes.set_xlim(0, high)
    axes.set_ylim(0, float(label.max()) * 1.03)
    axes.set_xlabel("predicted fixations")
    axes.set_ylabel("participants' mean fixations")
    axes.set_title(f"{LABELS.get(name, name)}, each word", loc="left", fontsize=10)
    axes.legend(frameon=False, loc="upper left", fontsize=8)


def _over_seeds(seeds: list[pd.DataFrame]) -> pd.DataFrame:
    """Predictions averaged over the seeds, word by word."""
    stacked = pd.concat(seeds).groupby("id", sort=True)
    return stacked[["label", "prediction"]].mean()
