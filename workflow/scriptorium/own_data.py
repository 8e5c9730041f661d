"""Where the user's own data lie: below one root, which decides nothing about a result.

Rows of the catalogue with source `file` give a place below the root, so a catalogue is the same for everybody, and so
is a run's key: it knows the row and the content, never the root.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from scriptorium.errors import UserError, nearest

VARIABLE = "SCRIPTORIUM_DATA_ROOT"


def data_root(configured: str) -> Path:
    """The environment variable if it is set, else `data_root` of config.yaml; `~` is the user's home."""
    return Path(os.environ.get(VARIABLE) or configured).expanduser()


def place(location: str, configured: str) -> Path:
    """The file or folder of a row, below the root unless it is an absolute path or one that begins with `~`."""
    return data_root(configured) / Path(location).expanduser()


def find(row: Mapping[str, str], configured: str) -> Path:
    """The file or folder of a row of datasets.tsv. Raises UserError, with what to get and where to put it."""
    path = place(row["location"], configured)
    if path.exists():
        return path
    siblings = [sibling.name for sibling in path.parent.iterdir()] if path.parent.is_dir() else []
    hint = f", {nearest(path.name, siblings)}" if siblings else ""
    origin = "; ".join(row[column] for column in ("citation", "licence") if row.get(column))
    root = f"{VARIABLE}, now {data_root(configured)}" if os.environ.get(VARIABLE) else f"data_root, now {configured}"
    raise UserError(
        f"these data are yours to bring, and there is no file or folder {path}{hint}",
        where=f"config/datasets.tsv, data set {row['name']!r}",
        remedy=f"put your copy there ({origin or 'no origin is noted'}; docs/data.md says where to get it), correct"
        f" the row's location, or name the folder that holds your data ({root})",
    )
