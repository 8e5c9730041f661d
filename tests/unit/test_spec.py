"""Proves that a run is known by what it computes: canonical specs, content keys, and no setting of the how."""

from __future__ import annotations

import importlib
import json
import pkgutil

import pytest
from pydantic import BaseModel

import scriptorium
from scriptorium.config import schema
from scriptorium.engine.spec import TrainSpec
from scriptorium.errors import UserError
from scriptorium.spec import Spec, canonical_json, content_key, overlay

# Words for how a run is executed. None may name a field of a spec: it would then change the content key.
IMPL_WORDS = {
    "thread",
    "threads",
    "worker",
    "workers",
    "device",
    "devices",
    "gpu",
    "gpus",
    "cpu",
    "cpus",
    "process",
    "processes",
    "runtime",
    "deadline",
    "path",
    "paths",
    "dir",
    "directory",
    "out",
    "output",
    "host",
    "partition",
    "memory",
    "checkpoint",
    "checkpoints",
}


def stage_specs() -> list[type[Spec]]:
    """Every Spec class that stage modules and the packages' specifications define."""
    names = [module.name for module in pkgutil.walk_packages(scriptorium.__path__, "scriptorium.")]
    light = [name for name in names if "spec" in name.split(".") or name.startswith("scriptorium.stages.")]
    modules = [importlib.import_module(name) for name in light]
    found = {value for module in modules for value in vars(module).values() if _is_spec(value)}
    return sorted(found, key=lambda value: value.__qualname__)


def _is_spec(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, Spec) and value is not Spec


def key(values: dict, inputs: dict | None = None, stage: str = "finetune", code: str = "c0de") -> str:
    return content_key(stage, canonical_json(values), inputs or {}, code)


def test_the_order_of_keys_and_inputs_never_matters():
    assert canonical_json({"b": 1, "a": {"d": 2, "c": 3}}) == canonical_json({"a": {"c": 3, "d": 2}, "b": 1})
    assert canonical_json({"b": 1, "a": 2}) == '{"a":2,"b":1}'
    assert key({"a": 1}, {"x": "1", "y": "2"}) == key({"a": 1}, {"y": "2", "x": "1"})


def test_swapping_two_values_changes_the_key():
    """Snakemake compares params as a set of values and would see no difference."""
    one = TrainSpec(epochs=1, lr=0.1, weight_decay=0.01).canonical()
    other = TrainSpec(epochs=1, lr=0.01, weight_decay=0.1).canonical()
    assert sorted(json.loads(one).values(), key=str) == sorted(json.loads(other).values(), key=str)
    assert content_key("finetune", one, {}, "c") != content_key("finetune", other, {}, "c")


def test_stage_spec_inputs_and_code_each_change_the_key():
    base = key({"a": 1}, {"data": "1"})
    changed = {
        key({"a": 2}, {"data": "1"}),
        key({"a": 1}, {"data": "2"}),
        key({"a": 1}, {"words": "1"}),
        key({"a": 1}, {"data": "1"}, stage="pretrain"),
        key({"a": 1}, {"data": "1"}, code="other"),
    }
    assert len(changed | {base}) == 6


def test_a_default_written_out_is_the_same_run():
    written = TrainSpec.parse({"epochs": 3, "lr": 5e-5, "schedule": "linear", "adam_betas": [0.9, 0.999]})
    assert written.canonical() == TrainSpec(epochs=3.0).canonical()


def test_canonical_text_reads_back_as_the_same_spec():
    before = TrainSpec(max_steps=7, lr=1e-3, adam_betas=(0.9, 0.98))
    assert TrainSpec.from_json(before.canonical()) == before


def test_canonical_text_refuses_what_is_not_json():
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json({"lr": float("nan")})


def test_specs_cannot_be_changed_afterwards():
    with pytest.raises(ValueError, match="frozen"):
        TrainSpec(epochs=1).lr = 1.0


@pytest.mark.parametrize("cls", stage_specs(), ids=lambda cls: cls.__name__)
def test_no_spec_says_how_to_run(cls):
    words = {word for name in cls.model_fields for word in name.split("_")}
    assert not words & IMPL_WORDS
    assert cls.model_config["extra"] == "forbid"


def test_the_search_for_specs_finds_them_all():
    names = {cls.__name__ for cls in stage_specs()}
    assert {"TrainSpec", "FinetuneSpec", "PretrainSpec", "RegressorSpec", "FetchSpec", "CognitionSpec"} <= names


def test_every_field_of_spec_and_configuration_is_explained():
    """The descriptions are the reference: they stand in the schema that editors show."""
    models = {*stage_specs(), *(v for v in vars(schema).values() if _is_spec(v))}
    recipes = {schema.Variant}  # documented by config/ablations.tsv
    silent = [
        f"{model.__name__}.{name}"
        for model in sorted(models - recipes, key=lambda m: m.__name__)
        for name, field in model.model_fields.items()
        if not field.description and not _explains_itself(field.annotation)
    ]
    stages = ("Finetune", "Generate", "Pretrain", "Regressor", "Translate")
    assert silent == [f"{stage}Recipe.stage" for stage in stages]


def _explains_itself(annotation: object) -> bool:
    """A block with a docstring of its own."""
    candidates = getattr(annotation, "__args__", (annotation,))
    return any(isinstance(c, type) and issubclass(c, BaseModel) and c.__doc__ for c in candidates)


def test_overlays_merge_mappings_and_replace_everything_else():
    base = {"train": {"lr": 1, "betas": [1, 2]}, "seeds": [0, 1]}
    assert overlay(base, {"train": {"lr": 2}, "seeds": [5]}) == {"train": {"lr": 2, "betas": [1, 2]}, "seeds": [5]}
    assert overlay(base, {"train": None}) == {"train": None, "seeds": [0, 1]}
    assert base == {"train": {"lr": 1, "betas": [1, 2]}, "seeds": [0, 1]}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epochs": 1, "learning_rat": 1}, "unknown key 'learning_rat'"),
        ({"epochs": 1, "weight_decy": 1}, "did you mean 'weight_decay'"),
        ({}, "exactly one of train.epochs and train.max_steps"),
        ({"epochs": 1, "max_steps": 5}, "exactly one of train.epochs and train.max_steps"),
        ({"epochs": 1, "gradient_accumulation": 4}, "gradient_accumulation is no setting .*micro_batch: 16"),
        ({"epochs": 1, "lr": "fast"}, "lr: .*valid number.*got 'fast'"),
        ({"epochs": 0}, "epochs: .*greater than 0"),
    ],
)
def test_a_wrong_training_setting_is_one_sentence(values, message):
    with pytest.raises(UserError, match=message):
        TrainSpec.parse(values, where="recipe")
