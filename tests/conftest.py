"""One miniature project, run once for all tests; tests that change it work on a copy."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest
from filelock import FileLock

import tests.own_data  # noqa: F401  (takes the user's own root out of the environment before any project is built)
from tests.workflow.miniature import Project, build

# One thread, said before torch is imported: the workers of `pytest -n 2` would crowd each other, and a stage that runs
# in a worker sets its own number, so that a test's number would depend on what ran before it.
os.environ["OMP_NUM_THREADS"] = "1"

# Under nohup the first of these is ignored, and behind `&` of a script the second, also by all that tests start; some
# of them prove what a closed terminal and Ctrl-C do.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The miniature after `snakemake` has run to its end. Do not change it: use `project`.

    Tests that run side by side (`pytest -n 2`) share it: whoever comes first makes it, the others wait.
    """
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    root, said = shared / "miniature", shared / "miniature.txt"
    with FileLock(shared / "miniature.lock"):
        if not said.exists():
            said.write_text(_finish(root), encoding="utf-8")
    return Project(root, said.read_text(encoding="utf-8"))


def _finish(root: Path) -> str:
    """What the first full run printed; after a failure the next worker begins anew."""
    shutil.rmtree(root, ignore_errors=True)
    return build(root).snakemake().stdout


@pytest.fixture
def project(finished: Project, tmp_path) -> Project:
    """A private copy of the finished miniature, modification times and Snakemake's memory included."""
    root = tmp_path / "copy"
    shutil.copytree(finished.root, root, symlinks=True)
    return Project(root)


@pytest.fixture
def fresh(tmp_path) -> Project:
    """The miniature before anything has run."""
    return build(tmp_path / "fresh")
