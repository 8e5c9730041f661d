"""Proves how a recipe with pairs becomes runs, and that what languages add changes no run that has none."""

from __future__ import annotations

import itertools
import json
import shutil
from pathlib import Path

import pytest
import yaml

from scriptorium.config import loading
from scriptorium.errors import UserError
from scriptorium.objectives.spec.base import TWO_SIDED
from scriptorium.objectives.spec.masked import RobertaSpec
from scriptorium.runs import Runs
from scriptorium.text.spec import CorpusSpec, VocabularySpec

ROOT = Path(__file__).parents[2]
RECIPE = {
    "extends": "pretrain-bert",
    "corpus": "multilingual",
    "parallel": "tatoeba",
    "tokenizer": "joint-8k",
    "block_length": 96,
    "objective": {"name": "roberta"},
}


@pytest.fixture
def values() -> dict:
    return yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def load(values, tmp_path, monkeypatch):
    """Runs of a configuration with a recipe of two-sided blocks. RoBERTa's objective stands in for one that takes
    them."""
    monkeypatch.setattr(RobertaSpec, "layouts", (*RobertaSpec.layouts, TWO_SIDED))
    count = itertools.count()

    def loaded(**changes) -> Runs:
        root = tmp_path / str(next(count))
        shutil.copytree(ROOT / "config", root / "config")
        with (root / "config/ablations.tsv").open("a", encoding="utf-8") as table:
            table.write("two\tpretrain-two\t{}\t\t\tpairs\n")
        recipe = {name: value for name, value in {**RECIPE, **changes}.items() if value is not None}
        (root / "config/recipes/pretrain-two.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
        pretraining = {"recipes": ["two"]}
        return Runs(loading.load({**values, "pretraining": pretraining}, root))

    return loaded


def test_a_recipe_with_pairs_reads_blocks_of_its_own(load):
    runs = load()
    name = "multilingual-tatoeba-joint-8k-96"
    assert runs.pretrain_blocks("two") == f"results/data/packed_pairs/{name}/manifest.json"
    assert name in runs.pair_packings and name not in runs.packings
    assert runs.pack_pairs_corpus(name) == "results/data/corpora/multilingual/manifest.json"
    assert runs.pack_pairs_parallel(name) == "results/data/parallel/tatoeba/manifest.json"
    assert runs.pack_pairs_tokenizer(name) == "results/data/vocabularies/joint-8k/manifest.json"
    assert runs.pack_pairs(name).block_length == 96 and runs.pack_pairs(name).sides.longest is None
    assert runs.parallel_sources("tatoeba") == ["resources/tatoeba/manifest.json"]
    assert runs.vocabulary_corpora("joint-8k") == [
        "results/data/corpora/multilingual/manifest.json",
        "results/data/parallel/tatoeba/manifest.json",
    ]
    assert runs.vocabulary_backbone("joint-8k") == []


def test_other_sides_are_other_blocks(load):
    assert "multilingual-tatoeba-joint-8k-96-longest_32" in load(sides={"longest": 32}).pair_packings


def test_a_recipe_that_does_not_fit_is_refused(load):
    with pytest.raises(UserError, match="the sources of corpus english name no language"):
        load(corpus="english")
    with pytest.raises(UserError, match="unknown corpus of pairs 'tatoba', did you mean 'tatoeba'"):
        load(parallel="tatoba")
    with pytest.raises(UserError, match="sides belongs to parallel"):
        load(parallel=None, sides={"longest": 32})
    with pytest.raises(UserError, match="longest 49 is more than half of block_length, 48"):
        load(sides={"longest": 49})
    with pytest.raises(UserError, match="bert needs blocks of layout packed or full-sentences, these are two-sided"):
        load(objective={"name": "bert"})


def test_a_corpus_and_a_vocabulary_without_languages_are_the_runs_that_they_were(values):
    corpus = CorpusSpec.parse({"corpus": "c", "sources": [{"dataset": "bbc", "reader": "bbc"}]})
    assert "language" not in corpus.canonical() and "alpha" not in VocabularySpec().canonical()
    named = corpus.model_copy(update={"sources": (corpus.sources[0].model_copy(update={"language": "en"}),)})
    assert json.loads(named.canonical())["sources"][0]["language"] == "en"
    assert CorpusSpec.from_json(named.canonical()).languages == ("en",)


def with_study(values: dict, **changes) -> dict:
    """The configuration with one pre-training study, which asks for cross-lingual measures."""
    study = {"baseline": "xlm", "variants": ["xlm", "veco"], "seeds": [0], "crosslingual": True}
    given = {**values, "pretraining": {"studies": {"s": study | changes.pop("study", {})}}, "studies": {}}
    return {name: value for name, value in {**given, "attention": None, **changes}.items() if value != "left out"}


def test_a_study_asks_every_run_about_held_out_translations(values):
    runs = Runs(loading.load(with_study(values), ROOT))
    assert [run.path for run in runs.crosslingual_of("_s")] == [
        "results/crosslingual/xlm/seed0",
        "results/crosslingual/veco/seed0",
    ]
    assert runs.crosslingual_parallel() == "results/data/parallel/en-de/manifest.json"
    assert runs.measure_crosslingual("veco", "3").seed == 3
    assert runs.tabulate_crosslingual("_s").baseline == "xlm"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"study": {"variants": ["xlm", "bert-mlm"]}}, "bert-mlm is trained on None"),
        ({"crosslingual": {"parallel": "tatoeba", "dictionary": "pivot"}}, "xlm is trained on 'en-de', which may have"),
        ({"crosslingual": {"parallel": "en-da", "dictionary": "pivot"}}, "did you mean 'en-de'"),
        ({"crosslingual": {"parallel": "en-de", "dictionary": "pivt"}}, "did you mean 'pivot'"),
        ({"crosslingual": {"parallel": "en-de", "dictionary": "pivot", "candidates": 999}}, "candidates 999 is more"),
        (
            {"crosslingual": {"parallel": "en-de", "dictionary": "pivot", "longest": 255}},
            "two texts of crosslingual.longest: 255 pieces need 514 positions, and xlm has 512",
        ),
        ({"crosslingual": "left out"}, "needs a block crosslingual"),
        ({"study": {"crosslingual": False}}, "not asked for"),
    ],
)
def test_a_study_that_cannot_be_asked_is_refused_while_the_dag_is_built(values, changes, message):
    with pytest.raises(UserError, match=message):
        Runs(loading.load(with_study(values, **changes), ROOT)).crosslingual_of("_s")


