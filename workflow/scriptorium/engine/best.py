"""The weights of a run where a metric of validation was best, kept in a file that a resumed run goes on with (ours).

Trainer's own `load_best_model_at_end` asks that every evaluation is a checkpoint too, which costs the optimiser's state
each time and ties what is computed to how often the state is saved. Here an evaluation that is better than all before
writes the weights and nothing else. Evaluations are deterministic, so one that a resumed run repeats offers the same
value, and the first of equal values stays.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import safe_open
from safetensors.torch import load_model, save_model

from scriptorium.engine import processes
from scriptorium.engine.training import last_evaluation
from scriptorium.engine.watcher import TIMINGS
from scriptorium.errors import UserError, nearest

if TYPE_CHECKING:
    import transformers


class Best:
    """The best weights so far by `metric` (a name of the evaluation, without eval_), in folder/best.safetensors."""

    def __init__(self, folder: Path, metric: str, *, lower_better: bool):
        self.path, self.metric, self.sign = folder / "best.safetensors", metric, -1 if lower_better else 1

    def offer(self, model: transformers.PreTrainedModel, metrics: dict[str, float]) -> None:
        """Keep the weights if they are better than all before. All processes call it, the first one decides and writes.

        Raises UserError if validation has no such metric.
        """
        if self.metric not in metrics:
            raise UserError(
                f"validation has no metric {self.metric!r}, {nearest(self.metric, metrics)}",
                where="best_by of the task",
                remedy="correct the name",
            )
        value = self.sign * metrics[self.metric]
        if processes.rank() == 0 and (not self.path.exists() or value > self._value()):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            draft = self.path.with_suffix(".draft")
            save_model(model, str(draft), metadata={"value": repr(float(value))})
            draft.replace(self.path)

    def restore(self, trainer: transformers.Trainer) -> tuple[dict[str, float], int]:
        """Give the trainer's model the best weights; returns that evaluation, names without eval_, and its step.

        The last weights are offered too, where no evaluation fell on the last step.
        """
        last_evaluation(trainer)
        processes.wait()
        name = f"eval_{self.metric}"
        history = [entry for entry in trainer.state.log_history if name in entry]
        found = max(history, key=lambda entry: self.sign * entry[name])  # the first of several
        load_model(trainer.model, str(self.path))
        values = {name.removeprefix("eval_"): value for name, value in found.items() if name.startswith("eval_")}
        return {name: value for name, value in values.items() if name not in TIMINGS}, found["step"]

    def _value(self) -> float:
        with safe_open(str(self.path), framework="pt") as file:
            return float(file.metadata()["value"])
