"""Few labels, much text: a linear probe on a pre-trained encoder, for all numbers of labels and all draws.

inputs: model = manifest of a pre-training run, data = of a task of kind classification
out: `predictions.parquet` (scorer: model, random or tfidf; labels, draw, id, label, prediction), `metrics.json`
(mean accuracy on test of each scorer and number of labels)
"""

from __future__ import annotations

from pathlib import Path

from scriptorium import stage
from scriptorium.few_labels.spec import ProbeSpec
from scriptorium.manifest import write_json


def run(job: stage.Job) -> list[Path]:
    import numpy as np
    import pandas as pd
    import torch
    from transformers import AutoModel

    from scriptorium.engine import training
    from scriptorium.fetching.checkpoints import check_checkpoint
    from scriptorium.few_labels import probing
    from scriptorium.files.tables import write_parquet
    from scriptorium.tasks.few import some
    from scriptorium.tasks.kind import kind_of
    from scriptorium.text.plain import as_text
    from scriptorium.text.tokenizers import load_tokenizer

    spec, directory = job.spec, job.input_dir("model") / "model"
    check_checkpoint(directory)
    read = kind_of("classification").read
    train, test = (read(job.input_dir("data") / f"{split}.parquet", spec.classes) for split in ("train", "test"))
    draws = {
        (count, number): some(train["label"], count, spec.seed, number)
        for count in spec.labels
        for number in range(spec.draws)
    }
    tokenizer = as_text(load_tokenizer(directory))
    training.prepare(job, spec.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    trained = (
        AutoModel.from_pretrained(directory, local_files_only=True, trust_remote_code=False, dtype=torch.float32)
        .eval()
        .to(device)
    )
    pieces = probing.pieces_of(tokenizer, [*train["text"], *test["text"]], spec.pieces, trained.config)

    def states_of(model) -> np.ndarray:
        return probing.mean_states(probing.encoder_of(model), tokenizer, pieces)

    def untrained(number: int) -> np.ndarray:
        torch.manual_seed(int(np.random.SeedSequence([spec.seed, number]).generate_state(1)[0]))
        return states_of(AutoModel.from_config(trained.config).eval().to(device))

    states, counts = states_of(trained), probing.piece_counts(pieces, len(tokenizer))
    parts = []
    for number in range(spec.draws):
        features = {probing.MODEL: states, probing.RANDOM: untrained(number), probing.TFIDF: counts}
        for count in spec.labels:
            rows = draws[count, number]
            for scorer, values in features.items():
                made = probing.predict(
                    values[rows],
                    train["label"].to_numpy()[rows],
                    values[len(train) :],
                    counts=scorer == probing.TFIDF,
                )
                facts = {"scorer": scorer, "labels": count, "draw": number}
                parts.append(test[["id", "label"]].assign(prediction=made, **facts))
    table = pd.concat(parts, ignore_index=True)
    right = (table["label"] == table["prediction"]).groupby([table["scorer"], table["labels"]], sort=False).mean()
    metrics = {f"accuracy/{scorer}/{count}": float(value) for (scorer, count), value in right.items()}
    job.ledger.metrics(0, metrics)
    predictions = write_parquet(table, job.out / "predictions.parquet")
    job.ledger.artifact(predictions, "table")
    return [predictions, write_json(job.out / "metrics.json", metrics)]


if __name__ == "__main__":
    stage.main(ProbeSpec, run)
