"""Give every word of an annotated data set its stage-1 scores, by the trained gaze regressor.

inputs: features = manifest of results/annotations/features/<dataset>, regressor, embeddings (manifests)
outputs: annotations = results/annotations/<dataset>.parquet (the features' columns, score_<feature> for each of the
eight, n_fix_predicted in fixations)
"""

from __future__ import annotations

from pathlib import Path

from scriptorium import manifest, stage
from scriptorium.errors import UserError
from scriptorium.spec import Spec

CHUNK = 512  # texts whose word vectors are in memory at once


class ScoreSpec(Spec):
    """Nothing to set: the regressor is an input."""


def run(job: stage.Job) -> list[Path]:
    import numpy as np
    import pandas as pd

    from scriptorium.gaze.folds import score_spread
    from scriptorium.gaze.regressor import network, released, word_vectors
    from scriptorium.linguistics.features import FEATURES

    model = released.read(job.input_dir("regressor") / "model")
    if model.config.word_vectors != manifest.content_digest(job.input("embeddings")):
        raise UserError(
            "the regressor was trained on another encoder's word vectors",
            where=job.input("embeddings"),
            remedy="score with the encoder named in the regressor's recipe",
        )
    words = pd.read_parquet(manifest.the_parquet(job.input("features")))
    vectors = word_vectors.load(job.input("embeddings"), words["word"].unique())
    features = words[list(FEATURES)].to_numpy(np.float32)
    # rows of a text stand together (the contract of the features table)
    starts = np.flatnonzero(words["text_key"].ne(words["text_key"].shift()).to_numpy())
    texts = np.split(np.arange(len(words)), starts[1:])

    n_fix, scores = [], []
    for start in range(0, len(texts), CHUNK):
        rows = texts[start : start + CHUNK]
        found = vectors([words["word"].iloc[index].tolist() for index in rows])
        chunk = [network.Sentence(vector, features[index]) for vector, index in zip(found, rows, strict=True)]
        for part, collected in zip(network.predict(model, chunk), (n_fix, scores), strict=True):
            collected.append(part)
    scored = np.concatenate(scores)
    table = words.assign(
        **{f"score_{name}": scored[:, column] for column, name in enumerate(FEATURES)},
        n_fix_predicted=np.concatenate(n_fix),
    )
    path = job.outputs["annotations"]
    table.to_parquet(path, index=False)

    vectors.record(job.ledger)
    job.ledger.metrics(
        0, {"texts": len(texts), "words": len(table), "n_fix_predicted": table["n_fix_predicted"].mean()}
    )
    job.ledger.metrics(0, score_spread(features, scored))
    job.ledger.artifact(path, "dataset")
    return [path]


if __name__ == "__main__":
    stage.main(ScoreSpec, run)
