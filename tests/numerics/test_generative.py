"""Proves of every objective whose model generates: its runs end with the same bits after a kill and a stop, and leave a
directory that transformers reads, scores and generates with."""

from __future__ import annotations

import json
import os

import pytest
import torch
import transformers

from scriptorium import ledger
from scriptorium.engine import training
from scriptorium.errors import Interrupted
from scriptorium.stage import execute
from scriptorium.stages import pretrain
from tests import lines, tiny

CAUSAL, WRITER = transformers.AutoModelForCausalLM, transformers.AutoModelForSeq2SeqLM
CLASSES = {"gpt2": CAUSAL, "llama": CAUSAL, "bart": WRITER, "mass": WRITER, "t5": WRITER, "prefix-lm": WRITER}
SHAPE = {"hidden_size": 16, "layers": 2, "heads": 2, "intermediate_size": 32, "max_positions": 64}
TRAIN = {"max_steps": 7, "batch_size": 4, "lr": 1e-3, "log_every": 1, "eval_every": 3}


class Killed(BaseException):
    """Nothing that a stage catches, as a kill is."""


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    tokenizer, given = tiny.generative(tiny.tokenizer()), [text.replace("\n", " .\n") for text in lines.texts()]
    return lines.packed(tmp_path_factory.mktemp("corpus"), given=given, tokenizer=tokenizer, block_length=32)


def run(packed, name, out):
    spec = pretrain.PretrainSpec.parse({"model": SHAPE, "objective": {"name": name}, "train": TRAIN, "seed": 1})
    inputs = {"blocks": [packed / "manifest.json"]}
    execute("pretrain", spec, pretrain.run, out=out, inputs=inputs, state=out.parent / f"{out.name}-state")
    return out


@pytest.mark.parametrize("name", CLASSES)
def test_a_run_leaves_a_directory_that_transformers_reads_and_generates_with(packed, name, tmp_path):
    out = run(packed, name, tmp_path / "run")
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["validation/loss"] > 0 and 0 < metrics["validation/unigram_loss"] < 6
    model, info = CLASSES[name].from_pretrained(out / "model", output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"]
    tokenizer = transformers.AutoTokenizer.from_pretrained(out / "model")
    assert model.config.vocab_size == len(tokenizer), "without padding"
    ids = torch.tensor([[tokenizer.cls_token_id, *tokenizer("word1 word2", add_special_tokens=False).input_ids]])
    made = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=6, do_sample=False)
    assert made.shape[1] > (ids.shape[1] if CLASSES[name] is CAUSAL else 1)


@pytest.mark.slow  # tests/faults/test_kill.py and test_resume.py prove the same of other runs
@pytest.mark.parametrize("name", [*CLASSES, "glm"])
def test_a_killed_and_then_stopped_run_ends_with_the_same_bits(packed, name, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "CHECKPOINT_STEPS", 2)
    whole, log = run(packed, name, tmp_path / "whole"), ledger.Ledger.metrics
    for step, ends in ((3, Killed), (5, Interrupted)):

        def ended(self, now, values, step=step, ends=ends):
            log(self, now, values)
            if now == step and "train/loss" in values:
                if ends is Killed:
                    raise Killed
                os.kill(os.getpid(), 15)

        with monkeypatch.context() as at_this_step, pytest.raises(ends):
            at_this_step.setattr(ledger.Ledger, "metrics", ended)
            run(packed, name, tmp_path / "broken")
    broken = run(packed, name, tmp_path / "broken")
    notes = [event["note"] for event in ledger.read_events(broken) if "note" in event]
    assert sum("resumed at step" in note for note in notes) == 2
    for file in ("model/model.safetensors", "metrics.json", "held_out.parquet"):
        assert (broken / file).read_bytes() == (whole / file).read_bytes(), file
