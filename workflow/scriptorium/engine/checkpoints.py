"""Checkpoints: which is the last complete one, whether it fits the model, and what happens when the disk is full."""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from scriptorium.errors import UserError

log = logging.getLogger("training")

PROGRESS = "progress.json"  # beside Trainer's files: what a resumed run must go on counting from
WEIGHTS = "model.safetensors"
LISTED = 8  # tensors named in a message


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


def progress(checkpoint: Path | None) -> dict[str, Any]:
    """What was saved with a checkpoint: seconds, tokens, flops, zeros at the start; then the precision, too."""
    found: dict[str, Any] = {"seconds": 0.0, "tokens": 0.0, "flops": 0.0}
    if checkpoint is not None and (checkpoint / PROGRESS).exists():
        found |= json.loads((checkpoint / PROGRESS).read_text(encoding="utf-8"))
    return found


def check_fits(weights: Path, model: torch.nn.Module) -> None:
    """Raises UserError that lists names and shapes where a safetensors file and `model` differ."""
    from safetensors import safe_open

    with safe_open(weights, framework="pt") as file:
        saved = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    ours = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    wrong = [
        f"{name}: {saved[name]} in the file, {ours[name]} in the model"
        for name in sorted(saved.keys() & ours.keys())
        if saved[name] != ours[name]
    ]
    wrong += [f"{name}: {saved[name]} in the file only" for name in sorted(saved.keys() - ours.keys())]
    # a tied weight is saved once: what is missing is wrong only if nothing that shares its memory is there
    given = {value.data_ptr() for name, value in model.state_dict().items() if name in saved}
    wrong += [
        f"{name}: {ours[name]} in the model only"
        for name in sorted(ours.keys() - saved.keys())
        if model.state_dict()[name].data_ptr() not in given
    ]
    if wrong:
        more = [f"and {len(wrong) - LISTED} more"] if len(wrong) > LISTED else []
        raise UserError(
            f"these weights do not fit the model: {'; '.join(wrong[:LISTED] + more)}",
            where=weights,
            remedy="delete this folder to start anew, or take the recipe that made it",
        )


@contextlib.contextmanager
def saving(checkpoint: Path) -> Iterator[None]:
    """While a checkpoint is written: if the disk is full, the half of it is removed and the one before stays.

    Raises UserError then; anything else that goes wrong is passed on.
    """
    try:
        yield
    except Exception as error:
        if not _disk_full(error):
            raise
        shutil.rmtree(checkpoint, ignore_errors=True)
        before = last_checkpoint(checkpoint.parent)
        kept = f"step {step_of(before)} is still saved" if before else "nothing was saved before"
        raise UserError(
            f"the disk is full: the state of step {step_of(checkpoint)} could not be saved ({kept})",
            where=checkpoint.parent,
            remedy="free some space and run it again: it goes on from there",
        ) from error


def _disk_full(error: BaseException) -> bool:
    """Python says so by number, safetensors and torch by text, and some wrap the error that says so."""
    while error is not None:
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
            return True
        if any(text in str(error) for text in ("No space left", "os error 28", "Disk quota exceeded")):
            return True
        if "PytorchStreamWriter failed" in str(error) or "unexpected pos" in str(error):  # torch.save's only words
            return True
        error = error.__cause__ or error.__context__
    return False
