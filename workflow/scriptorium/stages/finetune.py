"""Fine-tune a model on a task and evaluate it on test: an encoder plain, with cognition fused in (stage 2 of CogBERT),
or with VECO's cross-attention plugged in, beside translations; or a model that writes text (tasks/body.py).

inputs: data, backbone, and with cognition or the gaze loss: annotations (manifests)
out: `predictions.parquet` (test set: id, label, prediction, and what docs/tasks.md names for each kind; language, where
the task has several),
`validation.parquet` (the same of the validation set),
`metrics.json` (test/..., validation/... of the weights that count: the last ones, or with `best_by` the best, of which
best/epoch is then given, and best/reported: 1 where validation is the test set itself, else 0; with plug-in also
manipulation/changed, the share of the test predictions that differ where texts stand beside the translation of another
one; with body t5 also generated, the share of the examples whose right label greedy generation writes), with cognition
`feature_weights.tsv` (validation set, per fused layer and feature), and if asked for `model/` and `encoder/` (a
backbone for others)
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from scriptorium import manifest, stage
from scriptorium.errors import UserError
from scriptorium.tasks.body import body_of
from scriptorium.tasks.kind import kind_of
from scriptorium.tasks.spec import FinetuneSpec

if TYPE_CHECKING:
    import pandas as pd
    import transformers

    from scriptorium.tasks.body import Body
    from scriptorium.tasks.labelled import Labelled

LOOKED_AT = 256  # validation examples whose feature weights are averaged


def run(job: stage.Job) -> list[Path]:
    import torch
    from transformers import AutoTokenizer

    from scriptorium.engine import training
    from scriptorium.engine.best import Best
    from scriptorium.evaluation import by_language
    from scriptorium.fetching.backbones import backbone_directory
    from scriptorium.fetching.checkpoints import check_checkpoint
    from scriptorium.tasks.examples import shortest_first
    from scriptorium.tasks.few import some
    from scriptorium.tasks.plug_in import BesideTranslations, labelled, plugged_splits, require_translations, shuffled
    from scriptorium.tasks.prepared import with_more
    from scriptorium.tasks.symbols import with_types_that_fit
    from scriptorium.text.plain import as_text

    spec = job.spec
    require_plain(spec)
    require_whole_weights(job)
    kind, body = kind_of(spec.kind), body_of(spec.body)
    backbone = backbone_directory(job.input_dir("backbone"))
    check_checkpoint(backbone)
    paths = {split: job.input_dir("data") / f"{split}.parquet" for split in ("train", "validation", "test")}
    tables = {split: with_more(kind.read(path, spec.labels), path) for split, path in paths.items()}
    if spec.labelled:
        rows = some(kind.strata(tables["train"]), spec.labelled, spec.seed)
        tables["train"] = tables["train"].iloc[rows].reset_index(drop=True)
    words = read_words(job)
    plugged = plugged_splits(spec)
    for split in plugged:
        require_translations(tables[split], paths[split])
        if spec.plug_in.translations == "shuffled":
            tables[split] = shuffled(tables[split], spec.seed)

    training.prepare(job, spec.seed)
    tokenizer = as_text(AutoTokenizer.from_pretrained(backbone, local_files_only=True, trust_remote_code=False))
    tokenizer = with_types_that_fit(body.reading(tokenizer), backbone)

    def data_set(split: str, table: pd.DataFrame) -> Labelled:
        if spec.plug_in is not None:
            return BesideTranslations(kind, table, tokenizer, spec, alone=split not in plugged)
        return kind.data_set(body.texts(table, spec.body), tokenizer, spec, words)

    train = data_set("train", tables["train"])
    validation, test = (data_set(split, shortest_first(tables[split])) for split in ("validation", "test"))
    for split, data in (("train", train), ("validation", validation), ("test", test)):
        for note in data.notes(split):
            job.ledger.note(note)

    fitted = kind.fit(tables["train"]["label"], spec)
    best = spec.best_by and Best(job.state, spec.best_by, lower_better=kind.lower_is_better(spec.best_by))

    def predicted(data: Labelled, given: transformers.EvalPrediction):
        own = data.own if spec.plug_in else data  # the kind's own data set, without translations
        made = kind.predicted(own, body.scores(given.predictions), given.label_ids, spec, fitted)
        return by_language.kept(body.more(made, given.predictions), data.table)

    def measured(made: pd.DataFrame) -> dict[str, float]:
        return by_language.measured(kind, made, spec.labels) | body.measures(made)

    def measures(given: transformers.EvalPrediction) -> dict[str, float]:
        found = measured(predicted(validation, given))
        if best:
            best.offer(model, found)
        return found

    model, rates = build(spec, backbone, words, train)
    make_batch = train.collate(tokenizer.pad_token_id, multiple=8 if torch.cuda.is_available() else 1)
    trainer = training.train(
        job,
        model,
        train,
        make_batch,
        spec.train,
        seed=spec.seed,
        held_out=validation,
        compute_metrics=measures,
        loss=kind.loss(fitted),
        decay_all=spec.decay_all,
        terms=labelled,
        rates=rates,
        divisible=spec.gaze_loss is None,  # which is a mean over words, beside one over labels
    )
    chosen = {}
    if best:
        known, step = best.restore(trainer)
        epochs = step / -(-len(train) // spec.train.batch_size)
        chosen = {"best/epoch": epochs, "best/reported": float(tables["validation"]["id"].equals(tables["test"]["id"]))}
    else:
        known = training.last_evaluation(trainer)
    trainer.compute_metrics = None  # those are validation's
    fitted = kind.chosen(fitted, known)
    made, looked_at = (predicted(data, trainer.predict(data)) for data in (test, validation))
    metrics = {f"test/{name}": value for name, value in measured(made).items()}
    if "test" in plugged:
        others = data_set("test", shuffled(test.table, spec.seed + 1))
        metrics["manipulation/changed"] = float(kind.changed(made, predicted(others, trainer.predict(others))).mean())
    job.ledger.metrics(trainer.state.global_step, metrics)
    metrics |= {f"validation/{name}": value for name, value in known.items()} | chosen

    files = [
        job.out / "predictions.parquet",
        job.out / "validation.parquet",
        manifest.write_json(job.out / "metrics.json", metrics),
    ]
    for table, path in zip((made, looked_at), files, strict=False):
        table.sort_index().to_parquet(path, index=False)  # in the order of the split's file, not of the batches
    if spec.cognition:
        files.append(write_feature_weights(trainer.model, validation, make_batch, job))
    job.ledger.artifact(files[0], "table")
    if spec.save_model:
        model = getattr(trainer.model, "plain", trainer.model)  # the gaze head is for training alone
        kind.fold(fitted, model)
        files += training.save_model(model, job.out / "model", tokenizer)
        encoder = encoder_of(model, backbone, body, plugged=spec.plug_in is not None)
        files += training.save_model(encoder, job.out / "encoder", tokenizer)
    return files


def build(spec: FinetuneSpec, backbone: Path, words, train):
    """The model, and by how much the parameters of a fusion with a dose learn faster than the encoder's."""
    from scriptorium.cognition.model import fusion_parameters
    from scriptorium.tasks import heads

    dose = spec.cognition and spec.cognition.dose
    if not dose:
        return heads.build(spec, backbone), {}
    sizes = words.sizes(text for texts in train.texts for text in texts) if dose.normalise else None
    model = heads.build(spec, backbone, None if sizes is None else (1 / sizes).tolist())
    return model, dict.fromkeys(fusion_parameters(model), dose.rate)


