"""Whole training loops in processes of their own, run a few steps at a time, so that two of them can be interleaved.

A loop is stopped where a batch is put together: its collator waits there until the next steps are asked for. What is
timed is therefore everything that a step needs: loader, collator, forward, backward, clipping, optimiser, callbacks
and log. Model, optimiser state and caches stay warm between two windows. A process each keeps memory allocators, random
number generators and settings of the two sides apart.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

MORE_STEPS_THAN_ANY_BENCH = 100_000


@dataclass(frozen=True)
class Window:
    """Some steps of a loop: seconds, real tokens (no padding), and seconds spent in named parts of it."""

    seconds: float
    tokens: int
    parts: dict[str, float]

    @property
    def rate(self) -> float:
        """Real tokens per second."""
        return self.tokens / self.seconds


def real_tokens(batch: Mapping[str, Any]) -> int:
    """Tokens of a batch that are not padding."""
    mask = batch.get("attention_mask")
    return int(batch["input_ids"].numel() if mask is None else mask.sum())


class Gate:
    """In the child: the place where a loop waits, and its stop-watch."""

    def __init__(self, connection: Any):
        self.connection, self.left, self.parts = connection, 0, {}
        self.waited = 0.0  # seconds, in all

    def collator(
        self, collate: Callable[[list], Mapping[str, Any]], count: Callable[[Mapping[str, Any]], int] = real_tokens
    ) -> Callable[[list], Mapping[str, Any]]:
        """`collate`, which waits at the end of a window and counts the tokens of its batches by `count`."""

        def gated(examples: list) -> Mapping[str, Any]:
            self._pass()
            batch = collate(examples)
            self.tokens += count(batch)
            return batch

        return gated

    def timed(self, owner: type, method: str, part: str) -> None:
        """Add the time that is spent in a method to a part of the loop; waiting at the gate does not count."""
        original = getattr(owner, method)

        def measured(*arguments: Any, **named: Any) -> Any:
            start, waited = time.perf_counter(), self.waited
            try:
                return original(*arguments, **named)
            finally:
                spent = time.perf_counter() - start - (self.waited - waited)
                self.parts[part] = self.parts.get(part, 0.0) + spent

        setattr(owner, method, measured)

    def _pass(self) -> None:
        if self.left:
            self.left -= 1
            return
        arrived = time.perf_counter()
        if hasattr(self, "start"):
            _finish_device_work()
            self.connection.send(Window(time.perf_counter() - self.start, self.tokens, dict(self.parts)))
        try:
            self.left = self.connection.recv() - 1
        except EOFError:
            os._exit(0)  # the bench has what it wants; there is nothing to save
        self.tokens, self.parts, self.start = 0, {}, time.perf_counter()
        self.waited += self.start - arrived


class Loop:
    """In the parent: a training loop that runs when asked. `build(gate, **settings)` starts it in the child."""

    def __init__(self, build: Callable[..., None], threads: int, **settings: Any):
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_child, args=(theirs, build, threads, settings), daemon=True)
        self.process.start()
        theirs.close()

    def run(self, steps: int) -> Window:
        """Run so many steps. Raises RuntimeError if the child has died; its traceback is in the log."""
        try:
            self.connection.send(steps)
            return self.connection.recv()
        except (EOFError, BrokenPipeError, ConnectionResetError):
            self.process.join()
            raise RuntimeError(f"a training loop of the bench ended with code {self.process.exitcode}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.connection.close()
        self.process.join()


def in_turn(ours: Loop, peer: Loop, steps: int, runs: int) -> list[tuple[Window, Window]]:
    """`runs` pairs (ours, peer) of windows after one window of warm-up; every second pair begins with the other."""
    for loop in (peer, ours):
        loop.run(steps)
    pairs = []
    for number in range(runs):
        order = (peer, ours) if number % 2 == 0 else (ours, peer)
        found = {loop: loop.run(steps) for loop in order}
        pairs.append((found[ours], found[peer]))
    return pairs


def _child(connection: Any, build: Callable[..., None], threads: int, settings: dict[str, Any]) -> None:
    import torch

    torch.set_num_threads(threads)
    build(Gate(connection), **settings)
    raise RuntimeError("the loop ended by itself")


def _finish_device_work() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()
