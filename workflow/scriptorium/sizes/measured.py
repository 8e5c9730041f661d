"""What torch allocates for a training step, beside the closed forms: `python -m scriptorium.sizes.measured`.

No GPU is needed, and nothing is allocated: the real models run on torch's fake tensors, which pass through every
kernel's shapes and dtypes and have storages without memory; a dispatch mode counts the storages that live, and the most
there ever were. Tests show that real tensors on a CPU give the same numbers. Where a GPU does something else than a
CPU, that is put in place:

    dropout      torch's native_dropout, whose mask is bytes; on a CPU it is of the values' own type
    attention    the operator of torch's memory-efficient kernel, with its padding of masks
    autocast     that of a CPU: here it differs in what the head's norm keeps, 2 bytes instead of 4

VECO chooses rows by their labels, which fake tensors do not have: it runs on real ones, with the CPU's fused kernel.
A step is one of accumulation: parameters, gradients and both moments exist, then forward and backward.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from scriptorium.models import attention, dropout
from scriptorium.models.spec import EncoderSpec
from scriptorium.objectives.spec import ObjectiveSpec
from scriptorium.sizes.memory import Memory, Plan, memory, needs_of
from scriptorium.sizes.model import batch_of, model_of, pieces
from scriptorium.sizes.parts import ALIGNED

NEEDS_VALUES = ("veco",)  # objectives that fake tensors cannot run


class LiveStorages(TorchDispatchMode):
    """Counts the bytes of all storages that came out of an operator and still live."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = self.peak = 0
        self._known: dict[int, int] = {}

    def __torch_dispatch__(self, operator: Any, types: Any, arguments: Any = (), named: Any = None) -> Any:
        made = operator(*arguments, **(named or {}))
        for each in tree_leaves(made):
            if isinstance(each, Tensor):
                self._note(each.untyped_storage())
        return made

    def _note(self, storage: torch.UntypedStorage) -> None:
        if (key := storage._cdata) not in self._known:
            self._known[key] = storage.nbytes()
            self.bytes += storage.nbytes()
            self.peak = max(self.peak, self.bytes)
            weakref.finalize(storage, self._gone, key)

    def _gone(self, key: int) -> None:
        self.bytes -= self._known.pop(key)


@dataclass(frozen=True)
class Case:
    """What is measured: an objective's settings, a shape, and how many blocks of which length at once."""

    settings: dict[str, Any]
    shape: EncoderSpec
    block: int
    vocabulary: int
    micro_batch: int
    plan: Plan = field(default_factory=Plan)

    @property
    def objective(self) -> ObjectiveSpec:
        return ObjectiveSpec.model_validate(self.settings)

    def predicted(self) -> Memory:
        return memory(self.shape, self.objective, self.block, self.vocabulary, self.micro_batch, self.plan)


def measured(case: Case, *, fake: bool = True, as_on_gpu: bool = True) -> int:
    """The most bytes that live at once during forward and backward."""
    plan, objective, tokenizer = case.plan, case.objective, pieces(case.vocabulary)
    needs = needs_of(case.shape, objective, case.block, case.vocabulary, plan.precision)
    with ExitStack() as inside:
        if fake:
            inside.enter_context(FakeTensorMode(allow_non_fake_inputs=True))
        if as_on_gpu:
            inside.enter_context(_kernels_of_gpus())
        model = model_of(case.shape, objective, tokenizer).train()
        batch = batch_of(objective, needs, case.block, case.micro_batch)
        live = inside.enter_context(LiveStorages())
        # what came before the mode is counted by touching it
        for parameter in model.parameters():
            live._note(parameter.untyped_storage())
            parameter.grad = torch.empty_like(parameter)
        moments = [torch.empty_like(each) for each in model.parameters() for _ in range(2)]
        if plan.checkpointing:
            model.activation_checkpointing_enable({"use_reentrant": False})
        live.peak = live.bytes
        with torch.autocast("cpu", torch.bfloat16, enabled=plan.precision != "fp32"):
            loss = model(**batch)["loss"]
        loss.backward()
        del moments
        return live.peak


@contextmanager
def _kernels_of_gpus() -> Iterator[None]:
    with ExitStack() as patches:
        patches.enter_context(patch.object(functional, "scaled_dot_product_attention", _fused_attention))
        patches.enter_context(patch.object(functional, "dropout", _byte_masks))
        for module in (dropout, attention):
            patches.enter_context(patch.object(module, "own_masks", lambda _: False))
        yield


