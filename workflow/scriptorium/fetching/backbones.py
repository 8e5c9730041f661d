"""Where an encoder lies in an artifact that a run begins with."""

from __future__ import annotations

from pathlib import Path


def backbone_directory(given: Path) -> Path:
    """In `encoder/` or `model/` of a run of ours, else at the top."""
    return next((given / name for name in ("encoder", "model") if (given / name).is_dir()), given)
