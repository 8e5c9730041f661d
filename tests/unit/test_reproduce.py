"""A run from a changed working tree is made again from commit and patch, to the byte; or it is said what is missing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scriptorium import code_patch, ledger, manifest, replaced
from tests.fabricate import REPOSITORY

SPEC = {"name": "own", "source": "file", "location": "own.txt"}
STAGE = "workflow/scriptorium/stages/fetch.py"


class Clone:
    """A repository with this package, and a file of the user's own that a run of it reads."""

    def __init__(self, root: Path):
        self.root, self.out = root, root / "resources/own"
        shutil.copytree(
            REPOSITORY / "workflow/scriptorium",
            root / "workflow/scriptorium",
            ignore=shutil.ignore_patterns("__pycache__"),
        )
        (root / "envs").mkdir()
        shutil.copy(REPOSITORY / "envs/constraints.txt", root / "envs")
        (root / ".gitignore").write_text("resources/\nresults/\nreproduced/\nown.txt\n__pycache__/\n")
        (root / "own.txt").write_text("first\n")
        self.git("init", "--quiet")
        self.git("add", ".")
        self.git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "all")

    def git(self, *words: str) -> str:
        return subprocess.run(["git", *words], cwd=self.root, capture_output=True, text=True, check=True).stdout

    def python(self, module: str, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(self.root / "workflow")}
        command = [sys.executable, "-m", module, *words]
        done = subprocess.run(command, cwd=self.root, env=environment, capture_output=True, text=True, check=False)
        assert not check or done.returncode == 0, done.stderr
        return done

    def fetch(self) -> dict:
        """The record of a run of the stage."""
        words = ("--spec", json.dumps(SPEC), "--out", "resources/own", "--input", "own=own.txt")
        self.python("scriptorium.stages.fetch", *words)
        return ledger.read_record(self.out)

    def change(self) -> None:
        """An edit of the stage, which needs a new file."""
        (self.root / "workflow/scriptorium/fetching/word.py").write_text('WORD = "new"\n')
        path = self.root / STAGE
        path.write_text(
            path.read_text().replace("\ndef run(", "\nfrom scriptorium.fetching.word import WORD\n\n\ndef run(")
        )
        with path.open("a") as file:
            file.write("\nassert WORD\n")

    def undo(self) -> None:
        self.git("checkout", "--quiet", STAGE)
        (self.root / "workflow/scriptorium/fetching/word.py").unlink()


@pytest.fixture
def clone(tmp_path) -> Clone:
    return Clone(tmp_path)


def test_a_run_from_a_changed_tree_is_made_again_by_its_key_after_the_change_is_gone(clone):
    committed = clone.fetch()
    assert not (clone.out / code_patch.NAME).exists() and "patch" not in committed["git"]
    clone.change()
    record = clone.fetch()
    assert record["code"] != committed["code"]
    patch = (clone.out / code_patch.NAME).read_text()
    assert "+WORD" in patch and "+from scriptorium.fetching.word import WORD" in patch
    assert record["git"]["patch"] == {"bytes": len(patch), "masked": False}
    assert {entry["path"] for entry in manifest.read(clone.out)["files"]} == {"own.txt"}, "no output"
    assert clone.git("status", "--porcelain").splitlines()[-1].startswith("??"), "git's own index was left alone"
    clone.undo()

    done = clone.python("scriptorium.reproduce", record["key"])
    assert "own.txt  identical" in done.stdout and "every byte is identical" in done.stdout
    folder = clone.root / "reproduced" / record["key"]
    assert (folder / "code/workflow/scriptorium/fetching/word.py").read_text() == 'WORD = "new"\n'
    assert json.loads((folder / "spec.json").read_text()) == record["spec"]
    assert (folder / "constraints.txt").read_bytes() == (REPOSITORY / "envs/constraints.txt").read_bytes()
    assert clone.git("status", "--porcelain") == ""
    again = clone.python("scriptorium.reproduce", "resources/own", check=False)
    assert again.returncode == 2 and "this folder exists" in again.stderr

    # the one before it was replaced, and is found all the same
    assert len(replaced.find(clone.out)) == 1
    done = clone.python("scriptorium.reproduce", committed["key"], "--into", "elsewhere")
    assert "every byte is identical" in done.stdout


def test_what_is_missing_is_said_before_anything_runs(clone):
    clone.change()
    record = clone.fetch()
    clone.undo()
    (clone.out / code_patch.NAME).unlink()
    done = clone.python("scriptorium.reproduce", "resources/own", check=False)
    assert done.returncode == 2
    assert "the code that was laid out is another" in done.stderr and record["code"] in done.stderr

    clone.change()
    (clone.root / "own.txt").write_text("second\n")
    second = clone.fetch()
    (clone.root / "own.txt").write_text("third\n")
    done = clone.python("scriptorium.reproduce", second["key"], check=False)
    assert done.returncode == 2 and "input 'own' changed since" in done.stderr
    (clone.root / "own.txt").unlink()
    done = clone.python("scriptorium.reproduce", second["key"], "--into", "b", check=False)
    assert done.returncode == 2 and "does not exist any more" in done.stderr
    for name, problem in (("0" * 16, "no run is called"), ("0" * 32, "there is no mirror"), ("nowhere", "no run")):
        done = clone.python("scriptorium.reproduce", name, check=False)
        assert done.returncode == 2 and problem in done.stderr, done.stderr

    facts = ledger.read_record(clone.out)
    manifest.write_json(clone.out / "run.json", facts | {"git": {**facts["git"], "commit": "0" * 40}})
    done = clone.python("scriptorium.reproduce", "resources/own", "--into", "c", check=False)
    assert done.returncode == 2 and "does not have the commit" in done.stderr
    manifest.write_json(clone.out / "run.json", facts | {"git": {}})
    done = clone.python("scriptorium.reproduce", "resources/own", "--into", "d", check=False)
    assert done.returncode == 2 and "names no commit" in done.stderr


def test_other_bytes_are_named(clone):
    record = clone.fetch()
    outputs = [{**entry, "sha256": "0" * 64} for entry in record["outputs"]]
    manifest.write_json(clone.out / "run.json", record | {"outputs": outputs})
    done = clone.python("scriptorium.reproduce", "resources/own", check=False)
    assert done.returncode == 1 and "DIFFERENT" in done.stdout and "NOT identical" in done.stdout


def test_a_patch_holds_no_secret_and_no_more_than_its_bound(clone):
    path = clone.root / STAGE
    path.write_text(path.read_text() + '\nADDRESS = "https://me:hunter2@example.org/a?token=hunter3"\n')
    (clone.root / "resources").mkdir()
    told = code_patch.keep(clone.root / "resources", clone.root)
    patch = (clone.root / "resources" / code_patch.NAME).read_text()
    assert told["patch"]["masked"] and "hunter" not in patch and "+ADDRESS" in patch
    path.write_text("#" * (code_patch.LARGEST + 1))
    told = code_patch.keep(clone.root / "resources", clone.root)
    assert "larger than 1 MB" in told["patch"]["left_out"] and STAGE in told["patch"]["left_out"]
    assert not (clone.root / "resources" / code_patch.NAME).exists()
