"""Interleaved timing of ours and a peer, as a ratio with its spread."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from scriptorium.ledger import Ledger

COLUMNS = ("case", "peer", "ratio_median", "ratio_min", "ratio_max", "runs", "target", "unit")


@dataclass(frozen=True)
class Ratio:
    """Peer's time over ours, pair by pair; more than 1 means that ours is faster."""

    case: str
    peer: str
    ratios: tuple[float, ...]
    target: float | None
    unit: str

    def row(self) -> dict[str, object]:
        low, middle, high = (float(f(self.ratios)) for f in (np.min, np.median, np.max))
        return {
            "case": self.case,
            "peer": self.peer,
            "ratio_median": middle,
            "ratio_min": low,
            "ratio_max": high,
            "runs": len(self.ratios),
            "target": self.target,
            "unit": self.unit,
        }

    def sentence(self) -> str:
        row = self.row()
        reached = (
            ""
            if self.target is None
            else f", target {self.target}: " + ("reached" if row["ratio_median"] >= self.target else "missed")
        )
        spread = f"[{row['ratio_min']:.3f}, {row['ratio_max']:.3f}]"
        return f"{self.case}: {row['ratio_median']:.3f} {spread} of {self.peer} over {row['runs']} pairs{reached}"


def interleaved(
    ours: Callable[[], object], peer: Callable[[], object], runs: int, warm_up: int = 1
) -> tuple[float, ...]:
    """peer's seconds / our seconds of `runs` pairs, after a warm-up; every second pair begins with the other one."""
    for _ in range(warm_up):
        peer(), ours()
    ratios = []
    for number in range(runs):
        order = (peer, ours) if number % 2 == 0 else (ours, peer)
        took = {call: seconds(call) for call in order}
        ratios.append(took[peer] / took[ours])
    return tuple(ratios)


def report(ratios: list[Ratio], ledger: Ledger, path: Path) -> Path:
    """Sentences and numbers into the ledger, and the bench table."""
    for ratio in ratios:
        ledger.note(ratio.sentence())
        ledger.metrics(0, {f"ratio/{ratio.case}": ratio.row()["ratio_median"]})
    write(ratios, path)
    ledger.artifact(path, "table")
    return path


def write(ratios: list[Ratio], path: Path) -> Path:
    """The bench table (COLUMNS), tab-separated."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame([ratio.row() for ratio in ratios], columns=list(COLUMNS))
    table.to_csv(path, sep="\t", index=False, float_format="%.4g", lineterminator="\n")
    return path


def seconds(call: Callable[[], object]) -> float:
    """What one call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
