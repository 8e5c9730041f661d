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
from scriptorium.spec import canonical_json
from scriptorium.tracking.mirror import DIGEST, LEFT_OUT, SUPERSEDED, Mirror, identity
from scriptorium.tracking.portrait import Portrait, portraits
from scriptorium.tracking.store import Store

# stage -> the specification that the configuration wants now, from the run and the last part of its path
SPECS: dict[str, Callable[[runs.Runs, runs.Run, str], str]] = {
    "finetune": lambda all_runs, run, name: all_runs.finetune(run.variant, run.task, run.seed),
    "pretrain": lambda all_runs, run, name: all_runs.pretrain(run.variant, run.seed),
    "train_regressor": lambda all_runs, run, name: all_runs.regressor(run.variant, run.seed),
    "fetch": lambda all_runs, run, name: all_runs.fetch(name),
    "prepare_gaze": lambda all_runs, run, name: all_runs.gaze_corpus(name),
    "prepare_task": lambda all_runs, run, name: all_runs.task_data(name),
    "prepare_corpus": lambda all_runs, run, name: all_runs.corpus(name),
    "train_vocabulary": lambda all_runs, run, name: all_runs.vocabulary(name),
    "annotate": lambda all_runs, run, name: all_runs.annotate(),
    "gaze_baselines": lambda all_runs, run, name: all_runs.gaze_baselines(),
    "score": lambda all_runs, run, name: all_runs.score(),
    "significance": lambda all_runs, run, name: all_runs.significance(),
    "train_predictor": lambda all_runs, run, name: all_runs.predictor(),
    "benchmark_cmcl2021": lambda all_runs, run, name: all_runs.cmcl2021(),
    "pack": lambda all_runs, run, name: all_runs.pack(name),
    "tabulate_claims": lambda all_runs, run, name: all_runs.tabulate_claims(name.removeprefix("claims").lstrip("_")),
    "tabulate_corpora": lambda all_runs, run, name: all_runs.tabulate_corpora(),
    "tabulate_gaze": lambda all_runs, run, name: all_runs.tabulate_gaze(),
    "tabulate_pretrain": lambda all_runs, run, name: all_runs.tabulate_pretrain(),
    "compare_pretrain": lambda all_runs, run, name: all_runs.compare_pretrain(name.removeprefix("pretrain_")),
    "tabulate_finetune": lambda all_runs, run, name: all_runs.tabulate_finetune(name.removeprefix("finetune_")),
    "tabulate_boundary": lambda all_runs, run, name: all_runs.tabulate_boundary(name.removeprefix("boundary_")),
    "tabulate_weights": lambda all_runs, run, name: all_runs.tabulate_weights(name.removeprefix("feature_weights_")),
    "tabulate_reading": lambda all_runs, run, name: all_runs.tabulate_reading(name.removeprefix("reading_")),
    "bench_cogbert": lambda all_runs, run, name: all_runs.bench_cogbert(),
    "bench_pretrain": lambda all_runs, run, name: all_runs.bench_pretrain(),
    "attention_maps": lambda all_runs, run, name: all_runs.attention_maps(),
}


class Finding(NamedTuple):
    kind: str
    path: str
    detail: str


def audit(results: Path, expected: runs.Runs, store: Store, *, content: bool = True) -> int:
    """Print what is wrong and a verdict. Returns the exit code: 0 all is well, 1 something is wrong."""
    found, faulty = portraits(results, expected)
    problems = [Finding("unreadable", path, reason) for path, reason in faulty.items()]
    problems += missing(found, expected)
    digest = cache(_digest)  # one input serves many runs
    for picture in found:
        problems += unfinished(picture)
        problems += stale(picture, expected, results.resolve().parent, digest)
        problems += damaged(picture, content=content)
    mirrored, about_mirror = mirror_findings(results, found, store)
    problems += about_mirror
    for finding in sorted(set(problems)):
        print(f"{finding.kind:<13} {finding.path}\n{'':<13}   {finding.detail}")
    listed = len(list(expected.expected()))
    facts = f"{listed} runs expected, {len(found)} ledgers, {mirrored} current runs in MLflow"
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
    if record["code"] != (code := runs.code(stage)):
        reasons.append(f"the code changed since ({record['code']} -> {code})")
    try:
        wanted = SPECS[stage](expected, picture.run, path.split("/")[-1]) if stage in SPECS else None
        if wanted and canonical_json(record["spec"]) != wanted:
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
    return [Finding("damaged", picture.run.path, problem) for problem in problems]


def mirror_findings(results: Path, found: list[Portrait], store: Store) -> tuple[int, list[Finding]]:
    """Current runs in MLflow, and where they differ from the ledgers."""
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
    for _, path, *_ in by_identity:
        findings.append(Finding("no ledger", path, "MLflow shows a run whose ledger is gone or was replaced"))
    return len(current), findings


def _digest(path: Path) -> str | None:
    """Digest of an input, as stages record it."""
    try:
        return manifest.content_digest(path) if path.name == manifest.NAME else manifest.sha256(path)
    except (UserError, OSError):
        return None
