"""Trainer on our plan of batches, with losses weighted by what they are means over, and early notice of divergence."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from torch.utils.data import DataLoader

from scriptorium.engine import budget, optimizers, precision, processes
from scriptorium.engine.batches import Micro
from scriptorium.engine.checkpoints import PROGRESS, progress, saving
from scriptorium.engine.divergence import Divergence
from scriptorium.engine.spec import TrainSpec
from scriptorium.errors import UserError
from scriptorium.manifest import write_json
from scriptorium.stage import Impl

# How often the state is saved by time: never part of a spec, since it cannot change a result.
CHECKPOINT_SECONDS = float(os.environ.get("SCRIPTORIUM_CHECKPOINT_SECONDS", "600"))


class PlannedTrainer(transformers.Trainer):
    """transformers' Trainer, of which loader, loss of a step, optimiser, scheduler and what is saved are replaced."""

    loader: DataLoader
    sources: list[budget.Source]
    spec: TrainSpec | None = None
    impl = Impl()
    divergence: Divergence | None = None
    max_seconds: float | None = None
    precision = precision.FP32
    decay_all = False
    rates: Mapping[str, float] = {}  # of parameters that learn at another rate: times the learning rate

    def __init__(self, *arguments: Any, **named: Any):
        super().__init__(*arguments, **named)
        self.loss_is_scaled_for_ga, self.model_accepts_loss_kwargs = True, False  # compute_loss weights the losses
        if self.args.fp16 and self.accelerator.device.type == "cpu":  # accelerate would leave it out in silence
            self.accelerator.native_amp, self.accelerator.scaler = True, torch.amp.GradScaler("cpu")
        self.done = progress(None)  # seconds, tokens and FLOPs of all attempts, over all processes
        self.seconds_before = 0.0
        self.begun = self.saved_at = time.monotonic()
        self.stop_asked = self.save_asked = False
        self._counted: dict[str, Any] = {"tokens": 0, "correct": 0, "predicted": 0}  # by this process, on the device
        self._micros: list[Micro] = []
        self._step_loss: torch.Tensor | float = 0.0

    def get_train_dataloader(self) -> DataLoader:
        return self.loader

    def get_batch_samples(self, epoch_iterator: Iterator[Micro], num_batches: int, device: Any) -> tuple[list, None]:
        """The micro-batches of the next step, on the device, each with its weight in the step's mean."""
        self._micros = [micro for _, micro in zip(range(num_batches), epoch_iterator, strict=False)]
        terms = self._agree(sum(micro.terms for micro in self._micros))
        part = self._micros[0].part
        source = self.sources[part.phase]
        self.done["tokens"] += (source.constant_tokens or 0) * part.examples
        self.done["flops"] += (source.flops or 0) * part.examples
        if hasattr(self.model, "monitored"):  # it then says how many predictions are correct, which costs a little
            self.model.monitored = (self.state.global_step + 1) % self.args.logging_steps == 0
        scale = processes.world() / max(terms, 1)  # gradients and logged losses are means over the processes
        return [
            {name: value.to(device, non_blocking=True) for name, value in micro.inputs.items()}
            | {"weight": micro.terms * scale}
            for micro in self._micros
        ], None

    def _agree(self, terms: float) -> float:
        """Before every step the processes agree: terms of the whole batch, time spent, and whether to save or stop."""
        seconds = self.seconds_before + time.monotonic() - self.begun
        due = time.monotonic() - self.saved_at > CHECKPOINT_SECONDS
        first = processes.rank() == 0
        terms, stop, save, seconds = processes.total(
            [terms, self.impl.stop_reason() is not None, first and due, seconds if first else 0.0]
        )
        self.stop_asked, self.save_asked, self.done["seconds"] = stop > 0, save > 0, seconds
        return terms

    def training_step(self, model: Any, inputs: dict[str, Any], *arguments: Any, **named: Any) -> torch.Tensor:
        if self.sources[-1].constant_tokens is None:
            mask = inputs.get("attention_mask")
            self._counted["tokens"] += inputs["input_ids"].numel() if mask is None else mask.sum()
        loss = super().training_step(model, inputs, *arguments, **named)
        self._step_loss = self._step_loss + loss
        return loss

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        weight, labels = inputs.pop("weight", None), inputs.get("labels")
        loss, outputs = super().compute_loss(model, inputs, return_outputs=True)
        if weight is not None:  # training
            if isinstance(outputs, dict) and "correct" in outputs:
                self._counted["correct"] += outputs["correct"].sum() * (weight > 0)
                self._counted["predicted"] += (labels != -100).sum() * (weight > 0)
            loss = loss if weight == 1 else loss * weight
        return (loss, outputs) if return_outputs else loss

    def tally(self) -> dict[str, float]:
        """So far, over all processes: tokens and FLOPs of all attempts; correct and predicted of some steps of this."""
        counted = processes.total([float(value) for value in self._counted.values()])
        tokens, correct, predicted = counted
        return {
            "tokens": self.done["tokens"] + tokens,
            "flops": self.done["flops"],
            "correct": correct,
            "predicted": predicted,
        }

    def _get_grad_norm(self, model: Any, grad_norm: Any = None) -> Any:
        norm = super()._get_grad_norm(model, grad_norm=grad_norm)
        norm = norm.full_tensor() if hasattr(norm, "full_tensor") else norm  # of a sharded model
        if self.divergence is not None:
            self.divergence.check(self.state.global_step + 1, self._step_loss, norm, self._micros)
        self._step_loss = 0.0
        return norm

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        self.divergence.judge_pending()
        folder = Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}"
        tally = self.tally()
        with saving(folder):
            if processes.rank() == 0:
                folder.mkdir(parents=True, exist_ok=True)
                write_json(folder / PROGRESS, {**self.done, "tokens": tally["tokens"], "precision": self.precision})
            super()._save_checkpoint(model, trial)
        self.saved_at = time.monotonic()

    def _load_rng_state(self, checkpoint: str | None) -> None:
        """Where another number of processes has saved it, each begins with draws that no step has had."""
        super()._load_rng_state(checkpoint)
        name = "rng_state.pth" if processes.world() == 1 else f"rng_state_{processes.rank()}.pth"
        if checkpoint is not None and not (Path(checkpoint) / name).is_file():
            place = [self.args.seed, self.state.global_step, processes.rank()]
            torch.manual_seed(int(np.random.SeedSequence(place).generate_state(1, np.uint64)[0]))

    def _save_rng_state(self, output_dir: str) -> None:
        super()._save_rng_state(output_dir)
        processes.wait()  # a checkpoint that looks complete has the state of every process

    def create_optimizer(self, model: torch.nn.Module | None = None) -> torch.optim.Optimizer:
        """Muon where the settings ask for it; with `rates`, their parameters go into groups of their own."""
        if self.optimizer is not None:
            return super().create_optimizer(model)
        whole = self.model if model is None else model
        if self.spec is not None and self.spec.optimizer == "muon":
            if self.rates:
                raise UserError(
                    "muon knows no learning rates of single parameters", where="train.optimizer", remedy="use adamw"
                )
            self.optimizer = optimizers.muon(whole, self.spec, self.get_decay_parameter_names(whole))
        made = super().create_optimizer(model)
        if self.rates:
            optimizers.split_by_rate(made, dict(self.model.named_parameters()), self.rates)
        return made

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        """With a budget of seconds, the schedule is over milliseconds spent instead of steps."""
        if not self.max_seconds:
            return super().create_scheduler(num_training_steps, optimizer)
        total = math.ceil(1000 * self.max_seconds)
        scheduler = super().create_scheduler(total, optimizer)
        shapes = scheduler.lr_lambdas
        scheduler.lr_lambdas = [lambda _, f=shape: f(min(int(1000 * self.done["seconds"]), total)) for shape in shapes]
        return scheduler

    def get_decay_parameter_names(self, model: torch.nn.Module) -> list[str]:
        if self.decay_all:
            return [name for name, _ in model.named_parameters()]
        return super().get_decay_parameter_names(model)

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:
        return 0  # Trainer's estimate, which walks over all parameters at every step; ours is engine/flops.py
