"""The one training entry: Hugging Face Trainer + our ledger + resume to the bit.

What Trainer does not give and this file and engine/ add: batches as pure functions of (seed, step), for any number of
processes; losses weighted by what they are means over; every number into the ledger; budgets beside steps and epochs;
checkpoints by time as well as by steps, outside declared outputs; a clean stop on SIGTERM or near the runtime limit;
resume from the last *complete* checkpoint.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
import transformers
from torch.distributed.tensor import DTensor
from torch.utils.data import Dataset

from scriptorium import attention_kernel
from scriptorium.engine import batches, budget, memory, precision, processes
from scriptorium.engine.checkpoints import WEIGHTS, check_fits, last_checkpoint, progress, step_of
from scriptorium.engine.divergence import Divergence
from scriptorium.engine.spec import TrainSpec
from scriptorium.engine.trainer import PlannedTrainer
from scriptorium.engine.watcher import TIMINGS, Watcher
from scriptorium.errors import Interrupted, UserError
from scriptorium.stage import Impl, Job

log = logging.getLogger("training")

# How often the state is saved: never part of a spec, since it cannot change a result.
CHECKPOINT_STEPS = int(os.environ.get("SCRIPTORIUM_CHECKPOINT_STEPS", "500"))


def prepare(job: Job, seed: int) -> str:
    """Set threads, seeds and deterministic algorithms, before the model is built; note the device in the ledger."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is deterministic only with a fixed workspace
    processes.join()
    torch.set_num_threads(job.impl.threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # a debugging aid that costs a tenth of a step
    memory.keep_freed()
    transformers.set_seed(seed)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    job.ledger.update(device=device)
    return device


def train(
    job: Job,
    model: torch.nn.Module,
    data: Dataset,
    collate: Callable[[list], Mapping[str, torch.Tensor]],
    spec: TrainSpec,
    *,
    seed: int,
    held_out: Dataset | None = None,
    compute_metrics: Callable[[transformers.EvalPrediction], dict[str, float]] | None = None,
    loss: Callable[..., torch.Tensor] | None = None,
    decay_all: bool = False,
    short: Dataset | None = None,
    tokens: float | None = None,
    padded: bool = False,
    flops: Callable[[Mapping[str, torch.Tensor]], float] | None = None,
    terms: Callable[[Mapping[str, torch.Tensor]], int] = batches.labelled,
    rates: Mapping[str, float] | None = None,
    divisible: bool = True,
    width: int | None = None,
) -> transformers.Trainer:
    """Train `model` on `data` and return the Trainer, ready to predict.

    data[(epoch, index)] and held_out[index] give examples, `collate` makes the batch (with `labels`; the model
    returns the loss, unless `loss(outputs, labels)` is given). If data has `lengths`, a batch holds examples of similar
    length; if it has a `mixture`, of one kind (engine/mixture.py). With `decay_all` biases and norms decay too, as in
    fairseq.
    short: the data of length warm-up. tokens: input tokens of each example, or where examples are `padded` of the
    mean example; a budget is then counted in means, but the journal in what was read. flops(batch): of one pass forward
    and backward. terms(batch): how many terms the loss of a batch is a mean over; the loss of a step is the mean over
    all terms of its batch, however that is shared by processes and micro-batches. rates: for parameters by name, the
    learning rate as a multiple of the specification's. divisible: whether that is so; a loss that compares the examples
    of a batch is one over all processes, and is never cut into micro-batches. width: the model's, where
    engine/precision.py may choose bf16 on a CPU.
    Raises Interrupted after saving, when the job must stop; UserError when the loss is not finite, when the disk is
    full, or when the budget cannot be counted.
    """
    if mixture := getattr(data, "mixture", None):
        sources = budget.kinds(spec, data, mixture, collate, flops)
    else:
        sources = _sources(spec, [short, data] if spec.length_warmup else [data], collate, tokens, padded, flops)
    steps = budget.steps_of(spec, sources)
    checkpoints = job.state / "checkpoints"
    last = _agreed_checkpoint(checkpoints)
    start, done = (step_of(last) if last else 0), progress(last)
    if last is not None:
        job.ledger.rewind(start)
        if (last / WEIGHTS).exists():
            check_fits(last / WEIGHTS, model)
    if spec.max_seconds and done["seconds"] >= spec.max_seconds:
        steps = start
    plan = budget.plan(spec, sources, steps, seed)
    _note_budget(job, spec, sources, plan, steps)

    numbers = precision.chosen(job.impl.precision, begun=done.pop("precision", None), width=width)
    arguments = _arguments(
        spec, numbers, seed, checkpoints, examples=len(data), evaluates=held_out is not None, steps=steps, impl=job.impl
    )
    if arguments.gradient_accumulation_steps > 1 and not divisible:
        raise UserError(
            "this loss compares the examples of a batch with each other: micro-batches would change what is learnt",
            where=f"micro_batch {job.impl.micro_batch}",
            remedy="take micro_batch out of the resources of this variant; more processes, which compare all examples"
            " of a batch as one does, need less memory each",
        )
    _note_shares(job, model, arguments)
    torch.set_num_threads(job.impl.threads)  # accelerate changes it for several processes on CPUs
    trainer = PlannedTrainer(
        model=model,
        args=arguments,
        train_dataset=data,
        eval_dataset=held_out,
        data_collator=collate,
        compute_metrics=compute_metrics,
        compute_loss_func=None if loss is None else lambda out, labels, num_items_in_batch=None: loss(out, labels),
    )
    parts = batches.Parts(plan, steps, arguments.gradient_accumulation_steps, start)
    datasets = [data, data] if mixture else [short, data] if spec.length_warmup else [data]
    trainer.loader = batches.loader(
        batches.Collated(datasets, collate, terms), parts, workers=job.impl.workers, pin=torch.cuda.is_available()
    )
    trainer.sources, trainer.decay_all, trainer.impl, trainer.spec = sources, decay_all, job.impl, spec
    trainer.rates = rates or {}
    trainer.done, trainer.seconds_before, trainer.max_seconds = done, done["seconds"], spec.max_seconds
    trainer.precision = numbers
    trainer.divergence = Divergence(job.state / "diverged", trainer.accelerator.scaler)
    trainer.remove_callback(transformers.PrinterCallback)
    watcher = Watcher(trainer, job.ledger, job.impl, spec.max_seconds)
    trainer.add_callback(watcher)
    if processes.rank():  # the same weights everywhere, but each process its own dropout
        torch.manual_seed(seed + processes.rank())
    with job.impl.saving_on_sigterm(), watcher.progress_bar(), processes.naming_the_silent():
        trainer.train(resume_from_checkpoint=str(last) if last else None)
    trainer.divergence.judge_pending()
    if watcher.stopped:
        raise Interrupted(f"step {trainer.state.global_step} of {trainer.state.max_steps} ({watcher.stopped})")
    return trainer


def last_evaluation(trainer: transformers.Trainer) -> dict[str, float]:
    """Held-out loss and metrics of the final weights; evaluated now, unless that happened at the last step."""
    final = [entry for entry in trainer.state.log_history if entry["step"] == trainer.state.global_step]
    values = next((entry for entry in reversed(final) if "eval_loss" in entry), None) or trainer.evaluate()
    values = {name.removeprefix("eval_"): value for name, value in values.items() if name.startswith("eval_")}
    return {name: value for name, value in values.items() if name not in TIMINGS}


def whole(model: transformers.PreTrainedModel) -> transformers.PreTrainedModel:
    """The model itself; or, of one whose weights are spread over processes, a copy with all of them (first process)."""
    if not any(isinstance(parameter, DTensor) for parameter in model.parameters()):
        return model
    # imported here, because it takes a second and few runs need it
    from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict

    options = StateDictOptions(full_state_dict=True, cpu_offload=True)
    weights = get_model_state_dict(model, options=options)  # all processes take part
    together = type(model)(model.config)
    if processes.rank() == 0:
        together.load_state_dict(weights)
    return together


def save_model(model: transformers.PreTrainedModel, directory: Path, tokenizer: Any = None) -> list[Path]:
    """save_pretrained (safetensors) and the list of the files written."""
    model.save_pretrained(directory)
    if tokenizer is not None:
        tokenizer.save_pretrained(directory)
    return sorted(path for path in directory.rglob("*") if path.is_file())


def _sources(
    spec: TrainSpec, datasets: list, collate: Callable, tokens: float | None, padded: bool, flops: Callable | None
) -> list:
    """One budget.Source per phase. FLOPs are those of the first batch's examples, in the order of the data."""
    if datasets[0] is None:
        raise UserError("train.length_warmup is for pre-training on packed blocks", remedy="remove it from the recipe")
    lengths = [spec.length_warmup.length, tokens] if spec.length_warmup else [tokens]
    sources = []
    for each, length in zip(datasets, lengths, strict=True):
        cost = None
        if flops is not None:
            count = min(spec.batch_size, len(each))
            cost = flops(collate([each[(0, index)] for index in range(count)])) / count
        sources.append(budget.Source(len(each), length, padded, cost, getattr(each, "lengths", None)))
    return sources


def _agreed_checkpoint(folder: Path) -> Path | None:
    """The checkpoint that all processes go on from; the first one looks, and removes what is incomplete."""
    last = last_checkpoint(folder) if processes.rank() == 0 else None
    name = processes.from_first(last.name if last else "")
    return folder / name if name else None


def _note_budget(job: Job, spec: TrainSpec, sources: list, plan: Any, steps: int) -> None:
    if spec.max_seconds:
        job.ledger.note(f"the budget is {spec.max_seconds:g} s of training; such a run cannot be repeated to the bit")
        return
    seen = plan.examples(steps)
    parts = [f"{steps} steps", f"{sum(seen)} examples"]
    for name in ("tokens", "flops"):
        if all(getattr(source, name) or not count for source, count in zip(sources, seen, strict=True)):
            total = sum(getattr(source, name) * count for source, count in zip(sources, seen, strict=True))
            parts.append(f"{total:.6g} {name}")
    job.ledger.note(f"the budget is {', '.join(parts)}")


def _note_shares(job: Job, model: torch.nn.Module, arguments: transformers.TrainingArguments) -> None:
    """How this attempt computes its batches: in run.json, and for every attempt in the journal."""
    shares = {
        "processes": processes.world(),
        "nodes": processes.nodes(),
        "micro_batches": arguments.gradient_accumulation_steps,
        "micro_batch": arguments.per_device_train_batch_size,
    }
    numbers = precision.FP16 if arguments.fp16 else precision.BF16 if arguments.bf16 else precision.FP32
    job.ledger.update(shares=shares, precision=numbers)
    job.ledger.note(
        "a batch is shared by {processes} process(es), each with {micro_batches} micro-batch(es) of at most"
        " {micro_batch} example(s), in {numbers}".format(**shares, numbers=numbers)
    )
    if kernels := attention_kernel.description(model, numbers):
        job.ledger.note(kernels)


def _arguments(
    spec: TrainSpec,
    numbers: str,
    seed: int,
    folder: Path,
    *,
    examples: int,
    evaluates: bool,
    steps: int = 1,
    impl: Impl | None = None,
) -> transformers.TrainingArguments:
    """TrainingArguments from a spec. numbers: a precision; batches come from the plan, not from here.

    Evaluation at every epoch's end is by steps too: Trainer saves a step's checkpoint *after* an evaluation by steps,
    but before one by epochs, and a run resumed from there would lose that evaluation and the random number it draws.
    """
    gpu, impl = torch.cuda.is_available(), impl or Impl()
    if impl.fsdp and spec.optimizer == "muon":
        raise UserError(
            "train.optimizer: muon needs whole matrices, and --fsdp shares each one between processes",
            where="--fsdp",
            remedy="leave it out, or use train.optimizer: adamw",
        )
    if impl.fsdp and not (gpu and processes.world() > 1):
        raise UserError(
            "sharing weights (--fsdp) needs two or more processes, each with a GPU",
            where="--fsdp",
            remedy="leave it out, or ask for more GPUs: --gpus 2",
        )
    if spec.batch_size < processes.world():
        raise UserError(
            f"train.batch_size {spec.batch_size} cannot be shared by {processes.world()} processes",
            remedy="ask for fewer processes (and GPUs), or raise it in the recipe",
        )
    accumulation = batches.micro_batches(spec.batch_size, impl.micro_batch)
    polynomial = {"lr_end": spec.end_lr, "power": spec.schedule_power} if spec.schedule == "polynomial" else {}
    return transformers.TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=1,
        max_steps=max(steps, 1),
        ignore_data_skip=True,  # the loader begins at the right step by itself
        per_device_train_batch_size=-(-spec.batch_size // (accumulation * processes.world())),
        per_device_eval_batch_size=64,
        gradient_accumulation_steps=accumulation,
        learning_rate=spec.lr,
        lr_scheduler_type=spec.schedule,
        lr_scheduler_kwargs=polynomial,
        warmup_steps=spec.warmup_ratio if spec.warmup_steps is None else spec.warmup_steps,  # below 1: a share
        weight_decay=spec.weight_decay,
        adam_beta1=spec.adam_betas[0],
        adam_beta2=spec.adam_betas[1],
        adam_epsilon=spec.adam_eps,
        max_grad_norm=spec.clip,
        optim="adamw_torch_fused",
        bf16=numbers == precision.BF16,
        fp16=numbers == precision.FP16,
        use_cpu=not gpu,
        seed=seed,
        logging_steps=spec.log_every,
        logging_nan_inf_filter=False,
        eval_strategy="steps" if evaluates else "no",
        eval_steps=spec.eval_every or -(-examples // spec.batch_size),
        save_strategy="steps",
        save_steps=CHECKPOINT_STEPS,
        save_total_limit=2,  # the one before stays until the new one is whole
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
        label_names=["labels"],
        dataloader_pin_memory=gpu,
        torch_compile=impl.compile,
        activation_checkpointing=impl.checkpointing,
        fsdp="full_shard" if impl.fsdp else None,
    )
