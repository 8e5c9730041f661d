"""Resources of rules and variants in the configuration, merged key by key over those of a profile."""

from __future__ import annotations

import re

import pytest
import yaml

from scriptorium.runs.resources import _resources

PRETRAIN = "results/pretrain/bert-mlm/seed0/manifest.json"
FINETUNE = "results/finetune/bert/mood/seed0/manifest.json"


def planned(project, resources: dict, *more: str, check: bool = True, **config: dict) -> str:
    overlay = project.root / "config/mine.yaml"
    overlay.write_text(yaml.safe_dump({"resources": resources, **config}))
    call = ["--dry-run", "--printshellcmds", "--configfile", "config/mine.yaml", "--profile", "profiles/slurm"]
    return project.typed(*call, "--cores", "8", PRETRAIN, FINETUNE, *more, check=check).stdout


def command(output: str, stage: str) -> str:
    (found,) = re.findall(rf"python -m scriptorium.stages.{stage} .*? 2> ", output, flags=re.DOTALL)
    return found


def test_the_keys_that_are_named_are_replaced_and_no_other(fresh):
    """`--set-resources pretrain:gpu=4` would drop the profile's memory, time and partition of every rule."""
    resources = {"rules": {"pretrain": {"gpu": 4, "processes": 4, "threads": 2}}}
    output = planned(fresh, resources)
    assert "--runtime 240 --gpus 4 --processes 4" in command(output, "pretrain")
    assert "--threads 2" in command(output, "pretrain")
    assert "--gpus 1" in command(output, "finetune")


def test_a_variant_goes_before_its_rule(fresh):
    rules = {"pretrain": {"runtime": 100}, "finetune": {"runtime": 30}}
    variants = {"bert-mlm": {"runtime": 500, "options": "--compile --workers 2"}}
    output = planned(fresh, {"rules": rules, "variants": variants})
    assert "--runtime 500" in command(output, "pretrain")
    assert "--options='--compile --workers 2'" in command(output, "pretrain")
    assert "--runtime 30" in command(output, "finetune")


def test_threads_and_sizes_have_snakemakes_own_names():
    found = _resources({"threads": 3, "mem": "16GB", "slurm_partition": "long"})
    assert {name: each.value for name, each in found.items()} == {
        "_cores": 3,
        "mem_mb": 16000,
        "slurm_partition": "long",
    }


@pytest.mark.parametrize(
    ("resources", "said"),
    [
        ({"rules": {"pretrian": {"gpu": 1}}}, "unknown rule 'pretrian', did you mean 'pretrain'?"),
        ({"variants": {"bert-mln": {"gpu": 1}}}, "unknown variant 'bert-mln', did you mean 'bert-mlm'?"),
        ({"rules": {"pretrain": {"options": "--compile; rm -rf ~"}}}, "resources.rules.pretrain.options"),
    ],
)
def test_a_mistake_is_named_while_the_dag_is_built(fresh, resources, said):
    assert said in planned(fresh, resources, check=False)


def test_a_micro_batch_that_does_not_fit_the_gpu_ends_the_dry_run_and_auto_is_one_that_does(fresh):
    known = {"backbones": {"minilm": {"pieces": 400}}}
    pretrain = {"gpu": 1, "gpu_memory": 1, "micro_batch": "auto"}
    refused = planned(fresh, {"rules": {"pretrain": pretrain | {"gpu_memory": "0.001"}}}, check=False, **known)
    assert "not even one block fits" in refused
    fitting = planned(fresh, {"rules": {"pretrain": pretrain}}, **known)
    assert re.search(r"--micro-batch=[1-9]\d* ", command(fitting, "pretrain"))
