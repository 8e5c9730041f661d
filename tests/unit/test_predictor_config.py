"""The gaze predictor and the CMCL 2021 table in the configuration: optional blocks, checked names, their inputs."""

from pathlib import Path

import pytest
import yaml

from scriptorium.config.loading import load
from scriptorium.errors import UserError
from scriptorium.runs import Runs

ROOT = Path(__file__).parents[2]


@pytest.fixture
def values() -> dict:
    found = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
    found["gaze"]["predictor"] = {"corpora": ["onestop"], "backbone": "minilm", "settings": {"folds": 4}}
    found["gaze"]["cmcl2021"] = {"dataset": "cmcl2021", "backbone": "minilm"}
    return found


def test_a_predictor_reads_its_corpora_and_its_backbone(values):
    runs = Runs(load(values, ROOT))
    assert runs.predictor_words() == ["results/gaze/corpora/onestop/manifest.json"]
    assert runs.predictor_backbone() == runs.cmcl2021_backbone() == "resources/minilm/manifest.json"
    assert runs.cmcl2021_source() == "resources/cmcl2021/manifest.json"
    assert (runs.train_predictor().folds, runs.benchmark_cmcl2021().folds) == (4, 5)


@pytest.mark.parametrize(("block", "stage"), [("predictor", "train_predictor"), ("cmcl2021", "benchmark_cmcl2021")])
def test_without_its_block_only_its_own_target_is_refused(values, block, stage):
    del values["gaze"][block]
    runs = Runs(load(values, ROOT))
    with pytest.raises(UserError, match=rf"gaze\.{block} is not configured"):
        getattr(runs, stage)()


@pytest.mark.parametrize(
    ("block", "key", "value"),
    [
        ("predictor", "corpora", ["onestp"]),
        ("predictor", "backbone", "minilmm"),
        ("cmcl2021", "backbone", "minilmm"),
        ("cmcl2021", "dataset", "cmcl2012"),
    ],
)
def test_unknown_names_are_refused_with_the_key(values, block, key, value):
    values["gaze"][block][key] = value
    with pytest.raises(UserError, match=rf"gaze\.{block}\.{key}"):
        load(values, ROOT)
