"""The import: every ledger below results/ into MLflow. Again and again, with the same result."""

from __future__ import annotations

import contextlib
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from scriptorium import ledger, replaced
from scriptorium.errors import UserError
from scriptorium.manifest import write_json
from scriptorium.runs import Runs
from scriptorium.spec import canonical_json
from scriptorium.tracking import records
from scriptorium.tracking.complaints import answering, in_one_line, of_the_store
from scriptorium.tracking.family import Family, about_study, columns, families
from scriptorium.tracking.mirror import Mirror
from scriptorium.tracking.portrait import Portrait, portraits, replaced_portraits
from scriptorium.tracking.run_names import ledgers
from scriptorium.tracking.store import Store, one_writer


def import_all(results: Path, runs: Runs, store: Store) -> dict[str, Any]:
    """Replay all ledgers into MLflow and return counts per experiment and status, and which runs were left out."""
    with one_writer(results):
        directories = ledgers(results)
        for directory in directories.values():
            for journal in (directory, *replaced.find(directory)):
                close_dead(journal)
        found, left_out = portraits(results, runs, directories)
        older, faulty = replaced_portraits(directories, runs)
        left_out |= faulty
        mirror = Mirror.open(store, results, weights=runs.config.tracking.weights, mend=True)
        with answering(store.uri):
            left_out |= send(mirror, found, runs, older)
    return summary(found, left_out)


def send(mirror: Mirror, found: Sequence[Portrait], runs: Runs, older: Sequence[Portrait] = ()) -> dict[str, str]:
    """Parents, their children, the parents' numbers, and at last marks on what is no longer current.

    older: runs that others have replaced; those that MLflow does not know yet go beside them.
    Returns what was left out, and why: a run that MLflow refuses does not stop the others.
    """
    groups, left_out = families(found, runs), {}
    replaced_at: dict[str, list[Portrait]] = {}
    for member in older:
        replaced_at.setdefault(member.run.path, []).append(member)
    current, paths = set(), set()
    studies: dict[str, list[Family]] = {}
    with tqdm(total=len(found), unit="run", desc="MLflow", disable=None) as progress:
        for group in groups:
            with on_its_own(group.path, left_out, mirror):
                mirror.prepare(group.study)
                parent = mirror.find(group) or mirror.create(group, group.study)
            if group.path in left_out:  # without a parent there is no place for the children
                left_out |= {member.run.path: left_out[group.path] for member in group.members}
                continue
            for member in group.members:
                path = member.run.path
                with on_its_own(path, left_out, mirror):
                    current.add(mirror.push(member, parent.info.run_id))
                    paths.add(path)
                if path in left_out:
                    with on_its_own(path, left_out, mirror):
                        mirror.mark_left_out(member, left_out[path])
                for before in replaced_at.get(path, ()):
                    with on_its_own(f"{path}/{replaced.FOLDER}/{before.directory.name}", left_out, mirror):
                        mirror.push_superseded(before, parent.info.run_id)
                progress.update()
            with on_its_own(group.path, left_out, mirror):
                current.add(mirror.push_family(group))
                paths.add(group.path)
            studies.setdefault(group.study, []).append(group)
    for study, members in studies.items():
        with on_its_own(f"the description of {study}", left_out, mirror):
            mirror.describe(study, about_study(study, members, runs), columns(members))
    mirror.supersede(current, paths)
    return left_out


@contextlib.contextmanager
def on_its_own(path: str, left_out: dict[str, str], mirror: Mirror) -> Iterator[None]:
    """Note what is wrong with one run and go on. What is wrong with the store is raised: it would strike all runs."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except Exception as error:
        if of_the_store(error, mirror.store.uri):
            raise
        mirror.client.search_experiments(max_results=1)  # raises if the store does not answer any more
        left_out.setdefault(path, in_one_line(error))
        if not isinstance(error, MlflowException | OSError | ValueError | UserError):  # perhaps a defect of ours
            traceback.print_exception(error)


def close_dead(directory: Path) -> bool:
    """Close a ledger whose process is gone as KILLED, in its files. Returns whether it was one."""
    record, fault = records.read(directory)
    if fault or record["status"] != ledger.RUNNING or ledger.is_alive(record, directory):
        return False
    end = max([record["start"], *(event["t"] for event in ledger.read_events(directory))])
    if ledger.read_record(directory) != record:  # started again while we looked
        return False
    with (directory / "events.jsonl").open("a", encoding="utf-8") as events:
        text = f"process {record['pid']} on {record['host']} is gone: closed as {ledger.KILLED}"
        events.write("\n" + canonical_json({"t": end, "note": text}) + "\n")  # the kill may have cut the last line
    write_json(directory / "run.json", {**record, "status": ledger.KILLED, "end": end})
    return True


def summary(found: Sequence[Portrait], left_out: dict[str, str]) -> dict[str, Any]:
    """Counts that depend on the ledgers and on what MLflow takes, not on what was in MLflow before."""
    experiments: dict[str, Counter[str]] = {}
    shown = [member for member in found if member.run.path not in left_out]
    for member in shown:
        experiments.setdefault(member.run.study, Counter())[member.status] += 1
    return {
        "runs": len(shown),
        "status": Counter(member.status for member in shown),
        "experiments": experiments,
        "earlier_versions": sum(bool(records.of_an_earlier_version(member.record)) for member in found),
        "left_out": dict(sorted(left_out.items())),
    }
