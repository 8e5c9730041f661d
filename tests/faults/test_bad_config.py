"""Proves that every mistake in the configuration is found before any job, named with its place and its remedy."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from scriptorium.config import loading
from scriptorium.config.project import Project
from scriptorium.config.yaml_files import check_keys
from scriptorium.errors import UserError
from scriptorium.runs import Runs
from scriptorium.spec import overlay

ROOT = Path(__file__).parents[2]


@pytest.fixture
def root(tmp_path) -> Path:
    """A copy of config/ that a test may damage."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    return tmp_path


def load(root: Path, **changes) -> Project:
    """The default configuration with `a__b` = value set at a.b (None of the keys contains a double underscore)."""
    values = copy.deepcopy(yaml.safe_load((root / "config/config.yaml").read_text(encoding="utf-8")))
    for path, value in changes.items():
        *above, last = path.split("__")
        block = values
        for part in above:
            block = block[part]
        block[last] = value
    return loading.load(values, root)


def edit(root: Path, name: str, old: str, new: str) -> None:
    path = root / "config" / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"reader": "onestpo"}, "gaze.corpora.onestop.reader: .*, did you mean 'onestop'"),
        ({"reader": "geco", "options": {"disagreemnt": "error"}}, "options.disagreemnt', did you mean 'disagreement'"),
        ({"reader": "geco", "options": {"disagreement": "majorty"}}, "disagreement: .*, did you mean 'majority'"),
        ({"reader": "zuco", "options": {"duration_unit": "sample500"}}, "duration_unit: .*, did you mean 'samples500'"),
        ({"reader": "cmcl2022", "options": {"language": "fr"}}, "language: .*'fr'"),
        (
            {"reader": "text", "options": {"duration_unit": "ms"}},
            "unknown key 'gaze.corpora.onestop.options.duration_unit'",
        ),
        (
            {"reader": "means", "options": {"readers": 4}},
            "unknown key 'gaze.corpora.onestop.options.readers', valid names: .*participants",
        ),
        ({"reader": "means", "options": {"sentences_per_document": 0}}, "sentences_per_document: .*greater than"),
        ({"reader": "zuco", "options": {"tasks": 5}}, "tasks: .*valid string"),
    ],
)
def test_an_unknown_gaze_reader_or_option_is_refused_before_any_job(root, block, message):
    with pytest.raises(UserError, match=message):
        load(root, gaze__corpora__onestop={"dataset": "onestop", **block})


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("studies:\n  a: 1\nseeds: [0]\nstudies:\n  b: 1\n", "'studies' stands in line 1 and again in line 4"),
        ("tasks:\n  one: &same {labels: [a]}\n  two: *same\n  one: {}\n", "'one' stands in line 2 and again in line 4"),
        ("a: [{b: 1, c: 2}, {b: 1, b: 2}]\n", "'b' stands in line 1 and again"),
    ],
)
def test_a_key_that_stands_twice_is_refused_and_not_lost(root, text, line):
    path = root / "config/config.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=rf"config.yaml: the key {line}"):
        check_keys(path)
    path.write_text("a: &x {b: 1}\nc:\n  <<: *x\n  b: 2\nd: [{b: 1}, {b: 1}]\n")
    check_keys(path)


def test_a_key_that_stands_twice_in_a_recipe_is_refused_with_its_file(root):
    edit(root, "recipes/finetune.yaml", "train:", "train: {lr: 1}\ntrain:")
    with pytest.raises(UserError, match=r"finetune.yaml.*'train' stands in line"):
        load(root)


def test_a_word_that_yaml_takes_for_something_else_is_to_be_quoted(root):
    with pytest.raises(UserError, match=r"labels.0: .*write it in quotation marks \(got False\)"):
        load(root, tasks__sentiment__labels=[False, True])


