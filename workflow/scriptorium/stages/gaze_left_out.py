"""Leave one gaze corpus out after the other: the predictor for texts that nobody was measured on, beside word length.

inputs: words = manifests of gaze corpora (results/gaze/corpora/<corpus>), at least three; surprisal (optional) =
manifests of their surprisal, in the same order (stages/gaze_surprisal.py)
out: model/ (the predictor trained on all corpora, with its model card), predictions.parquet (of each corpus left out)
outputs: table = results/tables/gaze_left_out.tsv
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from scriptorium import manifest, stage
from scriptorium.errors import UserError
from scriptorium.gaze.spec import GazeLeftOutSpec

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


def run(job: stage.Job) -> list[Path]:
    import pandas as pd

    from scriptorium.gaze.predictor import left_out, pretrained, transfer
    from scriptorium.reporting import tables

    spec = job.spec
    corpora, bits = _read(job)
    names = transfer.feature_names(spec.spill_over, bool(bits))
    linear = transfer.line_names(spec.spill_over, bool(bits))
    words = {
        name: left_out.words_of(table, spec.languages[name], spec, bits.get(name)) for name, table in corpora.items()
    }
    rows, predictions = [], []
    for number, (name, table) in enumerate(corpora.items()):
        seen = {}
        for other, own in corpora.items():
            kept = own if other == name else left_out.without_texts_of(own, table)
            if other != name and len(kept) < len(own):
                job.ledger.note(
                    f"gaze: {len(own) - len(kept)} words of {other} are not learned: {name} has their texts"
                )
            if other != name and len(kept):
                seen[other] = left_out.words_of(kept, spec.languages[other], spec, _of(bits.get(other), own, kept))
        model = transfer.fit(seen, names, linear, spec)
        line = transfer.line(seen, names, ["length", "zipf"])
        baselines = {"length_frequency": line(words[name].features)}
        rows += left_out.judge(name, model, baselines, words[name], spec)
        predicted = model.predict(words[name].features)
        columns = {f"{measure}_predicted": predicted[:, i] for i, measure in enumerate(spec.measures)}
        predictions.append(table.assign(**columns))
        job.ledger.metrics(number, {f"weight_of_line/{m}": float(w) for m, w in zip(spec.measures, model.weights)})  # noqa: B905

    table = pd.DataFrame(rows)
    tables.write(table, job.outputs["table"])
    for row in rows:
        metrics = {key: value for key, value in row.items() if isinstance(value, float) and value == value}
        job.ledger.metrics(0, {f"{row['corpus']}/{row['measure']}/{key}": value for key, value in metrics.items()})
    final = transfer.fit(words, names, linear, spec)
    made = pretrained.save(final, job.out / "model", spec, {n: len(t) for n, t in corpora.items()}, table)
    parquet = job.out / "predictions.parquet"
    pd.concat(predictions, ignore_index=True).to_parquet(parquet, index=False)
    job.ledger.artifact(job.outputs["table"], "table")
    job.ledger.artifact(parquet)
    return [parquet, *made, job.outputs["table"]]


def _read(job: stage.Job) -> tuple[dict[str, pd.DataFrame], dict[str, np.ndarray]]:
    """The sampled words of each corpus, and their bits if there are any. Raises UserError for too few corpora."""
    import pandas as pd

    from scriptorium.gaze.predictor import left_out, transfer
    from scriptorium.gaze.predictor.words import PLACE, read

    spec, corpora, bits = job.spec, {}, {}
    given = job.inputs.get("surprisal", [])
    for at, path in enumerate(job.inputs["words"]):
        table = read([path], spec.measures, complete=False)
        name = str(table["corpus"].iloc[0])
        if name not in spec.languages:
            raise UserError(f"corpus {name!r} has no language", where=path, remedy="name it in `languages`")
        if given:
            found = pd.read_parquet(manifest.the_parquet(given[at]))
            table = table.merge(found[[*PLACE, "surprisal"]], on=PLACE, how="left", validate="one_to_one")
        corpora[name] = left_out.sample(table, spec.sentences, spec.seed)
        if given:
            bits[name] = corpora[name].pop("surprisal").to_numpy()
            if not (bits[name] == bits[name]).any():
                raise UserError(f"no word of {name} has a surprisal", where=given[at], remedy="use another model")
    if len(corpora) < transfer.FEWEST:
        raise UserError(
            f"{len(corpora)} corpora cannot be left out in turn",
            where="gaze.left_out.corpora",
            remedy=f"name at least {transfer.FEWEST}, each once",
        )
    return corpora, bits


def _of(bits: np.ndarray | None, table: pd.DataFrame, kept: pd.DataFrame) -> np.ndarray | None:
    """The bits of the rows of a table that are kept."""
    from scriptorium.gaze.predictor.words import PLACE

    if bits is None:
        return None
    return kept.merge(table.assign(bits=bits)[[*PLACE, "bits"]], on=PLACE, how="left")["bits"].to_numpy()


if __name__ == "__main__":
    stage.main(GazeLeftOutSpec, run)
