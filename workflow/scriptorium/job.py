"""What a stage's `run` receives, how it is to run, and what makes a run this run and no other."""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scriptorium import ledger as ledgers
from scriptorium import manifest
from scriptorium.digest import code_digest
from scriptorium.errors import UserError
from scriptorium.named import modules_of
from scriptorium.spec import Spec, content_key

# seconds in which a further signal is the same request: a cluster signals every process of a job, and whoever started
# this one may pass it on; somebody who presses Ctrl-C again means it
SAME_REQUEST = {signal.SIGTERM: 5.0, signal.SIGINT: 1.0}


@dataclass(frozen=True)
class Impl:
    """How to run, never what: none of this enters the content key or changes a result beyond a stated tolerance."""

    threads: int = 1
    deadline: float | None = None  # seconds since the epoch
    workers: int = 0  # processes that prepare batches
    micro_batch: int | None = None  # examples that a process has at once; None: its whole share of a batch
    precision: str = "auto"  # of matrix products: auto, fp32, bf16, fp16; it is no part of the key, but is kept
    compile: bool = False  # torch.compile
    checkpointing: bool = False  # gradients recompute activations: less memory, more time
    fsdp: bool = False  # processes share weights and optimiser state instead of copying them
    stop: dict[str, Any] = field(default_factory=dict)  # signal and time (monotonic) once SIGTERM has arrived

    @contextlib.contextmanager
    def saving_on_sigterm(self):
        """Inside, a first SIGTERM or Ctrl-C only sets `stop_reason`, so that the stage can save; a second one ends it.

        What comes within SAME_REQUEST seconds is no second one.
        """

        def handler(number: int, frame: Any) -> None:
            if not self.stop:
                self.stop.update(signal=number, time=time.monotonic())
                name = "Ctrl-C" if number == signal.SIGINT else f"signal {number}"
                logging.warning("%s: saving at the next step; a second one ends the job at once", name)
            elif time.monotonic() - self.stop["time"] > SAME_REQUEST[signal.Signals(number)]:
                raise_terminated(number, frame)

        with handled(handler):
            yield

    def stop_reason(self) -> str | None:
        """Why the job should save and stop now, or None."""
        if self.stop:
            return f"signal {self.stop['signal']}"
        return "the runtime limit is near" if self.is_late() else None

    def is_late(self) -> bool:
        """Whether the job would soon be killed for its runtime, and was not asked to stop before that."""
        return not self.stop and self.deadline is not None and time.time() > self.deadline


@dataclass(frozen=True)
class Job:
    """What a stage's `run` receives."""

    spec: Any
    out: Path
    inputs: dict[str, list[Path]]
    outputs: dict[str, Path]
    ledger: ledgers.Ledger
    state: Path  # resumable state, keyed by content, outside declared outputs; removed after success
    impl: Impl

    def input(self, name: str) -> Path:
        """The one file given under `name` (for most artifacts, their manifest)."""
        (path,) = self.inputs[name]
        return path

    def input_dir(self, name: str) -> Path:
        """Directory of the one artifact that was given by its manifest."""
        return self.input(name).parent


@dataclass(frozen=True)
class Identity:
    """What makes a run this run and no other."""

    key: str  # content key
    code: str  # digest of the stage's code and of the modules that the specification names
    inputs: list[dict[str, str]]  # name, path, sha256

    @classmethod
    def of(cls, stage: str, spec: Spec, run: Callable, inputs: dict[str, list[Path]]) -> Identity:
        """Raises UserError for an input that is missing or damaged."""
        module = sys.modules[run.__module__]
        code = code_digest(module.__spec__.name if module.__spec__ else run.__module__, *modules_of(spec))
        named = [(name, number, path) for name, paths in inputs.items() for number, path in enumerate(paths)]
        digests = {f"{name}.{number}": _digest_input(path) for name, number, path in named}
        given = [
            {"name": name, "path": str(path), "sha256": digests[f"{name}.{number}"]} for name, number, path in named
        ]
        return cls(content_key(stage, spec.canonical(), digests, code), code, given)


class Terminated(BaseException):
    """SIGTERM or Ctrl-C reached a stage that has nothing to save."""


def raise_terminated(number: int, _frame: Any) -> None:
    raise Terminated(number)


@contextlib.contextmanager
def handled(handler: Callable[[int, Any], None]) -> Iterator[None]:
    """Inside, this answers SIGTERM and, unless they are ignored (in the background), Ctrl-C."""
    numbers = [signal.SIGTERM, *([signal.SIGINT] if signal.getsignal(signal.SIGINT) != signal.SIG_IGN else [])]
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)


def _digest_input(path: Path) -> str:
    """The digest of an input, after the files of a manifest were found complete and unchanged."""
    if not path.exists():
        raise UserError("input does not exist", where=path, remedy="run snakemake for it first")
    if path.name == manifest.NAME and (problems := manifest.check(path)):
        raise UserError(problems[0], where=path, remedy=f"delete {path} and run snakemake again to rebuild it")
    return manifest.input_digest(path)
