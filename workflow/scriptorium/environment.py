"""The process environment of a Snakemake run and of its jobs."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from scriptorium import requeue


def activate(package_root: Path, config: str, tracking_uri: str | None = None, *, submitted: bool = False) -> None:
    """Let jobs run this checkout's package with this interpreter, whatever is installed or activated elsewhere.

    Also switches off what would reach for the network (hub look-ups, MLflow's telemetry), and hands the merged
    configuration to a job's live mirror, which names runs by it.

    submitted: this is a job on a cluster, which may be put back into the queue; an allocation in which somebody types
    `snakemake` is not.
    """
    _prepend("PYTHONPATH", str(package_root))
    _prepend("PATH", str(Path(sys.executable).parent))
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ["SCRIPTORIUM_CONFIG"] = config
    if submitted:
        os.environ.setdefault(requeue.STARTED, str(time.time()))  # the outer one of two nested calls is the first
    if tracking_uri:
        os.environ["SCRIPTORIUM_TRACKING_URI"] = tracking_uri


def _prepend(variable: str, entry: str) -> None:
    parts = [part for part in os.environ.get(variable, "").split(os.pathsep) if part and part != entry]
    os.environ[variable] = os.pathsep.join([entry, *parts])
