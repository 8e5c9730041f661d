"""A generation run that is killed while it trains, and stopped while it writes, ends with the same bits; and what a
task or a study cannot be made of is refused while the DAG is built."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from scriptorium import ledger
from scriptorium.config import loading
from scriptorium.errors import Interrupted, UserError
from scriptorium.generation import generating
from scriptorium.runs import Runs
from scriptorium.stage import Impl
from tests import kills
from tests.writing import TRAIN, Folder, build

pytest.importorskip("rouge_score")

ROOT = Path(__file__).parents[2]
RANDOM = "headline-random"
PAIRS = {"dataset": None, "splits": None, "reader": "pairs"}
BITS = ("model/model.safetensors", "hypotheses.parquet", "metrics.json")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Folder:
    return build(tmp_path_factory.mktemp("generation"))


@pytest.mark.parametrize("family", ["gpt2", pytest.param("bart", marks=pytest.mark.slow)])
def test_a_killed_and_then_stopped_run_ends_with_the_bits_of_an_undisturbed_one(folder, family):
    settings = {"train": {**TRAIN, "max_steps": 60, "eval_every": 10}, "average": 3, "save_model": True, "dropout": 0.1}
    whole, broken = folder.run(f"whole-{family}", family, **settings), folder.root / f"broken-{family}"
    command = folder.command(broken.name, family, **settings)
    for step, end in ((25, kills.KILLED), (45, kills.STOPPED), (0, None)):
        kills.run(command, end=end, step=step, SCRIPTORIUM_CHECKPOINT_STEPS="20")
    assert ledger.read_record(broken)["attempt"] == 3
    for name in BITS:
        assert (broken / name).read_bytes() == (whole / name).read_bytes(), name


def test_a_run_that_is_stopped_while_it_writes_goes_on_behind_the_last_chunk(folder, monkeypatch):
    monkeypatch.setattr(generating, "CHUNK", 5)
    whole = folder.run("undisturbed", "llama")
    calls, generate = [], generating.generate

    def counted(*arguments):
        calls.append(len(arguments[2]))
        return generate(*arguments)

    monkeypatch.setattr(generating, "generate", counted)
    with monkeypatch.context() as stopping, pytest.raises(Interrupted, match="5 of 12 texts are written"):
        stopping.setattr(Impl, "stop_reason", lambda self: "signal 15" if len(calls) == 1 else None)
        folder.run("stopped", "llama")
    stopped = folder.run("stopped", "llama")
    assert sum(calls) == 12, "what was written before is not written again"
    for name in ("hypotheses.parquet", "metrics.json"):
        assert (stopped / name).read_bytes() == (whole / name).read_bytes()


@pytest.fixture
def load(tmp_path):
    """Runs of the committed configuration with three variants more, and changes."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    with (tmp_path / "config/ablations.tsv").open("a", encoding="utf-8") as table:
        for name, changes in (
            ("of-bert", "{backbone: bert-mlm}"),
            ("of-minilm", "{backbone: minilm}"),
            ("said", "{backbone: minilm, body: seq2seq}"),
            ("of-pairs", "{backbone: veco, body: seq2seq}"),
        ):
            table.write(f"{name}\tgenerate\t{changes}\t\t\tgeneration\n")
    values = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
    study = {
        "baseline": "headline-random",
        "variants": ["headline-random", "headline-gpt2"],
        "generation": ["headlines"],
    }

    def loaded(entry: dict | None = None, corpus: dict | None = None, **changes) -> Runs:
        entry = {**values["generation"]["headlines"], **(entry or {})}
        blocks = {
            "generation": {"headlines": {name: value for name, value in entry.items() if value is not None}},
            "generation_studies": {"news": {**study, "seeds": [0, 1], "programme": "objectives", **changes}},
            "corpora": {**values["corpora"], "english": {**values["corpora"]["english"], **(corpus or {})}},
        }
        return Runs(loading.load({**values, **blocks}, tmp_path))

    return loaded


