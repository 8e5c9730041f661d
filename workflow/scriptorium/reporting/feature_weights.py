"""Which features the fused models use: weights of every layer and task (docs/papers/cogbert.md section 1, claim 2;
mends defect 10 of section 10).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

from scriptorium.errors import UserError
from scriptorium.linguistics.features import ALPHA_ORDER
from scriptorium.reporting.style import INK, save, styled

MEASURES = {"weight": "feature weight alpha", "contribution": "mean size in the attention map"}


def read(manifest: Path) -> pd.DataFrame:
    """feature_weights.tsv of one run, with its variant, task and seed by its path."""
    directory = manifest.parent
    path = directory / "feature_weights.tsv"
    if not path.is_file():
        raise UserError("this run has no feature weights", where=directory, remedy="take it out of the study's figure")
    names = {
        "variant": directory.parent.parent.name,
        "task": directory.parent.name,
        "seed": int(directory.name.removeprefix("seed")),
    }
    return pd.read_csv(path, sep="\t").assign(**names)


def feature_weight_table(runs: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """variant, task, layer, level, feature, seeds, and mean and standard deviation over seeds of both MEASURES."""
    keys = ["variant", "task", "layer", "level", "feature"]
    groups = pd.concat(runs, ignore_index=True).groupby(keys, sort=False)
    made = groups.size().rename("seeds").to_frame()
    for name in MEASURES:
        made[name], made[f"{name}_sd"] = groups[name].mean(), groups[name].std(ddof=1)
    return made.reset_index()


def figure(made: pd.DataFrame, path: Path) -> Path:
    """For each variant two maps, task by feature (in the paper's order): the weight and the contribution, each averaged
    over the layers that use the feature."""
    variants, tasks = list(dict.fromkeys(made["variant"])), list(dict.fromkeys(made["task"]))
    features = [name for name in ALPHA_ORDER if name in set(made["feature"])]
    with styled():
        canvas, panels = plt.subplots(
            len(variants),
            2,
            figsize=(11, 1.6 + len(variants) * (0.9 + 0.4 * len(tasks))),
            squeeze=False,
            layout="constrained",
        )
        for row, variant in zip(panels, variants, strict=True):
            for axes, (name, title) in zip(row, MEASURES.items(), strict=True):
                values = made[made["variant"] == variant].pivot_table(
                    index="task", columns="feature", values=name, aggfunc="mean", sort=False, dropna=False
                )
                values = values.reindex(index=tasks, columns=features).to_numpy(float)
                _map(axes, values, tasks, features)
                axes.set_title(f"{variant}: {title}")
        return save(canvas, path)


def _map(axes: plt.Axes, values: np.ndarray, tasks: list[str], features: list[str]) -> None:
    axes.imshow(values, cmap="Blues", vmin=0, vmax=max(float(np.nanmax(values, initial=0)), 1e-12), aspect="auto")
    limit = np.nanmax(values, initial=0) * 0.6
    for y, line in enumerate(values):
        for x, value in enumerate(line):
            if np.isfinite(value):
                axes.text(
                    x, y, f"{value:.2g}", ha="center", va="center", fontsize=8, color="white" if value > limit else INK
                )
    axes.set_xticks(range(len(features)), [name.replace("_", " ") for name in features], rotation=35, ha="right")
    axes.set_yticks(range(len(tasks)), tasks)
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(False)
