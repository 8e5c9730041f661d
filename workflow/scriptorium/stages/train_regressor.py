"""Stage 1 of CogBERT: train the gaze regressor and test it on paragraphs it has not seen.

inputs: words, features = manifests of the gaze corpora and of their annotations; embeddings = manifest of the encoder
or file that lends word vectors; exclude (optional) = manifests of gaze corpora whose texts must stay out
out: `model/` (safetensors, trained on everything), `predictions.parquet` (out of fold), `metrics.json`
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from scriptorium import manifest, stage
from scriptorium.gaze.spec import RegressorSpec

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from scriptorium.gaze.regressor.network import Sentence
    from scriptorium.gaze.regressor.variants import Trainer
    from scriptorium.ledger import Ledger

log = logging.getLogger("train_regressor")


def run(job: stage.Job) -> list[Path]:
    import numpy as np

    from scriptorium.gaze import folds as evaluation
    from scriptorium.gaze.regressor import network, word_vectors
    from scriptorium.gaze.regressor.variants import Trainer

    spec, exclude = job.spec, job.inputs.get("exclude", [])
    words = evaluation.read_words(job.inputs["words"], job.inputs["features"], exclude)
    _record_pool(job, words, exclude)
    fold_of = evaluation.folds(spec.seed, words["group"], spec.folds)
    vectors = word_vectors.load(job.input("embeddings"), words["word"].unique())
    sentences, rows = _sentences(words, vectors)
    vectors.record(job.ledger)
    first = words.iloc[[index[0] for index in rows]]  # of each sentence
    fold = first["group"].map(fold_of).to_numpy()
    labels = words["label"].to_numpy()
    trainer = Trainer(
        spec,
        sentences,
        first["corpus"].to_numpy(),
        first["group"].to_numpy(),
        vectors.size,
        manifest.content_digest(job.input("embeddings")),
    )

    predicted = np.full(len(words), np.nan)
    for number in range(spec.folds):
        unseen = np.flatnonzero(fold == number)
        places = np.concatenate([rows[i] for i in unseen])

        # the held-out error is a curve for people to look at: nothing is chosen by it
        def watch(epoch, loss, model, number=number, unseen=unseen, places=places):
            values = {f"fold{number}/train_loss": loss}
            if spec.variant != "fixed":  # its output is at no corpus' level before it is calibrated
                error = np.abs(network.predict(model, [sentences[i] for i in unseen])[0] - labels[places]).mean()
                values[f"fold{number}/held_out_mae"] = error
            job.ledger.metrics(epoch, values)

        predicted[places] = trainer.fit(np.flatnonzero(fold != number), number, watch).predict(unseen)
        if not predicted[places].any():
            job.ledger.note(f"fold {number}: 0 fixations predicted for every word; the output's ReLU is closed")
        log.info("fold %d of %d: MAE %.3f", number + 1, spec.folds, np.abs(predicted - labels)[places].mean())
    everything = np.arange(len(sentences))
    final = trainer.fit(
        everything, spec.folds, lambda epoch, loss, _: job.ledger.metrics(epoch, {"final/train_loss": loss})
    )

    table = words[["id", "corpus", "document", "word", "label"]].assign(prediction=predicted)
    metrics = {f"oof/{name}": value for name, value in evaluation.measures(table).items()}
    if spec.variant == "released":
        metrics |= _released_test(trainer, table, rows, job.ledger)
    metrics |= evaluation.score_spread(
        np.concatenate([s.features for s in sentences]), network.predict(final.model, sentences)[1]
    )
    job.ledger.metrics(spec.epochs, metrics)

    table.to_parquet(job.out / "predictions.parquet", index=False)
    manifest.write_json(job.out / "metrics.json", metrics)
    final.model.save_pretrained(job.out / "model")
    made = [job.out / "predictions.parquet", job.out / "metrics.json"]
    for path in made:
        job.ledger.artifact(path)
    return [*made, *sorted((job.out / "model").iterdir())]


def _released_test(trainer: Trainer, table: pd.DataFrame, rows: list[np.ndarray], ledger: Ledger) -> dict[str, float]:
    """The released code's own test: one random split by sentence. Too good, since it leaks texts; never the result."""
    import numpy as np

    from scriptorium.gaze.folds import measures
    from scriptorium.gaze.regressor.released import released_split

    train, test = (part.numpy() for part in released_split(len(rows)))
    places = np.concatenate([rows[i] for i in test])
    predicted = trainer.fit(train, trainer.spec.folds + 1).predict(test)
    if not predicted.any():
        ledger.note("random split: 0 fixations predicted for every word; the output's ReLU is closed")
    found = measures(table.iloc[places].assign(prediction=predicted))
    return {f"released_split/{name}": value for name, value in found.items()}


def _record_pool(job: stage.Job, words: pd.DataFrame, exclude: list[Path]) -> None:
    """What was pooled, for the journal: how many texts stand twice, and how many sentences were kept out."""
    from scriptorium.gaze import folds as evaluation
    from scriptorium.gaze import pooling

    sentences = evaluation.read_sentences(job.inputs["words"])
    job.ledger.metrics(0, {f"duplicates/{a}/{b}": count for (a, b), count in pooling.duplicates(sentences).items()})
    if exclude:
        kept = len(words[["corpus", "document", "sentence"]].drop_duplicates())
        job.ledger.metrics(0, {"excluded/sentences": len(sentences) - kept})
        job.ledger.note(
            f"{len(sentences) - kept} of {len(sentences)} sentences left out: they overlap with excluded texts"
        )


def _sentences(words: pd.DataFrame, vectors: Callable) -> tuple[list[Sentence], list[np.ndarray]]:
    """The sentences of a gaze table, and the row numbers of each one's words."""
    import numpy as np

    from scriptorium.gaze.regressor.network import Sentence
    from scriptorium.linguistics.features import FEATURES

    rows = list(words.groupby(["corpus", "document", "sentence"], sort=False).indices.values())
    found = vectors([words["word"].iloc[index].tolist() for index in rows])
    features, labels = words[list(FEATURES)].to_numpy(np.float32), words["label"].to_numpy(np.float32)
    return [Sentence(v, features[index], labels[index]) for v, index in zip(found, rows, strict=True)], rows


if __name__ == "__main__":
    stage.main(RegressorSpec, run)
