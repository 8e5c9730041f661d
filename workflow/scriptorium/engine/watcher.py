"""What happens around steps: numbers into the ledger, the progress bar, checkpoints by time, a stop when one is due.

Numbers stay on the device until they are logged; nothing here waits for a GPU between two points of the curve.
"""

from __future__ import annotations

import contextlib
import resource
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
import transformers
from tqdm import tqdm

from scriptorium.engine import processes
from scriptorium.ledger import Ledger
from scriptorium.stage import Impl

if TYPE_CHECKING:
    from scriptorium.engine.trainer import PlannedTrainer

_NAMES = {"loss": "train/loss", "grad_norm": "train/grad_norm", "learning_rate": "train/lr"}
TIMINGS = {
    "runtime",
    "samples_per_second",
    "steps_per_second",
    "train_runtime",
    "train_samples_per_second",
    "train_steps_per_second",
    "total_flos",
    "train_loss",
    "epoch",
    "model_preparation_time",
}
# The bar is drawn into the rule's log, which Snakemake prints whole when a job fails: rarer the longer it runs, so that
# ten hours are 350 drawings and not 18,000.
BAR_SECONDS, BAR_LINES = 2, 50


class Watcher(transformers.TrainerCallback):
    """Feeds the ledger and the progress bar; asks for checkpoints by time and for a stop when one is due."""

    def __init__(self, trainer: PlannedTrainer, ledger: Ledger, impl: Impl, max_seconds: float | None):
        self.trainer, self.ledger, self.impl, self.max_seconds = trainer, ledger, impl, max_seconds
        self.stopped: str | None = None
        self.bar: tqdm | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.trainer.begun = self.trainer.saved_at = self.logged_at = time.monotonic()
        self.logged = self.trainer.tally()
        total = None if self.max_seconds else state.max_steps
        self.bar = tqdm(
            total=total,
            initial=state.global_step,
            unit="step",
            file=sys.stderr,
            mininterval=BAR_SECONDS,
            disable=processes.rank() > 0,
        )

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.bar.mininterval = max(BAR_SECONDS, (time.monotonic() - self.trainer.begun) / BAR_LINES)
        self.bar.update(state.global_step - self.bar.n)
        reason = self._stop_reason()
        timed_out = self.max_seconds is not None and self.trainer.done["seconds"] >= self.max_seconds
        if timed_out or (reason and state.global_step < state.max_steps):
            self.stopped = None if timed_out else reason
            control.should_save = control.should_log = control.should_training_stop = True
        elif self.trainer.save_asked:
            control.should_save = True

    def _stop_reason(self) -> str | None:
        """Several processes stop only at a step that all agreed on."""
        reason = self.impl.stop_reason()
        if processes.world() == 1:
            return reason
        return (reason or "another process was stopped") if self.trainer.stop_asked else None

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float], **_: Any) -> None:
        values = {_NAMES.get(name, name.replace("eval_", "validation/")): value for name, value in logs.items()}
        values = {name: value for name, value in values.items() if name.split("/")[-1] not in TIMINGS}
        if "loss" in logs:
            values |= self._speed()
            self.bar.set_postfix_str(f"loss {logs['loss']:.4f}, {values['tokens_per_second']:,.0f} tokens/s")
        self.ledger.metrics(state.global_step, values)

    def _speed(self) -> dict[str, float]:
        """What was done since the last point of the curve, and in all."""
        now, tally = time.monotonic(), self.trainer.tally()
        seconds, self.logged_at = max(now - self.logged_at, 1e-9), now
        before, self.logged = self.logged, tally
        found = {
            "tokens_per_second": (tally["tokens"] - before["tokens"]) / seconds,
            "train/tokens": tally["tokens"],
            "memory/peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
        correct, predicted = (tally[name] - before[name] for name in ("correct", "predicted"))
        if predicted:
            found["train/accuracy"] = correct / predicted
        if tally["flops"]:
            found |= {"train/flops": tally["flops"], "flops_per_second": (tally["flops"] - before["flops"]) / seconds}
        if torch.cuda.is_available():
            found["memory/gpu_peak_mib"] = torch.cuda.max_memory_allocated() / 2**20
        return found

    @contextlib.contextmanager
    def progress_bar(self) -> Iterator[None]:
        """Closes the bar at the end, so that an error message begins on a line of its own."""
        try:
            yield
        finally:
            if self.bar is not None:
                self.bar.close()
