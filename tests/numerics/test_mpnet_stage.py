"""Proves that the stage trains MPNet and its ablations, goes on after a kill to the same bits, keeps BERT's runs as
they were, and leaves a directory that transformers and fine-tuning read."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import safetensors.torch
import torch
import transformers
import yaml

from scriptorium import ledger, manifest
from scriptorium.config.loading import load
from scriptorium.engine import flops, training
from scriptorium.engine.spec import TrainSpec
from scriptorium.errors import UserError
from scriptorium.models.mpnet import TwoStreamConfig, TwoStreamMPNet
from scriptorium.models.vocabulary import padded
from scriptorium.objectives.spec import ObjectiveSpec
from scriptorium.runs import Runs
from scriptorium.stage import execute
from scriptorium.stages import compare_pretrain, finetune, pack, pretrain
from tests import tiny
from tests.finetuning import build

LENGTH = 32
SHAPE = {"hidden_size": 16, "layers": 2, "heads": 2, "intermediate_size": 32, "max_positions": 64}
TRAIN = {"max_steps": 20, "batch_size": 4, "lr": 1e-3, "log_every": 2, "eval_every": 10}
VARIANTS = {
    "mpnet": {"name": "mpnet"},
    "plm": {"name": "plm"},
    "mlm-permuted": {"name": "mlm-permuted"},
    "mpnet-no-relative": {"name": "mpnet", "permuted": {"relative": False}},
    "mpnet-faithful": {"name": "mpnet", "document_attention": False, "permuted": {"faithful": True}},
}


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """A packed corpus in MPNet's vocabulary, with its manifest."""
    return tiny.packed(tmp_path_factory.mktemp("corpus"), block_length=LENGTH, vocabulary="fairseq")


def spec(variant="mpnet", **changes):
    values = {"model": SHAPE, "objective": VARIANTS[variant], "train": TRAIN, "seed": 1}
    return pretrain.PretrainSpec.parse({**values, **changes})


def run(packed, out, given=None):
    execute(
        "pretrain",
        given or spec(),
        pretrain.run,
        out=out,
        inputs={"blocks": [packed / "manifest.json"]},
        state=out.parent / "state",
    )
    return out


@pytest.fixture(scope="module")
def runs(packed, tmp_path_factory):
    """One run of every variant, {name: directory}."""
    folder = tmp_path_factory.mktemp("runs")
    return {name: run(packed, folder / name / "seed1", spec(name)) for name in VARIANTS}


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_trains_and_says_what_it_could_use(runs, variant):
    metrics = json.loads((runs[variant] / "metrics.json").read_text())
    assert metrics["train/steps"] == 20
    assert metrics["validation/loss"] > 0 and metrics["validation/unigram_loss"] > 0
    assert sum(name.startswith("validation/loss_by_rank/") for name in metrics) >= 4
    tokens, positions = metrics["visible/tokens"], metrics["visible/positions"]
    assert (positions == 1) == (variant != "plm")
    assert tokens == pytest.approx(0.85 if variant == "mlm-permuted" else 0.92, abs=0.015)
    curve = [e["step"] for e in ledger.read_events(runs[variant]) if "train/loss" in e.get("metrics", {})]
    assert curve == list(range(2, 21, 2))


def test_variants_differ_from_one_another(runs):
    losses = {name: json.loads((path / "metrics.json").read_text())["validation/loss"] for name, path in runs.items()}
    assert len(set(losses.values())) == len(VARIANTS)


