"""Few labels by fine-tuning: rows of the same table as the probes'."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from scriptorium.errors import UserError
from scriptorium.reporting.differences import FinetuneRun
from scriptorium.reporting.few_labels import compared

FINETUNE = "finetune"
OVER_SEEDS = "encoders and draws"


def finetuned_rows(runs: Sequence[FinetuneRun], baseline: str, labelled: Mapping[str, int]) -> pd.DataFrame:
    """A row per variant and number of labels, the columns of few_labels.table; control is the baseline.

    labelled: task -> its number of labels. A run's seed draws its labelled texts, the same for every variant, so
    variants are paired by seed.
    Raises UserError: a variant without the seeds or the test texts of the baseline.
    """
    rows = []
    for task, count in sorted(labelled.items(), key=lambda item: item[1]):
        own = {name: _totals(runs, name, task) for name in dict.fromkeys(run.variant for run in runs)}
        for variant, (keys, totals) in own.items():
            if variant == baseline:
                continue
            if keys != own[baseline][0]:
                raise UserError(
                    f"{variant} and {baseline} on {task} have other seeds or other test texts",
                    remedy="run snakemake for both again",
                )
            found = compared(totals, own[baseline][1])
            rows.append({"variant": variant, "control": baseline, "labels": count, **found})
            rows[-1] |= {"method": FINETUNE, "over": OVER_SEEDS}
    return pd.DataFrame(rows)


def _totals(runs: Sequence[FinetuneRun], variant: str, task: str) -> tuple[tuple, np.ndarray]:
    """(seeds and test texts, [seeds, texts, 2]: whether it is right, and 1)."""
    own = sorted((run for run in runs if (run.variant, run.task) == (variant, task)), key=lambda run: run.seed)
    ids = {tuple(run.predictions.index) for run in own}
    right = np.stack([(run.predictions["label"] == run.predictions["prediction"]).to_numpy(float) for run in own])
    return (tuple(run.seed for run in own), ids), np.stack([right, np.ones_like(right)], axis=-1)
