"""Proves that one process at a time holds a lock, on file systems with locks and without."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from scriptorium import file_lock
from scriptorium.file_lock import hold, holder
from scriptorium.owners import Owner

# what Lustre without `-o flock` says, and NFS without lockd
REFUSALS = [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP]
HOLD = """
import fcntl, os, sys
from pathlib import Path
from scriptorium.file_lock import hold

def flock(handle, operation):
    raise OSError(int(sys.argv[2]), os.strerror(int(sys.argv[2])))

if int(sys.argv[2]):
    fcntl.flock = flock
with hold(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


class Taken(Exception):
    pass


def give_up(who: str) -> None:
    raise Taken(who)


@pytest.fixture(params=[0, *REFUSALS])
def refusal(request, monkeypatch) -> int:
    """What the file system answers to flock; 0: it has locks."""
    if request.param:

        def flock(handle, operation):
            raise OSError(request.param, os.strerror(request.param))

        monkeypatch.setattr(file_lock.fcntl, "flock", flock)
    return request.param


@pytest.fixture
def other(tmp_path, refusal):
    """Another process that holds the lock."""
    words = [sys.executable, "-c", HOLD, str(tmp_path / "a.lock"), str(refusal)]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_who_holds_it_is_said_and_nobody_else_gets_it(tmp_path, other):
    assert f"process {other.pid} on" in holder(tmp_path / "a.lock")
    with pytest.raises(Taken, match=f"process {other.pid} on"), hold(tmp_path / "a.lock", give_up):
        pass


@pytest.mark.parametrize("ending", ["killed", "finished"])
def test_the_lock_is_free_when_its_process_has_ended_however(tmp_path, other, ending):
    other.kill() if ending == "killed" else other.communicate("\n")
    other.wait()
    with hold(tmp_path / "a.lock", give_up):
        assert f"process {os.getpid()} on" in holder(tmp_path / "a.lock")
    assert list(tmp_path.iterdir()) == []
    assert holder(tmp_path / "a.lock") is None


def test_an_owner_on_another_machine_is_waited_for_and_the_remedy_named(tmp_path, monkeypatch):
    monkeypatch.setattr(file_lock.fcntl, "flock", refuse)
    note = tmp_path / "a.lock.owner"
    note.write_text(json.dumps(asdict(replace(Owner.here(), host="node7", boot="another"))))
    with pytest.raises(Taken, match=rf"on node7.*if it has ended, remove {note}"), hold(tmp_path / "a.lock", give_up):
        pass
    assert note.exists()


def test_a_note_that_a_living_process_put_there_meanwhile_goes_back(tmp_path, monkeypatch):
    note, real = tmp_path / "a.lock.owner", file_lock.of_file
    dead, alive = (json.dumps(asdict(replace(Owner.here(), began=began))) for began in ("0", Owner.here().began))
    note.write_text(dead)

    def of_file(path: Path) -> Owner:
        found = real(path)
        if path == note:
            note.write_text(alive)  # between our look and our move
        return found

    monkeypatch.setattr(file_lock, "of_file", of_file)
    file_lock._remove_of_the_dead(note)
    assert note.read_text() == alive
    assert list(tmp_path.iterdir()) == [note]


def test_without_locks_and_links_everybody_goes_on_with_a_warning(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(file_lock.fcntl, "flock", refuse)
    monkeypatch.setattr(file_lock.os, "link", refuse)
    with hold(tmp_path / "a.lock", give_up):
        assert "let no other process compute the same" in caplog.text
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_was_removed_while_one_waited_protects_nothing_and_is_taken_anew(tmp_path, monkeypatch):
    lock, real = tmp_path / "a.lock", file_lock._take
    taken = []

    def take(handle, path):
        taken.append(real(handle, path))
        if len(taken) == 1:
            lock.unlink()  # what the holder before us does at its end
        return taken[-1]

    monkeypatch.setattr(file_lock, "_take", take)
    with hold(lock), lock.open() as second, pytest.raises(BlockingIOError):
        fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert taken == [None, None]


def refuse(*_):
    raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