@pytest.mark.parametrize("variant", VARIANTS)
def test_result_is_transformers_own_mpnet(runs, variant):
    directory = runs[variant] / "model"
    config = json.loads((directory / "config.json").read_text())
    assert (config["model_type"], config["architectures"]) == ("mpnet", ["MPNetForMaskedLM"])
    assert (config["max_position_embeddings"], config["layer_norm_eps"]) == (SHAPE["max_positions"] + 2, 1e-5)
    tokenizer = transformers.AutoTokenizer.from_pretrained(directory)
    assert isinstance(tokenizer, transformers.MPNetTokenizer)
    assert config["vocab_size"] == len(tokenizer) and config["pad_token_id"] == tokenizer.pad_token_id == 1
    encoder, info = transformers.MPNetModel.from_pretrained(
        directory, add_pooling_layer=False, output_loading_info=True
    )
    assert not info["missing_keys"]
    inputs = tokenizer(["word1 word2 word3", "word4"], padding=True, return_tensors="pt")
    hidden = encoder.eval()(**inputs).last_hidden_state
    alone = encoder(**tokenizer(["word4"], return_tensors="pt")).last_hidden_state
    assert torch.allclose(hidden[1, :3], alone[0], atol=1e-5), "padding is read as padding"
    table = encoder.encoder.relative_attention_bias.weight
    assert (table == 0).all() == (variant == "mpnet-no-relative")


def test_result_is_a_backbone_for_fine_tuning(runs, tmp_path):
    folder = build(tmp_path / "task")
    given = folder.spec(train={"max_steps": 4, "batch_size": 4, "lr": 1e-3, "log_every": 2})
    inputs = folder.inputs(given) | {"backbone": [runs["mpnet"] / "manifest.json"]}
    execute(
        "finetune",
        finetune.FinetuneSpec.parse({**given, "save_model": True}),
        finetune.run,
        out=tmp_path / "out",
        inputs=inputs,
        state=tmp_path / "state",
    )
    config = json.loads((tmp_path / "out/model/config.json").read_text())
    assert config["architectures"] == ["MPNetForSequenceClassification"]
    assert "validation/loss" in json.loads((tmp_path / "out/metrics.json").read_text())
    before, after = (
        transformers.MPNetModel.from_pretrained(path, add_pooling_layer=False).state_dict()
        for path in (runs["mpnet"] / "model", tmp_path / "out/encoder")
    )
    moved = [(after[name] - before[name]).abs().max().item() for name in before]
    assert 0 < max(moved) < 0.1, "it started from the pre-trained weights"


@pytest.mark.slow  # tests/faults/test_kill.py and test_resume.py prove the same of other runs
def test_a_killed_run_ends_with_the_bits_of_an_undisturbed_one(packed, tmp_path):
    whole = run(packed, tmp_path / "whole")
    broken = tmp_path / "broken"
    command = [
        sys.executable,
        "-m",
        "scriptorium.stages.pretrain",
        "--spec",
        spec().canonical(),
        "--out",
        str(broken),
        "--input",
        f"blocks={packed / 'manifest.json'}",
        "--threads",
        "1",
    ]
    environment = {**os.environ, "SCRIPTORIUM_CHECKPOINT_STEPS": "2", "OMP_NUM_THREADS": "1"}

    def start():
        return subprocess.Popen(
            command, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    process = start()
    deadline = time.monotonic() + 180
    while process.poll() is None and time.monotonic() < deadline:
        if max((event.get("step", 0) for event in ledger.read_events(broken)), default=0) >= 6:
            break
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL, output[-3000:]
    assert not (broken / "manifest.json").exists()
    process = start()
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output[-3000:]
    assert ledger.read_record(broken)["attempt"] == 2
    assert any("resumed at step" in event.get("note", "") for event in ledger.read_events(broken))
    for name in ("model/model.safetensors", "metrics.json"):
        assert (broken / name).read_bytes() == (whole / name).read_bytes(), name


def test_form_of_attention_and_frequency_bias_start_where_they_should(packed, tmp_path):
    metrics = json.loads(
        (
            run(
                packed,
                tmp_path / "run",
                spec(objective={"name": "mpnet", "frequency_bias": True}, train={**TRAIN, "max_steps": 1, "lr": 1e-9}),
            )
            / "metrics.json"
        ).read_text()
    )
    assert metrics["validation/loss"] == pytest.approx(metrics["validation/unigram_loss"], abs=0.05)


def test_original_decays_all_parameters_and_ours_spares_biases_and_norms(tmp_path):
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.LayerNorm(2))
    args = training._arguments(TrainSpec(max_steps=1), "fp32", 0, tmp_path, examples=1, evaluates=False)
    trainer = training.PlannedTrainer(model=model, args=args)
    assert trainer.get_decay_parameter_names(model) == ["0.weight"]
    trainer.decay_all = True
    assert trainer.get_decay_parameter_names(model) == ["0.weight", "0.bias", "1.weight", "1.bias"]


