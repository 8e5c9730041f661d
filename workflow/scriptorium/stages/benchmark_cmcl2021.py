"""The CMCL 2021 shared task as a benchmark: our gaze predictor beside baselines, on sentences 600-799.

Models are trained on sentences 0-599 (train.csv); nothing is chosen on sentences 600-799 (valid.csv). All settings
were chosen on held-out folds of the 600 training sentences, and the weights of the mixture are found so here.

inputs: raw = manifest with train.csv and valid.csv, backbone = manifest of an encoder
out: predictions.parquet (every model's, word by word), metrics.json (also out of fold)
outputs: table = results/tables/gaze_cmcl2021.tsv, figure = results/figures/gaze_cmcl2021.svg
"""

from __future__ import annotations

from pathlib import Path

from scriptorium import manifest, stage
from scriptorium.gaze.spec import BenchmarkCmcl2021Spec


def run(job: stage.Job) -> list[Path]:
    import numpy as np

    from scriptorium.engine.precision import cpu_has_bf16
    from scriptorium.gaze.predictor import cmcl2021 as evaluation
    from scriptorium.gaze.predictor import words
    from scriptorium.gaze.predictor.crossfit import cross_fit
    from scriptorium.gaze.readers import cmcl2021
    from scriptorium.gaze.regressor.word_vectors import encoder_directory
    from scriptorium.reporting import gaze_cmcl2021 as reporting
    from scriptorium.reporting import tables

    spec, measures = job.spec, job.spec.measures
    if spec.encoder.precision == "auto":
        job.ledger.note(f"the encoders learn in {'bf16' if cpu_has_bf16() else 'fp32'}, by this processor")
    backbone = encoder_directory(job.input("backbone"))
    parts = cmcl2021.read_parts(job.input("raw"), job.ledger)
    train, test = parts["train"], parts["valid"]
    sentences, values = words.sentences(train, measures)
    unseen, _ = words.sentences(test, measures)
    fold = words.folds(train, spec.seeds[0], spec.folds)

    ensemble, oof = cross_fit(
        sentences,
        values,
        fold,
        backbone,
        spec,
        [100.0] * len(measures),
        lambda part, epoch, found: job.ledger.metrics(epoch, {f"{part}/{name}": v for name, v in found.items()}),
    )
    predicted = ensemble.predict(unseen)
    models = evaluation.baselines(train, test, measures, spec.seeds[0]) | {
        "boosting_context": predicted.boosting,
        "encoder": predicted.encoder,
        "mixed": predicted.values,
    }

    observed = test[list(measures)].to_numpy()
    table = evaluation.error_table(models, observed, measures)
    tables.write(table, job.outputs["table"])
    gain = evaluation.gain(models["boosting"], models["mixed"], observed, test["document"].to_numpy(), spec.resamples)
    reporting.figure(table, gain, models["mixed"], observed, measures, job.outputs["figure"])

    metrics = {f"{row.model}/mae": row.mean for row in table.itertuples()}
    metrics |= {f"mixed_less_boosting/{name}": value for name, value in gain.items()}
    seen = np.concatenate(values)
    for name in ("encoder", "boosting", "mixed"):
        metrics[f"oof/{name}/mae"] = float(np.abs(getattr(oof, name) - seen).mean())
    inside = (predicted.low <= observed) & (observed <= predicted.high)
    for column, measure in enumerate(measures):
        metrics[f"interval_coverage/{measure}"] = float(inside[:, column].mean())
        metrics[f"encoder_weight/{measure}"] = float(ensemble.weights[column])
    job.ledger.metrics(0, metrics)

    predictions = job.out / "predictions.parquet"
    evaluation.long(train, test, oof, models, measures).to_parquet(predictions, index=False)
    made = [predictions, manifest.write_json(job.out / "metrics.json", metrics)]
    for path in (*made, job.outputs["table"], job.outputs["figure"]):
        job.ledger.artifact(path)
    return [*made, job.outputs["table"], job.outputs["figure"]]


if __name__ == "__main__":
    stage.main(BenchmarkCmcl2021Spec, run)
