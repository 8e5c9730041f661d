"""Runs one stage: `python -m scriptorium.stages.<name> --spec JSON --out DIR [--input name=path [path ...] ...]`.

Every stage module defines a `Spec` and a `run(job)`, and ends with `stage.main(Spec, run)`. This module does what
all of them share: content key, ledger, manifest, signals, exit codes; `command_line.py` has the arguments.

Exit codes: 0 done · 1 defect (traceback) · 2 wrong input (one readable paragraph) · 75 stopped before the end with
its state saved (SIGTERM, Ctrl-C or deadline): run it again and it goes on.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scriptorium import devices, finished, manifest, named, replaced, requeue, together
from scriptorium import ledger as ledgers
from scriptorium.command_line import named_paths, parse, written
from scriptorium.errors import Interrupted, UserError
from scriptorium.exclusive import exclusive
from scriptorium.explained import explained
from scriptorium.job import Identity, Impl, Job, Terminated, handled, raise_terminated
from scriptorium.masked import masked
from scriptorium.model_folders import check_inputs
from scriptorium.spec import Spec

EXIT_USER_ERROR, EXIT_INTERRUPTED = 2, 75
DEADLINE_MARGIN = 60  # seconds kept back from resources.runtime for saving


def main(spec_class: type[Spec], run: Callable[[Job], list[Path]], *, always: bool = False) -> None:
    """Command line of a stage. `run` returns the files it made; they go into the manifest, written last.

    A run that is there already, finished, is not computed again, unless the stage is to run `always`: because it
    prints what people asked for, or measures time.
    """
    stage = Path(sys.modules["__main__"].__file__).stem
    arguments = parse(stage)
    _close_stdin()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    for handler in logging.getLogger().handlers:
        handler.setFormatter(Discreet("%(asctime)s %(name)s: %(message)s"))
    sys.excepthook = lambda *error: _say(masked("".join(traceback.format_exception(*error)).rstrip()), 1)
    try:
        spec, inputs = spec_class.from_json(arguments.spec), named_paths(arguments.input)
        identity = Identity.of(stage, spec, run, inputs)
        if not always and "RANK" not in os.environ and _is_there(arguments.out, identity):
            return
        with devices.lease(arguments.gpus):  # before anything imports torch
            if max(arguments.processes, arguments.nodes) > 1 and "RANK" not in os.environ:
                sys.exit(_together(stage, arguments, arguments.state / f"{identity.key}.failures"))
            execute(
                stage,
                spec,
                run,
                out=arguments.out,
                inputs=inputs,
                identity=identity,
                always=always,
                outputs={name: paths[0] for name, paths in named_paths(arguments.output).items()},
                threads=arguments.threads,
                runtime=arguments.runtime,
                state=arguments.state,
                workers=arguments.workers,
                micro_batch=arguments.micro_batch,
                precision=arguments.precision,
                compile=arguments.compile,
                fsdp=arguments.fsdp,
                checkpointing=arguments.gradient_checkpointing,
            )
    except UserError as error:
        sys.exit(_say(f"error: {error}", EXIT_USER_ERROR))
    except Terminated as stopped:
        sys.exit(128 + stopped.args[0])
    except KeyboardInterrupt:
        sys.exit(_say("stopped by Ctrl-C", 128 + signal.SIGINT))
    except OSError as error:  # before the journal was open, or while it was closed
        if known := explained(error, arguments.out):
            sys.exit(_say(f"error: {known}", EXIT_USER_ERROR))
        raise
    except Interrupted as stopped:
        if stopped.out_of_time:
            requeue.this_job()
        sys.exit(_say(f"not finished: {stopped}; the state is saved, run it again to go on", EXIT_INTERRUPTED))


class Discreet(logging.Formatter):
    """Lines of a log without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        return masked(super().format(record))


