"""The rule for weights that come from outside: safetensors only, because opening a pickle runs what is inside."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from scriptorium.errors import UserError

PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".h5", ".msgpack", ".joblib")
REMEDY = "convert the weights to safetensors (`save_pretrained` writes them), or choose a revision that has them"


def check_checkpoint(directory: Path) -> None:
    """Check that `directory` holds a model that can be read safely: config.json and *.safetensors at its top.

    A pickle beside safetensors is allowed, since transformers reads the safetensors. Raises UserError.
    """
    if not (directory / "config.json").is_file():
        raise UserError(
            "no config.json, so this is not a model directory",
            where=directory,
            remedy="give the directory that `save_pretrained` wrote",
        )
    if not any(directory.glob("*.safetensors")):
        found = pickled(path.name for path in sorted(directory.iterdir()))
        problem = f"only pickled weights ({', '.join(found)}), no *.safetensors" if found else "no *.safetensors"
        raise UserError(problem, where=directory, remedy=REMEDY)


def pickled(names: Iterable[str]) -> list[str]:
    """Those names that look like weights in a format that is not safetensors."""
    return [name for name in names if name.lower().endswith(PICKLES)]
