"""Stage 1 of CogBERT: train the gaze regressor and test it on paragraphs it has not seen.

inputs: words, features = manifests of the gaze corpora and of their annotations; embeddings = manifest of the encoder
that lends word vectors
out: `model/` (safetensors, trained on everything), `predictions.parquet` (out of fold), `metrics.json`
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from scriptorium import manifest, stage
from scriptorium.spec import Spec

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from scriptorium.models.gaze import Sentence
    from scriptorium.models.word_vectors import WordVectors

log = logging.getLogger("train_regressor")


class RegressorSettings(Spec):
    """The gaze regressor (papers/cogbert section 4): what a recipe may set."""

    variant: Literal["paper"] = Field("paper", description="architecture: the four-layer Bi-LSTM of the paper's text")
    hidden_size: int = Field(64, gt=0, description="LSTM units per direction (not found in the paper; ours)")
    layers: int = Field(4, gt=0, description="LSTM layers")
    dropout: float = Field(0.15, ge=0, lt=1, description="between LSTM layers (released code)")
    epochs: int = Field(40, gt=0, description="passes over the training paragraphs (released code)")
    batch_size: int = Field(4, gt=0, description="sentences per step")
    lr: float = Field(1e-3, gt=0, description="AdamW learning rate (released code)")
    weight_decay: float = Field(0.01, ge=0, description="AdamW decay")
    folds: int = Field(6, gt=1, description="cross-validation folds; a paragraph is never split")


class RegressorSpec(RegressorSettings):
    """One training run of the gaze regressor."""

    seed: int = Field(0, ge=0, description="of initialisation, order and folds")


def run(job: stage.Job) -> list[Path]:
    import numpy as np

    from scriptorium.evaluation import gaze as evaluation
    from scriptorium.models import gaze
    from scriptorium.models.word_vectors import WordVectors

    spec = job.spec
    words = evaluation.read_words(job.inputs["words"], job.inputs["features"])
    fold_of = evaluation.folds(spec.seed, words["group"], spec.folds)
    vectors = WordVectors.load(job.input("embeddings"))
    sentences, rows = _sentences(words, vectors)
    fold = words["group"].map(fold_of).to_numpy()[[index[0] for index in rows]]  # of each sentence
    labels = words["label"].to_numpy()
    if vectors.erased:
        job.ledger.note(f"{vectors.erased} words leave no word piece; they have the unknown piece's vector")
    config = gaze.GazeRegressorConfig(
        word_vector_size=vectors.size, hidden_size=spec.hidden_size, num_layers=spec.layers, dropout=spec.dropout,
        word_vectors=manifest.content_digest(job.input("embeddings")),
    )  # fmt: skip

    def train(chosen: np.ndarray, number: int, after_epoch: Callable) -> gaze.GazeRegressor:
        return gaze.fit(
            config, [sentences[i] for i in chosen], epochs=spec.epochs, batch_size=spec.batch_size, lr=spec.lr,
            weight_decay=spec.weight_decay, seed=[spec.seed, number], after_epoch=after_epoch,
        )  # fmt: skip

    predicted = np.full(len(words), np.nan)
    for number in range(spec.folds):
        unseen = [sentences[i] for i in np.flatnonzero(fold == number)]
        places = np.concatenate([rows[i] for i in np.flatnonzero(fold == number)])

        # the held-out error is a curve for people to look at: nothing is chosen by it
        def watch(epoch, loss, model, number=number, unseen=unseen, places=places):
            error = np.abs(gaze.predict(model, unseen)[0] - labels[places]).mean()
            job.ledger.metrics(epoch, {f"fold{number}/train_loss": loss, f"fold{number}/held_out_mae": error})

        model = train(np.flatnonzero(fold != number), number, watch)
        predicted[places] = gaze.predict(model, unseen)[0]
        log.info("fold %d of %d: MAE %.3f", number + 1, spec.folds, np.abs(predicted - labels)[places].mean())
    final = train(
        np.arange(len(sentences)), spec.folds,
        lambda epoch, loss, _: job.ledger.metrics(epoch, {"final/train_loss": loss}),
    )  # fmt: skip

    table = words[["id", "corpus", "document", "word", "label"]].assign(prediction=predicted)
    metrics = {f"oof/{name}": value for name, value in evaluation.measures(table).items()}
    metrics |= evaluation.score_spread(
        np.concatenate([s.features for s in sentences]), gaze.predict(final, sentences)[1]
    )
    job.ledger.metrics(spec.epochs, metrics)

    table.to_parquet(job.out / "predictions.parquet", index=False)
    manifest.write_json(job.out / "metrics.json", metrics)
    final.save_pretrained(job.out / "model")
    made = [job.out / "predictions.parquet", job.out / "metrics.json"]
    for path in made:
        job.ledger.artifact(path)
    return [*made, *sorted((job.out / "model").iterdir())]


def _sentences(words: pd.DataFrame, vectors: WordVectors) -> tuple[list[Sentence], list[np.ndarray]]:
    """The sentences of a gaze table, and the row numbers of each one's words."""
    import numpy as np

    from scriptorium.linguistics.features import FEATURES
    from scriptorium.models.gaze import Sentence

    rows = list(words.groupby(["corpus", "document", "sentence"], sort=False).indices.values())
    found = vectors([words["word"].iloc[index].tolist() for index in rows])
    features, labels = words[list(FEATURES)].to_numpy(np.float32), words["label"].to_numpy(np.float32)
    return [Sentence(v, features[index], labels[index]) for v, index in zip(found, rows, strict=True)], rows


if __name__ == "__main__":
    stage.main(RegressorSpec, run)
