"""Table and figure of stage 1: every gaze regressor beside the baselines.

inputs: regressor = manifests of all variants and seeds (results/gaze/regressor/<variant>/seed<k>/manifest.json),
baselines = manifest
outputs: table = results/tables/gaze_regressor.tsv, figure = results/figures/gaze_regressor.svg
"""

from __future__ import annotations

from pathlib import Path

from scriptorium import stage
from scriptorium.spec import Spec


class TabulateGazeSpec(Spec):
    """Nothing to set."""


def run(job: stage.Job) -> list[Path]:
    import pandas as pd

    from scriptorium.reporting import gaze

    baselines = pd.read_parquet(job.input_dir("baselines") / "predictions.parquet")
    models = {name: [rows] for name, rows in baselines.groupby("model", sort=False)}
    names = set(models)
    for path in job.inputs["regressor"]:
        variant = path.parent.parent.name
        models.setdefault(variant, []).append(pd.read_parquet(path.parent / "predictions.parquet"))
    table = gaze.regressor_table(models)
    table.to_csv(job.outputs["table"], sep="\t", index=False, float_format="%.4f", lineterminator="\n")
    gaze.figure(models, names, job.outputs["figure"])

    for row in table.itertuples():
        job.ledger.metrics(0, {f"{row.model}/mae": row.mae, f"{row.model}/r2": row.r2})
    job.ledger.artifact(job.outputs["table"], "table")
    job.ledger.artifact(job.outputs["figure"], "figure")
    return [job.outputs["table"], job.outputs["figure"]]


if __name__ == "__main__":
    stage.main(TabulateGazeSpec, run)