@pytest.fixture
def configured(values):
    """Runs of the configuration with other sets of translations."""

    def loaded(**sets) -> Runs:
        return Runs(loading.load({**values, "vectors": {**values["vectors"], **sets}}))

    return loaded


def test_a_set_of_translations_reads_pairs_or_gold_alignments(configured):
    runs = configured()
    assert runs.vectors_parallel("held-out") == ["results/data/parallel/en-de/manifest.json"]
    assert runs.vectors_dictionary("held-out") == ["results/data/dictionaries/pivot/manifest.json"]
    assert runs.vectors_alignments("held-out") == runs.vectors_parallel("greek") == []
    assert runs.vectors_alignments("greek") == ["results/data/alignments/greek/manifest.json"]
    assert runs.vectors_start("veco", 0) == runs.vectors_start("multilingual-e5", 0) == []
    assert {run.variant for run in runs.vectors_of("_veco-beside")} == {"xlm", "veco", "multilingual-e5"}
    assert "results/tables/vectors_veco.tsv" in runs.programme_tables("veco")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"parallel": "en-de"}, "parallel and dictionary belong together"),
        ({"parallel": "en-de", "dictionary": "pivot", "alignments": "greek"}, "give either parallel"),
        ({"alignments": "grek"}, "unknown gold alignments 'grek', did you mean 'greek'"),
        (
            {"parallel": "tatoeba", "dictionary": "pivot"},
            "held-out holds held-out pairs of 'tatoeba', but xlm is trained",
        ),
        ({"parallel": "en-de", "dictionary": "pivot", "beside": ["veco"]}, "unknown backbone 'veco'"),
        ({"parallel": "en-de", "dictionary": "pivot", "longest": 5}, "shortest 10 is more than longest 5"),
    ],
)
def test_a_set_of_translations_that_does_not_fit_is_refused(configured, entry, message):
    with pytest.raises(UserError, match=message):
        configured(**{"held-out": entry})
