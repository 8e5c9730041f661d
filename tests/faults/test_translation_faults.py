"""A translation run that is killed while it trains, and stopped while it translates, ends with the same bits; and what
translation cannot be made of is refused with its place and a remedy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

from scriptorium import ledger
from scriptorium.config import loading
from scriptorium.errors import Interrupted, UserError
from scriptorium.generation import generating
from scriptorium.generation.examples import Frame, Pairs
from scriptorium.runs import Runs
from scriptorium.stage import Impl
from scriptorium.text.tokenizers import load_tokenizer
from scriptorium.translation import pairs
from scriptorium.translation.spec import Direction
from tests import kills
from tests.translating import BEHIND, GERMAN, STEP_ONE, Folder, build

pytest.importorskip("sacrebleu")

ROOT = Path(__file__).parents[2]
EN_DE = {"parallel": "tatoeba", "source": "en", "target": "de", "max_length": 64}
STEPS = {"max_steps": 105, "batch_size": 8, "lr": 3e-3, "log_every": 2, "eval_every": 15}
SETTINGS = {"train": STEPS, "average": 3, "save_model": True, "dropout": 0.1}
BITS = ("model/model.safetensors", "hypotheses.parquet", "metrics.json")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Folder:
    return build(tmp_path_factory.mktemp("translation"))


@pytest.mark.parametrize("patience", [pytest.param(None, marks=pytest.mark.slow), 3])
def test_a_killed_and_then_stopped_run_ends_with_the_bits_of_an_undisturbed_one(folder, patience):
    whole, broken = folder.run(f"whole{patience}", **SETTINGS, patience=patience), folder.root / f"broken{patience}"
    command = folder.command(broken.name, **SETTINGS, patience=patience)
    for step, end in ((28, kills.KILLED), (70, kills.STOPPED), (0, None)):
        kills.run(command, end=end, step=step, SCRIPTORIUM_CHECKPOINT_STEPS="20")
    assert ledger.read_record(broken)["attempt"] == 3
    for name in BITS:
        assert (broken / name).read_bytes() == (whole / name).read_bytes(), name


@pytest.mark.parametrize("step", ["one", pytest.param("two", marks=pytest.mark.slow)])
def test_a_killed_step_of_barts_translation_ends_with_the_bits_of_an_undisturbed_one(folder, step):
    train = {**STEPS, "max_steps": 45}
    changes, others = STEP_ONE | SETTINGS | {"train": train}, BEHIND
    if step == "two":
        if not (folder.root / "begun").is_dir():
            folder.run("begun", others=BEHIND, **STEP_ONE, save_model=True)
        changes, others = GERMAN | SETTINGS | {"train": train}, {"backbone": "begun"}
    whole, broken = folder.run(f"whole-{step}", others=others, **changes), folder.root / f"broken-{step}"
    command = folder.command(broken.name, others=others, **changes)
    kills.run(command, end=kills.KILLED, step=28, SCRIPTORIUM_CHECKPOINT_STEPS="20")
    kills.run(command, SCRIPTORIUM_CHECKPOINT_STEPS="20")
    assert ledger.read_record(broken)["attempt"] == 2
    assert "resumed at step 20" in (broken / "events.jsonl").read_text(encoding="utf-8")
    for name in (*BITS, "model/source/tokenizer.json"):
        assert (broken / name).read_bytes() == (whole / name).read_bytes(), name


def test_a_run_that_is_stopped_while_it_translates_goes_on_behind_the_last_chunk(folder, monkeypatch):
    monkeypatch.setattr(generating, "CHUNK", 5)
    whole = folder.run("undisturbed")
    calls, generate = [], generating.generate

    def counted(*arguments):
        calls.append(len(arguments[2]))
        return generate(*arguments)

    monkeypatch.setattr(generating, "generate", counted)
    with monkeypatch.context() as stopping, pytest.raises(Interrupted, match="10 of 16 texts are written"):
        stopping.setattr(Impl, "stop_reason", lambda self: "signal 15" if len(calls) == 2 else None)
        folder.run("stopped")
    assert sum(calls) == 10
    stopped = folder.run("stopped")
    assert sum(calls) == 16, "what was translated before is not translated again"
    for name in ("hypotheses.parquet", "metrics.json"):
        assert (stopped / name).read_bytes() == (whole / name).read_bytes()


def test_splits_are_a_hash_of_the_texts_and_share_nothing(folder):
    path = folder.root / "parallel/pairs.parquet"
    there, back = (pairs.splits(Direction(source=a, target=b), path) for a, b in (("en", "de"), ("de", "en")))
    for split in ("train", "validation", "test"):
        assert there[split]["id"].tolist() == back[split]["id"].tolist()
        assert there[split]["source"].tolist() == back[split]["target"].tolist()
    ids = {split: set(own["id"]) for split, own in there.items()}
    assert len(set.union(*ids.values())) == sum(map(len, ids.values())) == 120 and len(ids["train"]) == 96
    few = [pairs.splits(Direction(source="en", target="de", limits={"train": n}), path)["train"] for n in (10, 40)]
    assert [len(each) for each in few] == [10, 40] and set(few[0]["id"]) < set(few[1]["id"])


def test_no_text_of_a_test_set_of_its_own_is_trained_on(folder):
    path, test = folder.root / "parallel/pairs.parquet", folder.root / "copied.parquet"
    given = pairs.splits(Direction(source="en", target="de"), path)
    some = given["train"].head(7)
    made = some.rename(columns={"target": "text_a", "source": "text_b"}).assign(lang_a="de", lang_b="en", split="train")
    made.to_parquet(test)
    found = pairs.splits(Direction(source="en", target="de"), path, test)
    assert found["test"]["id"].tolist() == some["id"].tolist()
    for side in ("source", "target"):
        for split in ("train", "validation"):
            assert not set(found[split][side]) & set(some[side])


def test_pairs_that_are_not_there_are_refused(folder):
    path = folder.root / "parallel/pairs.parquet"
    with pytest.raises(UserError, match=r"pairs\.parquet: this corpus has no pairs of en and fr"):
        pairs.splits(Direction(source="en", target="fr"), path)
    trained = folder.root / "trained.parquet"
    pd.read_parquet(path).assign(split="train").to_parquet(trained)
    with pytest.raises(UserError, match="no pair of en and de is left for validation"):
        pairs.splits(Direction(source="en", target="de"), trained)
    with pytest.raises(UserError, match="no pair is left for train: all 96 are longer than allowed"):
        table = pairs.splits(Direction(source="en", target="de"), path)["train"]
        Pairs(table, load_tokenizer(folder.root / "veco/model"), Frame((2,), (3,), (2,), 3), (3, 3)).check(
            "train", path, "raise max_length"
        )


@pytest.fixture
def load(tmp_path):
    """Runs of the committed configuration with a backbone `two` of two layers, and changes."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    with (tmp_path / "config/ablations.tsv").open("a", encoding="utf-8") as table:
        blocks = "corpus: multilingual, parallel: tatoeba, tokenizer: joint-8k, layout: null, objective: "
        objective = "{name: veco, frequency_bias: false}"
        table.write(f"two\tpretrain-bert\t{{{blocks}{objective}}}\t\t\tpairs\n")
        for name, changes in (("a", ""), ("b", ", reinitialise: true"), ("deep", ", decoder_layers: 3")):
            table.write(f"{name}\ttranslate\t{{backbone: two{changes}}}\t\t\ttranslation\n")
    values = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
    study = {"baseline": "b", "variants": ["b", "a"], "translations": ["en-de"], "seeds": [0, 1], "programme": "veco"}

    def loaded(entry: dict | None = None, **changes) -> Runs:
        blocks = {
            "translation": {"en-de": {**EN_DE, **(entry or {})}},
            "translation_studies": {"mt": {**study, **changes}},
        }
        return Runs(loading.load({**values, **blocks}, tmp_path))

    return loaded