def test_bert_keeps_its_specification(packed):
    """The content key of a run, and so its results, depend on this text."""
    masking = '{"faithful":false,"max_predictions":null,"static_copies":null,"whole_words":false}'
    assert ObjectiveSpec.parse({}).canonical() == (
        '{"document_attention":true,"frequency_bias":false,"mask":0.8,"masking":'
        + masking
        + ',"name":"bert","random":0.1,"rate":0.15}'
    )
    assert pack.PackSpec().canonical() == '{"block_length":128,"layout":null,"vocabulary":null}'
    assert pretrain.PretrainSpec.from_json(spec("plm").canonical()) == spec("plm")
    with pytest.raises(UserError, match="bert has no such settings"):
        ObjectiveSpec.parse({"name": "bert", "permuted": {}})


@pytest.fixture(scope="module")
def programme():
    root = Path(__file__).parents[2]
    return Runs(load(yaml.safe_load((root / "config/config.yaml").read_text(encoding="utf-8")), root))


def test_programme_has_its_runs_by_name_and_leaves_the_default_target_alone(programme):
    runs = programme.pretraining_study("mpnet")
    paths = {run.path for run in runs}
    assert {
        f"results/pretrain/{name}/seed{seed}" for name in ("mpnet", "mlm-permuted", "plm") for seed in range(5)
    } == paths
    assert paths <= {run.path for run in programme.all()}
    expected = {run.path for run in programme.expected()}
    assert not paths & expected
    tuned = {run for run in programme.study("mpnet") if run.variant != "tuned-random"}
    read = {programme.finetune_backbone(run.variant, run.seed).removesuffix("/manifest.json") for run in tuned}
    assert read == paths, "every pre-trained model is fine-tuned, seed by seed"
    assert not {run.path for run in tuned} & expected


def test_ablations_differ_from_mpnet_in_what_they_are_named_after(programme):
    """And MPNet from BERT in nothing but objective and vocabulary: same text, shape, steps and optimiser."""
    specs = {name: programme.pretrain(name, 0).model_dump(mode="json") for name in (*VARIANTS, "bert-equal-steps")}
    mpnet = specs.pop("mpnet")
    bert = specs.pop("bert-equal-steps")
    assert {name for name in mpnet if mpnet[name] != bert[name]} == {"objective"}
    assert {n for n in mpnet["objective"] if mpnet["objective"][n] != bert["objective"].get(n)} == {"name", "permuted"}
    for name in ("plm", "mlm-permuted"):
        assert specs[name] == {**mpnet, "objective": {**mpnet["objective"], "name": name}}
    permuted = {**mpnet["objective"]["permuted"], "relative": False}
    assert specs["mpnet-no-relative"]["objective"] == {**mpnet["objective"], "permuted": permuted}
    faithful = specs["mpnet-faithful"]
    assert faithful["objective"]["permuted"]["faithful"] and not faithful["objective"]["document_attention"]
    assert (faithful["train"]["clip"], faithful["train"]["adam_betas"]) == (0, [0.9, 0.98])
    blocks = {
        name: programme.pretrain_blocks(name).split("/")[-2] for name in specs | {"mpnet": 0, "bert-equal-steps": 0}
    }
    assert blocks.pop("bert-equal-steps") == "english-pieces-8k-64" and set(blocks.values()) == {
        "english-pieces-8k-64-fairseq"
    }
    assert programme.pack("english-pieces-8k-64-fairseq").vocabulary == "fairseq"
    assert programme.pack("english-pieces-8k-64").vocabulary is None


