"""Table of bits per byte of a pre-training study: every model beside its controls and one of its own kind.

inputs: runs = manifests results/bits_per_byte/<variant>/seed<k>/manifest.json
outputs: table = results/tables/bits_per_byte_<study>.tsv
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from scriptorium import stage
from scriptorium.spec import Spec


class TabulateTextsSpec(Spec):
    """What the runs are compared with."""

    baseline: str = Field(description="variant that the others of its kind are compared with")


def run(job: stage.Job) -> list[Path]:
    from scriptorium.reporting import bits_per_byte, tables

    runs = [bits_per_byte.read(path) for path in job.inputs["runs"]]
    made = bits_per_byte.bits_table(runs, job.spec.baseline)
    table = tables.write(made, job.outputs["table"])
    for row in made.itertuples():
        job.ledger.note(
            f"{row.variant} ({row.likelihood}): {row.bits_per_byte:.3f} [{row.ci_low:.3f} {row.ci_high:.3f}] bits per "
            f"byte; random weights {row.random:.3f}, frequencies {row.unigram:.3f}; {row.verdict}"
        )
        job.ledger.metrics(0, {f"bits_per_byte/{row.variant}": row.bits_per_byte})
    job.ledger.artifact(table, "table")
    return [table]


if __name__ == "__main__":
    stage.main(TabulateTextsSpec, run)
