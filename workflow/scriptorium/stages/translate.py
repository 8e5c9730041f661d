"""Train an encoder and a decoder to translate, from a pre-trained model, and translate the test set.

inputs: pairs, backbone (manifests), test (manifest of another corpus of pairs, or none)
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


def run(job: stage.Job) -> list[Path]:
    from scriptorium.engine import training
    from scriptorium.fetching.backbones import backbone_directory
    from scriptorium.files.tables import write_parquet
    from scriptorium.generation import generating
    from scriptorium.generation.examples import Frame, Pairs, collate, sources
    from scriptorium.generation.training import set_trained, trained
    from scriptorium.text.plain import as_text
    from scriptorium.text.tokenizers import load_tokenizer
    from scriptorium.translation import pairs
    from scriptorium.translation.model import Translator, built

    spec, backbone = job.spec, backbone_directory(job.input_dir("backbone"))
    other = manifest.the_parquet(job.input("test")) if job.inputs.get("test") else None
    tables = pairs.splits(spec, manifest.the_parquet(job.input("pairs")), other)
    tokenizer = as_text(load_tokenizer(backbone))
    training.prepare(job, spec.seed)
    model, new = built(spec, backbone, tokenizer)
    job.ledger.note(f"weights of {backbone}; new: {described(new)}")
    first, last = tokenizer.cls_token_id, tokenizer.sep_token_id
    frame = Frame(before=(first,), behind=(last,), begin=(first,), end=last)  # as in pre-training (models/veco)
    data = {}
    for split in ("train", "validation"):
        own = data[split] = Pairs(tables[split], tokenizer, frame, (spec.max_length, spec.max_length))
        own.check(split, job.input("pairs"), "raise max_length of the translation")
        job.ledger.note(f"{split}: {len(own)} pairs; {own.left_out} are longer than {spec.max_length} pieces, left out")

    facts = trained(job, model, data, collate(tokenizer.pad_token_id))
    best = Translator(model.config)
    set_trained(job, best)
    test = tables["test"]
    texts = sources(test["source"].tolist(), tokenizer, frame, spec.max_length)
    job.ledger.note(f"test: {len(test)} pairs; {texts.cut} sources are cut to {spec.max_length} pieces")
    search = generating.Search(frame, spec.max_length - 1, spec.beams, spec.length_penalty)
    with job.impl.saving_on_sigterm():
        test["hypothesis"] = generating.written(job, best, tokenizer, texts, search)

    metrics = {**facts, **scored(test, spec)}
    job.ledger.metrics(facts["train/steps"], {k: v for k, v in metrics.items() if not k.startswith("signature/")})
    made = test.rename(columns={"target": "reference"})
    files = [write_parquet(made, job.out / "hypotheses.parquet")]
    job.ledger.artifact(files[0], "table")
    if spec.save_model:
        files += training.save_model(best, job.out / "model", tokenizer)
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


def described(new: list[str]) -> str:
    """Which weights are new, in few words."""
    crossing = [name for name in new if "cross_attention" in name]
    rest = [name for name in new if name not in crossing]
    return ", ".join([*rest, *(["all cross-attentions"] if crossing else [])]) or "none"


if __name__ == "__main__":
    stage.main(TranslateSpec, run)
