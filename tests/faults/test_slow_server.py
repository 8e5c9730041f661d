"""A tracking server that drips or hangs costs no more than the stated time-out, tries and bytes included."""

from __future__ import annotations

import signal
import time

import pytest

from scriptorium.errors import UserError
from scriptorium.tracking.mirror import Mirror
from scriptorium.tracking.patience import USUAL, Patient, size_of
from scriptorium.tracking.store import Store, connect
from tests.loopback import dripping


@pytest.mark.parametrize(
    ("every", "said"), [(0.3, "kept this waiting for 4 seconds in all"), (None, "127.0.0.1")], ids=["drips", "hangs"]
)
def test_the_wait_is_over_after_the_stated_time(tmp_path, every, said):
    with pytest.raises(UserError):  # MLflow is imported; that takes seconds, which are not the server's
        connect(Store("http://127.0.0.1:9"), retries=0, timeout=1)
    with dripping(every) as url:
        began = time.monotonic()
        with pytest.raises(UserError, match=said):
            Mirror.open(Store(url), tmp_path, retries=1, timeout=2)
        assert time.monotonic() - began < 4 + USUAL + 8, "two tries of two seconds, what is usual"
    assert signal.getsignal(signal.SIGALRM) == signal.SIG_DFL


class Slow:
    """A client whose calls take so many seconds."""

    answer = 1

    def call(self, seconds: float) -> str:
        time.sleep(seconds)
        return "done"


def test_calls_share_their_patience_and_after_it_none_waits(monkeypatch):
    monkeypatch.setattr("scriptorium.tracking.patience.USUAL", 0.05)
    client = Patient(Slow(), "http://there", 0.5)
    assert client.answer == 1
    assert [client.call(0.01) for _ in range(9)] == ["done"] * 9, "what is usual does not count"
    assert client.call(0.4) == "done"
    began = time.monotonic()
    with pytest.raises(UserError, match="http://there"):
        client.call(30)
    with pytest.raises(UserError, match="hangs, or answers too slowly"):
        client.call(0)
    assert time.monotonic() - began < 5


def test_the_alarm_passes_by_whoever_tries_again():
    class Stubborn:
        def call(self) -> None:
            while True:
                try:
                    time.sleep(30)
                except Exception:
                    continue

    client = Patient(Stubborn(), "http://there", 0.2)
    with pytest.raises(UserError):
        client.call()


def test_a_database_is_waited_for():
    assert Patient(Slow(), "sqlite:///a.db", None).call(0.01) == "done"


def test_an_upload_is_given_time_for_its_bytes(tmp_path):
    (tmp_path / "sent/deep").mkdir(parents=True)
    (tmp_path / "large").write_bytes(bytes(3000))
    (tmp_path / "sent/deep/link").symlink_to(tmp_path / "large")
    (tmp_path / "sent/small").write_bytes(bytes(7))
    assert size_of(str(tmp_path / "sent")) == 3007
