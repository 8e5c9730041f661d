"""Which translation an encoder finds by its vectors alone; nothing is fine-tuned.

inputs: model = manifest of a pre-training run or of another encoder, data = of a retrieval set
out: `ranks.parquet` (id, languages, direction, layer, scorer: model or random; found, score; hit, predicted, gold: what
the row adds to accuracy or F1), `metrics.json` (of each scorer, languages, direction and layer; chance; thresholds;
layer: the one that counts)
"""

from __future__ import annotations

from pathlib import Path

from scriptorium import stage
from scriptorium.manifest import write_json
from scriptorium.retrieval.spec import RetrieveSpec


def run(job: stage.Job) -> list[Path]:
    import torch
    from transformers import AutoConfig, AutoModel

    from scriptorium.engine import training
    from scriptorium.fetching.backbones import backbone_directory
    from scriptorium.fetching.checkpoints import check_checkpoint
    from scriptorium.files.tables import write_parquet
    from scriptorium.retrieval import collection, embedding, evaluating, matching
    from scriptorium.text.plain import as_text
    from scriptorium.text.tokenizers import load_tokenizer

    spec, directory = job.spec, backbone_directory(job.input_dir("model"))
    check_checkpoint(directory)
    tokenizer = as_text(load_tokenizer(directory))
    config = AutoConfig.from_pretrained(directory, local_files_only=True, trust_remote_code=False)
    counts, layers = embedding.layers_of(spec, config)
    parts = list(collection.read(job.input_dir("data")))
    training.prepare(job, spec.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    trained = (
        AutoModel.from_pretrained(directory, local_files_only=True, trust_remote_code=False, dtype=torch.float32)
        .eval()
        .to(device)
    )
    torch.manual_seed(spec.seed)
    untrained = AutoModel.from_config(trained.config).eval().to(device)
    tables, metrics = [], {"layer": counts}
    with job.impl.saving_on_sigterm():
        for scorer, model in ((evaluating.MODEL, trained), (evaluating.RANDOM, untrained)):
            encoder = embedding.Encoder(model, tokenizer, spec, layers)
            made, thresholds = matching.match(job, scorer, encoder, parts)
            tables.append(made)
            metrics |= {f"threshold/{scorer}/{name}": value for name, value in thresholds.items()}
    table = evaluating.finished(tables)
    for keys, rows in table.groupby(["scorer", "languages", "direction", "layer"], sort=False):
        metrics["/".join(map(str, keys))] = evaluating.measure(rows)
    for part in parts:
        if part.split == collection.TEST:
            chances = evaluating.chance(part, mines=spec.mining)
            metrics |= {f"chance/{part.languages}/{direction}": value for direction, value in chances.items()}
    job.ledger.metrics(0, metrics)
    ranks = write_parquet(table, job.out / "ranks.parquet")
    job.ledger.artifact(ranks, "table")
    return [ranks, write_json(job.out / "metrics.json", metrics)]


if __name__ == "__main__":
    stage.main(RetrieveSpec, run)
