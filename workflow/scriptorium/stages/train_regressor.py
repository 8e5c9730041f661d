"""Stage 1 of CogBERT: train the gaze regressor and test it on paragraphs it has not seen.

inputs: words, features = manifests of the gaze corpora and of their annotations; embeddings = manifest of the encoder
that lends word vectors
out: `model/` (safetensors, trained on everything), `predictions.parquet` (out of fold), `metrics.json`
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from scriptorium import manifest, stage
from scriptorium.spec import Spec


class RegressorSpec(Spec):
    """The gaze regressor (papers/cogbert section 4)."""

    variant: Literal["paper"] = Field("paper", description="architecture: the four-layer Bi-LSTM of the paper's text")
    hidden_size: int = Field(64, gt=0, description="LSTM units per direction (not found in the paper; ours)")
    layers: int = Field(4, gt=0, description="LSTM layers")
    dropout: float = Field(0.15, ge=0, lt=1, description="between LSTM layers (released code)")
    epochs: int = Field(40, gt=0, description="passes over the training paragraphs (released code)")
    batch_size: int = Field(4, gt=0, description="sentences per step")
    lr: float = Field(1e-3, gt=0, description="AdamW learning rate (released code)")
    weight_decay: float = Field(0.01, ge=0, description="AdamW decay")
    folds: int = Field(6, gt=1, description="cross-validation folds; a paragraph is never split")
    seed: int = Field(0, ge=0, description="of initialisation, order and folds")


def run(job: stage.Job) -> list[Path]:
    import numpy as np

    from scriptorium.evaluation import gaze as evaluation
    from scriptorium.linguistics.features import FEATURES
    from scriptorium.models import gaze
    from scriptorium.models.word_vectors import WordVectors

    spec = job.spec
    words = evaluation.read_words(job.inputs["words"], job.inputs["features"])
    fold_of = evaluation.folds(spec.seed, words["group"], spec.folds)
    fold = words["group"].map(fold_of).to_numpy()
    vectors = WordVectors.load(job.input("embeddings"))
    lent_by = manifest.content_digest(job.input("embeddings"))

    rows = list(words.groupby(["corpus", "document", "sentence"], sort=False).indices.values())
    texts = [words["word"].iloc[index].tolist() for index in rows]
    features, labels = words[list(FEATURES)].to_numpy(np.float32), words["label"].to_numpy(np.float32)
    all_sentences = [
        gaze.Sentence(vector, features[index], labels[index])
        for vector, index in zip(vectors(texts), rows, strict=True)
    ]
    if vectors.erased:
        job.ledger.note(f"{vectors.erased} words leave no word piece; they have the unknown piece's vector")

    def train(members: list[int], number: int, after_epoch) -> gaze.GazeRegressor:
        chosen = [all_sentences[i] for i in members]
        config = gaze.GazeRegressorConfig(
            word_vector_size=vectors.size, hidden_size=spec.hidden_size, num_layers=spec.layers, dropout=spec.dropout,
            initial_n_fix=float(np.concatenate([s.n_fix for s in chosen]).mean(dtype=np.float64)),
            word_vectors=lent_by,
        )  # fmt: skip
        return gaze.fit(
            config, chosen, epochs=spec.epochs, batch_size=spec.batch_size, lr=spec.lr, weight_decay=spec.weight_decay,
            seed=[spec.seed, number], after_epoch=after_epoch,
        )  # fmt: skip

    predicted = np.full(len(words), np.nan)
    sentence_fold = np.array([fold[index[0]] for index in rows])
    for number in range(spec.folds):
        held_out = np.flatnonzero(sentence_fold == number)
        held_out_sentences = [all_sentences[i] for i in held_out]
        held_out_words = np.concatenate([rows[i] for i in held_out])

        # the curve of the held-out error is for people to look at: nothing is chosen by it
        def watch(epoch, loss, model, number=number, sentences=held_out_sentences, index=held_out_words):
            error = np.abs(gaze.predict(model, sentences)[0] - labels[index]).mean()
            job.ledger.metrics(epoch, {f"fold{number}/train_loss": loss, f"fold{number}/held_out_mae": error})

        model = train(np.flatnonzero(sentence_fold != number).tolist(), number, watch)
        predicted[held_out_words] = gaze.predict(model, held_out_sentences)[0]

    final = train(
        list(range(len(rows))), spec.folds, lambda epoch, loss, _: job.ledger.metrics(epoch, {"final/train_loss": loss})
    )
    scores = gaze.predict(final, all_sentences)[1]

    table = words[["id", "corpus", "document", "word", "label"]].assign(prediction=predicted)
    metrics = {f"oof/{name}": value for name, value in evaluation.measures(table).items()}
    for column, name in enumerate(FEATURES):
        # papers/cogbert 4.3: without variance, stage 1 adds nothing to the 0/1 flags
        has = features[:, column] != 0
        if has.any():
            metrics[f"score_mean/{name}"] = float(scores[has, column].mean(dtype=np.float64))
            metrics[f"score_variance/{name}"] = float(scores[has, column].var(dtype=np.float64))
    job.ledger.metrics(spec.epochs, metrics)

    table.to_parquet(job.out / "predictions.parquet", index=False)
    manifest.write_json(job.out / "metrics.json", metrics)
    final.save_pretrained(job.out / "model")
    for name in ("predictions.parquet", "metrics.json"):
        job.ledger.artifact(job.out / name)
    return [job.out / "predictions.parquet", job.out / "metrics.json", *sorted((job.out / "model").iterdir())]


if __name__ == "__main__":
    stage.main(RegressorSpec, run)
