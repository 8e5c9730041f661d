"""What does not fit a GPU is refused while the DAG is built, and `auto` is what fits (scriptorium/runs/fitting.py)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from scriptorium.config import loading
from scriptorium.errors import UserError
from scriptorium.runs import Runs
from scriptorium.runs.fitting import micro_batch, plan_of, sized
from scriptorium.sizes.memory import GIB, MARGIN, Plan
from scriptorium.spec import overlay

ROOT = Path(__file__).parents[2]
GPU = {"gpu": 1, "gpu_memory": 32, "processes": 1, "options": ""}


@pytest.fixture(scope="module")
def runs() -> Runs:
    given, paper = (yaml.safe_load((ROOT / f"config/{name}.yaml").read_text()) for name in ("config", "paper"))
    return Runs(loading.load(overlay(given, paper), ROOT))


def test_auto_is_the_largest_that_fits(runs):
    count = micro_batch(runs, "mpnet", {**GPU, "micro_batch": "auto"})
    known, limit = sized(runs, "mpnet"), 32 * GIB * (1 - MARGIN)
    assert known.needs(count, Plan()).total <= limit < known.needs(count + 1, Plan()).total
    assert micro_batch(runs, "mpnet", {**GPU, "micro_batch": count}) == count


def test_what_does_not_fit_is_refused_with_what_does(runs):
    count = micro_batch(runs, "mpnet", {**GPU, "micro_batch": "auto"})
    with pytest.raises(UserError, match=rf"512 blocks of 512 tokens .* largest micro-batch that fits is {count}\b"):
        micro_batch(runs, "mpnet", {**GPU, "micro_batch": 512})
    with pytest.raises(UserError, match="largest micro-batch that fits"):  # 8,192 at once
        micro_batch(runs, "mpnet", {**GPU, "micro_batch": ""})


def test_not_one_block_fits(runs):
    with pytest.raises(UserError, match="not even one block fits"):
        micro_batch(runs, "veco-large", {**GPU, "gpu_memory": 8, "micro_batch": "auto"})


def test_auto_is_never_more_than_a_process_has_of_a_batch(runs):
    large = {**GPU, "gpu_memory": 10_000, "processes": 4, "micro_batch": "auto"}
    assert micro_batch(runs, "bert-paper-128", large) == 256 // 4


def test_options_change_what_fits(runs):
    plain = micro_batch(runs, "mpnet", {**GPU, "micro_batch": "auto"})
    again = micro_batch(runs, "mpnet", {**GPU, "micro_batch": "auto", "options": "--gradient-checkpointing"})
    exact = micro_batch(runs, "mpnet", {**GPU, "micro_batch": "auto", "precision": "fp32"})
    assert exact < plain < again
    assert plan_of({"options": "--fsdp --workers 2", "processes": 8}) == Plan(sharded=True, processes=8)


@pytest.mark.parametrize("resources", [{}, {"gpu": 0, "gpu_memory": 32}, {"gpu": 1, "gpu_memory": 0}])
def test_nothing_is_looked_at_without_a_gpu_and_its_memory(runs, resources):
    assert micro_batch(runs, "mpnet", {**resources, "micro_batch": 512}) == 512


def test_auto_needs_to_know_the_gpu_and_the_model(runs):
    with pytest.raises(UserError, match="auto needs the memory of a GPU"):
        micro_batch(runs, "mpnet", {"gpu": 1, "micro_batch": "auto"})
    with pytest.raises(UserError, match="veco2 has no closed form"):
        micro_batch(runs, "veco2", {**GPU, "micro_batch": "auto"})
    assert micro_batch(runs, "veco2", {**GPU, "micro_batch": ""}) == ""  # a number is not guessed about


def test_a_model_that_goes_on_has_the_shape_that_it_starts_from(runs):
    assert sized(runs, "bert-mlm").shape == sized(runs, "bert-paper-128").shape
    assert sized(runs, "veco-large").vocabulary == 250002


def test_the_plan_imports_no_torch():
    code = "import sys, scriptorium.runs.fitting; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