def test_the_undamaged_copy_loads(root):
    assert load(root).variants


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sedes": [1]}, "unknown key 'sedes', did you mean 'seeds'"),
        ({"tasks__sentiment__max_lenght": 9}, "'tasks.sentiment.max_lenght', did you mean 'max_length'"),
        ({"gaze__corpora__onestop__raeder": "csv"}, "'gaze.corpora.onestop.raeder', did you mean 'reader'"),
        (
            {"corpora__english__sources": [{"dataset": "bbc", "redaer": "bbc"}]},
            "sources.0.redaer', did you mean 'reader'",
        ),
        ({"tracking__url": "x"}, "unknown key 'tracking.url', did you mean 'uri'"),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest_valid_one(root, changes, message):
    with pytest.raises(UserError, match=message):
        load(root, **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"studies__cogbert__tasks": ["sentimnt"]}, "unknown task 'sentimnt', did you mean 'sentiment'"),
        ({"studies__cogbert__variants": ["bert", "cogbrt"]}, "unknown variant 'cogbrt', did you mean 'cogbert'"),
        (
            {"studies__cogbert__variants": ["bert", "regressor"]},
            "'regressor' has a regressor recipe, a finetune recipe",
        ),
        ({"studies__cogbert__baseline": "cogbert-zero"}, "baseline 'cogbert-zero' is not among its variants"),
        ({"backbones__minilm": {"dataset": "minlm"}}, "unknown data set 'minlm', did you mean 'minilm'"),
        ({"backbones": {"bert-small": {"pretrained": "bert-mlm"}}}, "unknown backbone 'minilm'"),
        ({"backbones__minilm": {}}, "backbones.minilm: give one of dataset, pretrained and finetuned"),
        ({"backbones__bert-small__pretrained": "bert-mml"}, "unknown variant 'bert-mml', did you mean 'bert-mlm'"),
        ({"tasks__sentiment__dataset": "vadre"}, "unknown data set 'vadre', did you mean 'vader'"),
        ({"gaze__corpora__onestop__dataset": "zuco"}, "gaze.corpora.onestop.dataset: unknown data set 'zuco'"),
        ({"gaze__scores_from": "regresor"}, "unknown variant 'regresor', did you mean 'regressor'"),
        ({"pretraining__recipes": ["bert"]}, "'bert' has a finetune recipe, a pretrain recipe is needed here"),
        ({"attention__corpus": "onestp"}, "unknown gaze corpus 'onestp', did you mean 'onestop'"),
        ({"attention__task": "topic"}, "attention.task: unknown task 'topic'"),
    ],
)
def test_an_unknown_name_is_named_with_the_nearest_valid_one(root, changes, message):
    with pytest.raises(UserError, match=message):
        load(root, **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seeds": []}, "seeds: .*at least 1 item"),
        ({"seeds": [-1]}, "seeds.0: .*greater than or equal to 0"),
        ({"seeds": [0, 0]}, "seeds: '0' stands there twice"),
        ({"pretraining__seeds": []}, "pretraining.seeds: .*at least 1 item"),
        ({"studies__cogbert__variants": []}, "studies.cogbert.variants: .*at least 1 item"),
        ({"tasks__sentiment__labels": ["positive"]}, "at least two labels"),
        ({"tasks__sentiment__labels": ["a", "a"]}, "a label stands there twice"),
        (
            {"tasks__tags": {"dataset": "vader", "reader": "conll", "options": {"task": "ner"}, "kind": "tagging"}},
            "tasks.tags.labels: a tagging task needs its tags",
        ),
        ({"tasks__gaze-onestop__labels": []}, "tasks.gaze-onestop.labels: a gaze task needs its measures"),
        ({"tasks__sentiment__kind": "regression"}, "tasks.sentiment.labels: a regression task has no labels"),
        ({"tasks__sentiment__reader": "vadr"}, "tasks.sentiment.reader: unknown value 'vadr', did you mean 'vader'"),
        (
            {"tasks__sentiment__options": {"domian": "nyt"}},
            "unknown key 'tasks.sentiment.options.domian', did you mean 'domain'",
        ),
        (
            {"tasks__sentiment__options": {"domain": "movies"}},
            "tasks.sentiment.options.domain: unknown value 'movies', did you mean 'movie'",
        ),
        (
            {"tasks__sentiment__kind": "tagging"},
            "reader 'vader' gives a label per text, kind: classification or regression, not tagging",
        ),
        ({"tasks__sentiment__kind": "clasification"}, "unknown value 'clasification', did you mean 'classification'"),
        (
            {"tasks__sentiment__metric": "test/mc"},
            "sentiment.metric: unknown metric 'test/mc', did you mean 'test/mcc'",
        ),
        ({"tasks__sentiment__limits": {"trian": 5}}, "unknown value 'trian', did you mean 'train'"),
        ({"tasks__sentiment__max_length": "long"}, "max_length: .*valid integer.*got 'long'"),
        (
            {"tasks__onestop": {"dataset": "vader", "reader": "vader", "labels": ["a", "b"]}},
            "both a task and a gaze corpus",
        ),
        ({"tasks__a/b": {"dataset": "vader", "reader": "vader", "labels": ["a", "b"]}}, "'a/b' cannot be a name"),
    ],
)
def test_an_impossible_value_is_explained(root, changes, message):
    with pytest.raises(UserError, match=message):
        load(root, **changes)


