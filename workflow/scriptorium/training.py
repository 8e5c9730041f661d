"""The one training entry: Hugging Face Trainer + our ledger + resume to the bit.

What Trainer does not give and this file adds: example order and masks as pure functions of (seed, epoch, index);
every number into the ledger; checkpoints by time as well as by steps, outside declared outputs; a clean stop on
SIGTERM or near the runtime limit; resume from the last *complete* checkpoint.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from torch.utils.data import Dataset, Sampler
from tqdm import tqdm

from scriptorium.errors import Interrupted, UserError
from scriptorium.ledger import Ledger
from scriptorium.spec import TrainSpec
from scriptorium.stage import Impl, Job

log = logging.getLogger("training")

# How often the state is saved: never part of a spec, since it cannot change a result.
CHECKPOINT_STEPS = int(os.environ.get("SCRIPTORIUM_CHECKPOINT_STEPS", "500"))
CHECKPOINT_SECONDS = float(os.environ.get("SCRIPTORIUM_CHECKPOINT_SECONDS", "600"))


class EpochSampler(Sampler):
    """Yields (epoch, index): a permutation that is a pure function of (seed, epoch).

    The pair travels to the data set, so that masks can depend on the epoch without any state in the workers.
    With `lengths`, batches hold examples of similar length: of every WINDOW batches of the permutation the examples
    are sorted, then the batches are permuted. Little padding, and still a random order.
    """

    WINDOW = 16  # batches: enough to halve the padding, few enough to leave batches mixed

    def __init__(
        self, length: int, seed: int, lengths: np.ndarray | None = None, batch_size: int = 1, shuffle: bool = True
    ):
        self.length, self.seed, self.epoch, self.shuffle = length, seed, 0, shuffle
        self.lengths, self.batch_size = lengths, batch_size

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[tuple[int, int]]:
        if not self.shuffle:
            return iter([(self.epoch, index) for index in range(self.length)])
        generator = np.random.default_rng([self.seed, self.epoch])
        order = generator.permutation(self.length)
        if self.lengths is not None:
            order = self._by_length(order, generator)
        return iter([(self.epoch, int(index)) for index in order])

    def _by_length(self, order: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        whole = self.length - self.length % self.batch_size  # the rest is the last, smaller batch
        batches = []
        for start in range(0, whole, self.WINDOW * self.batch_size):
            window = order[start : min(start + self.WINDOW * self.batch_size, whole)]
            window = window[np.argsort(self.lengths[window], kind="stable")]
            batches += list(window.reshape(-1, self.batch_size))
        return np.concatenate([*(batches[i] for i in generator.permutation(len(batches))), order[whole:]])


def prepare(job: Job, seed: int) -> str:
    """Set threads, seeds and deterministic algorithms, before the model is built; note the device in the ledger."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is deterministic only with a fixed workspace
    torch.set_num_threads(job.impl.threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    transformers.set_seed(seed)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    job.ledger.update(device=device)
    return device


def train(
    job: Job,
    model: torch.nn.Module,
    data: Dataset,
    collate: Callable[[list], dict[str, torch.Tensor]],
    spec: TrainSpec,
    *,
    seed: int,
    held_out: Dataset | None = None,
    compute_metrics: Callable[[transformers.EvalPrediction], dict[str, float]] | None = None,
    loss: Callable[..., torch.Tensor] | None = None,
    decay_all: bool = False,
) -> transformers.Trainer:
    """Train `model` on `data` and return the Trainer, ready to predict.

    data[(epoch, index)] and held_out[index] give examples, `collate` makes the batch (with `labels`; the model
    returns the loss, unless `loss(outputs, labels)` is given). If data has `lengths`, a batch holds examples of similar
    length. With `decay_all` biases and norms decay too, as in fairseq.
    Raises Interrupted after saving, when the job must stop; UserError when the loss is not finite.
    """
    checkpoints = job.state / "checkpoints"
    last = last_checkpoint(checkpoints)
    if last is not None:
        job.ledger.rewind(step_of(last))
    trainer = _Trainer(
        model=model,
        args=_arguments(spec, seed, checkpoints, examples=len(data), evaluates=held_out is not None),
        train_dataset=data,
        eval_dataset=held_out,
        data_collator=collate,
        compute_metrics=compute_metrics,
        compute_loss_func=None if loss is None else lambda out, labels, num_items_in_batch=None: loss(out, labels),
    )
    trainer.decay_all = decay_all
    trainer.sampler = EpochSampler(
        len(data), seed, getattr(data, "lengths", None), spec.batch_size, shuffle=spec.shuffle
    )
    trainer.model_accepts_loss_kwargs = False  # our losses are means over the micro-batch
    trainer.remove_callback(transformers.PrinterCallback)
    watcher = _Watcher(trainer, job.ledger, job.impl)
    trainer.add_callback(watcher)
    with job.impl.saving_on_sigterm():
        trainer.train(resume_from_checkpoint=str(last) if last else None)
    if watcher.stopped:
        raise Interrupted(f"step {trainer.state.global_step} of {trainer.state.max_steps} ({watcher.stopped})")
    return trainer


def step_of(checkpoint: Path) -> int:
    return int(checkpoint.name.split("-")[-1])


def last_checkpoint(folder: Path) -> Path | None:
    """The latest complete checkpoint; incomplete ones (a kill while saving) are removed.

    Trainer writes trainer_state.json last, so a checkpoint whose state can be read is whole.
    """
    for path in sorted(folder.glob("checkpoint-*"), key=step_of, reverse=True):
        try:
            json.loads((path / "trainer_state.json").read_text(encoding="utf-8"))
            return path
        except (FileNotFoundError, json.JSONDecodeError):
            log.warning("%s is incomplete and is removed", path.name)
            shutil.rmtree(path)
    return None


def last_evaluation(trainer: transformers.Trainer) -> dict[str, float]:
    """Held-out loss and metrics of the final weights; evaluated now, unless that happened at the last step."""
    final = [entry for entry in trainer.state.log_history if entry["step"] == trainer.state.global_step]
    values = next((entry for entry in reversed(final) if "eval_loss" in entry), None) or trainer.evaluate()
    values = {name.removeprefix("eval_"): value for name, value in values.items() if name.startswith("eval_")}
    return {name: value for name, value in values.items() if name not in _TIMINGS}


def save_model(model: transformers.PreTrainedModel, directory: Path, tokenizer: Any = None) -> list[Path]:
    """save_pretrained (safetensors) and the list of the files written."""
    model.save_pretrained(directory)
    if tokenizer is not None:
        tokenizer.save_pretrained(directory)
    return sorted(path for path in directory.rglob("*") if path.is_file())


class _Trainer(transformers.Trainer):
    """Trainer with our sampler and a token counter."""

    sampler: EpochSampler
    tokens: torch.Tensor | int = 0
    decay_all: bool = False

    def _get_train_sampler(self, train_dataset: Dataset | None = None) -> Sampler:
        return self.sampler

    def get_decay_parameter_names(self, model: torch.nn.Module) -> list[str]:
        if self.decay_all:
            return [name for name, _ in model.named_parameters()]
        return super().get_decay_parameter_names(model)

    def training_step(self, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> torch.Tensor:
        mask = inputs.get("attention_mask")
        self.tokens += inputs["input_ids"].numel() if mask is None else mask.sum()  # stays on the device until logged
        return super().training_step(model, inputs, *args, **kwargs)


class _Watcher(transformers.TrainerCallback):
    """Feeds the ledger and the progress bar; asks for checkpoints by time and for a stop when one is due."""

    def __init__(self, trainer: _Trainer, ledger: Ledger, impl: Impl):
        self.trainer, self.ledger, self.impl = trainer, ledger, impl
        self.stopped: str | None = None
        self.bar: tqdm | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.saved_at = self.logged_at = time.monotonic()
        self.bar = tqdm(total=state.max_steps, initial=state.global_step, unit="step", file=sys.stderr, mininterval=2)

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        # called before the epoch's loader is iterated; a resumed run begins in the middle of an epoch
        self.trainer.sampler.epoch = int(state.epoch or 0)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.bar.update(state.global_step - self.bar.n)
        reason = self.impl.stop_reason()
        if reason and state.global_step < state.max_steps:
            self.stopped = reason
            control.should_save = control.should_log = control.should_training_stop = True
        elif time.monotonic() - self.saved_at > CHECKPOINT_SECONDS:
            control.should_save = True

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.saved_at = time.monotonic()

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float], **_: Any) -> None:
        now = time.monotonic()
        values = {_NAMES.get(name, name.replace("eval_", "validation/")): value for name, value in logs.items()}
        values = {name: value for name, value in values.items() if name.split("/")[-1] not in _TIMINGS}
        if "loss" in logs:
            values["tokens_per_second"] = float(self.trainer.tokens) / max(now - self.logged_at, 1e-9)
            self.trainer.tokens, self.logged_at = 0, now
            self.bar.set_postfix_str(f"loss {logs['loss']:.4f}, {values['tokens_per_second']:,.0f} tokens/s")
        self.ledger.metrics(state.global_step, values)
        if not np.isfinite(logs.get("loss", 0.0)):
            raise UserError(
                f"the loss is {logs['loss']} at step {state.global_step}",
                remedy="lower train.lr or raise train.warmup_ratio in the recipe",
            )

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.bar.close()


