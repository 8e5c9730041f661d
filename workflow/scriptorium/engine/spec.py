"""What may be configured of training: budget, batches, learning rate. Nothing heavy is imported."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from typing import Any

from pydantic import Field, model_validator

from scriptorium.spec import Spec


class BatchWarmup(Spec):
    """Smaller batches first: from `start` examples to train.batch_size over the first `share` of the steps."""

    start: int = Field(gt=0, description="examples in the first step, over all processes")
    share: float = Field(gt=0, lt=1, description="share of the steps over which the batch grows")
    stages: int | None = Field(None, gt=0, description="it grows at so many equal stages; empty: linearly, every step")


class LengthWarmup(Spec):
    """Shorter examples first: a packed block is cut into block_length / length examples, so no token is lost."""

    length: int = Field(gt=8, description="tokens per example at first; block_length must be a multiple of it")
    share: float = Field(gt=0, lt=1, description="share of the steps on short examples; BERT's 0.9 at 128 of 512")


class MixtureSpec(Spec):
    """How monolingual and bilingual blocks share the steps of a run (engine/mixture.py)."""

    bilingual: float = Field(0.5, ge=0, le=1, description="share of the steps on bilingual blocks (ours: not found)")
    alpha: float = Field(
        0.5,
        ge=0,
        le=1,
        description="languages, and pairs of them, are drawn by n^alpha, n sentences or pairs; 1: as the text is",
    )


BUDGETS = ("epochs", "max_steps", "max_tokens", "max_flops", "max_seconds")


class TrainSpec(Spec):
    """Optimisation settings shared by fine-tuning and pre-training. One budget of the five of BUDGETS is given."""

    epochs: float | None = Field(None, gt=0, description="budget: passes over the training data")
    max_steps: int | None = Field(None, gt=0, description="budget: optimiser steps")
    max_tokens: int | None = Field(
        None, gt=0, description="budget, pre-training: input tokens; the most steps that do not exceed it"
    )
    max_flops: float | None = Field(
        None,
        gt=0,
        description="budget, pre-training: floating-point operations of the matrix products, forward and backward "
        "(engine/flops.py); the most steps that do not exceed it",
    )
    max_seconds: float | None = Field(
        None,
        gt=0,
        description="budget: wall time of the training loop, evaluations included, over all attempts; the learning "
        "rate follows the time (24hBERT). Such a run cannot be repeated to the bit",
    )
    batch_size: int = Field(16, gt=0, description="examples per optimiser step, over all processes")
    batch_warmup: BatchWarmup | None = Field(None, description="smaller batches first; empty: none")
    length_warmup: LengthWarmup | None = Field(None, description="pre-training: shorter examples first; empty: none")
    optimizer: typing.Literal["adamw", "muon"] = Field(
        "adamw",
        description="muon (ours, for small recipes): torch's Muon for the matrices of the encoder, AdamW for the rest",
    )
    lr: float = Field(5e-5, gt=0, description="peak learning rate")
    muon_lr: float | None = Field(
        None, gt=0, description="muon: peak learning rate of the matrices; empty: as lr, for updates of AdamW's size"
    )
    weight_decay: float = Field(0.01, ge=0, description="AdamW decay, not on biases and norms")
    warmup_ratio: float = Field(0.1, ge=0, lt=1, description="share of the steps with rising learning rate")
    warmup_steps: int | None = Field(None, ge=0, description="steps with rising learning rate, instead of warmup_ratio")
    schedule: typing.Literal["linear", "cosine", "constant_with_warmup", "polynomial"] = Field(
        "linear", description="after warm-up"
    )
    schedule_power: float = Field(1.0, gt=0, description="polynomial: exponent of the remaining share of the steps")
    end_lr: float = Field(0.0, ge=0, description="polynomial: the last learning rate, absolute (as in fairseq)")
    adam_betas: tuple[float, float] = Field((0.9, 0.999), description="AdamW betas")
    adam_eps: float = Field(1e-8, gt=0, description="AdamW epsilon")
    clip: float = Field(1.0, ge=0, description="gradient norm clip, 0 = off")
    shuffle: bool = Field(
        True, description="false: examples in the order of the file, as in CogBERT's released code (its defect 15)"
    )
    log_every: int = Field(10, gt=0, description="steps between two points of the loss curve")
    eval_every: int | None = Field(None, gt=0, description="steps between evaluations; empty: at every epoch's end")

    @model_validator(mode="before")
    @classmethod
    def _refuse_accumulation(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and "gradient_accumulation" in values:
            raise ValueError(
                "train.gradient_accumulation is no setting of a recipe, as it changes nothing that is learnt: take it"
                " out, and say how many examples a process may have at once, resources: {rules: {pretrain:"
                " {micro_batch: 16}}} in the configuration"
            )
        return values

    def model_post_init(self, _: Any) -> None:
        given = [name for name in BUDGETS if getattr(self, name) is not None]
        if len(given) != 1:
            rest = ", ".join(f"train.{name}" for name in BUDGETS[2:])
            raise ValueError(f"give exactly one of train.epochs and train.max_steps (or of {rest})")
        if self.batch_warmup and self.batch_warmup.start > self.batch_size:
            raise ValueError("train.batch_warmup.start is more than train.batch_size")
        if self.schedule != "polynomial" and (self.schedule_power != 1 or self.end_lr):
            raise ValueError("train.schedule_power and train.end_lr belong to train.schedule: polynomial")
        if self.optimizer != "muon" and self.muon_lr is not None:
            raise ValueError("train.muon_lr belongs to train.optimizer: muon")
        if self.optimizer == "muon" and self.end_lr:
            raise ValueError("train.end_lr is for one learning rate, and train.optimizer: muon may have two")
        if self.end_lr >= self.lr:
            raise ValueError("train.end_lr must be below train.lr")
        if self.max_seconds:
            for name in ("batch_warmup", "length_warmup", "warmup_steps"):
                if getattr(self, name) is not None:
                    raise ValueError(f"train.{name} needs a number of steps, which train.max_seconds does not give")
