"""A loss or gradient that is not finite ends the run at once, and the batch is kept for inspection (ours).

On a CPU the very step is stopped, before its update. On a GPU nobody waits for numbers: they are copied to the host
while the next step computes, so the run stops one step later, before anything of it is saved.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import torch

from scriptorium.engine import processes
from scriptorium.engine.batches import Micro
from scriptorium.errors import UserError

LEAST_SCALE = 1.0  # a gradient that is not finite without scaling either is one in float32, too


class Divergence:
    """Watches the loss and the gradient norm of every step. `folder`: where a batch is kept. scaler: of the loss, with
    float16: it leaves out a step whose gradients are too large and scales less from then on, which is no divergence."""

    def __init__(self, folder: Path, scaler: torch.amp.GradScaler | None = None):
        self.folder, self.scaler = folder, scaler
        self._pending: tuple[int, torch.Tensor, torch.cuda.Event, Sequence[Micro]] | None = None

    def check(self, step: int, loss: torch.Tensor, norm: torch.Tensor | float, batch: Sequence[Micro]) -> None:
        """Before the update of `step`. Raises UserError: this step (CPU) or the one before (GPU) is not finite."""
        if not loss.is_cuda:
            self._judge(step, float(loss), float(norm), batch)
            return
        self.judge_pending()
        found = torch.stack([loss.float(), torch.as_tensor(norm, device=loss.device).float()])
        host = torch.empty(2, pin_memory=True)
        host.copy_(found, non_blocking=True)
        event = torch.cuda.Event()
        event.record()
        self._pending = (step, host, event, batch)

    def judge_pending(self) -> None:
        """Judge what is still on its way: before a checkpoint, and at the end."""
        if self._pending is not None:
            step, host, event, batch = self._pending
            self._pending = None
            event.synchronize()
            self._judge(step, *host.tolist(), batch)

    def _judge(self, step: int, loss: float, norm: float, batch: Sequence[Micro]) -> None:
        if math.isfinite(loss) and (math.isfinite(norm) or (self.scaler and self.scaler.get_scale() > LEAST_SCALE)):
            return
        path = self.folder / f"step-{step}-process-{processes.rank()}.safetensors"
        _keep(path, batch)
        what = f"the loss is {loss}" if not math.isfinite(loss) else f"the norm of the gradient is {norm}"
        raise UserError(
            f"{what} at step {step}; its batch is in {path}, and the last checkpoint is kept beside it",
            remedy="lower train.lr or raise train.warmup_ratio in the recipe, or look into the batch",
        )


def _keep(path: Path, batch: Sequence[Micro]) -> None:
    """The tensors of all micro-batches, as micro<i>/<name>, with the examples' keys in micro<i>/keys."""
    from safetensors.torch import save_file

    tensors = {}
    for number, micro in enumerate(batch):
        named = {**micro.inputs, "keys": torch.tensor(micro.part.keys)}
        tensors |= {f"micro{number}/{name}": value.contiguous() for name, value in named.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path)