def test_a_recipe_that_names_a_missing_corpus_is_explained(root):
    edit(root, "recipes/pretrain-bert.yaml", "corpus: english", "corpus: englsh")
    with pytest.raises(UserError, match="variant bert-mlm, corpus: unknown corpus 'englsh', did you mean 'english'"):
        load(root)


def test_a_corpus_of_a_missing_data_set_is_explained(root):
    with pytest.raises(UserError, match=r"corpora.english.sources: unknown data set 'wiki'.*\n.*config/datasets.tsv"):
        load(root, corpora__english={"sources": [{"dataset": "wiki", "reader": "text"}]})


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("finetune", {"train": {"warm_up_ratio": 0.1}}, "unknown key 'warm_up_ratio', did you mean 'warmup_ratio'"),
        ("finetune", {"train": {"max_steps": 10}}, "exactly one of train.epochs and train.max_steps"),
        ("finetune", {"stage": "finetun"}, "has stage 'finetun', did you mean 'finetune'"),
        ("finetune", {"extends": "cogbert"}, "extend one another in a circle: "),
        ("cogbert", {"extends": "finetuning"}, "unknown recipe 'finetuning', did you mean 'finetune'"),
        ("cogbert", {"cognition": {"scores": "gase"}}, "cognition.scores: unknown value 'gase', did you mean 'gaze'"),
        ("regressor", {"layers": 0}, "layers: .*greater than 0"),
        ("pretrain-bert", {"model": {"hidden_size": 128, "heads": 3}}, r"heads \(3\) must divide hidden_size \(128\)"),
        ("pretrain-bert", {"objective": {"rate": 15}}, "objective.rate: .*less than 1"),
    ],
)
def test_a_wrong_recipe_is_explained_with_its_variant_or_file(root, name, changes, message):
    path = root / f"config/recipes/{name}.yaml"
    path.write_text(
        yaml.safe_dump(overlay(yaml.safe_load(path.read_text(encoding="utf-8")), changes)), encoding="utf-8"
    )
    with pytest.raises(UserError, match=message) as caught:
        load(root)
    assert name in str(caught.value)


