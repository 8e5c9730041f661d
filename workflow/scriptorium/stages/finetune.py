"""Fine-tune an encoder on a task, plain or with cognition fused in (stage 2 of CogBERT), and evaluate it on test.

inputs: data, backbone, and with cognition: annotations (manifests)
out: `predictions.parquet` (test set: id, label, prediction, and probability_<class> for classification),
`metrics.json` (test/..., validation/... of the final weights), `model/` if asked for
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from scriptorium import manifest, stage
from scriptorium.errors import UserError
from scriptorium.spec import Spec, TrainSpec

if TYPE_CHECKING:
    import numpy as np
    import transformers


class CognitionSpec(Spec):
    """How cognition enters the encoder (papers/cogbert section 5; `fixed` is ours)."""

    mode: Literal["fixed"] = Field("fixed", description="fixed: identity at the start, defects of section 10 mended")
    boundary: int = Field(4, ge=0, description="layers 1..boundary get word-level features, the others spans")
    scores: Literal["gaze", "flags", "shuffled", "random", "zero"] = Field(
        "gaze",
        description="gaze: stage-1 scores; the others are controls: "
        "0/1 features, permuted over words, random, all zero",
    )


class FinetuneSpec(Spec):
    """One fine-tuning run."""

    kind: Literal["classification", "regression"] = Field(description="what is predicted")
    labels: tuple[str, ...] = Field((), description="classes in the order of their numbers; empty for regression")
    max_length: int = Field(128, gt=2, description="longest input in word pieces; longer ones are cut and counted")
    train: TrainSpec
    cognition: CognitionSpec | None = Field(None, description="empty: the plain encoder")
    reinitialise: bool = Field(False, description="control: keep the shape, throw the pre-trained weights away")
    save_model: bool = Field(False, description="keep model/ (large)")
    seed: int = Field(0, ge=0, description="of the new parameters, dropout, order and controls")


def run(job: stage.Job) -> list[Path]:
    import torch
    from transformers import AutoTokenizer

    from scriptorium import training
    from scriptorium.data.checkpoints import check_checkpoint
    from scriptorium.data.cognition import Words
    from scriptorium.data.examples import Examples, collate, read_split, shortest_first

    spec = job.spec
    backbone = backbone_directory(job.input_dir("backbone"))
    check_checkpoint(backbone)
    tables = {split: read_split(job.input_dir("data") / f"{split}.parquet", spec.labels)
              for split in ("train", "validation", "test")}  # fmt: skip
    words = None
    if spec.cognition:
        (entry,) = manifest.read(job.input("annotations"))["files"]
        words = Words.read(job.input_dir("annotations") / entry["path"], spec.cognition.scores, spec.seed)

    training.prepare(job, spec.seed)
    tokenizer = AutoTokenizer.from_pretrained(backbone, local_files_only=True)
    train = Examples(tables["train"], tokenizer, spec.max_length, words)
    validation, test = (Examples(shortest_first(tables[split]), tokenizer, spec.max_length, words)
                        for split in ("validation", "test"))  # fmt: skip
    for split, data in (("train", train), ("validation", validation), ("test", test)):
        if data.truncated:
            job.ledger.note(f"{data.truncated} of {len(data)} {split} examples were cut to {spec.max_length} pieces")

    trainer = training.train(
        job, build_model(spec, backbone), train,
        collate(tokenizer.pad_token_id, multiple=8 if torch.cuda.is_available() else 1), spec.train,
        seed=spec.seed, held_out=validation, compute_metrics=lambda p: measures(spec, p.predictions, p.label_ids),
    )  # fmt: skip
    predicted = trainer.predict(test)
    metrics = {
        f"test/{name}": value for name, value in measures(spec, predicted.predictions, predicted.label_ids).items()
    }
    job.ledger.metrics(trainer.state.global_step, metrics)
    metrics |= {f"validation/{name}": value for name, value in training.last_evaluation(trainer).items()}

    files = [job.out / "predictions.parquet", manifest.write_json(job.out / "metrics.json", metrics)]
    write_predictions(spec, test.table, predicted.predictions, files[0])
    job.ledger.artifact(files[0], "table")
    if spec.save_model:
        files += training.save_model(trainer.model, job.out / "model", tokenizer)
    return files


def backbone_directory(given: Path) -> Path:
    """Where the model lies in an artifact: in `model/` of a run of ours, else at the top (a catalogue entry)."""
    return given / "model" if (given / "model").is_dir() else given


def build_model(spec: FinetuneSpec, backbone: Path) -> transformers.PreTrainedModel:
    """A sequence classifier on the backbone, plain or with cognition. The same seed gives both the same head."""
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification

    from scriptorium.models.cognition import CognitionForSequenceClassification

    if spec.kind == "regression":
        task = {"num_labels": 1, "problem_type": "regression"}
    else:
        names = dict(enumerate(spec.labels))
        task = {"id2label": names, "label2id": {name: i for i, name in names.items()},
                "problem_type": "single_label_classification"}  # fmt: skip
    config = AutoConfig.from_pretrained(backbone, local_files_only=True, **task)
    if spec.reinitialise:
        model = AutoModelForSequenceClassification.from_config(config)
    else:
        model = AutoModelForSequenceClassification.from_pretrained(
            backbone, config=config, local_files_only=True, dtype=torch.float32
        )
    if spec.max_length > config.max_position_embeddings:
        raise UserError(f"max_length {spec.max_length} is more than the backbone's {config.max_position_embeddings}",
                        where=backbone, remedy="lower max_length of the task")  # fmt: skip
    if spec.cognition is None:
        return model
    return CognitionForSequenceClassification.wrap(model, mode=spec.cognition.mode, boundary=spec.cognition.boundary)


def measures(spec: FinetuneSpec, outputs: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """The task's metrics, from logits [n, classes] or values [n, 1]."""
    from scriptorium.evaluation import classification

    if spec.kind == "regression":
        return classification.regression(labels, outputs[:, 0])
    return classification.classification(labels, outputs.argmax(axis=-1), len(spec.labels))


def write_predictions(spec: FinetuneSpec, table, outputs: np.ndarray, path: Path) -> None:
    """predictions.parquet in the order of the test file."""
    from scriptorium.evaluation.classification import probabilities

    predictions = table[["id", "label"]].copy()
    if spec.kind == "regression":
        predictions["prediction"] = outputs[:, 0]
    else:
        predictions["prediction"] = outputs.argmax(axis=-1)
        for number, name in enumerate(spec.labels):
            predictions[f"probability_{name}"] = probabilities(outputs)[:, number]
    predictions.sort_index().to_parquet(path, index=False)


if __name__ == "__main__":
    stage.main(FinetuneSpec, run)
