"""Proves that one place chooses how attention is computed, and that a run's journal says what that was."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

import scriptorium
from scriptorium import attention_kernel, ledger
from tests import tiny
from tests.numerics.test_training_engine_runs import LENGTH, run


def test_models_leave_the_choice_to_one_place():
    models = Path(scriptorium.__file__).parent / "models"
    literal = re.compile(r"attn_implementation\s*=\s*[\"']")
    assert [path.name for path in models.rglob("*.py") if literal.search(path.read_text(encoding="utf-8"))] == []


@pytest.mark.skipif(torch.cuda.is_available(), reason="of CPUs")
def test_a_runs_journal_says_what_was_chosen(tmp_path):
    out = run(tiny.packed(tmp_path, block_length=LENGTH, vocabulary="fairseq"), tmp_path / "run")
    notes = [event.get("note", "") for event in ledger.read_events(out)]
    assert "attention: sdpa; kernel with a mask flash_attention, without flash_attention" in notes


def test_other_ways_and_models_without_attention_are_said():
    config = SimpleNamespace(num_attention_heads=2, hidden_size=8, _attn_implementation="eager")
    assert attention_kernel.description(SimpleNamespace(config=config), "fp32") == "attention: eager"
    assert attention_kernel.description(torch.nn.Linear(2, 2), "fp32") == ""
