"""What a configuration costs, before anything starts: `python -m scriptorium.cost --configfile config/paper.yaml`.

A table of the pre-training variants that the configuration's targets need: parameters, FLOPs and GPU hours, memory of a
GPU, disk; then the data sets that these runs read, and where they come from. Nothing is fetched. What is not known
before something is fetched or made is said to be not known. Sources: FLOPs sizes/cost.py, memory sizes/memory.py; a
GPU's peak and the share of it that training reaches are options.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from scriptorium import manifest
from scriptorium.config import loading
from scriptorium.engine.spec import TrainSpec
from scriptorium.errors import UserError
from scriptorium.runs import Runs
from scriptorium.runs.fitting import Sized, sized
from scriptorium.sizes.memory import GIB, PRECISIONS, Plan

A100 = 312e12  # FLOP/s: bf16 of its tensor cores, dense (NVIDIA's data sheet)
UTILISATION = 0.4  # ours: share of the peak that training reaches
UNKNOWN = "not known"
# Of a GB of plain text: CPU hours on a core of an AMD EPYC, and GB of the compressed documents (docs/paper-size.md)
PREPARING, PACKING, SENTENCES, DOCUMENTS = 0.04, 0.18, 0.5, 0.3
HEADS = (
    *("variant", "objective", "parameters", "block x batch", "steps", "tokens", "FLOPs", "GPU hours"),
    *("micro-batch", "GiB of a GPU", "checkpoints", "model"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line. Returns the exit code: 0, or 2 for a configuration with a fault."""
    given = _parser().parse_args(arguments)
    try:
        runs = Runs(loading.load(loading.merged(["config/config.yaml", *given.configfile]), Path()))
        variants = given.variants or _needed(runs)
        print(_table(HEADS, [_row(runs, variant, given) for variant in variants]))
        print(_notes(given))
        print(_table(("data set", "source", "location", "the catalogue says", "on this disk"), _data(runs, variants)))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m scriptorium.cost", description=__doc__.partition("\n\n")[0])
    parser.add_argument("variants", nargs="*", help="pre-training variants; none: all that the targets need")
    parser.add_argument("--configfile", nargs="*", default=[], help="overlays, as Snakemake takes them")
    parser.add_argument("--peak", type=float, default=A100, help=f"FLOP/s of a GPU (default {A100:g}: an A100, bf16)")
    parser.add_argument(
        "--utilisation", type=float, default=UTILISATION, help=f"share of it that is reached (ours: {UTILISATION})"
    )
    parser.add_argument("--gpu-memory", type=float, help="GiB of a GPU: the largest micro-batch that fits is shown")
    parser.add_argument("--micro-batch", type=int, default=16, help="blocks at once, without --gpu-memory (ours: 16)")
    parser.add_argument("--precision", choices=PRECISIONS, default="bf16")
    parser.add_argument("--gradient-checkpointing", action="store_true")
    parser.add_argument("--fsdp", action="store_true", help="weights are shared by --processes")
    parser.add_argument("--processes", type=int, default=1)
    return parser


def _needed(runs: Runs) -> list[str]:
    """Pre-training variants of the targets, those that others start from before them."""
    found: dict[str, None] = {}

    def add(variant: str | None) -> None:
        known = runs.project.variants.get(variant)
        if known is None or known.recipe.stage != "pretrain" or variant in found:
            return
        add(known.recipe.start)
        found[variant] = None

    for run in runs.all():
        if run.stage == "pretrain":
            add(run.variant)
    for backbone in runs.config.backbones.values():
        add(backbone.pretrained)
    return list(found)


def _row(runs: Runs, variant: str, given: argparse.Namespace) -> list[str]:
    from scriptorium.sizes.cost import cost  # torch, which the DAG does without

    known = sized(runs, variant)
    recipe = known.recipe
    train = TrainSpec.parse(recipe.train, where=f"variant {variant!r}: train")
    start = [variant, recipe.objective.name]
    size = f"{recipe.block_length} x {train.batch_size}"
    if known.unknown:
        return [*start, UNKNOWN, size, _number(train.max_steps), *[UNKNOWN] * 3, known.unknown, *[UNKNOWN] * 3]
    found = cost(known.shape, recipe.objective, recipe.block_length, known.vocabulary, train)
    total = found.total_flops if train.max_flops is None else train.max_flops
    hours = UNKNOWN if total is None else f"{total / (given.peak * given.utilisation) / 3600:,.0f}"
    count, memory = _memory(known, -(-train.batch_size // given.processes), given)
    return [
        *start,
        f"{found.parameters:,}",
        size,
        _number(found.steps),
        UNKNOWN if found.tokens is None else f"{found.tokens:.3g}",
        UNKNOWN if total is None else f"{total:.3g}",
        hours,
        count,
        memory,
        f"{found.state_bytes / 1e9:.1f} GB",
        f"{found.model_bytes / 1e9:.2f} GB",
    ]


def _memory(known: Sized, share: int, given: argparse.Namespace) -> tuple[str, str]:
    plan = Plan(given.precision, given.gradient_checkpointing, given.fsdp, given.processes)
    try:
        count = known.largest(given.gpu_memory, plan) if given.gpu_memory else given.micro_batch
        count = min(count, share)
        if not count:
            return "none fits", f"{known.needs(1, plan).total / GIB:.1f}"
        return f"{count}", f"{known.needs(count, plan).total / GIB:.1f}"
    except UserError as error:
        return UNKNOWN, error.problem


def _notes(given: argparse.Namespace) -> str:
    micro = f"the largest that fits {given.gpu_memory:g} GiB" if given.gpu_memory else "as given (--micro-batch)"
    return (
        f"\nGPU hours: FLOPs of the matrix products at {given.utilisation:g} of {given.peak:g} FLOP/s, no evaluations."
        f"\nMicro-batch: {micro}, {given.precision}, {given.processes} process(es)."
        "\nCheckpoints: two of float32 weights and Adam's moments, gone when the run has finished; the model stays."
        f"\nText, per GB: CPU hours of a core {PREPARING} to prepare, {PACKING} to pack, {SENTENCES} as sentences;"
        f"\n  disk {DOCUMENTS} GB, twice while it is prepared. Blocks: 2 bytes per token, 4 with more than 65,536"
        "\n  pieces, twice while they are packed. Both go on after a stop.\n"
    )


def _data(runs: Runs, variants: Iterable[str]) -> list[list[str]]:
    """Data sets that the variants read, each once."""
    names: dict[str, None] = {}
    for variant in variants:
        recipe = runs.project.variants[variant].recipe
        texts = [runs.config.corpora.get(recipe.corpus), runs.config.parallel.get(recipe.parallel)]
        names |= {source.dataset: None for text in texts if text for source in text.sources}
        lender = runs.project.backbones.get(recipe.tokenizer)
        names |= {lender.dataset: None} if lender and lender.dataset else {}
    rows = []
    for name in names:
        row = runs.project.datasets[name]
        note = runs.project.catalogue[name]["note"]
        rows.append([name, row.source, row.location.partition(";")[0], note, _on_disk(name)])
    return rows


def _on_disk(dataset: str) -> str:
    folder = Path("resources") / dataset
    if not (folder / manifest.NAME).exists():
        return UNKNOWN
    return f"{sum(entry['bytes'] for entry in manifest.read(folder)['files']) / 1e9:.2f} GB"


def _number(value: int | None) -> str:
    return UNKNOWN if value is None else f"{value:,}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
