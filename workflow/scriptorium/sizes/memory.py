"""Memory of a GPU that a pre-training run needs, as a closed form of its configuration (ours).

What is counted is what torch allocates for tensors: parameters (and under autocast their copies in half precision),
gradients, Adam's two moments, activations that backward needs, logits. It is the largest of four moments of a step with
gradient accumulation, where gradients exist during the forward pass: its end, the loss's backward, the backward pass of
the last whole layer, and the end of it all, when the table of embeddings gets its gradients from both of its uses.
Not counted: the CUDA context and libraries (about a GiB), what the allocator rounds and loses to fragments, NCCL's
buffers. `measured.py` says how far this is from what torch allocates; `MARGIN` is what a plan leaves free for the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal, get_args

from scriptorium import search
from scriptorium.errors import UserError
from scriptorium.models.spec import EncoderSpec
from scriptorium.objectives.spec import ObjectiveSpec
from scriptorium.sizes.families import BODIES
from scriptorium.sizes.needs import Needs
from scriptorium.sizes.parts import FLOAT, HALF, Keeps

Precision = Literal["fp32", "bf16", "fp16"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
GIB = 2**30
MARGIN = 0.1  # ours: of a GPU's memory, for what is not counted
PADDED = 64  # rows of the vocabulary are a multiple of it (models/vocabulary.py)
MOMENTS = 2  # of Adam
WHOLE = ("xlnet",)  # bodies that keep all activations


@dataclass(frozen=True)
class Memory:
    """Bytes on one GPU at the largest moment of a step."""

    parameters: int
    gradients: int
    optimizer: int
    activations: int
    logits: int

    @property
    def total(self) -> int:
        return sum(getattr(self, each.name) for each in fields(self))


@dataclass(frozen=True)
class Plan:
    """What decides about memory beside the model and the micro-batch.

    processes: that train together · sharded: they share parameters, gradients and optimiser (--fsdp) ·
    checkpointing: activations inside of layers are computed again (--gradient-checkpointing).
    """

    precision: Precision = "bf16"
    checkpointing: bool = False
    sharded: bool = False
    processes: int = 1


def memory(
    shape: EncoderSpec, objective: ObjectiveSpec, block: int, vocabulary: int, micro_batch: int, plan: Plan
) -> Memory:
    """What a micro-batch of so many blocks needs on each GPU. vocabulary: pieces, without padding.

    Raises UserError for a body that has no closed form.
    """
    needs = needs_of(shape, objective, block, vocabulary, plan.precision, checkpointing=plan.checkpointing)
    own = needs.parameters / plan.processes if plan.sharded else needs.parameters
    together = 2 * needs.largest if plan.sharded else 0  # a part in use, and the next one on its way
    buckets = needs.parameters if plan.processes > 1 and not plan.sharded else 0  # what DDP sends (its documentation)
    halves, activations, logits = _largest_moment(needs, micro_batch, plan, padded(vocabulary))
    return Memory(
        parameters=round(FLOAT * (own + together)) + halves,
        gradients=round(FLOAT * (own + buckets + together / 2)),
        optimizer=round(FLOAT * MOMENTS * own),
        activations=activations,
        logits=logits,
    )


def largest(shape: EncoderSpec, objective: ObjectiveSpec, block: int, vocabulary: int, limit: float, plan: Plan) -> int:
    """The largest micro-batch that needs at most `limit` bytes; 0: not even one block does."""
    return search.largest(lambda count: memory(shape, objective, block, vocabulary, count, plan).total <= limit)


def needs_of(
    shape: EncoderSpec,
    objective: ObjectiveSpec,
    block: int,
    vocabulary: int,
    precision: Precision,
    *,
    checkpointing: bool = False,
) -> Needs:
    """What the body of an objective says of itself. Raises UserError: it has no closed form."""
    if objective.name not in BODIES:
        raise UserError(
            f"the memory of {objective.name} is not known beforehand: it has no closed form here",
            where="gpu_memory",
            remedy=f"leave gpu_memory out for it; known are {', '.join(BODIES)}",
        )
    if checkpointing and objective.name in WHOLE:
        raise UserError(
            f"{objective.name} cannot compute its activations again: transformers' body has no such way",
            where="--gradient-checkpointing",
            remedy="leave the option out for it, and take smaller micro-batches",
        )
    keeps = Keeps(mixed=precision != "fp32", dropout=shape.dropout > 0)
    return BODIES[objective.name](shape, objective, block, padded(vocabulary), keeps)


def padded(vocabulary: int) -> int:
    """Rows of the table of embeddings."""
    return -(-vocabulary // PADDED) * PADDED


def _largest_moment(needs: Needs, count: int, plan: Plan, vocabulary: int) -> tuple[int, int, int]:
    """(copies of weights in half precision, activations, logits and gradients of them or of the table), at the moment
    that needs most."""
    rows = round(count * needs.predictions) * vocabulary
    table = FLOAT * needs.table
    outside = count * needs.outside + needs.once
    # autocast keeps its copies for backward; where layers are computed again, those of one layer at a time, but all of
    # them until the forward pass ends
    all_halves = HALF * needs.products if plan.precision != "fp32" else 0
    halves = min(all_halves, HALF * needs.largest) if plan.checkpointing or plan.sharded else all_halves
    if plan.checkpointing:
        kept = outside + count * (needs.masks + sum(layer.inputs for layer in needs.layers))
        again = max(count * (layer.kept + 2 * layer.inner) + layer.once for layer in needs.layers)
    else:
        kept = outside + sum(count * layer.kept + layer.once for layer in needs.layers)
        again = max(2 * count * layer.inner for layer in needs.layers[-2:])
    moments = [
        (halves, kept, 3 * FLOAT * rows),  # the loss's backward: probabilities, and two gradients of their size
        (halves, kept + again, table),
        (halves, outside, 3 * table),  # the end
    ]
    if not plan.sharded:  # the end of the forward pass: probabilities, and logits in both precisions
        moments.append((all_halves, kept, (2 * FLOAT + (HALF if all_halves else 0)) * rows))
    return max(moments, key=sum)
