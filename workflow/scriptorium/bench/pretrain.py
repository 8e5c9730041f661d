"""How fast pre-training is: our loop beside transformers' own, MPNet beside MLM and beside its original form.

The peers are what one would write today with transformers: Trainer with default settings, SDPA attention, the same
batch, optimiser and precision, logging off. Tokens are those that are not padding. Ours pays for its ledger.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scriptorium.bench.loops import Loop, Window, in_turn
from scriptorium.bench.pretrain_denoising import corruption_rates, transformers_denoising
from scriptorium.bench.pretrain_sides import Shape, ours, transformers_mlm
from scriptorium.bench.timing import Ratio

MLM_TARGETS = {"small": 3.0, "large": 1.5}
LINES_TARGET = 4.0
MPNET_TARGET = 1 / 1.4  # an MPNet step may cost 1.40 of an MLM step
ORIGINAL_TARGET = 1.25
DENOISING_TARGET = 1.5
CORRUPTION_TARGET = 200_000  # tokens per second on one core
LOADER_SHARE, LEDGER_SHARE = 0.03, 0.01
RATE = "our tokens/s / peer's tokens/s"


@dataclass(frozen=True)
class Bench:
    """What all cases share: packed blocks and the documents they were made of, and threads for each side."""

    blocks: Path
    texts: list[str]
    threads: int
    runs: int

    def ours(self, shape: Shape, objective: str = "bert", **form: bool) -> Loop:
        return Loop(ours, self.threads, blocks=self.blocks, shape=shape.model_dump(), objective=objective, **form)

    def transformers(self, shape: Shape, *, by_line: bool) -> Loop:
        return Loop(
            transformers_mlm,
            self.threads,
            blocks=self.blocks,
            texts=self.texts,
            shape=shape.model_dump(),
            by_line=by_line,
        )

    def mlm(self, name: str, shape: Shape) -> Iterator[Ratio]:
        """MLM beside concatenated blocks, and what loader and ledger cost in our loop."""
        with self.ours(shape) as one, self.transformers(shape, by_line=False) as other:
            pairs = in_turn(one, other, shape.steps, self.runs)
        yield _rates(f"MLM, {shape.name}", "transformers Trainer, concatenated blocks", pairs, MLM_TARGETS[name])
        yield _share(f"loader, in the process, {shape.name}", pairs, "loader", LOADER_SHARE)
        yield _share(f"ledger and tracking, {shape.name}", pairs, "ledger", LEDGER_SHARE)

    def lines(self, shape: Shape) -> Iterator[Ratio]:
        """The same beside line by line with padding."""
        with self.ours(shape) as one, self.transformers(shape, by_line=True) as other:
            pairs = in_turn(one, other, shape.steps, self.runs)
        yield _rates(f"MLM, {shape.name}", "transformers Trainer, line by line, padded", pairs, LINES_TARGET)

    def mpnet(self, shape: Shape) -> Iterator[Ratio]:
        """MPNet beside our own MLM, and beside the plain form of the original, on the same tokens."""
        with self.ours(shape, "mpnet") as one, self.ours(shape) as other:
            pairs = in_turn(one, other, shape.steps, self.runs)
        yield _rates(f"MPNet, {shape.name}", "our MLM", pairs, MPNET_TARGET)
        with self.ours(shape, "mpnet") as one, self.ours(shape, "mpnet", original=True) as other:
            pairs = in_turn(one, other, shape.steps, self.runs)
        yield _rates(f"MPNet, {shape.name}", "plain form of the original", pairs, ORIGINAL_TARGET)

    def denoising(self, shape: Shape, objective: str, name: str) -> Iterator[Ratio]:
        """BART or T5 beside lines that plain Python corrupts, and what the corruption costs."""
        peer = Loop(
            transformers_denoising,
            self.threads,
            blocks=self.blocks,
            texts=self.texts,
            shape=shape.model_dump(),
            objective=objective,
        )
        with self.ours(shape, objective) as one, peer as other:
            pairs = in_turn(one, other, shape.steps, self.runs)
        yield _rates(
            f"{name}, {shape.name}", "transformers Trainer, corrupted in Python by line", pairs, DENOISING_TARGET
        )
        yield _share(f"corruption and loader, {name}, in the process, {shape.name}", pairs, "loader", LOADER_SHARE)
        rates = corruption_rates(self.blocks, shape, objective, self.runs)
        limit = f"{CORRUPTION_TARGET:,} tokens/s"
        ratios = tuple(rate / CORRUPTION_TARGET for rate in rates)
        yield Ratio(f"corruption, {name}, one core", limit, ratios, 1.0, f"our tokens/s / {limit}")


def _rates(case: str, peer: str, pairs: list[tuple[Window, Window]], target: float) -> Ratio:
    return Ratio(case, peer, tuple(one.rate / other.rate for one, other in pairs), target, RATE)


def _share(case: str, pairs: list[tuple[Window, Window]], part: str, limit: float) -> Ratio:
    """How many times a part of our step fits into the step; the target is the inverse of the share allowed."""
    times = tuple(one.seconds / max(one.parts.get(part, 0.0), 1e-9) for one, _ in pairs)
    return Ratio(case, "our step", times, 1 / limit, f"step time / {part} time")