def test_a_study_becomes_runs_with_the_backbones_of_their_seeds(load):
    runs = load()
    paths = [run.path for run in runs.translation_study("mt")]
    assert paths == [f"results/translate/{v}/en-de/seed{k}" for v in ("b", "a") for k in (0, 1)]
    assert {run.path for run in runs.all()} >= set(paths)
    assert runs.translate_backbone("a", "en-de", 1) == "results/pretrain/two/seed1/manifest.json"
    assert runs.translate_vocabulary("a") == [] and runs.translate("a", "en-de", "1").body == "veco"
    assert runs.translate_pairs("en-de") == "results/data/parallel/tatoeba/manifest.json"
    assert runs.translate_test("en-de") == []
    assert runs.translate("b", "en-de", "1").reinitialise and runs.translate("b", "en-de", "1").seed == 1
    assert "results/tables/translation_mt.tsv" in runs.programme_tables("veco")


@pytest.mark.parametrize(
    ("entry", "changes", "said"),
    [
        (
            {"source": "nl"},
            {},
            r"translation\.en-de: corpus of pairs 'tatoeba' has no pairs of nl and de; it has de-en",
        ),
        (
            {"parallel": "en-de"},
            {},
            "variant b: en-de is tested on held-out pairs of 'en-de', and its backbone two is pre-trained on 'tatoeba'",
        ),
        ({"parallel": "tatoba"}, {}, "unknown corpus of pairs 'tatoba', did you mean 'tatoeba'"),
        ({"target": "en"}, {}, "source and target are both en"),
        ({"test": "tatoeba"}, {}, "test: tatoeba is trained on"),
        ({"max_length": 600}, {}, r"translation\.en-de\.max_length 600 is more than the 512 of two"),
        ({"limits": {"test": 0}}, {}, "limits.test"),
        (None, {"variants": ["b", "deep"]}, "variant deep: decoder_layers 3, but its backbone two has 2 layers"),
        (None, {"variants": ["b", "translate-nothing"]}, "unknown variant 'translate-nothing'"),
        (None, {"variants": ["b", "bert"]}, "variant 'bert' has a finetune recipe, a translate recipe is needed here"),
        (None, {"baseline": "deep"}, "baseline 'deep' is not among its variants"),
        (None, {"translations": ["en-dd"]}, "unknown translation 'en-dd', did you mean 'en-de'"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused_while_the_dag_is_built(load, entry, changes, said):
    with pytest.raises(UserError, match=said):
        load(entry, **changes)


ENCODER = "source_encoder: {vocabulary: german-4k, layers: 1}"
BART = {
    "one": f"backbone: english, {ENCODER}, updates: source, save_model: true, decoder_layers: null",
    "two-steps": "backbone: one, decoder_layers: null",
    "plain": f"backbone: english, {ENCODER}, reinitialise: true, decoder_layers: null",
}


@pytest.fixture
def behind(tmp_path):
    """Runs of the committed configuration with a BART `english`, variants of it, and a study of these."""
    shutil.copytree(ROOT / "config", tmp_path / "config")

    def loaded(variants: tuple[str, ...] = ("plain", "one", "two-steps"), **changed: str) -> Runs:
        with (tmp_path / "config/ablations.tsv").open("a", encoding="utf-8") as table:
            table.write("english\tpretrain-bart\t{}\t\t\tBART\nglm-too\tpretrain-glm\t{}\t\t\tGLM\n")
            for name, settings in (BART | changed).items():
                table.write(f"{name}\ttranslate\t{{{settings}}}\t\t\ttranslation\n")
        values = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
        study = {"baseline": variants[0], "variants": list(variants), "translations": ["de-en"], "seeds": [0]}
        return Runs(loading.load({**values, "translation_studies": {"mt": study}}, tmp_path))

    return loaded


def test_step_two_reads_what_step_one_leaves_of_the_same_translation_and_seed(behind):
    runs = behind()
    assert runs.translate_backbone("one", "de-en", 2) == "results/pretrain/english/seed2/manifest.json"
    assert runs.translate_backbone("two-steps", "de-en", 2) == "results/translate/one/de-en/seed2/manifest.json"
    assert runs.translate_vocabulary("one") == ["results/data/vocabularies/german-4k/manifest.json"]
    assert runs.translate_vocabulary("two-steps") == []
    specs = {name: runs.translate(name, "de-en", "0") for name in BART}
    assert {spec.body for spec in specs.values()} == {"bart"}
    assert {name: spec.updates for name, spec in specs.items()} == {"one": "source", "two-steps": "all", "plain": "all"}


@pytest.mark.parametrize(
    ("variants", "changed", "said"),
    [
        (("plain", "two-steps"), {}, "two-steps goes on from one, which is not among its variants"),
        (None, {"one": BART["one"].replace("save_model: true", "save_model: false")}, "one .* keeps no model"),
        (None, {"one": BART["one"].replace("german-4k", "german-5k")}, "unknown vocabulary 'german-5k', did you mean"),
        (None, {"one": BART["one"].replace("english", "glm-too")}, "its backbone glm-too is trained by glm"),
        (None, {"two-steps": f"{BART['two-steps']}, {ENCODER}"}, "source_encoder, but its backbone one has its layers"),
        (None, {"two-steps": f"{BART['two-steps']}, reinitialise: true"}, "throws away what one has learned"),
        (None, {"one": BART["one"].replace(", decoder_layers: null", "")}, "source_encoder is of a BART"),
        (None, {"two-steps": f"{BART['two-steps']}, updates: source"}, "updates: source trains a new encoder"),
        (None, {"plain": "backbone: english, decoder_layers: null"}, "neither decoder_layers nor source_encoder"),
        (None, {"two-steps": "backbone: thee, decoder_layers: null"}, "unknown backbone 'thee'"),
    ],
)
def test_steps_that_cannot_work_are_refused_while_the_dag_is_built(behind, variants, changed, said):
    with pytest.raises(UserError, match=said):
        behind(variants or ("plain", "one", "two-steps"), **changed)
