"""Pre-train a model on packed blocks, from scratch or from a checkpoint.

inputs: blocks (manifest), start (manifest of a model to begin with, or none)
out: `model/` (HF format, safetensors, with tokenizer), `metrics.json`, `held_out.parquet` (loss, predicted, correct of
every held-out example)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from scriptorium import stage
from scriptorium.errors import UserError
from scriptorium.manifest import write_json
from scriptorium.objectives.spec import PretrainSpec

if TYPE_CHECKING:
    import torch
    import transformers


def run(job: stage.Job) -> list[Path]:
    from scriptorium import objectives
    from scriptorium.engine import flops, training
    from scriptorium.models import starting
    from scriptorium.objectives import held_out as held_out_examples
    from scriptorium.objectives import masking
    from scriptorium.text.blocks import Blocks
    from scriptorium.text.cutting import Cut
    from scriptorium.text.tokenizers import load_tokenizer

    spec, blocks = job.spec, job.input_dir("blocks")
    tokenizer = load_tokenizer(blocks / "tokenizer")
    train, held_out = (Blocks(blocks / f"{split}.arrow") for split in ("train", "validation"))
    start = job.input_dir("start") if job.inputs.get("start") else None
    shape = spec.model or starting.shape_of(start, starting.KINDS[spec.objective.name])
    if train.length > shape.max_positions:
        raise UserError(
            f"block_length {train.length} is more than model.max_positions {shape.max_positions}",
            where=blocks,
            remedy="raise model.max_positions or lower block_length in the recipe",
        )

    warmup = spec.train.length_warmup
    cut = Cut(train, warmup.length) if warmup else None
    training.prepare(job, spec.seed)
    objective = objectives.build(shape, spec.objective, tokenizer)
    model = objective.model
    if start:
        new = starting.load(model, start)
        job.ledger.note(f"weights of {start}; new: {', '.join(new) or 'none'}")
    if spec.trains == "head":
        model.base_model.requires_grad_(False)
    log_frequency = masking.log_frequencies(train, tokenizer, specials=objective.predicts_specials)
    if spec.objective.frequency_bias:
        model.start_from(log_frequency)
    draws = masking.training_draws(spec.seed)
    data = objective.hide(train, draws)
    fixed = objective.hide(held_out, masking.held_out_draws())
    unigram = masking.unigram_loss(fixed, log_frequency)
    job.ledger.metrics(0, {"validation/unigram_loss": unigram})
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
        terms=terms_of(model),
    )

    steps = trainer.state.global_step
    evaluated = {f"validation/{name}": value for name, value in training.last_evaluation(trainer).items()}
    if examples.table is None:  # the last evaluation was of an attempt before this one
        trainer.evaluate()
    facts = {
        "validation/unigram_loss": unigram,
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


def terms_of(model: transformers.PreTrainedModel) -> Callable[[Mapping[str, torch.Tensor]], int]:
    """How many terms the loss of a batch is a mean over: its labels, or in the original's MPNet all predictions."""
    from scriptorium.engine.batches import labelled

    if getattr(model.config, "count_ignored", False):
        return lambda batch: int((batch["positions"] >= 0).sum())
    return labelled


if __name__ == "__main__":
    stage.main(PretrainSpec, run)
