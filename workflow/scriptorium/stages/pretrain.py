"""Pre-train a model from scratch on packed blocks.

inputs: blocks (manifest) · out: `model/` (HF format, safetensors, with tokenizer), `metrics.json`
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from scriptorium import stage
from scriptorium.errors import UserError
from scriptorium.manifest import write_json
from scriptorium.spec import Spec, TrainSpec


class EncoderSpec(Spec):
    """Shape of the encoder."""

    hidden_size: int = Field(128, gt=0, description="width d")
    layers: int = Field(4, gt=0, description="transformer layers")
    heads: int = Field(4, gt=0, description="attention heads; must divide hidden_size")
    intermediate_size: int = Field(512, gt=0, description="width of the feed-forward part")
    max_positions: int = Field(512, gt=0, description="longest input")
    dropout: float = Field(0.1, ge=0, lt=1, description="hidden and attention dropout")

    def model_post_init(self, _: object) -> None:
        if self.hidden_size % self.heads:
            raise ValueError(f"heads ({self.heads}) must divide hidden_size ({self.hidden_size})")


class ObjectiveSpec(Spec):
    """The pre-training objective."""

    name: Literal["bert"] = Field("bert", description="a module of scriptorium/objectives")
    rate: float = Field(0.15, gt=0, lt=1, description="share of the tokens that are predicted")
    mask: float = Field(0.8, ge=0, le=1, description="of these, the share replaced by the mask symbol")
    random: float = Field(0.1, ge=0, le=1, description="of these, the share replaced by a random token")
    document_attention: bool = Field(True, description="attention stays inside a document of a packed block")
    frequency_bias: bool = Field(
        False,
        description="the output bias starts at the log frequencies of the training tokens (ours); BERT's starts at 0",
    )

    def model_post_init(self, _: object) -> None:
        if self.mask + self.random > 1:
            raise ValueError(f"mask ({self.mask}) and random ({self.random}) add up to more than 1")


class PretrainSpec(Spec):
    """One pre-training run."""

    model: EncoderSpec
    objective: ObjectiveSpec
    train: TrainSpec
    seed: int = Field(0, ge=0, description="of initialisation, dropout, order and masks")


def run(job: stage.Job) -> list[Path]:
    from scriptorium import training
    from scriptorium.data import packing
    from scriptorium.models import mlm
    from scriptorium.objectives import bert, masking

    spec, blocks = job.spec, job.input_dir("blocks")
    tokenizer = packing.load_tokenizer(blocks / "tokenizer")
    train, held_out = (packing.Blocks(blocks / f"{split}.arrow") for split in ("train", "validation"))
    if train.length > spec.model.max_positions:
        raise UserError(
            f"block_length {train.length} is more than model.max_positions {spec.model.max_positions}",
            where=blocks,
            remedy="raise model.max_positions or lower block_length in the recipe",
        )

    training.prepare(job, spec.seed)
    log_frequency = bert.log_frequencies(train, tokenizer)
    model = mlm.build(spec.model, tokenizer)
    if spec.objective.frequency_bias:
        model.start_from(log_frequency)
    data = bert.MaskedBlocks(train, spec.objective, tokenizer, masking.training_draws(spec.seed))
    fixed = bert.MaskedBlocks(held_out, spec.objective, tokenizer, masking.held_out_draws())
    unigram = bert.unigram_loss(fixed, log_frequency)
    job.ledger.metrics(0, {"validation/unigram_loss": unigram})
    trainer = training.train(
        job, model, data, bert.collate(document_attention=spec.objective.document_attention), spec.train,
        seed=spec.seed, held_out=fixed, compute_metrics=bert.measures,
    )  # fmt: skip

    steps = trainer.state.global_step
    evaluated = {f"validation/{name}": value for name, value in training.last_evaluation(trainer).items()}
    facts = {
        "validation/unigram_loss": unigram,
        "train/steps": steps,
        "train/tokens": _blocks_seen(steps, len(data), spec.train.batch_size) * train.length,
        "model/parameters": model.num_parameters(),
    }
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