@pytest.mark.parametrize("text", ["cognition: [", "- a list", "just words"])
def test_a_recipe_that_is_no_mapping_is_explained_with_its_file(root, text):
    (root / "config/recipes/cogbert.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"recipes/cogbert.yaml: a recipe must be a YAML mapping"):
        load(root)


@pytest.mark.parametrize("overrides", ["[1, 2]", "lr", "3"])
def test_overrides_that_are_no_mapping_are_explained_with_their_line(root, overrides):
    edit(
        root,
        "ablations.tsv",
        "cogbert-flags\tcogbert\t{cognition: {scores: flags}}",
        f"cogbert-flags\tcogbert\t{overrides}",
    )
    with pytest.raises(UserError, match=r"ablations.tsv, line 4, variant 'cogbert-flags': overrides must be a mapping"):
        load(root)


def test_overrides_that_are_no_yaml_are_explained_with_their_line(root):
    edit(root, "ablations.tsv", "{cognition: {scores: flags}}", "{cognition: {scores: flags")
    with pytest.raises(UserError, match=r"line 4, variant 'cogbert-flags': overrides are not a YAML mapping"):
        load(root)


def test_overrides_with_an_unknown_key_are_explained_with_their_line(root):
    edit(root, "ablations.tsv", "{cognition: {scores: flags}}", "{cognition: {skores: flags}}")
    with pytest.raises(UserError, match=r"line 4, .*unknown key 'cognition.skores', did you mean 'scores'"):
        load(root)


@pytest.mark.parametrize(
    ("table", "old", "new", "message"),
    [
        ("ablations.tsv", "bert\tfinetune\t{}\t", "bert\tfinetune\t{}\t\t\t", "line 2 has more cells than the header"),
        ("ablations.tsv", "overrides", "overides", "column 'overrides' is missing, did you mean 'overides'"),
        ("ablations.tsv", "cogbert-zero\t", "cogbert\t", "'cogbert' stands there twice"),
        ("ablations.tsv", "cogbert-zero\t", "cogbert zero\t", "'cogbert zero' cannot be a name"),
        (
            "datasets.tsv",
            "model\tpackage",
            "model\tpypi",
            "'minilm': source: unknown value 'pypi', valid names: ",
        ),
        ("datasets.tsv", "vader\tlabels", "bbc\tlabels", "'bbc' stands there twice"),
        ("datasets.tsv", "location", "loc", "column 'location' is missing"),
    ],
)
def test_a_wrong_table_is_explained_with_its_file(root, table, old, new, message):
    edit(root, table, old, new)
    with pytest.raises(UserError, match=message) as caught:
        load(root)
    assert table in str(caught.value)


def test_a_table_that_is_not_utf8_is_explained(root):
    path = root / "config/ablations.tsv"
    path.write_bytes(path.read_bytes() + "bert-2\tfinetune\t{}\tBERT\t\tcafé\n".encode("latin-1"))
    with pytest.raises(UserError, match=r"ablations.tsv: not UTF-8 text"):
        load(root)


def test_a_missing_table_is_explained(root):
    (root / "config/datasets.tsv").unlink()
    with pytest.raises(UserError, match=r"datasets.tsv: file not found"):
        load(root)


def test_a_mistyped_target_path_is_explained(root):
    runs = Runs(load(root))
    with pytest.raises(UserError, match="unknown variant 'cogbrt', did you mean 'cogbert'"):
        runs.finetune("cogbrt", "sentiment", 0)
    with pytest.raises(UserError, match="unknown task 'sentimen', did you mean 'sentiment'"):
        runs.prepare_task("sentimen")
    with pytest.raises(UserError, match="unknown data set 'vadr', did you mean 'vader'"):
        runs.fetch("vadr")


def test_a_missing_copy_of_ones_own_data_is_named_with_the_remedy(root):
    with (root / "config/datasets.tsv").open("a", encoding="utf-8") as handle:
        handle.write("mine\tlabels\tfile\tnowhere/mine.tsv\t\t\t\town\town\t\n")
    with pytest.raises(
        UserError,
        match=r"config/datasets.tsv, data set 'mine': these data are yours.* data/nowhere/mine.tsv(.|\n)*remedy",
    ):
        Runs(load(root)).own_files("mine")


@pytest.mark.parametrize("seed", [-1, 2**32, 2**70])
def test_seed_that_no_generator_takes_is_refused(root, seed):
    with pytest.raises(UserError, match="seeds.0: .*less than 4294967296" if seed > 0 else "seeds.0: .*greater than"):
        load(root, seeds=[seed])


@pytest.mark.parametrize("uri", ["ftp://host/runs", "host:5000", "databricks", "file:///tmp/mlruns", "htp://host"])
def test_address_that_is_no_tracking_server_is_refused(root, uri):
    with pytest.raises(UserError, match=r"tracking.uri begins with .*sqlite:///"):
        load(root, tracking__uri=uri)


def test_folder_with_a_question_mark_in_its_name_is_refused_by_its_name(root):
    moved = root.rename(root.with_name("what?"))
    with pytest.raises(UserError, match=r"what\?: the folder's name holds a question mark"):
        load(moved)


def blocks(values: dict, above: tuple = ()) -> Iterator[tuple]:
    """The places of all blocks of a configuration that are no deeper than a named entry's settings."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield (*above, key)
            yield from blocks(value, (*above, key)) if len(above) < 2 else ()


DEFAULT = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("instead", [[], ["a"], [["a"]], "a", 3, True], ids=repr)
def test_list_or_word_in_place_of_a_block_is_refused_or_read(root, instead):
    """An overlay may replace anything; none of it ends in a traceback."""
    for place in blocks(DEFAULT):
        values = copy.deepcopy(DEFAULT)
        block = values
        for key in place[:-1]:
            block = block[key]
        block[place[-1]] = instead
        try:
            loading.load(values, root)
        except UserError as error:
            assert str(place[0]) in str(error), (place, error)
