"""Pre-train a model on packed blocks, from scratch or from a checkpoint.

inputs: blocks (manifest), links (manifest of their links between synonyms, or none), start (manifest of a model to
begin with, or none)
out: `model/` (HF format, safetensors, with tokenizer), `metrics.json`, `held_out.parquet` (loss, predicted, correct of
every held-out example)
"""

from __future__ import annotations

from pathlib import Path

from scriptorium import stage
from scriptorium.errors import UserError
from scriptorium.manifest import write_json
from scriptorium.objectives.spec import PretrainSpec


def run(job: stage.Job) -> list[Path]:
    from scriptorium.engine import flops, training
    from scriptorium.fetching.backbones import backbone_directory
    from scriptorium.models import from_checkpoint
    from scriptorium.objectives import held_out as held_out_examples
    from scriptorium.objectives.draws import held_out_draws, training_draws
    from scriptorium.objectives.objective import build, check_blocks, module_of
    from scriptorium.objectives.unigram import log_frequencies, unigram_loss
    from scriptorium.text.blocks import Blocks
    from scriptorium.text.cutting import Cut
    from scriptorium.text.synonyms.linked_blocks import LinkedBlocks
    from scriptorium.text.tokenizers import load_tokenizer

    spec, blocks = job.spec, job.input_dir("blocks")
    tokenizer = load_tokenizer(blocks / "tokenizer")
    links = job.input_dir("links") if job.inputs.get("links") else None
    train, held_out = (
        LinkedBlocks(blocks / name, links / name) if links else Blocks(blocks / name)
        for name in ("train.arrow", "validation.arrow")
    )
    check_blocks(spec.objective, train)
    start = backbone_directory(job.input_dir("start")) if job.inputs.get("start") else None
    shape = spec.model or from_checkpoint.shape_of(start, module_of(spec.objective).SAVED)
    if train.length > shape.max_positions:
        raise UserError(
            f"block_length {train.length} is more than model.max_positions {shape.max_positions}",
            where=blocks,
            remedy="raise model.max_positions or lower block_length in the recipe",
        )

    warmup = spec.train.length_warmup
    cut = Cut(train, warmup.length) if warmup else None
    training.prepare(job, spec.seed)
    objective = build(shape, spec.objective, tokenizer)
    model = objective.model
    if start:
        new = from_checkpoint.copy_weights(model, start)
        job.ledger.note(f"weights of {start}; new: {', '.join(new) or 'none'}")
    if spec.trains == "head":
        model.base_model.requires_grad_(False)
    log_frequency = log_frequencies(train, tokenizer, specials=objective.predicts_specials)
    if objective.starts_from_frequencies:
        model.start_from(log_frequency)
    draws = training_draws(spec.seed)
    data = objective.hide(train, draws)
    fixed = objective.hide(held_out, held_out_draws())
    yardstick = {"validation/unigram_loss": unigram_loss(fixed, log_frequency)}
    job.ledger.metrics(0, yardstick)
    examples = held_out_examples.Remembered(objective.measures)
    tokens = train.length
    if train.padded:  # counting them reads all blocks, so only where they are the budget
        tokens = train.tokens / len(train) if spec.train.max_tokens else None
    trainer = training.train(
        job,
        model,
        data,
        objective.collate,
        spec.train,
        seed=spec.seed,
        held_out=fixed,
        compute_metrics=examples,
        decay_all=objective.decay_all,
        short=objective.hide(cut, draws) if cut else None,
        tokens=tokens,
        padded=train.padded,
        flops=lambda batch: flops.of(model, batch),
        terms=objective.terms,
        divisible=objective.divisible,
        width=shape.hidden_size,
    )

    steps = trainer.state.global_step
    evaluated = {f"validation/{name}": value for name, value in training.last_evaluation(trainer).items()}
    if examples.table is None:  # the last evaluation was of an attempt before this one
        trainer.evaluate()
    facts = {
        **yardstick,
        "train/steps": steps,
        "train/tokens": trainer.tally()["tokens"],
        "train/flops": trainer.done["flops"],
        "model/parameters": model.num_parameters(),
    }
    facts |= objective.facts(fixed)
    job.ledger.metrics(steps, facts)
    metrics = {**evaluated, **facts}
    examples.table.to_parquet(job.out / "held_out.parquet", index=False)
    return [
        write_json(job.out / "metrics.json", metrics),
        job.out / "held_out.parquet",
        *training.save_model(training.whole(model).plain(), job.out / "model", tokenizer),
    ]


if __name__ == "__main__":
    stage.main(PretrainSpec, run)
