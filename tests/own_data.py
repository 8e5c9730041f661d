"""Real data that cannot be part of the repository: where tests look for them, and skip where they are absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Taken out of the environment: the projects that tests build have data of their own, below a root of their own.
ROOT = Path(os.environ.pop("SCRIPTORIUM_DATA_ROOT", "") or Path(__file__).parents[2] / "shared/data").absolute()


def own(name: str) -> Path:
    """A file or folder below the root, or the test is skipped."""
    path = ROOT / name
    if not path.exists():
        pytest.skip(f"these data are not here: {path} (SCRIPTORIUM_DATA_ROOT names another root)")
    return path
