"""Audit: do the configuration, the files, the ledgers and MLflow tell the same story?

Every finding has a kind, the run's path and a sentence. Nothing is changed, neither files nor MLflow.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from scriptorium import ledger, manifest, runs
from scriptorium.errors import UserError
from scriptorium.runs.folders import wildcards_of
from scriptorium.spec import canonical_json
from scriptorium.tracking import records
from scriptorium.tracking.mirror import DIGEST, LEFT_OUT, SUPERSEDED, Mirror, identity
from scriptorium.tracking.portrait import Portrait, portraits, replaced_portraits
from scriptorium.tracking.run_names import ledgers
from scriptorium.tracking.store import Store


class Finding(NamedTuple):
    kind: str
    path: str
    detail: str


def audit(results: Path, expected: runs.Runs, store: Store, *, content: bool = True) -> int:
    """Print what is wrong and a verdict. Returns the exit code: 0 all is well, 1 something is wrong."""
    directories = ledgers(results)
    found, faulty = portraits(results, expected, directories)
    older, unreadable = replaced_portraits(directories, expected)
    faulty |= unreadable
    problems = [Finding("unreadable", path, reason) for path, reason in faulty.items()]
    problems += missing(found, expected)
    digest = cache(_digest)  # one input serves many runs
    for picture in found:
        problems += unfinished(picture)
        problems += stale(picture, expected, results.resolve().parent, digest)
        problems += damaged(picture, content=content)
    mirrored, about_mirror = mirror_findings(results, found, store, older)
    problems += about_mirror
    for finding in sorted(set(problems)):
        print(f"{finding.kind:<13} {finding.path}\n{'':<13}   {finding.detail}")
    listed = len(list(expected.expected()))
    facts = f"{listed} runs expected, {len(found)} ledgers, {mirrored} current runs in MLflow"
    if earlier := sum(bool(records.of_an_earlier_version(picture.record)) for picture in found):
        facts += f"; {earlier} ledgers were written by an earlier version, and are read as they are"
    if not problems:
        print(f"audit: in order ({facts})")
        return 0
    counts = ", ".join(f"{n} {kind}" for kind, n in sorted(Counter(f.kind for f in set(problems)).items()))
    print(f"audit: NOT in order: {counts} ({facts})")
    return 1


def missing(found: Iterable[Portrait], expected: runs.Runs) -> list[Finding]:
    """Expected runs without a ledger."""
    there = {picture.run.path for picture in found}
    return [
        Finding("missing", run.path, f"never run; make it with: snakemake {run.manifest}")
        for run in expected.expected()
        if run.path not in there
    ]


def unfinished(picture: Portrait) -> list[Finding]:
    path, record = picture.run.path, picture.record
    if picture.status == ledger.RUNNING:
        alive = ledger.is_alive(record, picture.directory)
        state = "still running" if alive else "its process is gone; the next import closes it as KILLED"
        return [Finding("unfinished", path, f"process {record['pid']} on {record['host']}: {state}")]
    if picture.status != ledger.FINISHED:
        notes = picture.notes()
        last = notes[-1].strip().splitlines()[-1] if notes and notes[-1].strip() else "no note"
        return [Finding("unfinished", path, f"{picture.status} at attempt {record['attempt']}: {last}")]
    return []


def stale(picture: Portrait, expected: runs.Runs, root: Path, digest: Callable[[Path], str | None]) -> list[Finding]:
    """Finished with another code, specification or input than there is now."""
    if picture.status != ledger.FINISHED:
        return []
    path, record, stage = picture.run.path, picture.record, picture.run.stage
    reasons = []
    wildcards = wildcards_of(stage, path)
    try:
        wanted = None if wildcards is None else expected.plan(stage, **wildcards)
        if wanted and record["code"] != wanted.code:
            reasons.append(f"the code changed since ({record['code']} -> {wanted.code})")
        if wanted and canonical_json(record["spec"]) != wanted.spec:
            reasons.append("the configuration's specification differs from the one it was run with")
    except UserError:
        reasons.append("the configuration does not know it any more")
    for entry in record["inputs"]:
        if (now := digest(root / entry["path"])) != entry["sha256"]:
            reasons.append(f"input {entry['path']} {'changed since' if now else 'is gone'}")
    return [Finding("stale", path, reason) for reason in reasons]


def damaged(picture: Portrait, *, content: bool) -> list[Finding]:
    """Outputs that do not match the manifest, and a manifest that does not match the ledger."""
    if picture.status != ledger.FINISHED:
        return []
    try:
        written = manifest.read(picture.directory)
        problems = manifest.check(picture.directory, content=content)
    except UserError as error:
        return [Finding("damaged", picture.run.path, error.problem)]
    if written["files"] != picture.record["outputs"]:
        problems.append("manifest.json and run.json name different outputs")
    problems += changed_events(picture)
    return [Finding("damaged", picture.run.path, problem) for problem in problems]


def changed_events(picture: Portrait) -> list[str]:
    """events.jsonl against the checksum that a finished run keeps; ledgers of earlier versions have none."""
    kept = picture.record.get("events")
    try:
        if not isinstance(kept, dict) or kept == ledger.events_digest(picture.directory):
            return []
        now = (picture.directory / "events.jsonl").stat().st_size
    except OSError as error:
        return [f"events.jsonl cannot be read: {error.strerror}"]
    return [
        f"events.jsonl has {now} bytes and another content than the {kept.get('bytes')} bytes at the run's end: it was "
        "cut off or changed; remedy: restore it from a copy, or make the run again"
    ]


def mirror_findings(
    results: Path, found: list[Portrait], store: Store, older: Iterable[Portrait] = ()
) -> tuple[int, list[Finding]]:
    """Current runs in MLflow, and where they differ from the ledgers; `older` ones must be there, in whatever state."""
    if store.database and not store.database.exists():
        return 0, [Finding("not mirrored", "all ledgers", "MLflow holds nothing yet; run: snakemake track")]
    try:
        mirrored = Mirror.open(store, results, retries=1, timeout=10).runs
    except UserError as error:
        return 0, [Finding("not mirrored", "all ledgers", str(error).replace("\n", ";"))]
    current = [
        run
        for run in mirrored
        if run.data.tags.get(SUPERSEDED) != "true" and run.data.tags.get("scriptorium.kind") == "run"
    ]
    by_identity: dict[tuple, list] = {}
    for run in current:
        by_identity.setdefault(identity(run), []).append(run)
    findings = []
    for picture in found:
        shown, path = by_identity.pop(picture.identity, []), picture.run.path
        if not shown:
            findings.append(Finding("not mirrored", path, "not in MLflow; run: snakemake track"))
        elif len(shown) > 1:
            ids = ", ".join(run.info.run_id for run in shown)
            findings.append(Finding("duplicate", path, f"MLflow runs {ids} are one; the next import keeps the oldest"))
        elif shown[0].data.tags.get(DIGEST) != picture.digest:
            reason = shown[0].data.tags.get(LEFT_OUT)
            why = f"the last import left it out: {reason}" if reason else "MLflow shows an older state"
            findings.append(Finding("not mirrored", path, f"{why}; run: snakemake track"))
    there = {identity(run) for run in mirrored}
    for picture in older:
        if picture.identity not in there:
            findings.append(Finding("not mirrored", picture.run.path, "a run that was replaced; run: snakemake track"))
    for _, path, *_ in by_identity:
        findings.append(Finding("no ledger", path, "MLflow shows a run whose ledger is gone or was replaced"))
    return len(current), findings


def _digest(path: Path) -> str | None:
    """Digest of an input, as stages record it."""
    try:
        return manifest.input_digest(path)
    except (UserError, OSError):
        return None