def test_equal_flops_are_what_mpnet_spends(programme):
    """The number in config/ablations.tsv is the closed form of MPNet's steps: 8,005 tokens, 19 of 64 hidden."""
    mpnet = programme.pretrain("mpnet", 0).model_dump(mode="json")
    shape, train = mpnet["model"], mpnet["train"]
    model = TwoStreamMPNet(
        TwoStreamConfig(
            vocab_size=padded(8005),
            tokens=8005,
            hidden_size=shape["hidden_size"],
            num_hidden_layers=shape["layers"],
            num_attention_heads=shape["heads"],
            intermediate_size=shape["intermediate_size"],
        )
    )
    block = {"input_ids": torch.zeros(1, 64), "positions": torch.zeros(1, round(0.3 * 63))}
    spent = train["max_steps"] * train["batch_size"] * flops.of(model, block)
    for name in ("plm", "mlm", "bert"):
        assert programme.pretrain(f"{name}-equal-flops", 0).train.max_flops == pytest.approx(spent, rel=1e-3)


def test_prediction_rate_outside_zero_and_one_is_refused():
    for rate in (0, 1, 1.5, -0.1):
        with pytest.raises(UserError, match="rate"):
            ObjectiveSpec.parse({"name": "mpnet", "rate": rate})


def test_blocks_longer_than_the_model_are_refused_before_training(packed, tmp_path):
    with pytest.raises(UserError, match=r"block_length 32 is more than model\.max_positions 16"):
        run(packed, tmp_path / "run", spec(model={**SHAPE, "max_positions": 16}))


def test_table_and_figures_show_information_shares_and_order(runs, tmp_path):
    made = {"table": "table.tsv", "figure": "loss.svg", "ranks": "ranks.svg", "order": "order.tsv"}
    execute(
        "compare_pretrain",
        compare_pretrain.ComparePretrainSpec(study="mpnet", baseline="mpnet"),
        compare_pretrain.run,
        out=tmp_path / "run",
        inputs={"runs": [path / "manifest.json" for path in runs.values()]},
        outputs={name: tmp_path / file for name, file in made.items()},
    )
    table = pd.read_csv(tmp_path / "table.tsv", sep="\t").set_index("recipe")
    assert set(table.index) == set(VARIANTS)
    metrics = json.loads((runs["plm"] / "metrics.json").read_text())
    assert table.loc["plm", "visible_positions"] == pytest.approx(metrics["visible/positions"])
    assert table.loc["plm", "loss_last_tenth"] == pytest.approx(metrics["validation/loss_by_rank/10"])
    assert table.loc["plm", "flops"] == pytest.approx(metrics["train/flops"])
    text = (tmp_path / "ranks.svg").read_text()
    assert all(f"{name}: sees" in text for name in VARIANTS)
    order = pd.read_csv(tmp_path / "order.tsv", sep="\t")
    last = order[(order["recipe"] == "plm") & (order["tenth"] == "10")]
    assert last["loss"].item() == pytest.approx(metrics["validation/loss_by_rank/10"], rel=1e-5)
    other = json.loads((runs["mpnet"] / "metrics.json").read_text())["validation/loss_by_rank/10"]
    assert last["delta"].item() == pytest.approx(last["loss"].item() - other, rel=1e-4)


