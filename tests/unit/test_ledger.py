"""Proves that a run's journal survives kills, restarts and odd text, and tells the living from the dead."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scriptorium import ledger
from scriptorium.ledger import FAILED, FINISHED, KILLED, RUNNING, Ledger, is_alive, read_events, read_record


def start(directory: Path, key: str = "k") -> Ledger:
    return Ledger.open(directory, key=key, stage="finetune")


def points(directory: Path) -> list[tuple[int, float]]:
    return [(e["step"], e["metrics"]["loss"]) for e in read_events(directory) if "metrics" in e]


def test_every_event_is_on_disk_before_the_run_ends(tmp_path):
    journal = start(tmp_path)
    journal.metrics(1, {"loss": 0.5})
    journal.note("half way")
    assert points(tmp_path) == [(1, 0.5)]
    assert read_record(tmp_path)["status"] == RUNNING
    journal.finish(FINISHED)
    assert read_record(tmp_path)["status"] == FINISHED


def test_a_run_outside_a_repository_does_not_hide_the_commit_of_the_next_one(tmp_path, monkeypatch):
    with monkeypatch.context() as outside:
        outside.chdir(tmp_path)
        start(tmp_path / "a").finish(FINISHED)
    start(tmp_path / "b").finish(FINISHED)
    assert read_record(tmp_path / "a")["git"] == {}
    assert len(read_record(tmp_path / "b")["git"]["commit"]) == 40


@pytest.mark.parametrize("status", [FAILED, KILLED])
def test_a_run_that_did_not_finish_is_continued_with_its_first_start(tmp_path, status):
    journal = start(tmp_path)
    journal.metrics(1, {"loss": 0.5})
    journal.finish(status)
    first = read_record(tmp_path)["start"]
    start(tmp_path).finish(FINISHED)
    record = read_record(tmp_path)
    assert (record["attempt"], record["start"]) == (2, first)
    assert points(tmp_path) == [(1, 0.5)]
    assert any(status in event.get("note", "") for event in read_events(tmp_path))


@pytest.mark.parametrize(("status", "key"), [(FINISHED, "k"), (KILLED, "another")])
def test_a_finished_or_another_run_in_the_same_place_is_replaced(tmp_path, status, key):
    journal = start(tmp_path)
    journal.metrics(1, {"loss": 0.5})
    journal.finish(status)
    start(tmp_path, key).finish(FINISHED)
    assert read_record(tmp_path)["attempt"] == 1
    assert points(tmp_path) == []


def test_a_line_cut_by_a_kill_is_left_out_and_what_the_next_attempt_writes_is_not(tmp_path):
    journal = start(tmp_path)
    journal.metrics(1, {"loss": 0.5})
    journal.finish(KILLED)
    with (tmp_path / "events.jsonl").open("a", encoding="utf-8") as events:
        events.write('{"t": 1.0, "step": 2, "metr')
    again = start(tmp_path)
    again.metrics(2, {"loss": 0.4})
    again.finish(FINISHED)
    assert points(tmp_path) == [(1, 0.5), (2, 0.4)]
    assert any("attempt 2" in event.get("note", "") for event in read_events(tmp_path))


def test_a_resume_forgets_what_will_be_written_again(tmp_path):
    journal = start(tmp_path)
    for step in (1, 2, 3):
        journal.metrics(step, {"loss": float(step)})
    journal.rewind(2)
    journal.metrics(3, {"loss": 3.0})
    journal.finish(FINISHED)
    assert points(tmp_path) == [(1, 1.0), (2, 2.0), (3, 3.0)]


def test_numbers_that_are_not_finite_become_notes(tmp_path):
    journal = start(tmp_path)
    journal.metrics(7, {"loss": float("nan"), "lr": 0.1})
    journal.finish(FAILED)
    events = list(read_events(tmp_path))
    assert events[0]["metrics"] == {"lr": 0.1}
    assert events[1]["note"] == "loss is nan at step 7"


def test_no_secret_reaches_the_journal(tmp_path):
    address = "https://reader:hush@example.org/file?token=hushed"
    journal = Ledger.open(tmp_path, key="k", stage="fetch", spec={"location": address})
    journal.note(f"from {address}")
    journal.finish(FINISHED)
    written = [(tmp_path / name).read_text() for name in ("run.json", "events.jsonl")]
    assert all("example.org" in text and "hush" not in text for text in written)


def test_bytes_are_kept_for_the_last_words_until_the_end(tmp_path):
    journal = start(tmp_path)
    assert (tmp_path / ledger.RESERVE).stat().st_size == ledger.RESERVED > 100_000
    journal.finish(FINISHED)
    assert not (tmp_path / ledger.RESERVE).exists()


def test_a_working_tree_is_dirty_once_a_file_of_it_is_changed(tmp_path):
    def git(*words: str) -> None:
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], cwd=tmp_path, check=True)

    git("init", "--quiet")
    (tmp_path / "file").write_text("one")
    git("add", "file")
    git("commit", "--quiet", "--message", "one")
    state = ledger.git_state.__wrapped__  # not what was remembered
    assert state(tmp_path)["dirty"] is False
    (tmp_path / "file").write_text("two")
    assert state(tmp_path)["dirty"] is True


def test_a_note_with_unicode_line_ends_stays_one_event(tmp_path):
    journal = start(tmp_path)
    note = "one\u2028two\u0085three\nfour"
    journal.note(note)
    journal.finish(FINISHED)
    assert [event["note"] for event in read_events(tmp_path)] == [note]


def test_a_living_process_is_told_from_a_dead_one_and_from_one_that_got_its_number(tmp_path):
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    record = {"host": ledger.socket.gethostname(), "pid": child.pid, "pid_start": ledger.process_start(child.pid)}
    assert is_alive(record, tmp_path)
    assert not is_alive(record | {"pid_start": record["pid_start"] - 100}, tmp_path)
    child.kill()
    time.sleep(0.1)
    assert not is_alive(record, tmp_path), "a zombie is dead"
    child.communicate()
    assert not is_alive(record, tmp_path)


def test_a_process_on_another_host_lives_as_long_as_its_heart_beats(tmp_path):
    events = tmp_path / "events.jsonl"
    record = {"host": "elsewhere", "pid": 1, "pid_start": 1.0}
    assert not is_alive(record, tmp_path)
    events.touch()
    assert is_alive(record, tmp_path)
    os.utime(events, (time.time() - 31 * ledger.HEARTBEAT_SECONDS,) * 2)
    assert not is_alive(record, tmp_path)


def test_the_heart_beats_while_nothing_is_logged(tmp_path, monkeypatch):
    monkeypatch.setattr(ledger, "HEARTBEAT_SECONDS", 0.05)
    journal = start(tmp_path)
    os.utime(tmp_path / "events.jsonl", (0, 0))
    time.sleep(0.3)
    assert (tmp_path / "events.jsonl").stat().st_mtime > 0
    journal.finish(FINISHED)
    os.utime(tmp_path / "events.jsonl", (0, 0))
    time.sleep(0.2)
    assert (tmp_path / "events.jsonl").stat().st_mtime == 0, "a finished run has no pulse"


def test_journals_are_written_without_importing_mlflow():
    code = "import scriptorium.ledger, scriptorium.stage, sys; sys.exit('mlflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
