"""Train a gaze predictor on gaze corpora: reading measures of every word, from any encoder and surface features.

inputs: words = manifests of gaze corpora (results/gaze/corpora/<corpus>), backbone = manifest of an encoder
out: model/ (member<k>/, boosting.safetensors, ensemble.json), predictions.parquet (out of fold), metrics.json
"""

from __future__ import annotations

from pathlib import Path

from scriptorium import manifest, stage
from scriptorium.gaze.spec import TrainPredictorSpec


def run(job: stage.Job) -> list[Path]:
    import numpy as np

    from scriptorium.gaze.predictor import words
    from scriptorium.gaze.predictor.crossfit import cross_fit
    from scriptorium.gaze.regressor.word_vectors import encoder_directory

    spec = job.spec
    backbone = encoder_directory(job.input("backbone"))
    table = words.read(job.inputs["words"], spec.measures)
    sentences, values = words.sentences(table, spec.measures)
    fold = words.folds(table, spec.seeds[0], spec.folds)
    upper = [1.0 if measure == "fix_prop" else None for measure in spec.measures]

    ensemble, unseen = cross_fit(
        sentences,
        values,
        fold,
        backbone,
        spec,
        upper,
        lambda part, epoch, found: job.ledger.metrics(epoch, {f"{part}/{name}": v for name, v in found.items()}),
        job.ledger.note,
    )

    columns = {}
    for name in ("encoder", "boosting", "mixed"):
        columns |= {f"{m}_{name}": getattr(unseen, name)[:, i] for i, m in enumerate(spec.measures)}
    observed = np.concatenate(values)
    metrics = {"words": len(table), "sentences": len(sentences), "members": len(ensemble.members)}
    for i, measure in enumerate(spec.measures):
        known = np.isfinite(observed[:, i])
        middle = np.median(observed[known, i])
        metrics |= {
            f"oof/{measure}/{name}": _mae(getattr(unseen, name), observed, i)
            for name in ("encoder", "boosting", "mixed")
        }
        metrics[f"oof/{measure}/median_of_all"] = float(np.abs(observed[known, i] - middle).mean())
        metrics[f"encoder_weight/{measure}"] = float(ensemble.weights[i])
    job.ledger.metrics(spec.encoder.epochs, metrics)

    predictions = job.out / "predictions.parquet"
    table.assign(**columns).to_parquet(predictions, index=False)
    made = [predictions, manifest.write_json(job.out / "metrics.json", metrics)]
    for path in made:
        job.ledger.artifact(path)
    return [*made, *ensemble.save(job.out / "model")]


def _mae(predicted, observed, column: int) -> float:
    import numpy as np

    return float(np.nanmean(np.abs(predicted - observed)[:, column]))


if __name__ == "__main__":
    stage.main(TrainPredictorSpec, run)
