"""What the vectors of an encoder say of translations; nothing is fine-tuned (docs/vectors.md).

inputs: model = manifest of a pre-training run or of another encoder, start = of the model that the run began with, or
none; parallel and dictionary, or alignments = of held-out pairs and a dictionary, or of gold alignments
out: `sums.parquet` (what every pair adds to every measure: vectors/measures.py), `points.parquet` (a picture of the
texts: vectors/measuring.py), `metrics.json` (of each scorer, at the layer that counts)
"""

from __future__ import annotations

from pathlib import Path

from scriptorium import stage
from scriptorium.manifest import the_parquet, write_json
from scriptorium.vectors.spec import MeasureVectorsSpec


def run(job: stage.Job) -> list[Path]:
    import pandas as pd
    import torch

    from scriptorium.engine import training
    from scriptorium.fetching.backbones import backbone_directory
    from scriptorium.fetching.checkpoints import check_checkpoint
    from scriptorium.files.tables import write_parquet
    from scriptorium.models.layers import place_of
    from scriptorium.text.dictionaries import matching
    from scriptorium.text.plain import as_text
    from scriptorium.text.tokenizers import load_tokenizer
    from scriptorium.vectors import encoders, layers, measures, measuring, texts

    spec = job.spec
    directories = {name: backbone_directory(job.input_dir(name)) for name in ("model", "start") if job.inputs.get(name)}
    for directory in directories.values():
        check_checkpoint(directory)
    if job.inputs.get("alignments"):
        translations, dictionary = texts.gold(the_parquet(job.input("alignments")), spec), None
    else:
        dictionary = the_parquet(job.input("dictionary"))
        known = matching.languages_of(dictionary)
        translations = texts.held_out(the_parquet(job.input("parallel")), spec, known)
        for languages, forms in texts.forms(translations).items():
            fitting = matching.check(dictionary, languages, forms)
            job.ledger.note(f"{'-'.join(languages)}: {fitting} entries of the dictionary have both words in the texts")
    asked = measuring.Asked(translations, dictionary, halves=spec.layer is None)
    training.prepare(job, spec.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = encoders.load(directories["model"])
    if spec.layer is not None:  # a wrong one is told before anything is read
        place_of(spec.layer, model.config.num_hidden_layers, layers.WHERE)
    sums, points = [], []
    with job.impl.saving_on_sigterm():
        for scorer in (measures.RANDOM, measures.START, measures.MODEL):
            if scorer == measures.START and "start" not in directories:
                continue
            directory = directories["start" if scorer == measures.START else "model"]
            own = encoders.untrained(model, spec.seed) if scorer == measures.RANDOM else encoders.load(directory)
            encoder = measuring.Encoder(scorer, own.to(device), as_text(load_tokenizer(directory)))
            for tables, made in zip((sums, points), measuring.measured(job, encoder, asked), strict=True):
                tables.append(made)
    tables = {name: pd.concat(own, ignore_index=True) for name, own in (("sums", sums), ("points", points))}
    metrics = layers.metrics(tables["sums"], spec.layer)
    job.ledger.metrics(0, metrics)
    written = [write_parquet(table, job.out / f"{name}.parquet") for name, table in tables.items()]
    for path in written:
        job.ledger.artifact(path, "table")
    return [*written, write_json(job.out / "metrics.json", metrics)]


if __name__ == "__main__":
    stage.main(MeasureVectorsSpec, run)
