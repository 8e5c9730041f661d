"""What a configuration costs is said before it starts (scriptorium/cost.py)."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from scriptorium import cost as command
from scriptorium.engine import flops
from scriptorium.engine.spec import TrainSpec
from scriptorium.models.spec import EncoderSpec
from scriptorium.objectives.spec import ObjectiveSpec
from scriptorium.sizes.cost import cost
from scriptorium.sizes.memory import needs_of
from scriptorium.sizes.model import batch_of, model_of, pieces

ROOT = Path(__file__).parents[2]
SHAPE = EncoderSpec(hidden_size=64, layers=2, heads=4, intermediate_size=128, max_positions=160, dropout=0.0)
NAMES = ["bert", "mpnet", "gpt2", "t5"]


@pytest.mark.parametrize("name", NAMES)
def test_flops_are_those_that_torch_counts_on_the_same_shapes(name):
    objective = ObjectiveSpec.model_validate({"name": name})
    found = cost(SHAPE, objective, 64, 1000, TrainSpec(max_steps=10, batch_size=4))
    batch = batch_of(objective, needs_of(SHAPE, objective, 64, 1000, "fp32"), 64, 1)
    counted = flops.counted(model_of(SHAPE, objective, pieces(1000)), batch)
    assert found.flops == pytest.approx(counted, rel=0.01)
    assert found.total_flops == found.flops * 40
    assert found.tokens == 64 * 40


def test_steps_of_a_budget_of_tokens_are_known_and_of_epochs_are_not():
    objective = ObjectiveSpec.model_validate({"name": "bert"})
    assert cost(SHAPE, objective, 64, 1000, TrainSpec(max_tokens=64_000, batch_size=10)).steps == 100
    of_epochs = cost(SHAPE, objective, 64, 1000, TrainSpec(epochs=1, batch_size=10))
    assert (of_epochs.steps, of_epochs.total_flops, of_epochs.tokens) == (None, None, None)


def rows(printed: str) -> dict[str, list[str]]:
    lines = [line.strip("| ").split(" | ") for line in printed.splitlines() if line.startswith("|")]
    return {line[0]: line for line in lines}


@pytest.fixture
def here(monkeypatch):
    monkeypatch.chdir(ROOT)


def test_the_table_says_hours_memory_and_disk_and_what_is_not_known(here, capsys):
    arguments = ["bert-paper-128", "veco2", "--configfile", "config/paper.yaml", "--utilisation", "0.5"]
    assert command.main([*arguments, "--peak", "1e14"]) == 0
    found = rows(capsys.readouterr().out)
    bert = found["bert-paper-128"]
    assert bert[2] == "110,111,042"  # the paper: 110M
    assert float(bert[7].replace(",", "")) == pytest.approx(float(bert[6]) / 0.5e14 / 3600, rel=0.02)
    assert "objective veco2 has no closed form" in found["veco2"]
    assert found["wikipedia-en"][1] == "hub"


def test_the_largest_micro_batch_of_a_gpu_is_shown(here, capsys):
    arguments = ["mpnet", "--configfile", "config/paper.yaml", "--gpu-memory", "32"]
    assert command.main(arguments) == 0
    plain = int(rows(capsys.readouterr().out)["mpnet"][8])
    assert command.main([*arguments, "--gradient-checkpointing"]) == 0
    assert int(rows(capsys.readouterr().out)["mpnet"][8]) > plain > 16


def test_a_mistake_is_one_paragraph(here, capsys):
    assert command.main(["--configfile", "config/none.yaml"]) == 2
    assert "config/none.yaml: file not found" in capsys.readouterr().err


def test_nothing_is_allocated():
    """The largest model of the papers, whose weights would not fit this machine."""
    large = EncoderSpec(hidden_size=8192, layers=80, heads=64, intermediate_size=22016, max_positions=2048, dropout=0)
    objective = ObjectiveSpec.model_validate({"name": "llama", "document_attention": False})
    found = cost(large, objective, 2048, 32000, TrainSpec(max_tokens=1_400_000_000_000, batch_size=2048))
    assert 64e9 < found.parameters < 66e9  # LLaMA's 65B
    assert torch.get_default_device().type == "cpu"
