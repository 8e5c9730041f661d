"""Train an encoder and a decoder to translate, from a pre-trained model, and translate the test set.

inputs: pairs, backbone (manifests), test (manifest of another corpus of pairs, or none), vocabulary (manifest of the
source's own, or none)
out: `hypotheses.parquet` (id, source, reference, hypothesis, in the order of the test set), `metrics.json` (test/bleu,
test/chrf, copy/...: the source itself as its translation, validation/... of the final weights, signature/...: how they
were computed), and if asked for `model/`
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from scriptorium import manifest, stage
from scriptorium.translation.spec import TranslateSpec

if TYPE_CHECKING:
    import pandas as pd
BODIES = "scriptorium.translation.bodies"


def run(job: stage.Job) -> list[Path]:
    import copy

    from scriptorium import named
    from scriptorium.engine import training
    from scriptorium.fetching.backbones import backbone_directory
    from scriptorium.files.tables import write_parquet
    from scriptorium.generation import generating
    from scriptorium.generation.examples import collate, sources
    from scriptorium.generation.training import set_trained, trained
    from scriptorium.translation import pairs
    from scriptorium.translation.built import SOURCE
    from scriptorium.translation.examples import Pairs

    spec, backbone = job.spec, backbone_directory(job.input_dir("backbone"))
    other = manifest.the_parquet(job.input("test")) if job.inputs.get("test") else None
    tables = pairs.splits(spec, manifest.the_parquet(job.input("pairs")), other)
    training.prepare(job, spec.seed)
    vocabulary = job.input("vocabulary") if job.inputs.get("vocabulary") else None
    made = named.load(BODIES, spec.body).built(spec, backbone, vocabulary)
    job.ledger.note(made.said)
    data = {}
    for split in ("train", "validation"):
        own = data[split] = Pairs(tables[split], made.reads, made.writes, made.frame, spec.max_length)
        own.check(split, job.input("pairs"), "raise max_length of the translation")
        job.ledger.note(f"{split}: {len(own)} pairs; {own.left_out} are longer than {spec.max_length} pieces, left out")

    best = copy.deepcopy(made.model)
    facts = trained(job, made.model, data, collate(made.writes.pad_token_id))
    set_trained(job, best)
    test = tables["test"]
    texts = sources(test["source"].tolist(), made.reads, made.frame, spec.max_length)
    job.ledger.note(f"test: {len(test)} pairs; {texts.cut} sources are cut to {spec.max_length} pieces")
    search = generating.Search(made.frame, spec.max_length - 1, spec.beams, spec.length_penalty)
    with job.impl.saving_on_sigterm():
        test["hypothesis"] = generating.written(job, best, made.writes, texts, search)

    metrics = {**facts, **scored(test, spec)}
    job.ledger.metrics(facts["train/steps"], {k: v for k, v in metrics.items() if not k.startswith("signature/")})
    table = test.rename(columns={"target": "reference"})
    files = [write_parquet(table, job.out / "hypotheses.parquet")]
    job.ledger.artifact(files[0], "table")
    if spec.save_model:
        if made.reads is not made.writes:
            made.reads.save_pretrained(job.out / "model" / SOURCE)
        files += training.save_model(best, job.out / "model", made.writes)
    return [*files, manifest.write_json(job.out / "metrics.json", metrics)]


def scored(test: pd.DataFrame, spec: TranslateSpec) -> dict[str, float | str]:
    """BLEU and chrF of the hypotheses, and of the sources as if they were translations, with sacrebleu's signatures."""
    from scriptorium.generation import scores
    from scriptorium.translation.words import tokenizer_of

    found: dict[str, float | str] = {}
    for name, column in (("test", "hypothesis"), ("copy", "source")):
        made = scores.of_corpus(test[column].tolist(), test["target"].tolist(), tokenizer_of(spec))
        found |= {f"{name}/bleu": made.bleu, f"{name}/chrf": made.chrf}
        found |= {f"signature/{metric}": text for metric, text in made.signatures.items()}
    return found


if __name__ == "__main__":
    stage.main(TranslateSpec, run)
