"""Fine-tune a pre-trained model on a generation task, and write its test set.

inputs: data = results/data/generation/<task>/manifest.json, backbone (manifest)
out: `hypotheses.parquet` (id, source, reference, hypothesis; lead: the first words of the source, as many as a target
of train has, as if they were written; loss, pieces: nats of the reference and its pieces; in the order of the test
set), `metrics.json` (test/..., lead/..., validation/... of the final weights, cut/...: texts that were too long,
signature/...: how they were computed), and if asked for `model/`
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from scriptorium import manifest, stage
from scriptorium.generation.spec import GenerateSpec

if TYPE_CHECKING:
    import pandas as pd

BODIES = "scriptorium.generation.bodies"


def run(job: stage.Job) -> list[Path]:
    import copy

    from scriptorium import named
    from scriptorium.engine import training
    from scriptorium.fetching.backbones import backbone_directory
    from scriptorium.files.tables import write_parquet
    from scriptorium.generation import generating
    from scriptorium.generation.examples import Pairs, collate
    from scriptorium.generation.losses import likelihoods
    from scriptorium.generation.prepared import lead, read
    from scriptorium.generation.training import set_trained, trained
    from scriptorium.text.plain import as_text
    from scriptorium.text.tokenizers import load_tokenizer

    spec, backbone = job.spec, backbone_directory(job.input_dir("backbone"))
    tables = read(job.input_dir("data"), spec.prompt)
    tokenizer = as_text(load_tokenizer(backbone))
    training.prepare(job, spec.seed)
    model, frame = named.load(BODIES, spec.body).built(spec, backbone, tokenizer)
    job.ledger.note(f"{'the shape' if spec.reinitialise else 'weights'} of {backbone}")
    longest = (spec.source_length, spec.target_length + len(frame.begin or ()))
    data = {split: Pairs(table, tokenizer, frame, longest, cut=True) for split, table in tables.items()}
    facts = {}
    for split, own in data.items():
        facts |= {f"cut/{split}_sources": own.source.cut, f"cut/{split}_targets": own.target.cut}
        job.ledger.note(
            f"{split}: {len(own)} examples; {own.source.cut} sources and {own.target.cut} targets are cut to "
            f"{spec.source_length} and {spec.target_length} pieces"
        )

    make_batch, best = collate(tokenizer.pad_token_id), copy.deepcopy(model)
    facts |= trained(job, model, {split: data[split] for split in ("train", "validation")}, make_batch)
    set_trained(job, best)
    search = generating.Search(frame, spec.target_length, spec.beams, spec.length_penalty)
    test = tables["test"].rename(columns={"target": "reference"})
    with job.impl.saving_on_sigterm():
        test["hypothesis"] = generating.written(job, best, tokenizer, data["test"].source, search)
    test["loss"], test["pieces"] = likelihoods(best, data["test"], make_batch)
    test["lead"] = lead(tables, spec.prompt)

    metrics = {**facts, **scored(test, spec)}
    job.ledger.metrics(facts["train/steps"], {k: v for k, v in metrics.items() if not k.startswith("signature/")})
    files = [write_parquet(test, job.out / "hypotheses.parquet")]
    job.ledger.artifact(files[0], "table")
    if spec.save_model:
        files += training.save_model(best, job.out / "model", tokenizer)
    return [*files, manifest.write_json(job.out / "metrics.json", metrics)]


def scored(test: pd.DataFrame, spec: GenerateSpec) -> dict[str, float | str]:
    """Every metric of what was written, and of the leads where they have one, with how they were computed."""
    from scriptorium.generation.metrics import METRICS, of_corpus, signatures

    found: dict[str, float | str] = {}
    for metric in METRICS:
        found[f"test/{metric}"] = of_corpus(test, metric, spec.tokenize)
        if METRICS[metric].of_any_text:
            found[f"lead/{metric}"] = of_corpus(test.assign(hypothesis=test["lead"]), metric, spec.tokenize)
    made = signatures(test, spec.tokenize)
    return found | {f"signature/{name}": text for name, text in made.items()}


if __name__ == "__main__":
    stage.main(GenerateSpec, run)
