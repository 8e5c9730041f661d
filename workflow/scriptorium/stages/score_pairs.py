"""Which sentence of each minimal pair a pre-trained model finds more likely; nothing is fine-tuned.

inputs: model = manifest of a pre-training run, blocks = of its packed corpus, pairs = of the minimal pairs
out: `scores.parquet` (id; scorer: model, random or unigram; good, bad: log-likelihoods in nats, of sets that say so
per token), `metrics.json` (accuracy of each scorer)
"""

from __future__ import annotations

from pathlib import Path

from scriptorium import stage
from scriptorium.manifest import the_parquet, write_json
from scriptorium.minimal_pairs.spec import ScorePairsSpec


def run(job: stage.Job) -> list[Path]:
    import numpy as np
    import pandas as pd

    from scriptorium.files.tables import write_parquet
    from scriptorium.minimal_pairs import scoring
    from scriptorium.minimal_pairs.scorers import Scorers

    pairs = pd.read_parquet(the_parquet(job.input("pairs")))
    scorers = Scorers(job, job.spec.likelihood, job.spec.seed)
    sentences = scorers.encode([*pairs["good"], *pairs["bad"]])
    found = scorers(sentences)
    if job.spec.per_token:
        found = {name: scores / np.array([len(each.pieces) for each in sentences]) for name, scores in found.items()}
    table = pd.concat(
        pd.DataFrame({"id": pairs["id"], "scorer": name, "good": both[: len(pairs)], "bad": both[len(pairs) :]})
        for name, both in found.items()
    )
    metrics = {
        f"accuracy/{name}": float(scoring.right(rows["good"].to_numpy(), rows["bad"].to_numpy()).mean())
        for name, rows in table.groupby("scorer", sort=False)
    }
    job.ledger.metrics(0, metrics)
    scores = write_parquet(table, job.out / "scores.parquet")
    job.ledger.artifact(scores, "table")
    return [scores, write_json(job.out / "metrics.json", metrics)]


if __name__ == "__main__":
    stage.main(ScorePairsSpec, run)
