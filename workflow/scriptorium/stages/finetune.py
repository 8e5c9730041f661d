"""Fine-tune an encoder on a task, plain or with cognition fused in (stage 2 of CogBERT), and evaluate it on test.

inputs: data, backbone, and with cognition or the gaze loss: annotations (manifests)
out: `predictions.parquet` (test set: id, label, prediction, and probability_<class> for classification; lists per word
for tagging and gaze), `metrics.json` (test/..., validation/... of the final weights), with cognition
`feature_weights.tsv` (per fused layer and feature), and if asked for `model/` and `encoder/` (a backbone for others)
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from scriptorium import manifest, stage
from scriptorium.modes import CognitionSpec
from scriptorium.spec import Spec, TrainSpec

if TYPE_CHECKING:
    import numpy as np
    import transformers

LOOKED_AT = 256  # test examples whose feature weights are averaged


class FinetuneSpec(Spec):
    """One fine-tuning run."""

    kind: Literal["classification", "regression", "tagging", "gaze"] = Field(
        description="what is predicted: a class or number per text, a tag or eye-tracking measures per word"
    )
    labels: tuple[str, ...] = Field(
        (), description="classes, tags or measures in the order of their numbers; empty for regression"
    )
    max_length: int = Field(128, gt=2, description="longest input in word pieces; longer ones are cut and counted")
    train: TrainSpec
    cognition: CognitionSpec | None = Field(None, description="empty: the plain encoder")
    gaze_loss: float | None = Field(
        None, gt=0, description="weight of an auxiliary loss on the words' fixation counts (after Deng et al. 2024)"
    )
    reinitialise: bool = Field(False, description="control: keep the shape, throw the pre-trained weights away")
    save_model: bool = Field(False, description="keep model/ and encoder/ (large)")
    seed: int = Field(0, ge=0, description="of the new parameters, dropout, order and controls")


def run(job: stage.Job) -> list[Path]:
    import torch
    from transformers import AutoTokenizer

    from scriptorium import training
    from scriptorium.data.checkpoints import check_checkpoint
    from scriptorium.data.examples import Examples, collate, read_split, shortest_first
    from scriptorium.evaluation import predictions
    from scriptorium.models import heads

    spec = job.spec
    backbone = backbone_directory(job.input_dir("backbone"))
    check_checkpoint(backbone)
    tables = {split: read_split(job.input_dir("data") / f"{split}.parquet", spec.labels, spec.kind)
              for split in ("train", "validation", "test")}  # fmt: skip
    words = read_words(job)

    training.prepare(job, spec.seed)
    tokenizer = AutoTokenizer.from_pretrained(backbone, local_files_only=True)
    train = Examples(tables["train"], tokenizer, spec.max_length, words)
    validation, test = (Examples(shortest_first(tables[split]), tokenizer, spec.max_length, words)
                        for split in ("validation", "test"))  # fmt: skip
    for split, data in (("train", train), ("validation", validation), ("test", test)):
        if data.truncated:
            job.ledger.note(f"{data.truncated} of {len(data)} {split} examples were cut to {spec.max_length} pieces")
        if data.words_cut:
            job.ledger.note(f"{data.words_cut} words of {split} were cut off and are not scored")

    units = heads.Units.of(tables["train"]["label"]) if spec.kind == "gaze" else None

    def measures(outputs: np.ndarray, labels: np.ndarray) -> dict[str, float]:
        return predictions.measures(spec, units.measured(outputs) if units else outputs, labels)

    make_batch = collate(tokenizer.pad_token_id, multiple=8 if torch.cuda.is_available() else 1)
    trainer = training.train(
        job, heads.build(spec, backbone), train, make_batch, spec.train, seed=spec.seed, held_out=validation,
        compute_metrics=lambda p: measures(p.predictions, p.label_ids), loss=units.loss if units else None,
    )  # fmt: skip
    predicted = trainer.predict(test)
    found = measures(predicted.predictions, predicted.label_ids)
    metrics = {f"test/{name}": value for name, value in found.items()}
    job.ledger.metrics(trainer.state.global_step, metrics)
    metrics |= {f"validation/{name}": value for name, value in training.last_evaluation(trainer).items()}

    files = [job.out / "predictions.parquet", manifest.write_json(job.out / "metrics.json", metrics)]
    outputs = units.measured(predicted.predictions) if units else predicted.predictions
    predictions.write(spec, test.table, outputs, predicted.label_ids, files[0])
    if spec.cognition:
        files.append(write_feature_weights(trainer.model, test, make_batch, job))
    job.ledger.artifact(files[0], "table")
    if spec.save_model:
        model = getattr(trainer.model, "plain", trainer.model)  # the gaze head is for training alone
        if units:
            units.fold_into(getattr(model, "model", model).classifier)
        files += training.save_model(model, job.out / "model", tokenizer)
        files += training.save_model(encoder_of(model, backbone), job.out / "encoder", tokenizer)
    return files


def read_words(job: stage.Job):
    """The annotated words of the task, where this run needs them."""
    from scriptorium.data.cognition import Words

    spec = job.spec
    if not (spec.cognition or spec.gaze_loss):
        return None
    path = manifest.table(job.input("annotations"))
    if spec.cognition is None:
        return Words.read(path, gives="n_fix")
    chosen = spec.cognition
    return Words.read(path, chosen.scores, spec.seed, drop=chosen.drop, pieces=chosen.pieces)


def backbone_directory(given: Path) -> Path:
    """Where the encoder lies in an artifact: in `encoder/` or `model/` of a run of ours, else at the top."""
    return next((given / name for name in ("encoder", "model") if (given / name).is_dir()), given)


def encoder_of(model: transformers.PreTrainedModel, backbone: Path) -> transformers.PreTrainedModel:
    """The fine-tuned encoder as a backbone for another run, with the pooler of the backbone where the task had none.

    Where cognition is fused in, it is the encoder without it: query, key and value as trained.
    """
    import torch
    from transformers import AutoConfig, AutoModel

    plain = getattr(model, "model", model).base_model
    mpnet = {f".attn.{name}.": f".attn.{name[0]}." for name in ("query", "key", "value", "output")}

    def original(name: str) -> str:
        return next((name.replace(ours, theirs) for ours, theirs in mpnet.items() if ours in name), name)

    config = AutoConfig.from_pretrained(backbone, local_files_only=True)
    full = AutoModel.from_pretrained(backbone, config=config, local_files_only=True, dtype=torch.float32)
    known = full.state_dict().keys()
    trained = {original(name): value for name, value in plain.state_dict().items()}
    full.load_state_dict({name: value for name, value in trained.items() if name in known}, strict=False)
    return full


def write_feature_weights(model, test, make_batch, job: stage.Job) -> Path:
    """feature_weights.tsv: layer (from 1), level, feature, weight (mean alpha), contribution (mean size in the map)."""
    from scriptorium.evaluation.cognition import feature_weights

    table = feature_weights(model, [test[i] for i in range(min(len(test), LOOKED_AT))], make_batch)
    path = job.out / "feature_weights.tsv"
    table.to_csv(path, sep="\t", index=False, float_format="%.6g", lineterminator="\n")
    job.ledger.metrics(0, {f"weight/layer{r.layer}/{r.feature}": r.weight for r in table.itertuples()})
    return path


if __name__ == "__main__":
    stage.main(FinetuneSpec, run)
