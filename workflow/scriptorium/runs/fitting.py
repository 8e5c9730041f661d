"""Whether a pre-training run fits its GPU, and its largest micro-batch: asked while the DAG is built (sizes/memory.py).

`gpu_memory` (GiB, a resource of the profile or the configuration) is what a GPU has. With it, a run that does not fit
is refused before anything starts, and `micro_batch: auto` becomes the largest that fits. Else nothing is looked at.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from scriptorium.config.pretraining import PretrainRecipe
from scriptorium.engine.spec import TrainSpec
from scriptorium.errors import UserError
from scriptorium.models.spec import EncoderSpec
from scriptorium.runs.pretraining import PretrainingRuns
from scriptorium.sizes.families import BODIES
from scriptorium.sizes.memory import GIB, MARGIN, PRECISIONS, WHOLE, Memory, Plan, largest, memory

AUTO = "auto"
FAIRSEQ = 5  # symbols around BERT's pieces (vocabulary: fairseq)
KEYS = ("gpu", "gpu_memory", "processes", "precision", "micro_batch", "options")


@dataclass(frozen=True)
class Sized:
    """What memory is computed from; None: not known before something is fetched or made."""

    recipe: PretrainRecipe
    shape: EncoderSpec | None
    vocabulary: int | None

    @property
    def unknown(self) -> str:
        """What is not known beforehand, or nothing."""
        if self.recipe.objective.name not in BODIES:
            return f"objective {self.recipe.objective.name} has no closed form"
        if self.recipe.trains != "all":
            return "a frozen encoder keeps less, which has no closed form"
        if self.shape is None:
            return f"the shape of {self.recipe.start} is not known before it is fetched"
        if self.vocabulary is None:
            return f"the size of vocabulary {self.recipe.tokenizer} is not known: give backbones.<name>.pieces"
        return ""

    def needs(self, micro_batch: int, plan: Plan) -> Memory:
        return memory(self.shape, self.recipe.objective, self.recipe.block_length, self.vocabulary, micro_batch, plan)

    def largest(self, gib: float, plan: Plan) -> int:
        """The largest micro-batch of a GPU with so many GiB, of which MARGIN stays free."""
        limit = gib * GIB * (1 - MARGIN)
        return largest(self.shape, self.recipe.objective, self.recipe.block_length, self.vocabulary, limit, plan)


def sized(runs: PretrainingRuns, variant: str) -> Sized:
    """What a variant's memory is computed from."""
    recipe = runs.project.variant(variant, "pretrain", "results path").recipe
    return Sized(recipe, _shape(runs, recipe), _pieces(runs, recipe))


def plan_of(resources: Mapping[str, object]) -> Plan:
    """How a job trains, from its resources and its `options`."""
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument("--precision", default=resources.get("precision") or "auto")
    options.add_argument("--gradient-checkpointing", action="store_true")
    options.add_argument("--fsdp", action="store_true")
    found, _ = options.parse_known_args(shlex.split(str(resources.get("options") or "")))
    return Plan(
        # auto on a GPU is bf16, or fp16, which needs as much
        precision=found.precision if found.precision in PRECISIONS else "bf16",
        checkpointing=found.gradient_checkpointing,
        sharded=found.fsdp,
        processes=int(resources.get("processes") or 1),
    )


def micro_batch(runs: PretrainingRuns, variant: str, resources: Mapping[str, object]) -> int | str:
    """What `--micro-batch` gets: what is given, or the largest that fits where that is `auto`.

    Raises UserError: it does not fit the GPU; `auto` without `gpu_memory`, or for a model whose memory is not known.
    """
    asked, gib = resources.get("micro_batch", ""), float(resources.get("gpu_memory") or 0)
    if asked != AUTO and not (gib and resources.get("gpu")):
        return asked
    where = f"variant {variant!r}, resources"
    known = sized(runs, variant)
    if asked == AUTO and not gib:
        raise UserError(
            "micro_batch: auto needs the memory of a GPU",
            where=where,
            remedy="give gpu_memory (GiB) beside it, or a number of examples as micro_batch",
        )
    if known.unknown:
        if asked == AUTO:
            raise UserError(f"micro_batch: auto, but {known.unknown}", where=where, remedy="give a number of examples")
        return asked
    plan = plan_of(resources)
    train = TrainSpec.parse(known.recipe.train, where=f"variant {variant!r}: train")
    share = -(-train.batch_size // plan.processes)
    most = known.largest(gib, plan)
    if asked == AUTO and most:
        return min(most, share)
    count = min(int(asked), share) if asked not in ("", AUTO) else 1 if asked == AUTO else share
    if count <= most:
        return asked
    needed = known.needs(count, plan)
    more = [] if plan.checkpointing or known.recipe.objective.name in WHOLE else ["options: --gradient-checkpointing"]
    more += [] if plan.sharded or plan.processes == 1 else ["options: --fsdp"]
    ways = " or ".join(more)
    raise UserError(
        f"{count} block(s) of {known.recipe.block_length} tokens at once need {needed.total / GIB:.3g} GiB of a GPU "
        f"({_parts(needed)}), {gib:g} GiB less a tenth are there"
        + (f"; the largest micro-batch that fits is {most}" if most else "; not even one block fits"),
        where=where,
        remedy=(f"set micro_batch: {most} (or auto)" if most else "take a larger GPU")
        + (f", or {ways}" if ways else ""),
    )


def _parts(needed: Memory) -> str:
    return ", ".join(f"{name} {size / GIB:.3g}" for name, size in vars(needed).items())


def _shape(runs: PretrainingRuns, recipe: PretrainRecipe) -> EncoderSpec | None:
    if recipe.model:
        return recipe.model
    before = runs.project.variants.get(recipe.start)
    return _shape(runs, before.recipe) if before and before.recipe.stage == "pretrain" else None


def _pieces(runs: PretrainingRuns, recipe: PretrainRecipe) -> int | None:
    added = FAIRSEQ if recipe.vocabulary == "fairseq" else 0
    if learned := runs.config.vocabularies.get(recipe.tokenizer):
        if learned.kind == "kept":
            return None
        return learned.size + learned.sentinels + added + (FAIRSEQ if learned.symbols == "mpnet" else 0)
    lender = runs.project.backbones.get(recipe.tokenizer)
    if lender is None:
        return None
    if lender.pretrained and lender.pretrained in runs.project.variants:
        return _pieces(runs, runs.project.variants[lender.pretrained].recipe)
    return None if lender.pieces is None else lender.pieces + added
