"""Proves that the profiles keep their promises: keys explained, none overridden by accident, Slurm's traps avoided."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
TEXTS = {path.parent.name: path.read_text(encoding="utf-8") for path in (ROOT / "profiles").glob("*/profile.yaml")}
PROFILES = {name: yaml.safe_load(text) for name, text in TEXTS.items()}
RULES = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "workflow/rules").glob("*.smk"))

CALLS = {
    "plain": [],
    "one core": ["--cores", "1"],
    "slurm": ["--profile", "profiles/slurm"],
    "slurm, other spelling": ["--profile=profiles/slurm"],
    "executor": ["--executor", "slurm"],
    "site profile": ["SNAKEMAKE_PROFILE=profiles/slurm"],
}

PARSE = """
import json, os, sys
from snakemake.cli import parse_args
found = {}
for name, words in json.loads(sys.argv[1]).items():
    os.environ.pop("SNAKEMAKE_PROFILE", None)
    if words and words[0].startswith("SNAKEMAKE_PROFILE="):
        os.environ["SNAKEMAKE_PROFILE"] = words.pop().partition("=")[2]
    sys.argv = ["snakemake", *words]
    arguments = parse_args(None)[1]
    found[name] = {key: getattr(arguments, key) for key in ("cores", "jobs", "executor", "retries")}
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def parsed() -> dict[str, dict]:
    """What Snakemake's own command line makes of the profiles, call by call."""
    command = [sys.executable, "-c", PARSE.replace("sys.argv[1]", repr(json.dumps(CALLS)))]
    return json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)


def test_there_are_three_profiles():
    assert set(PROFILES) == {"default", "gpu", "slurm"}


@pytest.mark.parametrize("name", PROFILES)
def test_every_key_is_explained(name):
    keys = {key for key in PROFILES[name] if not key.startswith(("__", "?if"))}
    keys |= {key for condition, block in PROFILES[name].items() if condition.startswith("?if") for key in block}
    assert keys - set(re.findall(r"^# ([a-z][a-z-]+):", TEXTS[name], flags=re.MULTILINE)) == set()


@pytest.mark.parametrize("name", ["gpu", "slurm"])
def test_no_key_is_silently_lost_to_the_default_profile(name):
    """profiles/default is in force beside it and wins key by key."""
    assert set(PROFILES[name]) & set(PROFILES["default"]) == set()


def test_a_plain_call_uses_this_machine(parsed):
    assert parsed["plain"]["cores"] == len(os.sched_getaffinity(0))
    assert parsed["one core"]["cores"] == 1


@pytest.mark.parametrize("call", ["slurm", "slurm, other spelling", "executor", "site profile"])
def test_a_cluster_is_never_capped_at_the_cores_of_the_login_node(parsed, call):
    assert (parsed[call]["cores"], parsed[call]["executor"]) == (None, "slurm")


def test_slurm_avoids_the_traps_that_are_known(parsed):
    slurm = PROFILES["slurm"]
    assert slurm["slurm-status-command"] == "squeue"
    assert parsed["slurm"]["retries"] == 2
    assert slurm["default-resources"]["mem_mb"] >= 500
    assert "slurm-array-jobs" not in slurm


def test_retries_stand_in_a_profile_and_never_in_a_rule():
    """Nested Snakemake processes would multiply them."""
    assert RULES and "retries:" not in RULES


@pytest.mark.parametrize("name", ["gpu", "slurm"])
def test_resources_and_threads_are_set_for_rules_that_exist(name):
    named = {*PROFILES[name]["set-resources"], *PROFILES[name]["set-threads"], *PROFILES[name].get("groups", {})}
    assert named <= set(re.findall(r"^rule (\w+):", RULES, flags=re.MULTILINE))


@pytest.mark.parametrize("name", ["gpu", "slurm"])
def test_the_rules_that_can_use_a_gpu_get_one(name):
    """Those whose stages train through training.py: the regressor's LSTM runs on the CPU."""
    assert {rule for rule, values in PROFILES[name]["set-resources"].items() if values["gpu"] == 1} == {
        "pretrain",
        "finetune",
    }
