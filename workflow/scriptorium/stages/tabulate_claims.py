"""The claims table: every claim of config/claims.yaml, its published numbers, ours, and a verdict.

inputs: finetune, translate, generate, retrieve, measure_vectors, probe, score_pairs, score_texts = manifests of runs of
        these stages (may be none), such as results/finetune/<variant>/<task>/seed<k>/manifest.json
outputs: table = results/tables/claims.tsv, figure = results/figures/claims.svg (claims_<programme> for one paper's)
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from scriptorium import stage
from scriptorium.generation.spec import Scored
from scriptorium.reporting.spec import ClaimRow, TaskInTables
from scriptorium.spec import Spec
from scriptorium.translation.spec import Direction

if TYPE_CHECKING:
    from scriptorium.reporting.claimed import Subject


class TabulateClaimsSpec(Spec):
    """The claims, and how sure one wants to be."""

    claims: tuple[ClaimRow, ...] = Field(description="claims by task, published values resolved")
    tasks: dict[str, TaskInTables] = Field(description="the tasks of those that were run, by name")
    translations: dict[str, Direction] = Field(default_factory=dict, description="the same of translations")
    generation: dict[str, Scored] = Field(default_factory=dict, description="the same of generation tasks")
    layers: dict[str, int | None] = Field(
        default_factory=dict, description="sets of measures on vectors: the layer that counts, if one is given"
    )
    smallest_effect: float = Field(0.005, gt=0, description="an interval that ends below it shows no gain")


def run(job: stage.Job) -> list[Path]:
    from scriptorium.reporting import claims, tables

    spec = job.spec
    found = claims.measured(spec.claims, _subjects(job))
    made = claims.table_of_claims(spec.claims, found, smallest=spec.smallest_effect)
    files = [tables.write(made, job.outputs["table"]), claims.figure(made, found, job.outputs["figure"])]
    for row in made[made["delta"].notna()].itertuples():
        job.ledger.note(f"{row.claim}: {row.delta:+.3f} [{row.ci_low:+.3f}, {row.ci_high:+.3f}], {row.verdict}")
        job.ledger.metrics(0, {f"{row.claim}/delta": row.delta})
    counts = made["verdict"].value_counts()
    job.ledger.metrics(0, {f"claims/{name}": int(count) for name, count in counts.items()})
    for file, kind in zip(files, ("table", "figure"), strict=True):
        job.ledger.artifact(file, kind)
    return files


def _subjects(job: stage.Job) -> dict[str, Subject]:
    """The runs by the stage that made them."""
    from scriptorium.reporting import (
        bits_per_byte,
        claimed,
        differences,
        few_labels,
        minimal_pairs,
        retrieval,
        vectors,
        written,
    )
    from scriptorium.translation.words import tokenizer_of

    spec, smallest = job.spec, job.spec.smallest_effect
    readers = {
        "finetune": differences,
        "translate": written,
        "generate": written,
        "retrieve": retrieval,
        "measure_vectors": vectors,
        "probe": few_labels,
        "score_pairs": minimal_pairs,
        "score_texts": bits_per_byte,
    }
    runs = {name: [module.read(path) for path in job.inputs.get(name, [])] for name, module in readers.items()}
    translations = {
        name: written.Measured(written.OF_TRANSLATION, tokenizer_of(direction))
        for name, direction in spec.translations.items()
    }
    generation = {name: written.Measured(own.metrics, own.tokenize) for name, own in spec.generation.items()}
    return {
        "finetune": claimed.Finetuned(runs["finetune"], smallest, spec.tasks),
        "translate": claimed.Written(runs["translate"], smallest, translations),
        "generate": claimed.Written(runs["generate"], smallest, generation),
        "retrieve": claimed.Retrieved(runs["retrieve"], smallest),
        "measure_vectors": claimed.Vectored(runs["measure_vectors"], smallest, spec.layers),
        "probe": claimed.Probed(runs["probe"], smallest),
        "score_pairs": claimed.ScoredPairs(runs["score_pairs"], smallest),
        "score_texts": claimed.ScoredTexts(runs["score_texts"], smallest),
    }


if __name__ == "__main__":
    stage.main(TabulateClaimsSpec, run)
