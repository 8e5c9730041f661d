"""Makes a run again with the code of its time: `python -m scriptorium.reproduce <folder | run key | MLflow run id>`.

In a new folder it lays out the commit that the run's ledger names, with what the working tree added to it (code.patch),
the specification and the versions of all packages; it checks the sums of the inputs, runs the stage there and compares
every byte with what the ledger says. Nothing of the project is changed. Call it in the project's folder.

Exit codes: 0 all identical, or only laid out · 1 a difference · 2 something is missing: one paragraph says what, and
what to do.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scriptorium import code_patch, ledger, manifest, replaced, verify
from scriptorium.errors import UserError
from scriptorium.spec import canonical_json
from scriptorium.tracking import records
from scriptorium.tracking.run_names import ledgers

FOLDER = Path("reproduced")
CONSTRAINTS = "envs/constraints.txt"
# Asks the code that was laid out for its digest: a stage's module hands its specification to stage.main and no further.
ASK = """
import runpy, sys
from scriptorium import stage
from scriptorium.digest import code_digest
from scriptorium.named import modules_of
name, spec = sys.argv[1:]
stage.main = lambda kind, run, **_: print(code_digest(name, *modules_of(kind.from_json(spec))))
runpy.run_module(name, run_name="__main__")
"""


@dataclass(frozen=True)
class Made:
    """A run that is to be made again: its record, the folder that its outputs were in, and where its journal is now."""

    record: dict[str, Any]
    directory: Path
    journal: Path

    @property
    def patch(self) -> Path | None:
        path = self.journal / code_patch.NAME
        return path if path.exists() else None


def find(name: str, results: Path, uri: str | None = None) -> Made:
    """The run that people call `name`. Raises UserError if there is none, or its record cannot be used."""
    given = Path(name)
    if given.name in (manifest.NAME, "run.json"):
        given = given.parent
    if given.is_dir():
        home = given.parents[1] if given.parent.name == replaced.FOLDER else given
        return _read(home, given)
    if re.fullmatch(r"[0-9a-f]{16}", name) and (found := _by_key(name, results)):
        return found
    if re.fullmatch(r"[0-9a-f]{32}", name):
        return _in_mlflow(name, results, uri)
    raise UserError(
        f"no run is called {name!r}",
        where=results,
        remedy="give a folder with a run.json, a run's key (`key` there, scriptorium.run_key in MLflow) or an MLflow "
        "run's id; call this in the project's folder",
    )


def _read(directory: Path, journal: Path) -> Made:
    record, fault = records.read(journal)
    if fault:
        raise UserError(f"this run cannot be made again: {fault.partition(';')[0]}", where=journal)
    return Made(record, directory, journal)


def _by_key(key: str, results: Path) -> Made | None:
    """The run with a content key: as it is now, or as it was before another one replaced it."""
    for directory in ledgers(results).values():
        for journal in (directory, *replaced.find(directory)):
            record = ledger.read_record(journal)
            if record and record.get("key") == key:
                return _read(directory, journal)
    return None


def _in_mlflow(run_id: str, results: Path, uri: str | None) -> Made:
    """An MLflow run: by its key if there is its ledger, else by the ledger that MLflow itself holds."""
    from scriptorium.tracking.complaints import answering
    from scriptorium.tracking.store import connect, locate

    store = locate(uri or os.environ.get("SCRIPTORIUM_TRACKING_URI"), results)
    if store.database and not store.database.exists():
        raise UserError("there is no mirror", where=store.database, remedy="run: snakemake track")
    client = connect(store)
    with answering(store.uri):
        tags = client.get_run(run_id).data.tags
        key, path = tags.get("scriptorium.run_key"), tags.get("scriptorium.path")
        if tags.get("scriptorium.kind") != "run" or not key or not path:
            raise UserError("this MLflow run shows no run of a stage", where=run_id, remedy="take one below it")
        if found := _by_key(key, results):
            return found
        folder = FOLDER / f"{key}-ledger"
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("run.json", code_patch.NAME):
            if any(entry.path == name for entry in client.list_artifacts(run_id)):
                client.download_artifacts(run_id, name, str(folder))
    return _read(Path(path), folder)


def lay_out(made: Made, folder: Path, repository: Path) -> Path:
    """Put commit, patch, specification and versions into `folder`. Returns where the package is (`.../workflow`).

    Raises UserError: no commit is known, the repository does not have it, the patch was not kept or does not fit.
    """
    git = made.record.get("git") or {}
    if not git.get("commit"):
        raise UserError(
            "the ledger names no commit: the run was made outside a git repository",
            where=made.journal,
            remedy="nothing can be laid out; `python -m scriptorium.verify` repeats it with the code that is here",
        )
    if folder.exists():
        raise UserError("this folder exists", where=folder, remedy="remove it, or name another one with --into")
    code = folder / "code"
    folder.mkdir(parents=True)
    _git(repository, "clone", "--quiet", "--no-checkout", str(repository), str(code))
    try:
        _git(code, "checkout", "--quiet", "--detach", git["commit"])
    except UserError:
        raise UserError(
            f"the repository does not have the commit {git['commit']}",
            where=repository,
            remedy="fetch it from where it was pushed (git fetch --all), or from the machine of the run, "
            f"{made.record['host']}",
        ) from None
    if made.patch:
        shutil.copy(made.patch, folder / code_patch.NAME)
        about = git.get("patch", {})
        try:
            _git(code, "apply", "--whitespace=nowarn", str((folder / code_patch.NAME).resolve()))
        except UserError as error:
            why = "secrets were masked in it; write them into it again" if about.get("masked") else str(error.problem)
            raise UserError(f"the patch does not fit its commit: {why}", where=folder / code_patch.NAME) from None
    elif reason := git.get("patch", {}).get("left_out"):
        _warn(f"{reason}; the code is that of the commit alone")
    elif git.get("dirty"):
        _warn("the run was made from a changed working tree by a version that kept no patch; the code is the commit's")
    manifest.write_json(folder / "run.json", made.record)
    manifest.write_json(folder / "spec.json", made.record["spec"])
    if (code / CONSTRAINTS).exists():
        shutil.copy(code / CONSTRAINTS, folder)
    return code / "workflow"


def check_code(made: Made, package: Path) -> None:
    """Raises UserError if the code that was laid out is not that of the run, as the digests say."""
    words = [
        sys.executable,
        "-c",
        ASK,
        f"scriptorium.stages.{made.record['stage']}",
        canonical_json(made.record["spec"]),
    ]
    done = subprocess.run(words, env=verify.environment(package), capture_output=True, text=True, check=False)
    digest = done.stdout.strip()
    if done.returncode or not digest:
        _warn("the code of that time does not tell its digest; the comparison after the run will")
    elif digest != made.record["code"]:
        raise UserError(
            f"the code that was laid out is another ({digest}) than the run's ({made.record['code']})",
            where=package.parent,
            remedy="bring what is missing into this folder (see above), and repeat it there with the command in "
            "command.txt; a run from a committed tree has nothing to miss",
        )


def differences(record: dict[str, Any]) -> list[str]:
    """How this machine differs from that of the run, where bytes may depend on it."""
    here, found = ledger.package_versions(), []
    for name, version in sorted(record.get("packages", {}).items()):
        if here.get(name) != version:
            found.append(f"{name} is {here.get(name, 'not installed')}, and was {version}")
    device = record["device"]
    if device and device != "cpu":
        found.append(f"it was computed on {device}; another device gives other last digits")
    return found


def reproduce(made: Made, folder: Path, repository: Path, *, run: bool = True) -> bool:
    """Lay a run out and, with `run`, compute it and compare. Returns whether all bytes are equal.

    Raises UserError if something is missing.
    """
    record = made.record
    if run and record["status"] != ledger.FINISHED:
        raise UserError(
            f"the run is {record['status']}, so there is nothing to compare with",
            where=made.journal,
            remedy="lay it out only: --no-run",
        )
    if note := records.of_an_earlier_version(record):
        _warn(note)
    package = lay_out(made, folder, repository)
    outputs = {name: folder / "made" / name for name in record.get("declared", {})}
    words = verify.command(record, folder / "made/run", outputs, folder / "made/state")
    text = f"PYTHONPATH={shlex.quote(str(package.resolve()))} {shlex.join(words)}\n"
    (folder / "command.txt").write_text(text, encoding="utf-8")
    print(f"laid out in {folder}: code, spec.json, constraints.txt, run.json; command.txt runs it")
    for line in differences(record):
        _warn(f"{line} (an environment as it was: python -m venv, pip install -r {folder}/constraints.txt)")
    check_code(made, package)
    verify.check_inputs(record, made.directory)
    return not run or verify.compare(
        record, made.directory, verify.repeat(record, made.directory, folder, package=package)
    )


def _git(folder: Path, *words: str) -> None:
    try:
        subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True)
    except FileNotFoundError:
        raise UserError("git is not installed", where=folder, remedy="install it") from None
    except subprocess.CalledProcessError as error:
        lines = error.stderr.strip().splitlines()
        raise UserError(f"git {words[0]} failed: {lines[-1] if lines else error.returncode}", where=folder) from None


def _warn(text: str) -> None:
    print(f"note: {text}", file=sys.stderr)


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m scriptorium.reproduce", description=__doc__.splitlines()[0])
    parser.add_argument("run", help="a run's folder, its key, or the id of its MLflow run")
    parser.add_argument("--into", type=Path, metavar="FOLDER", help=f"a new folder; else {FOLDER}/<run key>")
    parser.add_argument("--no-run", action="store_true", help="lay it out and check it, but do not compute")
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--uri", help="MLflow's address, for the id of an MLflow run")
    arguments = parser.parse_args(words)
    try:
        made = find(arguments.run, arguments.results, arguments.uri)
        folder = arguments.into or FOLDER / made.record["key"]
        top = ledger.git_state(Path(__file__).resolve().parent).get("top")
        if not top:
            raise UserError(
                "this copy of the project is no git repository, so no commit can be laid out",
                where=Path(__file__).resolve().parents[2],
                remedy="call this with a clone of the project",
            )
        same = reproduce(made, folder, Path(top), run=not arguments.no_run)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if not arguments.no_run:
        print("reproduce: every byte is identical" if same else "reproduce: NOT identical")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
