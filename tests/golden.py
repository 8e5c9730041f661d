"""Loss curves as they were when recorded."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from scriptorium import ledger

TOLERANCE = 1e-3  # relative; processors round differently


def losses(out: Path) -> dict[int, float]:
    """{step: mean training loss since the point before} of a run's directory."""
    events = [event for event in ledger.read_events(out) if "train/loss" in event.get("metrics", {})]
    return {event["step"]: event["metrics"]["train/loss"] for event in events}


def read(path: Path) -> pd.DataFrame:
    """Recorded curves, a column each, by step."""
    return pd.read_csv(path, sep="\t", index_col="step")


def write(curves: Mapping[str, Mapping[int, float]], path: Path) -> None:
    pd.DataFrame(curves).rename_axis("step").to_csv(path, sep="\t", float_format="%.4f", lineterminator="\n")


def alike(curves: pd.DataFrame, names: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of curves that the tolerance does not tell apart."""
    return [
        (one, other)
        for one, other in itertools.combinations(names, 2)
        if not ((curves[one] - curves[other]).abs() > TOLERANCE * curves[one]).any()
    ]
