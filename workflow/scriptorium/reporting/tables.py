"""How tables are written: tab-separated, a header, numbers short enough to read and long enough to recompute with."""

from __future__ import annotations

from pathlib import Path

import pandas as pd


def write(table: pd.DataFrame, path: Path) -> Path:
    """Write a .tsv: six significant digits, empty cells for missing numbers, one line end on every system."""
    table.to_csv(path, sep="\t", index=False, float_format="%.6g", lineterminator="\n")
    return path
