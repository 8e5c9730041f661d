"""Makes a project of thousands of ledgers and measures what import and audit cost, in CPU seconds.

    python -m tests.load --ledgers 2000 [--profile]

CPU seconds (user and system, of this process) hardly depend on what else the machine does; seconds on the clock do.
"""

from __future__ import annotations

import argparse
import contextlib
import cProfile
import io
import os
import pstats
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from scriptorium.runs import Run
from scriptorium.tracking.audit import audit
from scriptorium.tracking.replay import import_all
from scriptorium.tracking.store import locate
from tests.fabricate import START, Project, build

TARGETS = {"first import": 60, "second import": 14, "audit": 8}  # CPU seconds of 2,000 ledgers


def fabricate(root: Path, ledgers: int) -> Project:
    """A project with so many ledgers: runs of its configuration, and the same with further seeds."""
    project = build(root)
    listed = [run for run in project.runs.all() if run.seed is not None]
    for number in range(ledgers):
        run, seed = listed[number % len(listed)], number // len(listed)
        path = run.path.replace(f"seed{run.seed}", f"seed{100 * seed + run.seed}") if seed else run.path
        again = Run(path, run.stage, run.study, run.variant, run.task, 100 * seed + run.seed, run.paper_table)
        project.add(again, start=START + number)
    return project


def measured(name: str, work: Callable[[], object], *, profile: bool) -> None:
    """Print the CPU seconds of `work`, with what took them if asked."""
    began, profiler = os.times(), cProfile.Profile()
    with profiler if profile else contextlib.nullcontext():
        clock = time.monotonic()
        work()
        clock = time.monotonic() - clock
    ended = os.times()
    used = ended.user + ended.system - began.user - began.system
    print(f"{name:<14} {used:6.1f} CPU seconds (target {TARGETS[name]}), {clock:6.1f} on the clock", flush=True)
    if profile:
        text = io.StringIO()
        pstats.Stats(profiler, stream=text).sort_stats("cumulative").print_stats(45)
        print(text.getvalue())


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__.splitlines()[0])
    parser.add_argument("--ledgers", type=int, default=2000)
    parser.add_argument("--profile", action="store_true", help="say what took the time (which costs some)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        project = fabricate(Path(made) / "project", arguments.ledgers)
        store = locate(None, project.results)
        for name in ("first import", "second import"):
            measured(name, lambda: import_all(project.results, project.runs, store), profile=arguments.profile)

        def check() -> None:
            with contextlib.redirect_stdout(io.StringIO()):
                audit(project.results, project.runs, store)

        measured("audit", check, profile=arguments.profile)
    return 0


if __name__ == "__main__":
    sys.exit(main())
