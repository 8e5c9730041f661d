"""What happens at every evaluation of a training run: measures, weights kept for an average, and an early stop.

The engine calls it as `compute_metrics`. The losses so far, and the weights, lie beside the checkpoints, so a resumed
run goes on with those from before its checkpoint and repeats the others: what it averages, and where it stops, is the
same.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from scriptorium.engine import processes, training
from scriptorium.errors import UserError
from scriptorium.generation.losses import measures
from scriptorium.manifest import write_json

if TYPE_CHECKING:
    import transformers


class Enough(Exception):
    """The validation loss has not fallen for so many evaluations."""


class Evaluations:
    """done: evaluations before the checkpoint that the run goes on from; average, patience: as in WritingSettings."""

    def __init__(
        self, model: transformers.PreTrainedModel, folder: Path, *, done: int, average: int, patience: int | None
    ):
        self.model, self.folder, self.average, self.patience = model, folder, average, patience
        folder.mkdir(parents=True, exist_ok=True)
        losses = folder / "losses.json"
        self.losses: list[float] = json.loads(losses.read_text(encoding="utf-8"))[:done] if done else []

    def __call__(self, predicted: transformers.EvalPrediction) -> dict[str, float]:
        """Raises Enough, and UserError for a loss that is no number."""
        found = measures(predicted)
        if not math.isfinite(found["loss"]):
            raise UserError("the validation loss is not finite", remedy="lower train.lr, or raise train.warmup_steps")
        self.losses.append(found["loss"])
        self._keep(len(self.losses))
        if self.patience and len(self.losses) - self.best >= self.patience:
            raise Enough
        return found

    @property
    def best(self) -> int:
        """The evaluation with the lowest loss, counted from 1."""
        return 1 + int(np.argmin(self.losses))

    def weights(self) -> list[Path]:
        """Whose mean the run ends with, oldest first: those of the last evaluations; where an early stop is asked for
        and no average, those of the best one; else none, so the run keeps what it has."""
        count = len(self.losses)
        if self.average:
            numbers = list(range(max(1, count - self.average + 1), count + 1))
        else:
            numbers = [self.best] if self.patience and count else []
        return [self._weights(number) for number in numbers]

    def description(self) -> str:
        """Which weights the run ends with, in words."""
        return f"the mean of {len(self.weights())} evaluations" if self.average else f"those of evaluation {self.best}"

    def _keep(self, number: int) -> None:
        kept = self.weights()
        wanted = self._weights(number) in kept
        whole = training.whole(self.model) if wanted else None  # all processes take part
        if processes.rank():
            return
        if whole is not None:
            save_weights(whole, self._weights(number))
            for path in set(self.folder.glob("weights-*.safetensors")) - set(kept):
                path.unlink()
        write_json(self.folder / "losses.json", self.losses)

    def _weights(self, number: int) -> Path:
        return self.folder / f"weights-{number}.safetensors"


def save_weights(model: torch.nn.Module, path: Path) -> None:
    """All parameters, tied ones once; the file is whole or not there."""
    scratch = path.with_suffix(".part")
    save_file({name: value.detach().contiguous() for name, value in model.named_parameters()}, scratch)
    scratch.replace(path)


def set_mean(model: torch.nn.Module, files: list[Path]) -> None:
    """Give `model` the mean of saved weights, summed in float64; of one file, the weights themselves."""
    with torch.no_grad():
        total = {name: torch.zeros_like(value, dtype=torch.float64) for name, value in model.named_parameters()}
        for path in files:
            for name, value in load_file(path).items():
                total[name] += value.to(total[name].device)
        for name, value in model.named_parameters():
            value.copy_(total[name] / len(files))
