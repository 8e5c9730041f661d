"""Training of a model that writes, and the weights that it ends with."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from scriptorium import manifest
from scriptorium.engine import processes, training
from scriptorium.engine.checkpoints import last_checkpoint, step_of
from scriptorium.generation import evaluations
from scriptorium.generation.losses import measured

if TYPE_CHECKING:
    import transformers

    from scriptorium.generation.examples import Pairs
    from scriptorium.job import Job

WEIGHTS, FACTS = "trained.safetensors", "trained.json"  # in the state: what writing goes on from


def trained(
    job: Job, model: transformers.PreTrainedModel, data: dict[str, Pairs], make_batch: Callable
) -> dict[str, float]:
    """Train `model` and save its weights, averaged if asked for, into the state; returns what is known of them.

    The job's specification has WritingSettings, `train` and `seed`. Nothing is trained again where an attempt before
    this one came so far.
    """
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
        job.ledger.note(f"weights: {evaluated.description()}")
    facts = {"train/steps": steps, "model/parameters": model.num_parameters()}
    facts |= {f"validation/{name}": value for name, value in measured(model, data["validation"], make_batch).items()}
    if processes.rank() == 0:
        evaluations.save_weights(model, job.state / WEIGHTS)
        manifest.write_json(known, facts)
    processes.wait()
    return facts


def set_trained(job: Job, model: transformers.PreTrainedModel) -> None:
    """Give `model`, which is not the trained object, the weights that training ended with: what training wrapped around
    that one may compute otherwise."""
    import torch

    evaluations.set_mean(model, [job.state / WEIGHTS])
    model.eval().to("cuda" if torch.cuda.is_available() else "cpu")
