"""Surprisal of every word of a gaze corpus, under a causal language model of ours or of any folder.

inputs: words = results/gaze/corpora/<corpus>/manifest.json, model = manifest of a causal language model
out: surprisal.parquet: corpus, document, sentence, word_index, word, surprisal (bits; empty: the model has none)
"""

from __future__ import annotations

from pathlib import Path

from scriptorium import manifest, stage
from scriptorium.gaze.spec import SurprisalSpec


def run(job: stage.Job) -> list[Path]:
    import numpy as np
    import pandas as pd

    from scriptorium.files.tables import write_parquet
    from scriptorium.gaze.predictor.words import PLACE, SENTENCE
    from scriptorium.gaze.regressor.word_vectors import encoder_directory
    from scriptorium.gaze.surprisal import Surprisal

    model = Surprisal.load(encoder_directory(job.input("model")))
    table = pd.read_parquet(manifest.the_parquet(job.input("words")))[[*PLACE, "word"]]
    table = table.sort_values(PLACE, ignore_index=True)
    bits = model([rows["word"].tolist() for _, rows in table.groupby(SENTENCE, sort=False)], job.spec.tokens)
    table["surprisal"] = np.concatenate(bits)
    lost = int(table["surprisal"].isna().sum())
    if lost:
        job.ledger.note(f"gaze: {lost} of {len(table)} words of {job.spec.corpus} have no surprisal ({model.cut} cut)")
    job.ledger.metrics(0, {"words": len(table), "without": lost, "bits": float(table["surprisal"].mean())})
    path = write_parquet(table, job.out / "surprisal.parquet")
    job.ledger.artifact(path, "dataset")
    return [path]


if __name__ == "__main__":
    stage.main(SurprisalSpec, run)
