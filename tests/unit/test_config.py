"""Proves that the committed configuration is valid, documented by its schema, and expands into the runs it names."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import jsonschema
import pytest
import yaml

from scriptorium.config import schema as config
from scriptorium.config.loading import load, read_tsv
from scriptorium.config.project import Project
from scriptorium.errors import UserError
from scriptorium.gaze.spec import RegressorSpec
from scriptorium.runs import Runs
from scriptorium.spec import Spec, overlay

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "workflow/schemas/config.schema.json"


@pytest.fixture(scope="module")
def values() -> dict:
    return yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def project(values) -> Project:
    return load(values, ROOT)


def test_the_schema_file_is_the_generated_one():
    assert SCHEMA.read_text(encoding="utf-8") == config.schema(), (
        f"renew it: python -m scriptorium.config > {SCHEMA.relative_to(ROOT)}"
    )


def test_the_schema_is_valid_and_accepts_the_default_configuration(values):
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(values)


def test_the_schema_refuses_an_unknown_key(values):
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    with pytest.raises(jsonschema.ValidationError, match="Additional properties are not allowed"):
        jsonschema.Draft202012Validator(schema).validate({**values, "sedes": [1]})


def test_every_block_of_the_configuration_has_a_description():
    blocks = json.loads(SCHEMA.read_text(encoding="utf-8"))["$defs"]
    assert [name for name, block in blocks.items() if not block.get("description")] == []


def test_every_recipe_belongs_to_a_variant_and_every_variant_parses(project):
    recipes = {path.stem for path in (ROOT / "config/recipes").glob("*.yaml")}
    rows = read_tsv(ROOT / "config/ablations.tsv", ("variant", "recipe"))
    overlays = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in (ROOT / "config").glob("*.yaml")]
    stand_ins = {name for overlay in overlays for name in overlay.get("recipes", {}).values()}
    assert {row["recipe"] for row in rows} | stand_ins == recipes
    assert {row["variant"] for row in rows} == set(project.variants)


def test_an_ablation_is_its_recipe_with_exactly_the_named_changes(project):
    plain, zero = (project.variants[name].recipe.model_dump() for name in ("cogbert", "cogbert-zero"))
    assert zero.pop("cognition") == {**plain.pop("cognition"), "scores": "zero"}
    assert zero == plain


def test_cogbert_differs_from_its_baseline_in_nothing_but_cognition(project):
    bert, cogbert = (project.variants[name].recipe.model_dump() for name in ("bert", "cogbert"))
    assert bert.pop("cognition") is None and cogbert.pop("cognition") is not None
    assert bert == cogbert


def test_a_seed_or_a_task_more_is_exactly_its_runs_more(values):
    def paths(**changes) -> set[str]:
        return {run.path for run in Runs(load({**values, **changes}, ROOT)).all()}

    base = paths()
    more = paths(seeds=[*values["seeds"], 7]) - base
    studies = [study for study in values["studies"].values() if not study.get("seeds")]
    finetunings = {f"results/finetune/{v}/{t}/seed7" for s in studies for v in s["variants"] for t in s["tasks"]}
    assert more == finetunings | {f"results/gaze/regressor/{v}/seed7" for v in values["gaze"]["regressors"]}
    assert base <= paths(seeds=[*values["seeds"], 7])


def test_every_file_of_a_folder_of_ones_own_is_watched(values, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "model").mkdir()
    for name in ("model/config.json", "model/vocab.txt", "reviews.tsv"):
        (tmp_path / name).touch()
    rows = {"folder": "~/model", "one": f"{tmp_path}/reviews.tsv", "absent": "nowhere.tsv"}
    shutil.copytree(ROOT / "config", tmp_path / "config")
    with (tmp_path / "config/datasets.tsv").open("a", encoding="utf-8") as table:
        table.writelines(f"{name}\t-\tfile\t{path}\t\t\t\t\t\t\n" for name, path in rows.items())
    runs = Runs(load(values, tmp_path))
    assert runs.own_files("folder") == [f"{tmp_path}/model/config.json", f"{tmp_path}/model/vocab.txt"]
    assert runs.own_files("one") == [f"{tmp_path}/reviews.tsv"]
    with pytest.raises(UserError, match=r"nowhere\.tsv"):
        runs.own_files("absent")
    assert runs.own_files("minilm") == []


def test_every_run_has_a_specification_that_reads_back(project):
    runs = Runs(project)
    for run in runs.finetuning:
        assert runs.finetune(run.variant, run.task, str(run.seed)).seed == run.seed
    for run in runs.pretraining:
        assert runs.pretrain(run.variant, str(run.seed)).seed == run.seed
    for run in runs.regressors:
        assert runs.train_regressor(run.variant, str(run.seed)).seed == run.seed


def test_variants_on_the_same_task_have_different_specifications(project):
    runs = Runs(project)
    asked: dict[tuple[str, str], set] = {}
    for run in runs.finetuning:
        made = runs.finetune(run.variant, run.task, run.seed).canonical(), runs.finetune_backbone(run.variant, run.seed)
        asked.setdefault((run.variant, run.task), set()).add(made)
    distinct = {(task, frozenset(made)) for (_, task), made in asked.items()}
    assert len(distinct) == len(asked)


def test_the_regressors_recipe_offers_every_setting_of_its_specification(project):
    settings = project.variants["regressor"].recipe.shared(RegressorSpec)
    assert settings.keys() == RegressorSpec.model_fields.keys() - {"seed"}


def test_the_catalogue_names_licence_and_citation_of_everything_it_brings(project):
    assert project.catalogue
    for name, row in project.catalogue.items():
        assert row["licence"] and row["citation"], name
        assert row["sha256"] or row["source"] in ("hub", "file"), name


def test_the_embedded_names_are_documented(values):
    """config/README.md explains every key of the file, table by table."""
    text = (ROOT / "config/README.md").read_text(encoding="utf-8")
    blocks = [value for value in vars(config).values() if isinstance(value, type) and issubclass(value, Spec)]
    keys = {name for block in blocks for name in block.model_fields if block.__module__ == config.__name__}
    internal = {"name", "recipe", "description", "paper", "paper_table"} & set(config.Variant.model_fields)
    assert [key for key in sorted(keys - internal) if f"`{key}`" not in text] == []


def test_a_tasks_training_settings_hold_for_every_variant_alike(values):
    tasks = {**values["tasks"], "sentiment": {**values["tasks"]["sentiment"], "train": {"lr": 3e-5}}}
    runs = Runs(load({**values, "tasks": tasks}, ROOT))
    for variant in ("bert", "cogbert", "bert-gaze-loss"):
        assert '"lr":3e-05' in runs.finetune(variant, "sentiment", "0").canonical()
        assert '"lr":0.0001' in runs.finetune(variant, "paraphrase", "0").canonical()


def test_an_unknown_training_setting_of_a_task_is_named(values):
    tasks = {**values["tasks"], "sentiment": {**values["tasks"]["sentiment"], "train": {"epoch": 3}}}
    with pytest.raises(UserError, match=r"tasks.sentiment.train: unknown key 'epoch', did you mean 'epochs'"):
        load({**values, "tasks": tasks}, ROOT)


def overlaid(values: dict, name: str) -> Runs:
    """The runs of the default configuration under an overlay of config/."""
    changes = yaml.safe_load((ROOT / "config" / name).read_text(encoding="utf-8"))
    return Runs(load(overlay(values, changes), ROOT))


def test_the_papers_configuration_trains_the_same_variants_at_the_papers_size(values):
    """The numbers of docs/papers/mpnet.md section 5 and docs/papers/objectives.md section 1."""
    runs = overlaid(values, "paper.yaml")
    for name in ("mpnet", "plm", "mlm-permuted", "mpnet-no-relative"):
        spec = runs.pretrain(name, "0").model_dump(mode="json")
        model, train, objective = spec["model"], spec["train"], spec["objective"]
        assert (model["hidden_size"], model["layers"], model["heads"], model["intermediate_size"]) == (
            768,
            12,
            12,
            3072,
        )
        assert (train["max_steps"], train["batch_size"], train["lr"], train["clip"]) == (500_000, 8192, 6e-4, 0)
        assert (train["adam_betas"], train["adam_eps"], train["schedule"]) == ([0.9, 0.98], 1e-6, "polynomial")
        assert objective["permuted"]["faithful"] and objective["permuted"]["relative"] == (name != "mpnet-no-relative")
        assert runs.pretrain_blocks(name) == runs.pretrain_blocks("mpnet")
    assert runs.pretrain("plm", "0").model_dump(mode="json")["objective"]["name"] == "plm"
    first, second = (
        runs.pretrain(name, "0").model_dump(mode="json")["train"] for name in ("bert-paper-128", "bert-mlm")
    )
    assert (first["max_steps"], second["max_steps"]) == (900_000, 100_000)
    assert first["lr"] == 1e-4 and first["end_lr"] == second["lr"] == 1e-5
    assert runs.pretrain_start("bert-mlm", 0) == ["results/pretrain/bert-paper-128/seed0/manifest.json"]
    tuned = runs.finetune("tuned-mpnet", "qqp", "3").model_dump(mode="json")["train"]
    assert (tuned["epochs"], tuned["lr"], tuned["batch_size"], tuned["warmup_ratio"]) == (10, 1e-5, 32, 0.25)
    assert {run.seed for run in runs.study("mpnet")} == set(range(5))
    assert runs.finetune_backbone("tuned-mpnet", 3) == "results/pretrain/mpnet/seed0/manifest.json"
    assert {run.variant for run in runs.claimed("mpnet")} >= {"tuned-mpnet", "tuned-plm", "tuned-mlm", "tuned-bert"}


def test_an_overlay_changes_a_variant_over_its_row_and_no_other(values):
    given = {"even-t5": {"train": {"max_flops": 1e13}}}
    before, after = load(values, ROOT).variants, load({**values, "overrides": given}, ROOT).variants
    assert after["even-t5"].recipe.train == {**before["even-t5"].recipe.train, "max_flops": 1e13}
    assert [name for name in before if before[name] != after[name]] == ["even-t5"]
    with pytest.raises(UserError, match=r"overrides\.even-t6: unknown variant, did you mean 'even-t5'"):
        load({**values, "overrides": {"even-t6": {}}}, ROOT)


def test_the_longer_runs_of_all_objectives_spend_equally_much_on_five_seeds(values):
    longer = yaml.safe_load((ROOT / "config/small_objectives.yaml").read_text(encoding="utf-8"))
    project = load(overlay(values, longer), ROOT)
    study = project.config.pretraining.studies["objectives"]
    assert len(study.seeds) == 5
    assert set(longer["overrides"]) == set(study.variants)
    flops = {project.variants[name].recipe.train["max_flops"] for name in study.variants}
    (usual,) = {load(values, ROOT).variants[name].recipe.train["max_flops"] for name in study.variants}
    assert flops == {4 * usual}
    assert {project.config.minimal_pairs[name].options.pairs for name in study.minimal_pairs} == {1000}


def test_the_example_of_the_originals_readme_is_its_command(values):
    """docs/papers/mpnet.md section 5, the column of the README's example."""
    runs = overlaid(values, "paper.yaml")
    spec = runs.pretrain("mpnet-125k", "0").model_dump(mode="json")
    train, permuted = spec["train"], spec["objective"]["permuted"]
    assert (permuted["relative"], permuted["whole_words"], permuted["faithful"]) == (False, False, True)
    assert (train["max_steps"], train["warmup_steps"], train["lr"]) == (125_000, 10_000, 5e-4)
    assert train["batch_size"] == 256
    assert runs.config.resources.rules["pretrain"]["micro_batch"] == 16
    assert runs.pretrain_blocks("mpnet-125k").startswith("results/data/packed/wikitext-103-")
    pages = [(ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("mpnet.md", "papers/mpnet.md")]
    assert "no relative positions and no whole words" in pages[0] and "no relative bias, no whole words" in pages[1]


def test_the_papers_glue_follows_the_papers_protocol(values):
    """docs/protocols.md, what the papers state of MPNet."""
    runs = overlaid(values, "paper.yaml")
    assert {runs.config.studies[name].protocol for name in runs.programme("mpnet")} == {"paper"}
    for run in runs.study("mpnet"):
        data, spec = runs.prepare_task(run.task), runs.finetune(run.variant, run.task, str(run.seed))
        assert data.validation_share == 0
        assert spec.best_by == ("mse" if run.task == "stsb-paper" else "accuracy")
        assert spec.scale == (5 if run.task == "stsb-paper" else None)
        assert spec.decay_all and spec.train.epochs == 10 and spec.train.weight_decay == 0.1
    assert runs.finetune_backbone("tuned-mpnet-mnli", 0).startswith("results/finetune/tuned-mpnet/mnli-paper/seed0")


def test_a_recipe_that_stands_in_for_another_must_be_there(values):
    with pytest.raises(
        UserError, match=r"recipes.pretrain-mpent: no variant has this recipe, did you mean 'pretrain-mpnet'"
    ):
        load({**values, "recipes": {"pretrain-mpent": "pretrain-bert"}}, ROOT)
    with pytest.raises(UserError, match=r"recipes.pretrain-mpnet: unknown recipe 'pretrain-brt', did you mean"):
        load({**values, "recipes": {"pretrain-mpnet": "pretrain-brt"}}, ROOT)


def test_all_controls_of_cogbert_have_the_dose_of_its_recipe(values):
    variants = load(values, ROOT).variants
    own = variants["cogbert"].recipe.cognition.dose
    assert own.gain > 0, "it would start as the plain encoder"
    studied = ("cogbert-gain", "cogbert-no-dose", "cogbert-paper", "cogbert-released")
    rest = {name for name in variants if name.startswith("cogbert") and not name.startswith(studied)}
    assert {"cogbert-zero", "cogbert-shuffled", "cogbert-none", "cogbert-boundary6", "cogbert-revealed"} <= rest
    assert {name: variants[name].recipe.cognition.dose for name in rest} == dict.fromkeys(rest, own)


def test_answers_can_be_revealed_of_tasks_that_have_them_word_by_word_alone(values):
    runs = Runs(load(values, ROOT))
    assert (runs.reveal("gaze-onestop").of, runs.reveal("marked-word").of) == ("measures", "marks")
    with pytest.raises(UserError, match="cannot be given as features of words"):
        runs.reveal("sentiment")


@pytest.mark.parametrize("path", sorted((ROOT / "config").rglob("*.yaml")), ids=lambda path: path.name)
def test_no_key_stands_twice_in_a_file_of_ours(path):
    """YAML takes the last of two and says nothing."""

    def check(node: yaml.Node) -> None:
        if isinstance(node, yaml.MappingNode):
            keys = [key.value for key, _ in node.value]
            assert len(keys) == len(set(keys)), (path.name, sorted({key for key in keys if keys.count(key) > 1}))
            for _, value in node.value:
                check(value)
        elif isinstance(node, yaml.SequenceNode):
            for value in node.value:
                check(value)

    check(yaml.compose(path.read_text(encoding="utf-8")))
