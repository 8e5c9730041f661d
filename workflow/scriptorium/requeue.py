"""A run that is longer than a job may be: on Slurm, the job puts itself back into the queue and later goes on.

A saved stop is not a failure. As a failed job it would use up a retry each time, and `runtime: 240 * attempt` would
soon ask for more than the partition's MaxTime and wait for ever.
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import time
from pathlib import Path

STARTED = "SCRIPTORIUM_JOB_START"  # seconds since the epoch; only jobs that Snakemake has submitted have it
PATIENCE = 300.0  # seconds in which Slurm ends a job that it has put back


def files_of(state: Path) -> frozenset[str]:
    """What there is of a saved state; a job that adds nothing to it would go on for ever."""
    return frozenset(path.relative_to(state).as_posix() for path in state.rglob("*")) if state.exists() else frozenset()


def this_job() -> bool:
    """Ask Slurm to run this job again, and wait for being ended. False where this is no job that can be put back."""
    number = os.environ.get("SLURM_JOB_ID")
    if STARTED not in os.environ or not number or not shutil.which("scontrol"):
        return False
    asked = subprocess.run(["scontrol", "requeue", number], capture_output=True, text=True, check=False)
    if asked.returncode:
        logging.warning("job %s cannot be put back into the queue: %s", number, asked.stderr.strip())
        return False
    logging.info("job %s is back in the queue, and goes on from here", number)
    time.sleep(PATIENCE)
    return True