def test_held_out_rows_add_up_to_the_held_out_loss_and_variants_have_the_same_examples(runs):
    tables = {name: pd.read_parquet(path / "held_out.parquet") for name, path in runs.items()}
    for name, table in tables.items():
        metrics = json.loads((runs[name] / "metrics.json").read_text())
        assert table["loss"].sum() / table["predicted"].sum() == pytest.approx(metrics["validation/loss"], rel=1e-6)
        assert table["correct"].sum() / table["predicted"].sum() == pytest.approx(metrics["validation/accuracy"])
    assert tables["mpnet"]["predicted"].equals(tables["plm"]["predicted"])


def test_training_goes_on_from_a_model_and_may_leave_its_encoder_alone(packed, runs, tmp_path):
    start = {"blocks": [packed / "manifest.json"], "start": [tmp_path / "first/manifest.json"]}
    shutil.copytree(runs["mpnet"] / "model", tmp_path / "first")
    manifest.write(tmp_path / "first", (tmp_path / "first").iterdir())
    first = safetensors.torch.load_file(tmp_path / "first/model.safetensors")
    found = {}
    for trains in ("all", "head"):
        wanted = pretrain.PretrainSpec.parse({**spec("mpnet").model_dump(mode="json"), "model": None, "trains": trains})
        execute(
            "pretrain", wanted, pretrain.run, out=tmp_path / trains, inputs=start, state=tmp_path / "state" / trains
        )
        weights = safetensors.torch.load_file(tmp_path / trains / "model/model.safetensors")
        found[trains] = {name for name in first if not torch.equal(first[name], weights[name])}
    assert (
        found["head"]
        == {
            "lm_head.bias",
            "lm_head.dense.weight",
            "lm_head.dense.bias",
            "lm_head.layer_norm.weight",
            "lm_head.layer_norm.bias",
        }
        & first.keys()
    )
    assert found["head"] < found["all"] and any("encoder" in name for name in found["all"])


@pytest.mark.slow  # minutes of training
def test_loss_falls_with_the_order_where_earlier_tokens_tell_later_ones(tmp_path_factory, tmp_path):
    """Every document repeats one word, and most of it is hidden: whoever sees one of its tokens knows them all. MPNet's
    later predictions do; in MLM the order has no meaning, so both halves differ by chance alone."""
    root = tmp_path_factory.mktemp("repeats")
    (root / "corpus").mkdir(), (root / "backbone").mkdir()
    generator = np.random.default_rng(0)
    words = generator.choice(tiny.WORDS[:12], 720)
    table = {"split": ["train"] * 420 + ["validation"] * 300, "text": [" ".join([word] * 6) for word in words]}
    pd.DataFrame(table).to_parquet(root / "corpus/documents.parquet")
    manifest.write(root / "corpus", [root / "corpus/documents.parquet"])
    tiny.tokenizer().save_pretrained(root / "backbone")
    manifest.write(root / "backbone", (root / "backbone").iterdir())
    inputs = {"corpus": [root / "corpus/manifest.json"], "tokenizer": [root / "backbone/manifest.json"]}
    execute(
        "pack",
        pack.PackSpec(block_length=15, vocabulary="fairseq"),
        pack.run,
        out=root / "packed",
        inputs=inputs,
        state=root / "state",
    )
    train = {"max_steps": 150, "batch_size": 16, "lr": 5e-3, "log_every": 50, "eval_every": 150}
    shape = {**SHAPE, "hidden_size": 32, "layers": 1, "dropout": 0.0}
    falls = {}
    for name in ("mpnet", "mlm-permuted"):
        objective = {"name": name, "rate": 0.8, "mask": 1.0, "random": 0.0, "frequency_bias": True}
        out = run(root / "packed", tmp_path / name, spec(objective=objective, train=train, model=shape))
        metrics = json.loads((out / "metrics.json").read_text())
        losses = [metrics[f"validation/loss_by_rank/{tenth}"] for tenth in range(1, 11)]
        falls[name] = sum(losses[:5]) / 5 - sum(losses[5:]) / 5
    assert falls["mpnet"] > 0.2 > 3 * abs(falls["mlm-permuted"]), falls
