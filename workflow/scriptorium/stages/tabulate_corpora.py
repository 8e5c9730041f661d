"""Table of all gaze corpora of the configuration: size, level, doubles, noise ceiling.

inputs: words = manifests of results/gaze/corpora/<corpus>/ (with their ceiling.json)
outputs: table = results/tables/gaze_corpora.tsv
"""

from __future__ import annotations

from pathlib import Path

from scriptorium import stage
from scriptorium.spec import Spec


class TabulateCorporaSpec(Spec):
    """Nothing to set."""


def run(job: stage.Job) -> list[Path]:
    import json

    import pandas as pd

    from scriptorium import manifest
    from scriptorium.gaze.folds import read_sentences
    from scriptorium.gaze.pooling import duplicates
    from scriptorium.reporting import gaze_corpora

    corpora = {}
    for path in job.inputs["words"]:
        noise = json.loads((path.parent / "ceiling.json").read_text(encoding="utf-8"))
        corpora[path.parent.name] = (pd.read_parquet(manifest.the_parquet(path)), noise)
    table = gaze_corpora.corpora_table(corpora)
    table.to_csv(job.outputs["table"], sep="\t", index=False, float_format="%.4f", lineterminator="\n")

    sentences = read_sentences(job.inputs["words"])
    job.ledger.metrics(0, {f"duplicates/{a}/{b}": count for (a, b), count in duplicates(sentences).items()})
    for row in table.to_dict("records"):
        values = {name: value for name, value in row.items() if isinstance(value, int | float) and pd.notna(value)}
        job.ledger.metrics(0, {f"{row['corpus']}/{name}": value for name, value in values.items()})
    job.ledger.artifact(job.outputs["table"], "table")
    return [job.outputs["table"]]


if __name__ == "__main__":
    stage.main(TabulateCorporaSpec, run)
