"""One miniature project, run once per session; tests that change it work on a copy."""

from __future__ import annotations

import shutil
import signal

import pytest

import tests.own_data  # noqa: F401  (takes the user's own root out of the environment before any project is built)
from tests.workflow.miniature import Project, build

# Under nohup this signal is ignored, also by all that tests start; some of them prove what a closed terminal does.
signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The miniature after `snakemake` has run to its end. Do not change it: use `project`."""
    project = build(tmp_path_factory.mktemp("miniature"))
    project.output = project.snakemake().stdout
    return project


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
