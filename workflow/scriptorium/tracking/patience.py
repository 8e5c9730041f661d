"""A client that waits for its server no longer than is stated, whatever the server does.

Time-outs of HTTP libraries count from one byte to the next: a server that sends one byte a second is waited for without
end. Here the whole time counts, over all calls and all tries: an alarm of the operating system ends the wait.
"""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scriptorium.errors import UserError
from scriptorium.tracking.complaints import LATER

USUAL = 2.0  # seconds in which a server answers a call; only what is longer counts as waiting
RATE = 100_000  # bytes per second of an upload, likewise
UPLOAD = "log_artifacts"  # the call of which the second argument is a folder that is sent


class OutOfPatience(BaseException):
    """The alarm went off. No Exception, so that no library takes it for a fault after which one tries again."""


class Patient:
    """MLflow's client, whose calls are given `seconds` of waiting altogether (None: as long as they take).

    A call raises UserError when they are used up, and so does every later one at once. The alarm works in the main
    thread alone, where the import, the audit and the followers do their work.
    """

    def __init__(self, client: Any, uri: str, seconds: float | None):
        self._client, self._uri, self._seconds, self._left = client, uri, seconds, seconds

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if not callable(found):
            return found

        @functools.wraps(found)
        def call(*given: Any, **named: Any) -> Any:
            with self.waiting(size_of(given[1]) if name == UPLOAD else 0):
                return found(*given, **named)

        return call

    @contextlib.contextmanager
    def waiting(self, size: int = 0) -> Iterator[None]:
        """What happens inside is one call; size: bytes that it sends."""
        if self._left is None or threading.current_thread() is not threading.main_thread():
            yield
            return
        if self._left <= 0:
            raise self._complaint()
        began, usual = time.monotonic(), USUAL + size / RATE
        before = signal.signal(signal.SIGALRM, _ring)
        try:
            try:
                # again after a second, should a library hold up the first one while it tidies
                signal.setitimer(signal.ITIMER_REAL, usual + self._left, 1.0)
                yield
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
                signal.signal(signal.SIGALRM, before)
                self._left -= max(0.0, time.monotonic() - began - usual)
        except OutOfPatience:
            self._left = 0.0
            raise self._complaint() from None

    def _complaint(self) -> UserError:
        return UserError(
            f"the server has kept this waiting for {self._seconds:.0f} seconds in all: it hangs, or answers too slowly",
            where=self._uri,
            remedy=f"look after it, and import again; {LATER}",
        )


def _ring(*_: Any) -> None:
    raise OutOfPatience


def size_of(folder: str) -> int:
    """Bytes of all files below a folder, also of those that it links to."""
    return sum(Path(place, name).stat().st_size for place, _, names in os.walk(folder) for name in names)
