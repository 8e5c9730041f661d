"""Train a gaze predictor on gaze corpora: reading measures of every word, from any encoder and surface features.

inputs: words = manifests of gaze corpora (results/gaze/corpora/<corpus>), backbone = manifest of an encoder
out: model/ (member<k>/, boosting.safetensors, ensemble.json), predictions.parquet (out of fold), metrics.json
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from scriptorium import manifest, stage
from scriptorium.spec import Spec

Measure = Literal["n_fix", "ffd", "gd", "gpt", "trt", "fix_prop"]


class EncoderTraining(Spec):
    """Fine-tuning of one member (all ours; rates and batch size chosen on a held-out fold of CMCL 2021's train.csv)."""

    epochs: int = Field(5, gt=0, description="passes over the training sentences, always all of them")
    batch_size: int = Field(8, gt=0, description="sentences per step")
    lr: float = Field(2e-4, gt=0, description="AdamW peak rate of the encoder; its embedding table stays as it is")
    head_lr: float = Field(2e-3, gt=0, description="AdamW peak rate of the head")
    weight_decay: float = Field(0.01, ge=0, description="AdamW decay")
    warmup: float = Field(0.1, ge=0, lt=1, description="share of the steps with rising rate, linear decay after it")
    head_size: int = Field(128, gt=0, description="hidden units of the head")
    dropout: float = Field(0.1, ge=0, lt=1, description="in the head; the encoder keeps its own")
    precision: Literal["fp32", "bf16"] = Field("fp32", description="of the training's matrix products")


class BoostingTraining(Spec):
    """Gradient boosting on surface features (ours, chosen by cross-validation over CMCL 2021's train.csv)."""

    iterations: int = Field(200, gt=0, description="trees per measure")
    learning_rate: float = Field(0.05, gt=0, description="shrinkage")
    min_samples_leaf: int = Field(40, gt=0, description="fewest words in a leaf")


class PredictorSettings(Spec):
    """What a predictor is made of."""

    measures: tuple[Measure, ...] = Field(
        ("n_fix", "ffd", "gpt", "trt", "fix_prop"), min_length=1, description="what is predicted, in this order"
    )
    folds: int = Field(3, gt=1, description="documents are dealt to so many folds; each fold's models are members")
    seeds: tuple[int, ...] = Field((0,), min_length=1, description="members per fold, one of each seed")
    encoder: EncoderTraining = EncoderTraining()
    boosting: BoostingTraining = BoostingTraining()


class TrainPredictorSpec(PredictorSettings):
    """One predictor."""


def run(job: stage.Job) -> list[Path]:
    import numpy as np

    from scriptorium.data import readings
    from scriptorium.models.gaze_crossfit import cross_fit
    from scriptorium.models.word_vectors import encoder_directory

    spec = job.spec
    backbone = encoder_directory(job.input("backbone"))
    table = readings.read(job.inputs["words"], spec.measures)
    sentences, values = readings.sentences(table, spec.measures)
    fold = readings.folds(table, spec.seeds[0], spec.folds)
    upper = [1.0 if measure == "fix_prop" else None for measure in spec.measures]

    ensemble, unseen = cross_fit(
        sentences,
        values,
        fold,
        backbone,
        spec,
        upper,
        lambda part, epoch, found: job.ledger.metrics(epoch, {f"{part}/{name}": v for name, v in found.items()}),
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
