"""Content decides what runs again: for each kind of change, the exact set of runs that Snakemake plans."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

FINETUNED = {f"results/finetune/{v}/mood/seed{s}" for v in ("bert", "cogbert") for s in (0, 1)}
SMALL = {f"results/finetune/{v}/mood/seed0" for v in ("bert-random", "bert-pretrained")}
COGBERT = {f"results/finetune/cogbert/mood/seed{s}" for s in (0, 1)}
TABLE = {"results/runs/tables/finetune_cogbert"}
TABLES = TABLE | {"results/runs/tables/finetune_pretraining"}
ATTENTION = {"results/runs/figures/attention"}
REGRESSOR = {f"results/gaze/regressor/regressor/seed{s}" for s in (0, 1)}


def test_what_changes_no_content_reruns_nothing(project):
    """A comment in the code, code of the bookkeeping, a touched weight file and a touched manifest, all at once."""
    for file, remark in (("cognition/model.py", "# a remark"), ("ledger.py", "NEW_FACT = 1")):
        path = project.root / "workflow/scriptorium" / file
        path.write_text(f"{path.read_text()}\n\n{remark}\n")
    for file in ("pretrain/bert-mlm/seed0/model/model.safetensors", "data/mood/manifest.json"):
        (project.root / "results" / file).touch()
    (project.root / "resources/encoder/model.safetensors").touch()
    assert project.planned() == set()


def test_another_learning_rate_reruns_that_recipe_and_what_depends_on_it(project):
    project.edit("config/recipes/cogbert.yaml", "extends: finetune", "extends: finetune\ntrain:\n  lr: 3.0e-4")
    assert project.planned() == COGBERT | TABLE | ATTENTION


def test_swapping_learning_rate_and_weight_decay_is_a_change(project):
    project.edit("config/recipes/finetune.yaml", "lr: 0.0001", "lr: 0.01")
    project.edit("config/recipes/finetune.yaml", "weight_decay: 0.01", "weight_decay: 0.0001")
    # the small encoder's recipe sets its own learning rate but inherits the weight decay
    assert project.planned() == FINETUNED | SMALL | TABLES | ATTENTION


def test_an_edited_imported_function_reruns_the_stages_that_can_reach_it(project):
    path = project.root / "workflow/scriptorium/gaze/regressor/network.py"
    path.write_text(path.read_text() + "\n\nNEW_FACT = 1\n")
    expected = REGRESSOR | {"results/annotations/mood", "results/annotations/monastery", "results/runs/tables/gaze"}
    assert project.planned() == expected | COGBERT | TABLE | ATTENTION


def test_another_seed_adds_runs_and_reruns_only_tables(project):
    project.edit("config/config.yaml", "seeds:\n- 0\n- 1\n", "seeds:\n- 0\n- 1\n- 2\n")
    runs = {f"results/finetune/{v}/mood/seed2" for v in ("bert", "cogbert")}  # the other study names its own seeds
    tables = TABLE | {"results/runs/tables/gaze"}
    assert project.planned() == runs | tables | {"results/gaze/regressor/regressor/seed2"}


def test_a_fresh_clone_beside_existing_results_has_nothing_to_do(project, tmp_path):
    from tests.workflow.miniature import build

    clone = build(tmp_path / "clone")  # every source file is newer than every result
    for name in ("results", "resources", ".snakemake"):
        shutil.copytree(project.root / name, clone.root / name, dirs_exist_ok=True)
    assert "Nothing to be done" in clone.snakemake().stdout


def starts(root: Path) -> dict[str, float]:
    """When each run was computed, by its ledger."""
    found = (path for path in (root / "results").rglob("run.json") if ".finished" not in path.parts)
    return {str(path.parent.relative_to(root)): json.loads(path.read_text())["start"] for path in found}


def test_a_job_that_is_planned_in_vain_computes_nothing(project):
    before = starts(project.root)
    done = project.snakemake("tables", "--forcerun", "fetch", "prepare_task", "pretrain", "finetune")
    assert "Fine-tune cogbert on mood" in done.stdout  # it was planned, and everything behind it
    assert starts(project.root) == before
    assert project.planned() == set()


def test_touched_data_of_ones_own_without_snakemakes_memory_compute_nothing(project):
    before = starts(project.root)
    shutil.move(project.root / ".snakemake", project.root.parent / "away")
    os.utime(project.root / "assets/mood.tsv")
    done = project.snakemake("tables")
    assert "Prepare task mood" in done.stdout
    assert starts(project.root) == before


def test_stale_results_are_noticed_without_snakemakes_memory(project):
    shutil.move(project.root / ".snakemake", project.root.parent / "away")
    assert project.planned() == set()
    project.edit("config/recipes/cogbert.yaml", "extends: finetune", "extends: finetune\ntrain:\n  lr: 3.0e-4")
    assert project.planned() == COGBERT | TABLE | ATTENTION


def test_results_of_other_code_are_noticed_without_snakemakes_memory(project):
    shutil.move(project.root / ".snakemake", project.root.parent / "away")
    path = project.root / "workflow/scriptorium/reporting/finetuning.py"
    path.write_text(path.read_text() + "\n\nNEW_FACT = 1\n")
    assert TABLES <= project.planned() <= TABLES | {"results/runs/tables/claims"}


def test_a_copy_in_another_folder_computes_nothing(project, tmp_path):
    before = starts(project.root)
    moved = tmp_path / "elsewhere"
    shutil.move(project.root, moved)
    project.root = moved
    shutil.rmtree(moved / ".snakemake")
    project.snakemake("tables", "--forcerun", "prepare_task")
    assert starts(moved) == before
