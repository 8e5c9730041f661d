"""How many bits a byte of held-out text costs a pre-trained model; nothing is fine-tuned.

inputs: model = manifest of a pre-training run, blocks = of its packed corpus, corpus = of the corpus whose held-out
sentences are scored
out: `scores.parquet` (id of a text; bytes; hidden, those behind an [UNK]; scorer: model, random or unigram; kind of
likelihood; nats, the negative log-likelihood), `metrics.json` (bits per byte of each scorer, share of hidden bytes)
"""

from __future__ import annotations

from pathlib import Path

from scriptorium import stage
from scriptorium.bits_per_byte.spec import ScoreTextsSpec
from scriptorium.manifest import write_json


def run(job: stage.Job) -> list[Path]:
    import pandas as pd

    from scriptorium.bits_per_byte import texts
    from scriptorium.files.tables import write_parquet
    from scriptorium.minimal_pairs import scoring
    from scriptorium.minimal_pairs.scorers import Scorers

    chosen = texts.held_out(job.input("corpus"), job.spec.sentences)
    scorers = Scorers(job, job.spec.likelihood, job.spec.seed)
    facts = chosen[["id"]].join(texts.sizes(scorers.tokenizer, chosen["text"].to_list()))
    found = scorers(scorers.encode(chosen["text"].to_list()))
    table = pd.concat(
        facts.assign(scorer=name, kind="exact" if name == scoring.UNIGRAM else scorers.kind, nats=-scores)
        for name, scores in found.items()
    )
    metrics = {
        f"bits_per_byte/{name}": texts.bits_per_byte(own["nats"], own["bytes"])
        for name, own in table.groupby("scorer", sort=False)
    }
    metrics["hidden_bytes"] = float(facts["hidden"].sum() / facts["bytes"].sum())
    job.ledger.metrics(0, metrics)
    scores = write_parquet(table, job.out / "scores.parquet")
    job.ledger.artifact(scores, "table")
    return [scores, write_json(job.out / "metrics.json", metrics)]


if __name__ == "__main__":
    stage.main(ScoreTextsSpec, run)
