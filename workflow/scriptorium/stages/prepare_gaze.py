"""Read one eye-tracking corpus into the project's one gaze table (words with means over participants).

inputs: raw = resources/<dataset>/manifest.json · outputs: words = results/gaze/corpora/<corpus>.parquet
out: `ceiling.json`, the agreement of the participants (gaze/ceiling.py; empty where the source holds means only)
"""

from __future__ import annotations

from pathlib import Path

from scriptorium import manifest, stage
from scriptorium.gaze.spec import GazeCorpusSpec


def run(job: stage.Job) -> list[Path]:
    from scriptorium.files import tables
    from scriptorium.gaze import ceiling, corpora

    spec = job.spec
    words, rows = corpora.load(spec.corpus, spec, job.input("raw"), job.ledger)
    path = tables.write_parquet(words, job.outputs["words"])
    job.ledger.artifact(path, "dataset")
    noise = {}
    if words["n_fix"].notna().all():
        noise = ceiling.repeats(words) | (ceiling.split_half(rows, spec.halves) if rows is not None else {})
        job.ledger.metrics(0, {f"ceiling/{name}": value for name, value in noise.items()})
    manifest.write_json(job.out / "ceiling.json", noise)
    return [path, job.out / "ceiling.json"]


if __name__ == "__main__":
    stage.main(GazeCorpusSpec, run)
