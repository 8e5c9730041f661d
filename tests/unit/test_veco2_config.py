"""Proves how VECO 2.0's recipe becomes runs: one start per seed, links made once, and what does not fit is refused
while the DAG is built."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from scriptorium.config import loading
from scriptorium.errors import UserError
from scriptorium.runs import Runs

ROOT = Path(__file__).parents[2]
BLOCKS = "english-german-en-de-joint-4k-64"


@pytest.fixture
def load(tmp_path):
    """Runs of the configuration with a further variant, own-veco2, of this overlay."""

    def loaded(overrides: str = "{}", **changes) -> Runs:
        values = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
        shutil.copytree(ROOT / "config", tmp_path / "config", dirs_exist_ok=True)
        with (tmp_path / "config/ablations.tsv").open("a", encoding="utf-8") as table:
            table.write(f"own-veco2\tpretrain-veco2\t{overrides}\t\t\tof a test\n")
        return Runs(loading.load({**values, "pretraining": {"recipes": ["own-veco2"]}, **changes}, tmp_path))

    return loaded


def test_all_variants_of_a_seed_go_on_from_one_run(load):
    runs = load()
    study = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))["pretraining"]["studies"]["veco2"]
    for variant in study["variants"]:
        for seed in study["seeds"]:
            assert runs.pretrain_start(variant, seed) == [f"results/pretrain/mmlm-start/seed{seed}/manifest.json"]
            assert runs.pretrain(variant, str(seed)).model is None
    assert runs.pretrain_start("mmlm-start", 0) == []


def test_links_are_made_once_and_read_by_those_that_need_them(load):
    runs = load("{synonyms: {stop_words: 50}}")
    name = f"{BLOCKS}-pivot"
    for variant in ("veco2", "veco2-tok"):
        assert runs.pretrain_links(variant) == [f"results/data/links/{name}/manifest.json"]
    for variant in ("veco2-seq", "mmlm-tlm", "infoxlm-like", "veco", "bert-mlm"):
        assert runs.pretrain_links(variant) == []
    assert (
        runs.links_blocks(name) == f"results/data/packed_pairs/{BLOCKS}/manifest.json" == runs.pretrain_blocks("veco2")
    )
    assert runs.links_dictionary(name) == "results/data/dictionaries/pivot/manifest.json"
    assert runs.link_words(name).stop_words == 0
    assert runs.pretrain_links("own-veco2") == [f"results/data/links/{name}-stop_words_50/manifest.json"]
    assert runs.link_words(f"{name}-stop_words_50").stop_words == 50
    with pytest.raises(UserError, match="unknown links of words"):
        runs.link_words("others")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ("{synonyms: null}", r"veco2 with paired.weights.token needs synonyms: \{dictionary: <one of config.yaml>\}"),
        ("{synonyms: {dictionary: pivt}}", "unknown dictionary 'pivt', did you mean 'pivot'"),
        ("{synonyms: {accent: false}}", "unknown key 'synonyms.accent', did you mean 'accents'"),
        ("{objective: {paired: {sequence: {queue: 15}}}}", "queue: 15 texts are fewer than a batch has, at least 16"),
        ("{objective: {paired: {sequence: {temperature: 0}}}}", "paired.sequence.temperature"),
        ("{objective: {paired: {token: {temperature: 0}}}}", "paired.token.temperature"),
        (
            "{start: null, model: {hidden_size: 16, layers: 2, heads: 2, intermediate_size: 16}, objective: {paired: "
            "{token: {layer: 3}}}}",
            "paired.token.layer: 3 of an encoder of 2 layers",
        ),
        ("{start: mmlm-strt}", "unknown backbone 'mmlm-strt', did you mean 'mmlm-start'"),
    ],
)
def test_a_recipe_that_does_not_fit_is_refused(load, overrides, message):
    with pytest.raises(UserError, match=message):
        load(overrides)
