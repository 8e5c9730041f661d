"""The very same run is not computed twice, even after Snakemake has removed its outputs; anything else is."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from scriptorium import finished, ledger, manifest


class Fetching:
    """The stage `fetch` on a file of the user's own, as the rule calls it."""

    def __init__(self, root):
        self.root, self.own, self.out = root, root / "own.txt", root / "resources/own"
        self.own.write_text("first\n")

    def run(self, **environment: str) -> str:
        spec = {"name": "own", "source": "file", "location": str(self.own)}
        command = [sys.executable, "-m", "scriptorium.stages.fetch", "--spec", json.dumps(spec), "--out"]
        command += ["resources/own", "--input", f"own={self.own}"]
        done = subprocess.run(
            command, cwd=self.root, env={**os.environ, **environment}, capture_output=True, text=True, check=True
        )
        return done.stderr

    def remove_outputs(self) -> None:
        """What Snakemake does before a job."""
        (self.out / manifest.NAME).unlink()
        (self.out / "own.txt").unlink()

    @property
    def record(self) -> dict:
        return ledger.read_record(self.out)


@pytest.fixture
def fetching(tmp_path) -> Fetching:
    made = Fetching(tmp_path)
    made.run()
    return made


def test_the_same_run_ends_at_once_and_its_outputs_are_back(fetching):
    before, made = fetching.record, manifest.read(fetching.out)
    fetching.remove_outputs()
    assert "this run has finished before: nothing is computed" in fetching.run()
    assert fetching.record == before
    assert manifest.read(fetching.out) == made
    assert manifest.check(fetching.out) == []


def test_its_outputs_are_newer_than_its_inputs(fetching):
    os.utime(fetching.own)
    fetching.run()
    for name in (manifest.NAME, "own.txt"):
        assert (fetching.out / name).stat().st_mtime >= fetching.own.stat().st_mtime


def test_another_content_of_the_same_file_is_another_run(fetching):
    fetching.own.write_text("second\n")
    assert "nothing is computed" not in fetching.run()
    assert (fetching.out / "own.txt").read_text() == "second\n"


def test_a_switch_computes_it_again(fetching):
    before = fetching.record
    assert "nothing is computed" not in fetching.run(SCRIPTORIUM_RECOMPUTE="1")
    assert fetching.record["start"] > before["start"]


@pytest.mark.parametrize("status", [ledger.RUNNING, ledger.FAILED, ledger.KILLED])
def test_a_run_that_did_not_finish_is_computed(fetching, status):
    manifest.write_json(fetching.out / "run.json", {**fetching.record, "status": status})
    assert "nothing is computed" not in fetching.run()


def test_a_damaged_output_is_not_taken_for_the_finished_one(fetching):
    (fetching.out / "own.txt").write_text("damage")  # in place: the kept link shows the same bytes
    assert "nothing is computed" not in fetching.run()
    assert manifest.check(fetching.out) == []
    assert (fetching.out / "own.txt").read_text() == "first\n"


def test_kept_outputs_take_no_space_and_those_of_an_earlier_run_go(fetching):
    (kept,) = (fetching.out / finished.FOLDER).iterdir()
    assert kept.samefile(fetching.out / "own.txt")
    fetching.own.write_text("second\n")
    fetching.run()
    (kept,) = (fetching.out / finished.FOLDER).iterdir()
    assert kept.read_text() == "second\n"


def test_without_hard_links_a_run_ends_all_the_same(fetching, monkeypatch):
    def refused(*_):
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    finished.keep(fetching.out, fetching.record["outputs"])
    assert not (fetching.out / finished.FOLDER).exists()
    assert finished.restored(fetching.out, fetching.record["key"])  # what is still there needs no link
