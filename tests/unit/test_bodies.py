"""How a backbone is fine-tuned is known before any job: from its objective, or from the recipe; what does not fit is
refused with the remedy."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from scriptorium.config import loading
from scriptorium.digest import closure
from scriptorium.errors import UserError
from scriptorium.objectives.spec import OBJECTIVES
from scriptorium.runs import Runs
from scriptorium.spec import overlay
from scriptorium.tasks.body import WRITERS, body_of
from scriptorium.tasks.spec import BodySpec

ROOT = Path(__file__).parents[2]


def runs(root: Path = ROOT, **changes: dict) -> Runs:
    values = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
    return Runs(loading.load(overlay(values, changes), root))


def planned(made: Runs, variant: str, task: str = "sentiment") -> dict:
    return json.loads(made.plan("finetune", variant=variant, task=task, seed="2").spec)


def added(root: Path, overrides: str, tasks: list[str], **changes: dict) -> Runs:
    """The project with a study of one more variant, `mine`."""
    shutil.copytree(ROOT / "config", root / "config")
    with (root / "config/ablations.tsv").open("a", encoding="utf-8") as table:
        table.write(f"mine\tfinetune-small\t{overrides}\t\t\tmine\n")
    return runs(root, studies={"own": {"baseline": "mine", "variants": ["mine"], "tasks": tasks}}, **changes)


def test_every_objective_is_fine_tuned_as_an_encoder_or_by_a_body_that_takes_its_models():
    bodies = {name: each.body for name, each in OBJECTIVES.items() if each.body}
    assert bodies == {
        "gpt2": "causal",
        "llama": "causal",
        "bart": "bart",
        "mass": "bart",
        "t5": "t5",
        "prefix-lm": "t5",
    }
    for body in bodies.values():
        known = body_of(BodySpec(name=body))
        assert all(WRITERS[model] == body for model in known.model_types) and known.refused


def test_the_study_fine_tunes_each_model_in_its_own_way_from_its_own_seed():
    made = runs()
    study = made.config.studies["objectives"]
    found = {name: planned(made, name).get("body") for name in study.variants}
    assert study.programme == "objectives" and study.on_request and study.seeds == (0, 1, 2)
    for name in ("mlm", "plm", "mpnet", "random"):
        assert found[f"tuned-even-{name}"] is None
    for name, body in {"gpt2": "causal", "bart-rotate": "bart"}.items():
        assert found[f"tuned-even-{name}"] == {"name": body, "prefix": ""}
    assert found["tuned-even-t5"] == {"name": "t5", "prefix": "sentiment: "}
    assert planned(made, "tuned-even-t5", "paraphrase")["body"]["prefix"] == "paraphrase: "
    assert made.finetune_backbone("tuned-even-t5", 2) == "results/pretrain/even-t5/seed2/manifest.json"


def test_a_run_has_the_code_of_its_own_body_alone():
    of_stage = closure("scriptorium.stages.finetune")
    assert not any("tasks.bodies" in name or "models.tuned" in name for name in of_stage)
    with_bart = set(closure("scriptorium.stages.finetune", "scriptorium.tasks.bodies.bart")) - set(of_stage)
    assert "scriptorium.models.tuned.bart" in with_bart and "scriptorium.models.tuned.t5" not in with_bart


def test_a_model_of_the_catalogue_is_what_its_recipe_says(tmp_path):
    made = added(tmp_path, "{backbone: minilm, body: {name: t5, prefix: ''}}", ["sentiment"])
    assert planned(made, "mine")["body"] == {"name": "t5", "prefix": ""}
    assert "body" not in planned(made, "bert")


def test_a_fine_tuned_backbone_is_what_its_own_backbone_is(tmp_path):
    changes = {"backbones": {"tuned": {"finetuned": "tuned-even-bart", "task": "sentiment"}}}
    made = added(tmp_path, "{backbone: tuned}", ["paraphrase"], **changes)
    assert planned(made, "mine", "paraphrase")["body"]["name"] == "bart"


@pytest.mark.parametrize(
    ("overrides", "tasks", "part"),
    [
        (
            "{backbone: even-t5}",
            ["gaze-onestop"],
            "mine has body t5, which cannot be used on gaze-onestop, a task of kind",
        ),
        ("{backbone: even-gpt2}", ["gaze-onestop"], "gaze\n  remedy: take a backbone with an encoder alone"),
        (
            "{backbone: even-bart, body: {name: t5}}",
            ["sentiment"],
            "'even-bart' is pre-trained for bart\n  remedy: leave",
        ),
        (
            "{backbone: even-mlm, body: {name: bart}}",
            ["sentiment"],
            "pre-trained as an encoder\n  remedy: leave body out",
        ),
        ("{backbone: minilm, body: {}}", ["sentiment"], "is a data set, so its recipe must say how it is fine-tuned"),
        ("{backbone: even-bart, body: {prefix: 'a: '}}", ["sentiment"], "body.prefix: bart reads no prefix"),
        (
            "{backbone: even-bart, gaze_loss: 0.1}",
            ["sentiment"],
            "mine uses gaze_loss, which 'even-bart', a model that",
        ),
        (
            "{backbone: even-bart, body: {name: brat}}",
            ["sentiment"],
            "body.name: unknown value 'brat', did you mean 'bart'?",
        ),
    ],
)
def test_what_does_not_fit_is_refused_before_any_job(tmp_path, overrides, tasks, part):
    with pytest.raises(UserError) as caught:
        added(tmp_path, overrides, tasks)
    assert part in str(caught.value)


def test_a_run_that_is_asked_for_by_its_path_is_refused_as_well():
    with pytest.raises(UserError, match="backbone 'even-t5' has body t5, which cannot be used on gaze-onestop"):
        planned(runs(), "tuned-even-t5", "gaze-onestop")


def test_bodies_are_light_enough_for_the_dag():
    code = (
        "import sys; from scriptorium.tasks.body import body_of; from scriptorium.tasks.spec import BodySpec\n"
        "for name in ('bart', 'causal', 't5'): body_of(BodySpec(name=name)).takes('tagging')\n"
        "assert not {'torch', 'transformers', 'pandas', 'numpy'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