_NAMES = {"loss": "train/loss", "grad_norm": "train/grad_norm", "learning_rate": "train/lr"}
_TIMINGS = {"runtime", "samples_per_second", "steps_per_second", "train_runtime", "train_samples_per_second",
            "train_steps_per_second", "total_flos", "train_loss", "epoch", "model_preparation_time"}  # fmt: skip


def _arguments(
    spec: TrainSpec, seed: int, folder: Path, *, examples: int, evaluates: bool
) -> transformers.TrainingArguments:
    """TrainingArguments from a spec. bf16 where the device gains from it; the batch is shared by all processes.

    Evaluation at every epoch's end is by steps too: Trainer saves a step's checkpoint *after* an evaluation by steps,
    but before one by epochs, and a run resumed from there would lose that evaluation and the random number it draws.
    """
    gpu = torch.cuda.is_available()
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    per_device, rest = divmod(spec.batch_size, spec.gradient_accumulation * processes)
    if rest or not per_device:
        raise UserError(
            f"batch_size {spec.batch_size} cannot be shared by {processes} processes "
            f"x {spec.gradient_accumulation} accumulation steps"
        )
    return transformers.TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=spec.epochs or 1,
        max_steps=spec.max_steps or -1,
        per_device_train_batch_size=per_device,
        per_device_eval_batch_size=64,
        gradient_accumulation_steps=spec.gradient_accumulation,
        learning_rate=spec.lr,
        lr_scheduler_type=spec.schedule,
        warmup_steps=spec.warmup_ratio,  # a float below 1 is a share of all steps
        weight_decay=spec.weight_decay,
        adam_beta1=spec.adam_betas[0],
        adam_beta2=spec.adam_betas[1],
        adam_epsilon=spec.adam_eps,
        max_grad_norm=spec.clip,
        optim="adamw_torch_fused",
        bf16=gpu and torch.cuda.is_bf16_supported(),
        use_cpu=not gpu,
        seed=seed,
        logging_steps=spec.log_every,
        logging_nan_inf_filter=False,
        eval_strategy="steps" if evaluates else "no",
        eval_steps=spec.eval_every or -(-examples // spec.batch_size),
        save_strategy="steps",
        save_steps=CHECKPOINT_STEPS,
        save_total_limit=2,  # the one before stays until the new one is whole
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
        label_names=["labels"],
        dataloader_pin_memory=gpu,
    )