def test_a_study_becomes_runs_with_the_backbones_of_their_seeds_and_the_bodies_of_their_objectives(load):
    runs = load()
    paths = [run.path for run in runs.generation_study("news")]
    variants = ("headline-random", "headline-gpt2")
    assert paths == [f"results/generate/{v}/headlines/seed{k}" for v in variants for k in (0, 1)]
    assert {run.path for run in runs.all()} >= set(paths)
    assert runs.generate_backbone("headline-gpt2", 1) == "results/pretrain/even-gpt2/seed1/manifest.json"
    assert runs.generation_source("headlines") == "resources/bbc/manifest.json"
    assert runs.generation_like("headlines") == ["results/data/bbc-topics/manifest.json"]
    assert [runs.generate(name, "headlines", "1").body for name in variants] == ["seq2seq", "causal"]
    assert runs.generate("headline-random", "headlines", "1").reinitialise
    assert "results/tables/generate_news.tsv" in runs.programme_tables("objectives")
    asked = {(run.variant, run.task) for run in runs.claimed("", "generate")}
    assert asked == set(), "the study has one of the variants that claims compare"


def test_a_corpus_may_exclude_a_generation_task(load):
    runs = load({"splits": None}, {"exclude": ["bbc-topics", "headlines"]})
    assert runs.corpus_exclude("english") == [
        "results/data/bbc-topics/manifest.json",
        "results/data/generation/headlines/manifest.json",
    ]
    assert runs.generation_like("headlines") == []


def test_the_committed_claims_are_about_the_committed_study():
    values = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
    runs = Runs(loading.load(values, ROOT))
    asked = {run.variant for run in runs.claimed("objectives", "generate")}
    assert asked == {"headline-bart-infill", "headline-bart-permute", "headline-bart-rotate", "headline-random"}
    assert {claim.of for claim in runs.claims("objectives").values()} >= {"generate"}
    assert set(runs.tabulate_claims("_objectives").generation) == {"headlines"}


@pytest.mark.parametrize(
    ("entry", "changes", "said"),
    [
        ({"splits": None}, {}, "pre-trained on 'english', which has the texts that headlines is tested on"),
        ({"splits": "bbc-topic"}, {}, r"generation\.headlines\.splits: unknown task 'bbc-topic', did you mean"),
        ({"source_length": 600}, {}, r"source_length of generation\.headlines needs 600 positions"),
        ({"source_length": 500}, {}, "source_length and target_length of generation.headlines needs 524 positions"),
        ({"dataset": None}, {}, "reader 'bbc_headlines' needs `dataset`"),
        ({"dataset": "bcb"}, {}, "unknown data set 'bcb', did you mean 'bbc'"),
        ({"reader": "bbc_headline"}, {}, "reader"),
        ({"metrics": ["ROUGE-3"]}, {}, "metrics"),
        ({"metrics": []}, {}, "metrics"),
        ({"options": {"source": "x"}}, {}, "source"),
        ({}, {"variants": [RANDOM, "of-bert"]}, "trained by bert, which does not say how it writes"),
        ({}, {"variants": [RANDOM, "of-minilm"]}, "not pre-trained here, which does not say how it writes"),
        ({}, {"variants": [RANDOM, "bert"]}, "'bert' has a finetune recipe, a generate recipe is needed here"),
        ({}, {"baseline": "headline-t5"}, "baseline 'headline-t5' is not among its variants"),
        ({}, {"generation": ["headline"]}, "unknown generation task 'headline', did you mean 'headlines'"),
        (
            {**PAIRS, "parallel": "en-de", "options": {"source": "en", "target": "nl"}},
            {},
            r"corpus of pairs 'en-de' has no pairs of en and nl; it has de-en",
        ),
        (
            {**PAIRS, "parallel": "tatoeba", "options": {"source": "en", "target": "de"}},
            {"variants": [RANDOM, "of-pairs"]},
            "tested on held-out pairs of 'tatoeba', and its backbone is pre-trained on 'en-de'",
        ),
    ],
)
def test_a_configuration_that_cannot_work_is_refused_while_the_dag_is_built(load, entry, changes, said):
    with pytest.raises(UserError, match=said):
        load(entry, **changes)


def test_what_works_is_not_refused(load):
    load({"source_length": 5000}, variants=["headline-t5", "headline-prefix-lm"], baseline="headline-t5")
    load(variants=[RANDOM, "said"])
