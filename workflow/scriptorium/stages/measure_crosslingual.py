"""What a pre-trained model has learned of translations; nothing is fine-tuned (docs/crosslingual_measures.md).

inputs: model = manifest of a pre-training run, blocks = of its packed pairs, parallel = of a corpus of pairs,
dictionary = of a dictionary
out: `tokens.parquet`, `matches.parquet`, `links.parquet` (with scorer: model or random; crosslingual/measuring.py has
the columns), `example.json` (words and scores of a pair, for a picture), `metrics.json`
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scriptorium import stage
from scriptorium.crosslingual.positions import positions_of
from scriptorium.crosslingual.spec import MeasureCrosslingualSpec
from scriptorium.errors import UserError
from scriptorium.manifest import the_parquet, write_json

if TYPE_CHECKING:
    from scriptorium.crosslingual.held_out import Pair


def run(job: stage.Job) -> list[Path]:
    import pandas as pd
    import torch

    from scriptorium.crosslingual import held_out, measuring, reading
    from scriptorium.engine import training
    from scriptorium.fetching.checkpoints import check_checkpoint
    from scriptorium.files.tables import write_parquet
    from scriptorium.models.veco import VecoForMaskedLM
    from scriptorium.objectives.unigram import log_frequencies
    from scriptorium.text.blocks import Blocks
    from scriptorium.text.plain import as_text
    from scriptorium.text.tokenizers import load_tokenizer

    spec, directory = job.spec, job.input_dir("model") / "model"
    check_checkpoint(directory)
    tokenizer, dictionary = as_text(load_tokenizer(directory)), the_parquet(job.input("dictionary"))
    pairs = held_out.chosen(the_parquet(job.input("parallel")), tokenizer, spec)
    questions = reading.questions(pairs, spec.candidates, spec.rate, tokenizer.mask_token_id)
    asked = measuring.Asked(pairs, questions, tokenizer.pad_token_id)
    frequencies = log_frequencies(Blocks(job.input_dir("blocks") / "train.arrow"), tokenizer)
    require_positions(directory, pairs)
    training.prepare(job, spec.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    trained = (
        VecoForMaskedLM.from_pretrained(directory, local_files_only=True, trust_remote_code=False, dtype=torch.float32)
        .eval()
        .to(device)
    )
    torch.manual_seed(spec.seed)
    untrained = VecoForMaskedLM(trained.config).eval().to(device)
    with job.impl.saving_on_sigterm():
        tokens, matches = measuring.read(job, trained, asked, frequencies)
        links = pd.concat(
            [
                measuring.linked(job, name, model, asked, dictionary).assign(scorer=name)
                for name, model in ((measuring.MODEL, trained), (measuring.RANDOM, untrained))
            ],
            ignore_index=True,
        )
    metrics = {}
    for reads, own in tokens.groupby("reads"):
        metrics[f"gain/{reads}"] = float((own["without"] - own["true"]).mean())
        metrics[f"gain_over_others/{reads}"] = float((own["others"] - own["true"]).mean())
    metrics |= {f"matching/{reads}": float(own["right"].mean()) for reads, own in matches.groupby("reads")}
    for (scorer, source), own in links.groupby(["scorer", "source"]):
        rows = own[(own["layer"] == measuring.best_layer(own)) & (own["part"] == measuring.TEST)]
        metrics[f"alignment/{source}/{scorer}"] = float(rows["right"].sum() / rows["links"].sum())
    job.ledger.metrics(0, metrics)
    tables = {"tokens": tokens, "matches": matches, "links": links}
    written = [write_parquet(table, job.out / f"{name}.parquet") for name, table in tables.items()]
    for path in written:
        job.ledger.artifact(path, "table")
    example = measuring.example(trained, asked, dictionary)
    return [*written, write_json(job.out / "example.json", example), write_json(job.out / "metrics.json", metrics)]


def require_positions(directory: Path, pairs: Sequence[Pair]) -> None:
    """Raises UserError for a model with fewer positions than two of these texts need, read as one as in TLM."""
    from scriptorium.models.veco import VecoConfig

    config = VecoConfig.from_pretrained(directory, local_files_only=True, trust_remote_code=False)
    there = config.max_position_embeddings - config.pad_token_id - 1
    longest = (max(len(pair.texts[side].pieces) for pair in pairs) for side in (0, 1))
    needed = positions_of(*longest, restarted=config.restarted)
    if needed > there:
        raise UserError(
            f"the longest held-out texts need {needed} positions, and this model has {there}",
            where=directory,
            remedy="lower crosslingual.longest",
        )


if __name__ == "__main__":
    stage.main(MeasureCrosslingualSpec, run)