def _byte_masks(values: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    return torch.native_dropout(values, p, True)[0] if training and p else values


def _fused_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """As torch does on a GPU with this kernel: autocast, bool masks to numbers, masks padded and spread over heads."""
    if torch.is_autocast_enabled("cpu"):
        half = torch.get_autocast_dtype("cpu")
        query, key, value = query.to(half), key.to(half), value.to(half)
        attn_mask = attn_mask.to(half) if attn_mask is not None and attn_mask.dtype != torch.bool else attn_mask
    with torch.autocast("cpu", enabled=False):
        if attn_mask is not None and attn_mask.dtype == torch.bool:
            attn_mask = torch.zeros_like(attn_mask, dtype=query.dtype).masked_fill_(~attn_mask, float("-inf"))
        if not isinstance(query, FakeTensor):
            kernel = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
            return kernel(query, key, value, 0.0, is_causal, attn_mask=attn_mask, scale=scale)[0]
        if attn_mask is not None:
            keys = attn_mask.shape[-1]
            if rest := keys % ALIGNED:
                attn_mask = functional.pad(attn_mask, (0, ALIGNED - rest))[..., :keys]
            attn_mask = attn_mask.expand(*query.shape[:3], key.shape[2])
        kernel = torch.ops.aten._scaled_dot_product_efficient_attention
        return kernel(query, key, value, attn_mask, True, dropout_p, is_causal, scale=scale)[0]


BASE = EncoderSpec(hidden_size=768, layers=12, heads=12, intermediate_size=3072, max_positions=576, dropout=0.1)
HALF_DEEP = BASE.model_copy(update={"layers": 6})
SMALL = EncoderSpec(hidden_size=256, layers=2, heads=4, intermediate_size=1024, max_positions=512, dropout=0.1)
LLAMA = BASE.model_copy(update={"intermediate_size": 2048})
BERT, ROBERTA, T5, SMALL_VOCABULARY = 30522, 50265, 32100, 2048  # pieces
WHOLE = {"document_attention": False}  # blocks cross documents, as in the papers


def cases() -> list[Case]:
    """What docs/paper-size.md shows."""
    found = []
    for precision in ("fp32", "bf16"):
        plain, again = Plan(precision), Plan(precision, checkpointing=True)
        found += [
            Case({"name": "bert-nsp", **WHOLE}, BASE, 128, BERT, 32, plain),
            Case({"name": "bert-nsp", **WHOLE}, BASE, 512, BERT, 16, plain),
            Case({"name": "bert"}, BASE, 512, BERT, 16, plain),
            Case({"name": "bert"}, BASE, 512, BERT, 16, again),
            Case({"name": "roberta", **WHOLE}, BASE, 512, ROBERTA, 32, plain),
            Case({"name": "mpnet", **WHOLE, "permuted": {"faithful": True}}, BASE, 512, BERT, 16, plain),
            Case({"name": "mpnet", **WHOLE, "permuted": {"faithful": True}}, BASE, 512, BERT, 16, again),
            Case({"name": "mpnet"}, BASE, 512, BERT, 16, plain),
            Case({"name": "plm"}, BASE, 512, BERT, 16, plain),
            Case({"name": "mlm-permuted"}, BASE, 512, BERT, 16, plain),
            Case({"name": "xlnet", "mask": 0, "random": 0}, BASE, 512, BERT, 8, plain),
            Case({"name": "gpt2"}, BASE, 512, BERT, 8, plain),
            Case({"name": "llama"}, LLAMA, 512, BERT, 8, plain),
            Case({"name": "llama"}, LLAMA, 512, BERT, 8, again),
            Case({"name": "glm"}, BASE, 512, BERT, 8, plain),
            Case({"name": "bart"}, HALF_DEEP, 512, ROBERTA, 8, plain),
            Case({"name": "mass"}, HALF_DEEP, 512, BERT, 8, plain),
            Case({"name": "t5"}, BASE, 512, T5, 8, plain),
            Case({"name": "t5"}, BASE, 512, T5, 8, again),
            Case({"name": "prefix-lm"}, BASE, 512, T5, 8, plain),
            Case({"name": "veco"}, SMALL, 256, SMALL_VOCABULARY, 2, plain),
        ]
    return found


def main() -> None:
    """A table in Markdown."""
    heads = "objective, layers x width, block, micro-batch, precision, again, predicted MiB, measured MiB, ratio"
    print("|", heads.replace(", ", " | "), "|")
    print("|---|---|---:|---:|---|---|---:|---:|---:|")
    for case in cases():
        ours, theirs = case.predicted().total, measured(case, fake=case.settings["name"] not in NEEDS_VALUES)
        shape, packed = case.shape, "" if case.settings.get("document_attention", True) else ", across documents"
        cells = [
            case.settings["name"] + packed,
            f"{shape.layers} x {shape.hidden_size}",
            case.block,
            case.micro_batch,
            case.plan.precision,
            "yes" if case.plan.checkpointing else "",
            f"{ours / 2**20:,.0f}",
            f"{theirs / 2**20:,.0f}",
            f"{ours / theirs:.3f}",
        ]
        print("|", " | ".join(map(str, cells)), "|")


if __name__ == "__main__":
    main()
