"""Proves that a run counts as dead only where that can be known: its machine, its kernel, its process, its start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from scriptorium import owners
from scriptorium.owners import ALIVE, DEAD, UNKNOWN, Owner

HERE = Owner.here()


def test_this_process_is_alive():
    assert HERE.state() == ALIVE


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGHUP], ids=["killed", "terminal closed"])
def test_a_killed_process_is_dead_even_before_its_parent_has_cleared_it_away(signal_number):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    owner = replace(HERE, pid=child.pid, began=owners._began(child.pid))
    assert owner.state() == ALIVE
    child.send_signal(signal_number)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # ended, but still in the table of processes
    assert owner.state() == DEAD
    child.wait()
    assert owner.state() == DEAD


def test_a_process_number_that_was_given_out_again_is_somebody_else():
    assert replace(HERE, began="1").state() == DEAD


def test_what_ran_on_another_machine_or_in_another_container_is_unknown():
    for elsewhere in ({"host": "node7"}, {"machine": "another"}, {"namespace": "pid:[1]"}):
        assert replace(HERE, pid=2**22 + 1, **elsewhere).state() == UNKNOWN


def test_no_process_outlives_a_restart_of_its_machine():
    before = replace(HERE, machine="m", boot="before")
    now = replace(HERE, machine="m", boot="now")
    assert _judged(before, by=now) == DEAD
    assert _judged(replace(before, host="node7"), by=now) == UNKNOWN
    assert _judged(replace(before, machine=""), by=replace(now, machine="")) == UNKNOWN, "any machine may be nameless"


def test_a_process_of_another_user_that_the_system_hides_is_not_called_dead(monkeypatch):
    monkeypatch.setattr(owners, "_refused", lambda pid: True)
    assert replace(HERE, pid=2**22 + 1).state() == ALIVE


def test_a_note_is_read_back_and_a_damaged_one_belongs_to_somebody_unknown(tmp_path):
    path = HERE.write(tmp_path / "owners")
    assert owners.read(path.parent) == {path: HERE}
    path.write_text('{"host": ', encoding="utf-8")
    assert [owner.state() for owner in owners.read(path.parent).values()] == [UNKNOWN]


def _judged(owner: Owner, by: Owner) -> str:
    here, Owner.here = Owner.here, classmethod(lambda cls: by)
    try:
        return owner.state()
    finally:
        Owner.here = here
