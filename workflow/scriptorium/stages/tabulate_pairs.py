"""Tables and figure of minimal pairs: every model beside its controls, and by phenomenon.

inputs: runs = manifests results/minimal_pairs/<variant>/<data>/seed<k>/manifest.json, data = those of the sets of pairs
outputs: table = results/tables/minimal_pairs[_<study>].tsv, phenomena = results/tables/phenomena[_<study>].tsv,
figure = results/figures/minimal_pairs[_<study>].svg
"""

from __future__ import annotations

from pathlib import Path

from scriptorium import stage
from scriptorium.spec import Spec


class TabulatePairsSpec(Spec):
    """Nothing to set: runs and pairs are the inputs."""


def run(job: stage.Job) -> list[Path]:
    from scriptorium.reporting import minimal_pairs, minimal_pairs_figure, tables

    runs = [minimal_pairs.read(path) for path in job.inputs["runs"]]
    data = {each.name: each for each in map(minimal_pairs.read_data, job.inputs["data"])}
    made, phenomena = minimal_pairs.pairs_table(runs), minimal_pairs.phenomena(runs, data)
    files = [
        tables.write(made, job.outputs["table"]),
        tables.write(phenomena, job.outputs["phenomena"]),
        minimal_pairs_figure.figure(phenomena, job.outputs["figure"]),
    ]
    for row in made.itertuples():
        job.ledger.note(
            f"{row.variant} prefers the real sentence in {row.accuracy:.3f} of {row.pairs} pairs ({row.data}); "
            f"{row.control}: {row.delta:+.3f} [{row.delta_ci_low:+.3f} {row.delta_ci_high:+.3f}]"
        )
        job.ledger.metrics(0, {f"{row.data}/{row.variant}/accuracy": row.accuracy})
    for path, kind in zip(files, ("table", "table", "figure"), strict=True):
        job.ledger.artifact(path, kind)
    return files


if __name__ == "__main__":
    stage.main(TabulatePairsSpec, run)
