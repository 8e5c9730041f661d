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


@pytest.fixture
def left_out(values) -> dict:
    values["gaze"]["corpora"] |= {
        "dutch": {"dataset": "geco-nl-words", "reader": "means", "language": "nl"},
        "zuco": {"dataset": "zuco-words", "reader": "means", "options": {"duration_unit": "samples500"}},
    }
    values["gaze"]["left_out"] = {"corpora": ["onestop", "dutch", "zuco"], "settings": {"sentences": 50}}
    return values


def test_corpora_left_out_know_their_languages_and_ask_for_surprisal_only_if_a_model_is_named(left_out):
    runs = Runs(load(left_out, ROOT))
    spec = runs.gaze_left_out()
    assert spec.languages == {"onestop": "en", "dutch": "nl", "zuco": "en"} and spec.sentences == 50
    assert runs.left_out_words() == [f"results/gaze/corpora/{name}/manifest.json" for name in spec.languages]
    assert runs.left_out_surprisal() == []
    with pytest.raises(UserError, match="no causal language model is named"):
        runs.surprisal_model()
    left_out["gaze"]["left_out"]["surprisal"] = "minilm"
    runs = Runs(load(left_out, ROOT))
    assert runs.left_out_surprisal() == [f"results/gaze/surprisal/{name}/manifest.json" for name in spec.languages]
    assert runs.surprisal_model() == "resources/minilm/manifest.json" and runs.gaze_surprisal("dutch").corpus == "dutch"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"corpora": ["onestop", "dutch"]}, r"gaze\.left_out\.corpora"),
        ({"corpora": ["onestop", "dutch", "zucco"]}, r"gaze\.left_out\.corpora"),
        ({"surprisal": "gpt9"}, r"gaze\.left_out\.surprisal"),
    ],
)
def test_corpora_left_out_are_checked_before_a_job_starts(left_out, change, message):
    left_out["gaze"]["left_out"] |= change
    with pytest.raises(UserError, match=message):
        load(left_out, ROOT)


def test_a_language_without_frequencies_or_without_a_pipeline_is_refused_before_a_job_starts(left_out):
    left_out["gaze"]["corpora"]["dutch"]["language"] = "xq"
    with pytest.raises(UserError, match=r"language 'xq'.*|gaze\.corpora\.dutch\.language"):
        load(left_out, ROOT)
    left_out["gaze"]["corpora"]["dutch"]["language"] = "nl"
    left_out["gaze"]["corpora"]["onestop"]["language"] = "de"  # which the default regressor is trained on
    with pytest.raises(UserError, match=r"'onestop' is in the language 'de', and the pipeline 'en_core") as caught:
        load(left_out, ROOT)
    assert "annotation.pipeline" in caught.value.remedy
