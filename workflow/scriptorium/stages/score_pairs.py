"""Which sentence of each minimal pair a pre-trained model finds more likely; nothing is fine-tuned.

inputs: model = manifest of a pre-training run, blocks = of its packed corpus, pairs = of the minimal pairs
out: `scores.parquet` (id; scorer: model, random or unigram; good, bad: log-likelihoods in nats), `metrics.json`
(accuracy of each scorer)
"""

from __future__ import annotations

from pathlib import Path

from scriptorium import stage
from scriptorium.manifest import the_parquet, write_json
from scriptorium.minimal_pairs.spec import ScorePairsSpec

TOKENS = 8192  # in a batch


def run(job: stage.Job) -> list[Path]:
    import pandas as pd
    import torch

    from scriptorium import named
    from scriptorium.engine import training
    from scriptorium.fetching.checkpoints import check_checkpoint
    from scriptorium.files.tables import write_parquet
    from scriptorium.minimal_pairs import scoring
    from scriptorium.minimal_pairs.sentences import encode
    from scriptorium.objectives.unigram import log_frequencies
    from scriptorium.text.blocks import Blocks
    from scriptorium.text.plain import as_text
    from scriptorium.text.tokenizers import load_tokenizer

    directory = job.input_dir("model") / "model"
    check_checkpoint(directory)
    pairs = pd.read_parquet(the_parquet(job.input("pairs")))
    tokenizer = as_text(load_tokenizer(directory))
    likelihood = named.load("scriptorium.minimal_pairs.likelihoods", job.spec.likelihood)
    training.prepare(job, job.spec.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    trained = likelihood.MODEL.from_pretrained(
        directory, local_files_only=True, trust_remote_code=False, dtype=torch.float32
    )
    trained = trained.eval().to(device)
    sentences = encode(tokenizer, [*pairs["good"], *pairs["bad"]], trained.config)

    def by(model) -> scoring.Scores:
        return lambda chunk: likelihood.scores(model, tokenizer, chunk, TOKENS)

    torch.manual_seed(job.spec.seed)
    untrained = type(trained)(trained.config).eval().to(device)
    with job.impl.saving_on_sigterm():
        found = {
            name: scoring.in_chunks(job, name, by(model), sentences)
            for name, model in ((scoring.MODEL, trained), (scoring.RANDOM, untrained))
        }
    frequencies = log_frequencies(Blocks(job.input_dir("blocks") / "train.arrow"), tokenizer)
    found[scoring.UNIGRAM] = scoring.unigram(frequencies)(sentences)

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