def require_plain(spec: FinetuneSpec) -> None:
    """Raises UserError where cognition, the gaze loss or plug-in is asked for with a kind that has no such head, or a
    body that has no head for this kind."""
    kind, body = kind_of(spec.kind), body_of(spec.body)
    if not body.takes(spec.kind):
        raise UserError(
            f"body {spec.body.name} cannot be used on a task of kind {spec.kind}",
            where="recipe of the variant",
            remedy=body.refused,
        )
    taken = {"cognition": kind.takes_cognition, "gaze_loss": kind.takes_cognition, "plug_in": bool(kind.plugged_head)}
    if name := next((name for name, takes in taken.items() if getattr(spec, name) is not None and not takes), ""):
        raise UserError(
            f"{name} cannot be used on a task of kind {spec.kind}",
            where="recipe of the variant",
            remedy="compare plain variants on this task, or take another kind of task",
        )


def require_whole_weights(job: stage.Job) -> None:
    """Raises UserError where the best weights are to be kept and processes share them."""
    if job.spec.best_by and job.impl.fsdp:
        raise UserError(
            "best_by keeps whole weights, and --fsdp shares them between processes",
            where="--fsdp",
            remedy="leave it out, or leave out best_by of the task",
        )


def read_words(job: stage.Job):
    """The annotated words of the task, where this run needs them."""
    from scriptorium.cognition.words import Words

    spec = job.spec
    if not (spec.cognition or spec.gaze_loss):
        return None
    path = manifest.the_parquet(job.input("annotations"))
    if spec.cognition is None:
        return Words.read(path, gives="n_fix")
    chosen = spec.cognition
    return Words.read(path, chosen.scores, spec.seed, drop=chosen.drop, pieces=chosen.pieces)


def encoder_of(
    model: transformers.PreTrainedModel, backbone: Path, body: Body, *, plugged: bool = False
) -> transformers.PreTrainedModel:
    """The fine-tuned encoder as a backbone for another run, with the pooler of the backbone where the task had none; of
    a model that writes text all but its head.

    Where cognition is fused in, it is the encoder without it: query, key and value as trained. With `plugged` it keeps
    its cross-attentions.
    """
    import torch
    from transformers import AutoConfig

    plain = getattr(model, "model", model).base_model
    mpnet = {f".attn.{name}.": f".attn.{name[0]}." for name in ("query", "key", "value", "output")}

    def original(name: str) -> str:
        return next((name.replace(ours, theirs) for ours, theirs in mpnet.items() if ours in name), name)

    kinds = (type(plain).config_class, type(plain)) if plugged else (AutoConfig, body.backbone_class())
    config = kinds[0].from_pretrained(backbone, local_files_only=True, trust_remote_code=False)
    full = kinds[1].from_pretrained(
        backbone, config=config, local_files_only=True, trust_remote_code=False, dtype=torch.float32
    )
    known = full.state_dict().keys()
    trained = {original(name): value for name, value in plain.state_dict().items()}
    full.load_state_dict({name: value for name, value in trained.items() if name in known}, strict=False)
    return full


def write_feature_weights(model, data, make_batch, job: stage.Job) -> Path:
    """feature_weights.tsv: layer (from 1), level, feature, weight (mean alpha), contribution (mean size in the map)."""
    from scriptorium.cognition.weights import feature_weights

    table = feature_weights(model, [data[i] for i in range(min(len(data), LOOKED_AT))], make_batch)
    path = job.out / "feature_weights.tsv"
    table.to_csv(path, sep="\t", index=False, float_format="%.6g", lineterminator="\n")
    job.ledger.metrics(0, {f"weight/layer{r.layer}/{r.feature}": r.weight for r in table.itertuples()})
    return path


if __name__ == "__main__":
    stage.main(FinetuneSpec, run)
