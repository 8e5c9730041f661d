"""Sends one run's ledger to an MLflow server while the run goes on.

A process of its own, started by the job (`stage.start_live_mirror`): the job never waits for it. A dead server is tried
again until the run has ended and a little longer; what was not sent is completed by the next import, because both
find the run by the same identity and know its points by (key, step).
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from scriptorium import ledger
from scriptorium.errors import UserError
from scriptorium.runs import Runs
from scriptorium.tracking import portrait, run_names
from scriptorium.tracking.complaints import answering
from scriptorium.tracking.family import families
from scriptorium.tracking.mirror import Mirror
from scriptorium.tracking.store import Store, one_writer

EVERY, GRACE = 3.0, 10.0  # seconds between two batches; how long a dead server is tried after the run's end
SHARE, LONGEST = 0.05, 30.0  # of a core, at most: a long ledger is read less often, but every 30 s


class Live:
    """One run on its way to the server; whatever fails is tried again in the next round."""

    def __init__(self, directory: Path, results: Path, runs: Runs, store: Store):
        self.directory, self.results, self.runs, self.store = directory, results, runs, store
        self.path = run_names.path_of(directory, results)
        self.mirror: Mirror | None = None
        self.sent: set[tuple[str, int]] = set()
        self.run_id = self.parent_id = ""

    def send(self, record: dict[str, Any], *, last: bool) -> bool:
        """Send what is new; at the end everything that the import would send. Returns whether the server took it."""
        expected = {run.path: run for run in self.runs.all()}
        picture = portrait.portray(self.path, self.directory, record, expected, self.runs)
        try:
            with answering(self.store.uri):
                if not self.run_id:
                    self._begin(picture)
                points = [p for p in picture.points(final=last) if (p.key, p.step) not in self.sent]
                self.mirror.add_points(self.run_id, points)
                self.sent |= {(p.key, p.step) for p in points}
                if last:
                    with one_writer(self.results):
                        self.mirror.load()  # an import may have been here since
                        self.mirror.push(picture, self.parent_id)
        except UserError:
            self.run_id = ""  # a connection that has used up its patience has none left: the next round takes a new one
            return False
        return True

    def _begin(self, picture: portrait.Portrait) -> None:
        (family,) = families([picture], self.runs)
        with one_writer(self.results):
            # "later": large files wait for the import, which has time
            weights = "later" if self.runs.config.tracking.weights == "upload" else "reference"
            paths = (picture.run.path, family.path)
            self.mirror = Mirror.open(self.store, self.results, weights=weights, paths=paths, retries=0, timeout=5)
            self.mirror.prepare(picture.run.study)
            parent = self.mirror.find(family) or self.mirror.create(family, family.study)
            run = self.mirror.find(picture) or self.mirror.create(picture, picture.run.study, parent.info.run_id)
        keys = {point.key for point in picture.points()}
        self.sent = self.mirror.known_points(run.info.run_id, keys)
        self.parent_id, self.run_id = parent.info.run_id, run.info.run_id


def follow(directory: Path, parent: int, results: Path, runs: Runs, store: Store) -> int:
    """Mirror the run in `directory` until it or its process `parent` has ended. Returns the exit code, always 0."""
    live, born, deadline = Live(directory, results, runs, store), ledger.process_start(parent), None

    def gone() -> bool:
        return born is None or ledger.process_start(parent) != born

    while True:
        used, dead = time.process_time(), gone()
        record = ledger.read_record(directory)  # after the look at the process: what it wrote last is in here
        if record is None or record["pid"] != parent:
            return 0  # another attempt has taken over, with a follower of its own
        if dead and record["status"] == ledger.RUNNING:  # the import will say so in the files, too
            record |= {"status": ledger.KILLED, "end": max([record["start"], *_times(directory)])}
        ended = record["status"] != ledger.RUNNING
        if live.send(record, last=ended) and ended:
            return 0
        if ended:
            deadline = deadline or time.monotonic() + GRACE
            if time.monotonic() > deadline:
                return 0
        pause = min(max(EVERY, (time.process_time() - used) / SHARE), LONGEST)
        until = time.monotonic() + (min(EVERY, 1.0) if ended else pause)
        while time.monotonic() < until and (ended or not gone()):
            time.sleep(min(EVERY, 0.5))


def _times(directory: Path) -> list[float]:
    return [event["t"] for event in ledger.read_events(directory)]
