"""Whether intervals and p values keep what they promise, on simulated models (docs/statistics.md).

outputs: table = results/tables/statistics_check.tsv
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from scriptorium import stage
from scriptorium.spec import Seed, Spec


class CheckStatisticsSpec(Spec):
    """What is simulated."""

    seeds: tuple[int, ...] = Field((2, 3, 5, 10), description="seeds of each variant")
    examples: tuple[int, ...] = Field((277, 1000), description="test examples")
    deviations: tuple[float, ...] = Field((0.0, 0.05, 0.15), description="of the seeds, beside 1 of the examples")
    simulations: int = Field(2000, gt=1, description="of each cell")
    seed: Seed = Field(0, description="of the simulation")


def run(job: stage.Job) -> list[Path]:
    import pandas as pd

    from scriptorium.errors import UserError
    from scriptorium.evaluation import statistics_check
    from scriptorium.reporting import tables

    spec, rows = job.spec, []
    for row in statistics_check.checked_cells(
        spec.seeds, spec.examples, spec.deviations, simulations=spec.simulations, seed=spec.seed
    ):
        rows.append(row)
        job.ledger.note(
            f"{row['metric']}, {row['seeds']} seeds, n {row['n']}, deviation {row['seed_sd']}: "
            f"{row['false_positives']:.3f} false positives, coverage {row['coverage']:.3f}, power {row['power']:.3f}"
        )
    made = pd.DataFrame(rows)
    path = tables.write(made, job.outputs["table"])
    if found := statistics_check.broken(made):
        raise UserError(
            f"the statistics break their bounds in {len(found)} of {len(made)} cells: {'; '.join(found)}",
            remedy="see docs/statistics.md, what was changed in evaluation/statistics.py?",
        )
    job.ledger.artifact(path, "table")
    return [path]


if __name__ == "__main__":
    stage.main(CheckStatisticsSpec, run)
