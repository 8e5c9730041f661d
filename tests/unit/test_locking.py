"""Proves what becomes of Snakemake's lock: a dead run's is removed, any other keeps out who wants the same files."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from snakemake.exceptions import WorkflowError
from snakemake.persistence.file import FilePersistence

from scriptorium import locking, owners
from scriptorium.owners import Owner

HERE = Owner.here()
DEAD = replace(HERE, pid=2**22 + 1, began="1")
ELSEWHERE = replace(HERE, host="node7", machine="another")
locking.know_owners()


class Persistence(FilePersistence):
    """Snakemake's own, for a run that makes one file."""

    made = "result"

    def all_inputfiles(self):
        return iter(())

    def all_outputfiles(self):
        return iter([self.made])


@pytest.fixture
def folder(tmp_path):
    return tmp_path / ".snakemake"


def left_behind(folder, *noted: Owner) -> None:
    """A lock as a kill leaves it, and the notes beside it."""
    Persistence(path=folder)._write_locks("output", ["result"])
    for owner in noted:
        owner.write(folder / "owners")


def locks(folder) -> list[str]:
    return sorted(path.name for path in (folder / "locks").glob("*"))


def test_a_run_holds_the_lock_with_a_note_and_takes_both_away(folder):
    with Persistence(path=folder).lock():
        assert locks(folder) == ["0.output.lock"]
        assert [replace(o, since=HERE.since) for o in owners.read(folder / "owners").values()] == [HERE]
    assert locks(folder) == [] and owners.read(folder / "owners") == {}


def test_the_lock_of_a_dead_run_is_removed(folder):
    left_behind(folder, DEAD)
    with Persistence(path=folder).lock():
        assert locks(folder) == ["0.output.lock"]
    assert locks(folder) == [] and owners.read(folder / "owners") == {}


@pytest.mark.parametrize(
    ("noted", "sentence"),
    [
        ([HERE], f"Wait for it, or end it with `kill {HERE.pid}`, then type `snakemake` again."),
        ([DEAD, HERE], f"Wait for it, or end it with `kill {HERE.pid}`, then type `snakemake` again."),
        ([ELSEWHERE], "on node7, since .* from this machine it cannot be seen whether it is alive. If it is not, type"),
        ([DEAD, ELSEWHERE], "on node7, since .* If it is not, type `snakemake --unlock`, then `snakemake` again."),
        ([], "If no other snakemake runs here, type `snakemake --unlock`, then `snakemake` again."),
    ],
    ids=["alive", "alive beside dead", "elsewhere", "elsewhere beside dead", "nobody noted"],
)
def test_any_other_lock_stays_and_the_sentence_says_what_to_type(folder, noted, sentence):
    left_behind(folder, *noted)
    before = owners.read(folder / "owners")
    with pytest.raises(WorkflowError, match=sentence), Persistence(path=folder).lock():
        pass
    assert locks(folder) == ["0.output.lock"]
    assert set(owners.read(folder / "owners")) >= {path for path, owner in before.items() if owner != HERE}


def test_two_runs_that_make_different_files_may_go_on_side_by_side(folder):
    left_behind(folder, ELSEWHERE)
    other = Persistence(path=folder)
    other.made = "another result"
    with other.lock():
        assert locks(folder) == ["0.output.lock", "1.output.lock"]
    assert locks(folder) == ["0.output.lock"], "the end of one takes nothing from the other"


def test_a_dry_run_removes_nothing_and_calls_a_dead_run_dead(folder, caplog):
    left_behind(folder, DEAD)
    with Persistence(path=folder, warn_only=True).lock():
        pass
    assert locks(folder) == ["0.output.lock"] and list(owners.read(folder / "owners").values()) == [DEAD]


def test_a_job_of_a_cluster_takes_no_lock_and_removes_none(folder):
    left_behind(folder, DEAD)
    with Persistence(path=folder, nolock=True).lock():
        pass
    assert locks(folder) == ["0.output.lock"] and list(owners.read(folder / "owners").values()) == [DEAD]


def test_unlock_is_refused_while_a_run_is_alive(folder):
    left_behind(folder, HERE)
    with pytest.raises(WorkflowError, match=f"kill {HERE.pid}"):
        Persistence(path=folder).cleanup_locks()
    assert locks(folder) == ["0.output.lock"]


@pytest.mark.parametrize("noted", [[DEAD], [ELSEWHERE], []], ids=["dead", "elsewhere", "nobody noted"])
def test_unlock_takes_away_lock_and_notes_otherwise(folder, noted):
    left_behind(folder, *noted)
    Persistence(path=folder).cleanup_locks()
    assert locks(folder) == [] and owners.read(folder / "owners") == {}
    with Persistence(path=folder).lock():
        pass


def test_a_note_that_a_run_left_without_a_lock_is_cleared_away(folder):
    DEAD.write(folder / "owners")
    with Persistence(path=folder).lock():
        assert DEAD not in owners.read(folder / "owners").values()


def test_a_damaged_note_keeps_the_lock(folder):
    left_behind(folder, DEAD)
    (note,) = (folder / "owners").glob("*.json")
    note.write_text(json.dumps({"host": "vm"}))
    with pytest.raises(WorkflowError, match="an unknown machine"), Persistence(path=folder).lock():
        pass
    assert locks(folder) == ["0.output.lock"]
