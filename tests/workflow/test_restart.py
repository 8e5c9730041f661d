"""After a kill `snakemake` is typed again, and that is all: the promise of the README, at several moments.

Whatever kills the main process, its lock stays behind, and so do the jobs that it had started.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

TARGET = "results/data/mood/manifest.json"
KILLED = "The run that was started here before was killed (process "


@contextmanager
def running(project, screen: str = "first.txt"):
    """`snakemake` in a terminal of its own; what it prints is in the file `screen`."""
    command = [sys.executable, "-m", "snakemake", "--cores", "1", TARGET]
    with (project.root / screen).open("w") as file:
        process = subprocess.Popen(
            command, cwd=project.root, stdout=file, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        yield process
    finally:
        for number in (signal.SIGCONT, signal.SIGKILL):
            try:
                os.killpg(process.pid, number)
            except ProcessLookupError:
                break
        process.wait()


def until(moment, process, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not moment():
        assert process.poll() is None and time.monotonic() < end, "this moment never came"
        time.sleep(0.01)


def text(log) -> str:
    try:
        return log.read_text()
    except FileNotFoundError:  # Snakemake removes it just before a job
        return ""


def locked(project) -> bool:
    return any((project.root / ".snakemake/locks").glob("*.output.lock"))


def at_work(project) -> bool:
    return any((project.root / "results/.state").glob("*.lock"))


def test_after_a_kill_before_any_job_the_same_command_finishes(fresh):
    with running(fresh) as first:
        until(lambda: locked(fresh), first)
        first.kill()
        first.wait()
        assert locked(fresh)
        done = fresh.snakemake(TARGET)
    assert f"{KILLED}{first.pid} on " in done.stdout
    assert (fresh.root / TARGET).is_file()
    assert not locked(fresh) and not list((fresh.root / ".snakemake/owners").glob("*.json"))


def test_after_a_closed_terminal_the_same_command_finishes(fresh):
    with running(fresh) as first:
        until(lambda: at_work(fresh), first)
        os.killpg(first.pid, signal.SIGHUP)
        first.wait()
        assert f"{KILLED}{first.pid} on " in fresh.snakemake(TARGET).stdout
    assert (fresh.root / TARGET).is_file()


def test_a_job_that_outlived_its_snakemake_is_named_and_waited_for(fresh):
    with running(fresh) as first:
        until(lambda: at_work(fresh), first)
        first.kill()
        first.wait()
        os.killpg(first.pid, signal.SIGSTOP)  # what is left of the terminal: the job, at work for as long as we want
        with running(fresh, screen="second.txt") as second:
            log = fresh.root / "logs/fetch/mood.log"
            until(lambda: "waiting until it has ended" in text(log), second)
            os.killpg(first.pid, signal.SIGCONT)
            assert second.wait(timeout=120) == 0, (fresh.root / "second.txt").read_text()
    said = (fresh.root / "second.txt").read_text()
    assert "Still at work, and waited for where this run needs the same: process " in said
    assert (fresh.root / TARGET).is_file()


def test_a_job_that_outlived_its_snakemake_and_finished_disturbs_nothing(fresh):
    with running(fresh) as first:
        until(lambda: at_work(fresh), first)
        first.kill()
        first.wait()
        end = time.monotonic() + 60
        while at_work(fresh) and time.monotonic() < end:
            time.sleep(0.1)
        assert (fresh.root / "resources/mood/manifest.json").exists(), "Snakemake still takes this file for half-made"
        fresh.snakemake(TARGET)
    assert (fresh.root / TARGET).is_file()


def test_the_lock_of_a_living_run_is_never_removed(fresh):
    """Not by the same command, by `--unlock` or by a dry run; tests/unit/test_locking.py has the rest."""
    with running(fresh) as first:
        until(lambda: locked(fresh), first)
        os.kill(first.pid, signal.SIGSTOP)  # alive for as long as this test needs
        before = sorted((fresh.root / ".snakemake/locks").iterdir())

        refused = fresh.snakemake(TARGET, check=False)
        assert refused.returncode != 0
        assert f"Another run is going on here (process {first.pid} on " in refused.stdout
        assert f"Wait for it, or end it with `kill {first.pid}`, then type `snakemake` again." in refused.stdout

        refused = fresh.snakemake("--unlock", check=False)
        assert refused.returncode != 0
        assert "its lock stays" in refused.stdout

        fresh.snakemake("--dry-run", TARGET)
        assert sorted((fresh.root / ".snakemake/locks").iterdir()) == before
        os.kill(first.pid, signal.SIGCONT)
        assert first.wait(timeout=120) == 0, (fresh.root / "first.txt").read_text()
    assert (fresh.root / TARGET).is_file() and not locked(fresh)
