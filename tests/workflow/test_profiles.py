"""Where and how a run is computed is no reason to compute it again, and every profile can compute it."""

from __future__ import annotations

import os

import pytest
import yaml

from tests.workflow import stub_slurm

TARGET = "results/data/mood/manifest.json"  # two jobs: one beside Snakemake, one that a cluster's profile submits


@pytest.mark.parametrize("profile", ["gpu", "slurm"])
def test_another_profile_reruns_nothing(finished, profile):
    assert "Nothing to be done" in finished.snakemake("--dry-run", "--profile", f"profiles/{profile}").stdout


@pytest.mark.parametrize("profile", ["default", "gpu"])
def test_a_profile_for_one_machine_makes_a_target(fresh, profile):
    done = fresh.typed(TARGET, *(["--profile", f"profiles/{profile}"] if profile != "default" else []))
    assert "2 of 2 steps (100%) done" in done.stdout


def test_the_slurm_profile_makes_a_target_with_the_submitted_jobs_of_the_real_plugin(fresh, tmp_path):
    """A dry run is not enough: Snakemake asks for the number of cores only when it really submits."""
    slurm = stub_slurm.install(tmp_path / "slurm")
    call = ["--profile", "profiles/slurm", "--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "1"]
    path = {"PATH": f"{slurm}{os.pathsep}{os.environ['PATH']}"}
    done = fresh.typed(TARGET, *call, **path)
    assert "2 of 2 steps (100%) done" in done.stdout
    assert [(job["state"], job["cores"]) for job in stub_slurm.jobs(slurm)] == [("COMPLETED", "1")]

    fresh.typed("bench_cogbert", *call, "--retries", "0", check=False, STUB_SLURM="refuse", **path)
    assert stub_slurm.jobs(slurm)[-1]["cores"] == "8", "cores of a node are not known, so a benchmark names them"


def test_short_measures_of_several_models_share_a_job_of_slurm(project, tmp_path):
    sets = {
        name: {"corpus": "english", "reader": "swapped", "options": {"distance": distance, "pairs": 8}}
        for name, distance in (("near", 1), ("far", 2))
    }
    add = {"minimal_pairs": sets, "pretraining": {"recipes": ["bert-mlm"], "seeds": [0], "minimal_pairs": list(sets)}}
    (project.root / "overlay.yaml").write_text(yaml.safe_dump(add))
    data = [f"results/data/minimal_pairs/{name}/manifest.json" for name in sets]
    project.snakemake(*data, "--configfile", "overlay.yaml")

    slurm = stub_slurm.install(tmp_path / "slurm")
    call = ["--profile", "profiles/slurm", "--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "1"]
    path = {"PATH": f"{slurm}{os.pathsep}{os.environ['PATH']}"}
    scored = [f"results/minimal_pairs/bert-mlm/{name}/seed0/manifest.json" for name in sets]
    project.typed(*scored, *call, "--configfile", "overlay.yaml", **path)
    assert all((project.root / manifest).exists() for manifest in scored)
    assert [(job["state"], job["cores"]) for job in stub_slurm.jobs(slurm)] == [("COMPLETED", "2")]
    assert project.planned(*scored, "--configfile", "overlay.yaml") == set()


def test_a_job_whose_configuration_was_edited_while_it_waited_computes_nothing(fresh, tmp_path):
    slurm = stub_slurm.install(tmp_path / "slurm")
    call = ["--profile", "profiles/slurm", "--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "1"]
    path = {"PATH": f"{slurm}{os.pathsep}{os.environ['PATH']}"}
    edit = "sed -i 's/validation: 16/validation: 15/' config/config.yaml"
    assert "validation: 16" in (fresh.root / "config/config.yaml").read_text()
    fresh.typed(TARGET, *call, "--retries", "0", check=False, STUB_SLURM_QUEUED=edit, **path)
    assert [job["state"] for job in stub_slurm.jobs(slurm)] == ["FAILED"]
    (log,) = fresh.root.glob(".snakemake/slurm_logs/**/1.log")
    assert "was changed after this job had been submitted" in log.read_text()
    assert not (fresh.root / TARGET).exists()

    fresh.typed(TARGET, *call, **path)  # now it is planned as it stands there
    assert (fresh.root / TARGET).exists()


def test_a_benchmark_has_all_cores_of_a_local_run(fresh):
    done = fresh.typed("--dry-run", "--printshellcmds", "bench_cogbert", "--cores", "3")
    assert "--threads 3 2> logs/bench_cogbert.log" in done.stdout
