"""The baselines that stage 1 is measured against, on the same folds: mean, word length alone, the eight features
linearly, gradient boosting on surface features.

inputs: words, features = manifests of the gaze corpora and of their annotations; exclude (optional) = manifests of
gaze corpora whose texts must stay out
out: `predictions.parquet` (out of fold, column `model`), `metrics.json` ("length/mae" and so on)
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from scriptorium import manifest, stage
from scriptorium.spec import Seed, Spec


class GazeBaselineSpec(Spec):
    """Folds and seed, equal to the regressor's."""

    folds: int = Field(6, gt=1, description="cross-validation folds; a paragraph is never split")
    seed: Seed = Field(0, description="of the folds and of the boosting")


def run(job: stage.Job) -> list[Path]:
    import numpy as np
    import pandas as pd

    from scriptorium.gaze import folds as evaluation
    from scriptorium.gaze.regressor.baselines import BASELINES

    words = evaluation.read_words(job.inputs["words"], job.inputs["features"], job.inputs.get("exclude", []))
    fold_of = evaluation.folds(job.spec.seed, words["group"], job.spec.folds)
    fold = words["group"].map(fold_of).to_numpy()
    parts, metrics = [], {}
    for name, predict in BASELINES.items():
        predicted = np.full(len(words), np.nan)
        for number in range(job.spec.folds):
            predicted[fold == number] = predict(words[fold != number], words[fold == number], job.spec.seed)
        table = words[["id", "corpus", "document", "word", "label"]].assign(prediction=predicted, model=name)
        metrics |= {f"{name}/{measure}": value for measure, value in evaluation.measures(table).items()}
        parts.append(table)
    job.ledger.metrics(0, metrics)

    pd.concat(parts, ignore_index=True).to_parquet(job.out / "predictions.parquet", index=False)
    manifest.write_json(job.out / "metrics.json", metrics)
    made = [job.out / "predictions.parquet", job.out / "metrics.json"]
    for path in made:
        job.ledger.artifact(path)
    return made


if __name__ == "__main__":
    stage.main(GazeBaselineSpec, run)
