"""Proves which signals a stage takes for a request to save, and which for the end."""

from __future__ import annotations

import os
import signal

import pytest

from scriptorium import job
from scriptorium.job import Impl, Terminated


def test_signals_that_follow_at_once_are_the_same_request(caplog):
    impl = Impl()
    with impl.saving_on_sigterm():
        for _ in range(3):  # a cluster's, its shell's, and that of whoever started the process
            os.kill(os.getpid(), signal.SIGTERM)
    assert impl.stop_reason() == f"signal {signal.SIGTERM.value}"
    assert caplog.text.count("saving at the next step") == 1


def test_a_second_signal_after_a_pause_ends_the_stage(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(job.time, "monotonic", lambda: now[0])
    with pytest.raises(Terminated), Impl().saving_on_sigterm():
        os.kill(os.getpid(), signal.SIGTERM)
        now[0] += job.SAME_REQUEST[signal.SIGTERM] + 0.1
        os.kill(os.getpid(), signal.SIGTERM)
