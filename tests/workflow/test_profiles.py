"""Where and how a run is computed is no reason to compute it again."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("profile", ["gpu", "slurm"])
def test_another_profile_reruns_nothing(finished, profile):
    assert finished.planned("--profile", f"profiles/{profile}") == set()
    assert "Nothing to be done" in finished.snakemake("--dry-run", "--profile", f"profiles/{profile}").stdout