def execute(
    stage: str,
    spec: Spec,
    run: Callable[[Job], list[Path]],
    *,
    out: Path,
    inputs: dict[str, list[Path]],
    outputs: dict[str, Path] | None = None,
    threads: int = 1,
    runtime: float | None = None,
    state: Path = Path("results/.state"),
    identity: Identity | None = None,
    always: bool = True,
    **options: Any,
) -> None:
    """Run a stage once, with ledger and manifest. Raises what `run` raises, after closing the ledger.

    always: also a run that has finished before. options: further fields of Impl. Of several processes (torchrun) the
    first one writes; the others do the same work, but into a folder of their own that is thrown away.
    """
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    outputs = outputs or {}
    _writable(out, state, *(path.parent for path in outputs.values()))
    identity = identity or Identity.of(stage, spec, run, inputs)
    key = identity.key
    first = int(os.environ.get("RANK", "0")) == 0
    # counted from the start of the job, of which the two nested Snakemake processes of a cluster have used some
    began = float(os.environ.get(requeue.STARTED, time.time()))
    deadline = began + runtime * 60 - DEADLINE_MARGIN if runtime else None
    with exclusive(state / key, deadline) if first else tempfile.TemporaryDirectory() as scratch:
        if first and not always and _is_there(out, identity):  # it was finished by the process that held the lock
            return
        if not first:
            out, outputs = Path(scratch), {name: Path(scratch) / name for name in outputs}
        replaced.keep(out, key)
        ledger = ledgers.Ledger.open(
            out,
            key=key,
            stage=stage,
            spec=spec.model_dump(mode="json"),
            code=identity.code,
            seed=getattr(spec, "seed", None),
            inputs=identity.inputs,
            declared={name: str(path) for name, path in outputs.items()},
            threads=threads,
            command=written(stage, spec, out, inputs, outputs, threads),
        )
        impl = Impl(threads, deadline, **options)
        job = Job(spec, out, inputs, outputs, ledger, state / key, impl)
        status, found = ledgers.FAILED, requeue.files_of(job.state)
        try:
            with handled(raise_terminated):
                together.unblock()
                if first:
                    start_live_mirror(out)
                check_inputs(path for paths in inputs.values() for path in paths)
                named.make_known(spec)
                files = run(job)
            if first:
                ledger.update(outputs=manifest.read(manifest.write(out, files))["files"])
                finished.keep(out, ledger.record["outputs"])
                shutil.rmtree(job.state, ignore_errors=True)
            status = ledgers.FINISHED
        except (Interrupted, KeyboardInterrupt, Terminated) as error:
            status = ledgers.KILLED
            ledger.note(f"stopped: {error or type(error).__name__}")
            if isinstance(error, Interrupted) and impl.is_late():
                error.out_of_time = first and requeue.files_of(job.state) != found
            raise
        except BaseException as error:
            known = explained(error, out)
            text = str(error) if isinstance(error, UserError) else traceback.format_exc()
            ledger.make_room()
            with contextlib.suppress(OSError):  # the disk may still be full
                ledger.note(f"failed: {f'{known}{chr(10)}' if known else ''}{text}")
            if known:
                raise known from error
            raise
        finally:
            with contextlib.suppress(*([] if status == ledgers.FINISHED else [OSError])):
                ledger.finish(status)


def _is_there(out: Path, identity: Identity) -> bool:
    """Whether the very same run has finished before; its outputs are back then."""
    if not finished.restored(out, identity.key):
        return False
    _say(f"this run has finished before: nothing is computed ({finished.RECOMPUTE}=1 computes it again)", 0)
    return True


def _together(stage: str, arguments: argparse.Namespace, failures: Path) -> int:
    """Run this very command in several processes; GPUs are leased here, for all of them. Returns its exit code.

    torchrun ends with 1 whatever its processes ended with, so the ledger says whether the state was saved. The process
    that failed first is named there, too, unless it is the one that writes it and has said so itself.
    """
    module, nodes, threads = f"scriptorium.stages.{stage}", arguments.nodes, arguments.threads
    each, rest = divmod(arguments.processes, nodes)
    if rest or not each:
        raise UserError(
            f"{arguments.processes} processes cannot be shared evenly by {nodes} machines",
            where="--processes",
            remedy="ask for a multiple of `nodes`",
        )
    if nodes > 1 and together.RENDEZVOUS not in os.environ:
        code = together.run_on_nodes(module, [*sys.argv[1:], "--gpus", "0"], nodes, threads)
    else:
        own = ["--gpus", "0", "--threads", str(max(1, threads // each))]  # of an option given twice, the last counts
        code = together.run(module, [*sys.argv[1:], *own], each, nodes, failures)
        if nodes > 1:
            return code
    failure = together.first_failure(failures)
    record = ledgers.read_record(arguments.out) or {}
    if code and record.get("status") == ledgers.KILLED:
        return EXIT_INTERRUPTED
    if code and failure and (failure.rank or failure.code < 0):
        _say(f"error: {failure.sentence()}; the others ended because of it, and the last checkpoint is kept", code)
        if record.get("status") in (ledgers.RUNNING, ledgers.FAILED):
            journal = ledgers.Ledger(arguments.out, record)
            journal.note(f"failed: {failure.sentence()}")
            journal.finish(ledgers.FAILED)
    return code


def start_live_mirror(out: Path) -> None:
    """With an http(s) tracking server, mirror the ledger while it grows, from a process of its own.

    The child may lag, fail or find the server dead: the job never waits for it, and `snakemake track` completes
    the picture later.
    """
    uri = os.environ.get("SCRIPTORIUM_TRACKING_URI", "")
    if uri.startswith(("http://", "https://")):
        follower = subprocess.Popen(
            [sys.executable, "-m", "scriptorium.track", "follow", str(out), "--parent", str(os.getpid())],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        logging.info("mirroring live to %s (process %d)", uri, follower.pid)


def _close_stdin() -> None:
    """A job asks nobody, and no library of it does: an answer that waits in a pipe (`yes |`) must not reach one."""
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)


def _writable(*directories: Path) -> None:
    """Make directories. Raises UserError where that, or writing there, is not possible."""
    for directory in directories:
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"cannot be made: {error.strerror}",
                where=directory,
                remedy="correct the permissions, or move what is in the way",
            ) from None
        if not os.access(directory, os.W_OK | os.X_OK):
            raise UserError("this directory cannot be written", where=directory, remedy="correct its permissions")


def _say(text: str, code: int) -> int:
    print(text, file=sys.stderr, flush=True)
    return code
