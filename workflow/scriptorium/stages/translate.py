"""Train an encoder and a decoder to translate, from a pre-trained model, and translate the test set.

inputs: pairs, backbone (manifests), test (manifest of another corpus of pairs, or none)
out: `hypotheses.parquet` (id, source, reference, hypothesis, in the order of the test set), `metrics.json` (test/bleu,
test/chrf, copy/...: the source itself as its translation, validation/... of the final weights, signature/...: how they
were computed), and if asked for `model/`
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from scriptorium import manifest, stage
from scriptorium.translation.spec import TranslateSpec

if TYPE_CHECKING:
    import pandas as pd

    from scriptorium.translation.examples import Pairs
    from scriptorium.translation.model import Translator


def run(job: stage.Job) -> list[Path]:
    import torch

    from scriptorium.engine import training
    from scriptorium.fetching.backbones import backbone_directory
    from scriptorium.files.tables import write_parquet
    from scriptorium.text.plain import as_text
    from scriptorium.text.tokenizers import load_tokenizer
    from scriptorium.translation import evaluations, generating, pairs
    from scriptorium.translation.examples import Pairs, Texts, collate
    from scriptorium.translation.model import Translator, built

    spec, backbone = job.spec, backbone_directory(job.input_dir("backbone"))
    other = manifest.the_parquet(job.input("test")) if job.inputs.get("test") else None
    tables = pairs.splits(spec, manifest.the_parquet(job.input("pairs")), other)
    tokenizer = as_text(load_tokenizer(backbone))
    training.prepare(job, spec.seed)
    model, new = built(spec, backbone, tokenizer)
    job.ledger.note(f"weights of {backbone}; new: {described(new)}")
    data = {split: Pairs(tables[split], tokenizer, spec.max_length) for split in ("train", "validation")}
    for split, own in data.items():
        own.check(split, job.input("pairs"))
        job.ledger.note(f"{split}: {len(own)} pairs; {own.left_out} are longer than {spec.max_length} pieces, left out")

    facts = trained(job, model, data, collate(tokenizer.pad_token_id))
    best = Translator(model.config)  # not the trained object: what training wrapped around it may compute otherwise
    evaluations.set_mean(best, [job.state / WEIGHTS])
    best.eval().to("cuda" if torch.cuda.is_available() else "cpu")
    test = tables["test"]
    sources = Texts(test["source"].tolist(), tokenizer)
    longer = int((sources.lengths > spec.max_length).sum())
    job.ledger.note(f"test: {len(test)} pairs; {longer} sources are cut to {spec.max_length} pieces")
    shortened = [generating.cut(sources[row], spec.max_length) for row in range(len(test))]
    with job.impl.saving_on_sigterm():
        test["hypothesis"] = generating.translations(job, best, tokenizer, shortened)

    metrics = {**facts, **scored(test, spec)}
    job.ledger.metrics(facts["train/steps"], {k: v for k, v in metrics.items() if not k.startswith("signature/")})
    made = test.rename(columns={"target": "reference"})
    files = [write_parquet(made, job.out / "hypotheses.parquet")]
    job.ledger.artifact(files[0], "table")
    if spec.save_model:
        files += training.save_model(best, job.out / "model", tokenizer)
    return [*files, manifest.write_json(job.out / "metrics.json", metrics)]


WEIGHTS, FACTS = "trained.safetensors", "trained.json"  # in the state: what translating goes on from


def trained(job: stage.Job, model: Translator, data: dict[str, Pairs], make_batch) -> dict[str, float]:
    """Train `model` and save its weights, averaged if asked for, into the state; returns what is known of them.

    Nothing is trained again where an attempt before this one came so far.
    """
    from scriptorium.engine import processes, training
    from scriptorium.engine.checkpoints import last_checkpoint, step_of
    from scriptorium.translation import evaluations
    from scriptorium.translation.model import measured

    spec, known = job.spec, job.state / FACTS
    if known.is_file():
        return json.loads(known.read_text(encoding="utf-8"))
    last = last_checkpoint(job.state / "checkpoints") if processes.rank() == 0 else None
    start = int(processes.from_first(str(step_of(last) if last else 0)))
    every = spec.train.eval_every or -(-len(data["train"]) // spec.train.batch_size)
    evaluated = evaluations.Evaluations(
        model, job.state / "evaluations", done=start // every, average=spec.average, patience=spec.patience
    )
    try:
        trainer = training.train(
            job,
            model,
            data["train"],
            make_batch,
            spec.train,
            seed=spec.seed,
            held_out=data["validation"],
            compute_metrics=evaluated,
        )
        steps = trainer.state.global_step
    except evaluations.Enough:
        steps = len(evaluated.losses) * every
        job.ledger.note(f"step {steps}: no lower validation loss in {spec.patience} evaluations, training ends")
    model = training.whole(model)
    if processes.rank() == 0 and evaluated.weights():
        evaluations.set_mean(model, evaluated.weights())
        job.ledger.note(f"weights: {evaluated.said()}")
    facts = {"train/steps": steps, "model/parameters": model.num_parameters()}
    facts |= {f"validation/{name}": value for name, value in measured(model, data["validation"], make_batch).items()}
    if processes.rank() == 0:
        evaluations.save_weights(model, job.state / WEIGHTS)
        manifest.write_json(known, facts)
    processes.wait()
    return facts


def scored(test: pd.DataFrame, spec: TranslateSpec) -> dict[str, float | str]:
    """BLEU and chrF of the hypotheses, and of the sources as if they were translations, with sacrebleu's signatures."""
    from scriptorium.translation import scores

    found: dict[str, float | str] = {}
    for name, column in (("test", "hypothesis"), ("copy", "source")):
        made = scores.of_corpus(test[column].tolist(), test["target"].tolist(), scores.tokenizer_of(spec))
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
