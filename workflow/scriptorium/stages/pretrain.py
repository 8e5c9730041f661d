"""Pre-train a model from scratch on packed blocks.

inputs: blocks (manifest) · out: `model/` (HF format, safetensors, with tokenizer), `metrics.json`
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from scriptorium import stage
from scriptorium.errors import UserError
from scriptorium.manifest import write_json
from scriptorium.objectives.spec import EncoderSpec, ObjectiveSpec
from scriptorium.spec import Spec, TrainSpec


class PretrainSpec(Spec):
    """One pre-training run."""

    model: EncoderSpec
    objective: ObjectiveSpec
    train: TrainSpec
    seed: int = Field(0, ge=0, description="of initialisation, dropout, order and masks")


def run(job: stage.Job) -> list[Path]:
    from scriptorium import objectives, training
    from scriptorium.data.blocks import Blocks
    from scriptorium.data.tokenizers import load_tokenizer
    from scriptorium.objectives import masking

    spec, blocks = job.spec, job.input_dir("blocks")
    tokenizer = load_tokenizer(blocks / "tokenizer")
    train, held_out = (Blocks(blocks / f"{split}.arrow") for split in ("train", "validation"))
    if train.length > spec.model.max_positions:
        raise UserError(
            f"block_length {train.length} is more than model.max_positions {spec.model.max_positions}",
            where=blocks,
            remedy="raise model.max_positions or lower block_length in the recipe",
        )

    training.prepare(job, spec.seed)
    objective = objectives.build(spec.model, spec.objective, tokenizer)
    model = objective.model
    log_frequency = masking.log_frequencies(train, tokenizer, specials=objective.predicts_specials)
    if spec.objective.frequency_bias:
        model.start_from(log_frequency)
    data = objective.hide(train, masking.training_draws(spec.seed))
    fixed = objective.hide(held_out, masking.held_out_draws())
    unigram = masking.unigram_loss(fixed, log_frequency)
    job.ledger.metrics(0, {"validation/unigram_loss": unigram})
    trainer = training.train(
        job, model, data, objective.collate, spec.train, seed=spec.seed, held_out=fixed,
        compute_metrics=objective.measures, decay_all=objective.decay_all,
    )  # fmt: skip

    steps = trainer.state.global_step
    evaluated = {f"validation/{name}": value for name, value in training.last_evaluation(trainer).items()}
    facts = {
        "validation/unigram_loss": unigram,
        "train/steps": steps,
        "train/tokens": _blocks_seen(steps, len(data), spec.train.batch_size) * train.length,
        "model/parameters": model.num_parameters(),
    }
    facts |= objective.facts(fixed)
    job.ledger.metrics(steps, facts)
    metrics = {**evaluated, **facts}
    return [write_json(job.out / "metrics.json", metrics),
            *training.save_model(model.plain(), job.out / "model", tokenizer)]  # fmt: skip


def _blocks_seen(steps: int, blocks: int, batch_size: int) -> int:
    """Blocks in so many steps; the last batch of an epoch may be smaller."""
    epochs, rest = divmod(steps, -(-blocks // batch_size))
    return epochs * blocks + min(rest * batch_size, blocks)


if __name__ == "__main__":
    stage.main(PretrainSpec, run)
