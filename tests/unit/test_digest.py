"""Proves that a stage's code digest changes exactly when code that the stage can reach changes."""

from __future__ import annotations

import os
import pkgutil
import shutil
import subprocess
import sys

import pytest

from scriptorium import digest, stages, syntax

STAGES = [module.name for module in pkgutil.iter_modules(stages.__path__)]
TOY = {
    "__init__": "",
    "stages/__init__": "",
    "stages/one": 'from scriptorium.shared import double\n\n\ndef run(x):\n    """Runs."""\n    return double(x)\n',
    "stages/two": "def run(x):\n    import scriptorium.models.deep as deep\n\n    return deep.square(x)\n",
    "shared": "def double(x):\n    return 2 * x\n",
    "models/__init__": "",
    "models/deep": "import scriptorium.errors, scriptorium_more.other\n"
    "import scriptorium.models.spec, scriptorium.inspection\n\n\ndef square(x):\n    return x * x\n",
    "models/spec": "SIZE = 1\n",
    "inspection": "LIMIT = 1\n",
    "other": "LIMIT = 1\n",
    "errors": "class UserError(Exception):\n    pass\n",
}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A toy package in the place of ours; returns edit(module, old, new) -> the stages whose digest changed."""
    root = tmp_path / "scriptorium"
    for name, text in TOY.items():
        path = root / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(digest, "PACKAGE", root)

    def digests() -> dict[str, str]:
        forget()
        return {name: digest.code_digest(f"scriptorium.stages.{name}") for name in ("one", "two")}

    def edit(module: str, old: str, new: str) -> set[str]:
        before, path = digests(), root / f"{module}.py"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
        after = digests()
        return {name for name in before if before[name] != after[name]}

    yield edit
    forget()


def forget() -> None:
    for value in (*vars(digest).values(), syntax.source):
        if hasattr(value, "cache_clear"):
            value.cache_clear()


def test_a_comment_changes_nothing(package):
    assert package("shared", "    return 2 * x", "    # twice\n    return 2 * x  # as said") == set()


def test_formatting_changes_nothing(package):
    assert package("shared", "return 2 * x", "return (\n        2\n        * x\n    )") == set()


def test_a_docstring_changes_nothing(package):
    assert package("stages/one", '    """Runs."""\n', '    """Runs, and how."""\n') == set()
    assert package("stages/one", '    """Runs, and how."""\n', "") == set()


def test_an_edit_of_the_stage_reruns_that_stage_alone(package):
    assert package("stages/one", "double(x)", "double(x) + 1") == {"one"}


def test_an_edit_of_an_imported_function_reruns_exactly_its_users(package):
    assert package("shared", "2 * x", "x + x") == {"one"}


def test_an_import_inside_a_function_counts(package):
    assert package("models/deep", "x * x", "x**2") == {"two"}


def test_the_package_of_an_imported_module_counts(package):
    assert package("models/__init__", "", "VERSION = 2\n") == {"two"}


def test_a_bookkeeping_module_may_change_without_a_rerun(package):
    assert package("errors", "pass", "code = 2") == set()


def test_what_a_specification_module_says_may_change_without_a_rerun(package):
    assert package("models/spec", "SIZE = 1", "SIZE = 2") == set()


def test_a_module_is_no_specification_because_its_name_holds_the_word(package):
    assert package("inspection", "LIMIT = 1", "LIMIT = 2") == {"two"}


def test_a_package_of_others_is_not_ours_because_its_name_begins_so(package):
    assert package("other", "LIMIT = 1", "LIMIT = 2") == set()


def test_modules_that_a_specification_names_count_beside_the_stages_own(package):
    package("shared", "", "")
    alone, named = (digest.code_digest("scriptorium.stages.one", *more) for more in ((), ("scriptorium.models.deep",)))
    assert alone != named


def test_modules_of_the_same_text_are_told_apart_by_their_names(package):
    package("shared", "", "")
    assert digest.code_digest("scriptorium.inspection") != digest.code_digest("scriptorium.other")


def test_a_digest_is_the_same_in_every_process():
    """The order of a set changes with the seed of Python's hashes."""
    code = "from scriptorium.digest import code_digest; print(code_digest('scriptorium.stages.fetch'))"
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in (1, 2, 3)
    }
    assert len(found) == 1


def test_a_module_becomes_part_of_the_digest_by_being_imported(package):
    assert package("stages/one", "def run", "from scriptorium.models import deep\n\n\ndef run") == {"one"}
    assert package("models/deep", "x * x", "x**2") == {"one", "two"}


@pytest.mark.parametrize("stage", STAGES)
def test_no_stage_depends_on_bookkeeping_tracking_or_another_stages_run(stage):
    closure = set(digest.closure(f"scriptorium.stages.{stage}"))
    assert f"scriptorium.stages.{stage}" in closure
    assert not closure & digest.BOOKKEEPING
    assert not closure & {
        "scriptorium.track",
        "scriptorium.runs",
        "scriptorium.config.schema",
        "scriptorium.config.project",
        "scriptorium.devices",
    }


def test_bookkeeping_modules_exist_and_are_few():
    """Whoever adds one claims that it cannot change a byte of a result."""
    assert {name.removeprefix("scriptorium.") for name in digest.BOOKKEEPING} == {
        "digest",
        "errors",
        "exclusive",
        "explained",
        "finished",
        "job",
        "ledger",
        "manifest",
        "masked",
        "model_folders",
        "named",
        "stage",
        "syntax",
    }
    assert all(digest._file(name) for name in digest.BOOKKEEPING)


def test_an_edit_of_the_trainer_reruns_both_kinds_of_training_but_no_data_and_no_gaze(tmp_path, monkeypatch):
    """The same on the real package: training.py is reached by fine-tuning and pre-training."""
    root = tmp_path / "scriptorium"
    shutil.copytree(digest.PACKAGE, root, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(digest, "PACKAGE", root)
    forget()
    before = {stage: digest.code_digest(f"scriptorium.stages.{stage}") for stage in STAGES}
    path = root / "engine/training.py"
    path.write_text(path.read_text() + "\nEXTRA = 1\n")
    forget()
    after = {stage: digest.code_digest(f"scriptorium.stages.{stage}") for stage in STAGES}
    forget()
    changed = {stage for stage in STAGES if before[stage] != after[stage]}
    assert {"finetune", "pretrain"} <= changed
    assert not changed & {
        "fetch",
        "prepare_task",
        "prepare_gaze",
        "prepare_corpus",
        "annotate",
        "train_regressor",
        "score",
        "pack",
    }
