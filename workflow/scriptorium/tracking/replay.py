"""The import: every ledger below results/ into MLflow. Again and again, with the same result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from scriptorium import ledger
from scriptorium.manifest import write_json
from scriptorium.runs import Runs
from scriptorium.spec import canonical_json
from scriptorium.tracking.family import Family, about_study, columns, families
from scriptorium.tracking.mirror import Mirror
from scriptorium.tracking.portrait import Portrait, ledgers, path_of, portraits
from scriptorium.tracking.store import Store, answering, one_writer


def import_all(results: Path, runs: Runs, store: Store) -> dict[str, Any]:
    """Replay all ledgers into MLflow and return counts per experiment and status, a function of the ledgers alone."""
    with one_writer(results):
        for directory in ledgers(results).values():
            close_dead(directory)
        found, unreadable = portraits(results, runs)
        mirror = Mirror.open(store, results, weights=runs.config.tracking.weights)
        with answering(store):
            send(mirror, found, runs)
    return summary(found, unreadable, results)


def send(mirror: Mirror, found: Sequence[Portrait], runs: Runs) -> None:
    """Parents, their children, the parents' numbers, and at last marks on what is no longer current."""
    groups = families(found, runs)
    mirror.prepare(sorted({group.study for group in groups}))
    current, paths = set(), set()
    studies: dict[str, list[Family]] = {}
    with tqdm(total=len(found), unit="run", desc="MLflow", disable=None) as progress:
        for group in groups:
            parent = mirror.find(group) or mirror.create(group, group.study)
            for member in group.members:
                current.add(mirror.push(member, parent.info.run_id))
                progress.update()
            current.add(mirror.push_family(group))
            studies.setdefault(group.study, []).append(group)
            paths |= {group.path, *(member.run.path for member in group.members)}
    for study, members in studies.items():
        mirror.describe(study, about_study(study, members, runs), columns(members))
    mirror.supersede(current, paths)


def close_dead(directory: Path) -> bool:
    """Close a ledger whose process is gone as KILLED, in its files. Returns whether it was one."""
    record = ledger.read_record(directory)
    if not record or record["status"] != ledger.RUNNING or ledger.is_alive(record, directory):
        return False
    end = max([record["start"], *(event["t"] for event in ledger.read_events(directory))])
    if ledger.read_record(directory) != record:  # started again while we looked
        return False
    with (directory / "events.jsonl").open("a", encoding="utf-8") as events:
        text = f"process {record['pid']} on {record['host']} is gone: closed as {ledger.KILLED}"
        events.write("\n" + canonical_json({"t": end, "note": text}) + "\n")  # the kill may have cut the last line
    write_json(directory / "run.json", {**record, "status": ledger.KILLED, "end": end})
    return True


def summary(found: Sequence[Portrait], unreadable: Sequence[Path], results: Path) -> dict[str, Any]:
    """Counts that depend on the ledgers alone, not on what was in MLflow before."""
    experiments: dict[str, Counter[str]] = {}
    for member in found:
        experiments.setdefault(member.run.study, Counter())[member.status] += 1
    return {
        "runs": len(found),
        "status": Counter(member.status for member in found),
        "experiments": experiments,
        "unreadable": [path_of(path, results) for path in unreadable],
    }
