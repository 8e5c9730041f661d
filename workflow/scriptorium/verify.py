"""Repeats finished runs and compares every output byte for byte: `python -m scriptorium.verify RUN_DIR ...`.

A run is repeated from its own run.json (stage, specification, inputs, threads) in a temporary folder, with state of its
own, so nothing below results/ is touched. Exit codes: 0 all identical · 1 a difference · 2 it cannot be repeated.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scriptorium import ledger, manifest
from scriptorium.errors import UserError
from scriptorium.spec import canonical_json


def verify(directory: Path) -> bool:
    """Repeat one run and print a table of its outputs. Raises UserError if it cannot be repeated."""
    record = repeatable(directory)
    with tempfile.TemporaryDirectory(prefix="scriptorium-verify-") as made:
        return compare(record, directory, repeat(record, directory, Path(made)))


def compare(record: Mapping[str, Any], directory: Path, out: Path) -> bool:
    """Print a table of the outputs that a run's record names beside those of its repetition in `out`.

    Returns whether all are equal, byte for byte.
    """
    before = {entry["path"]: entry["sha256"] for entry in record["outputs"]}
    after = {entry["path"]: entry["sha256"] for entry in manifest.read(out)["files"]}
    code = ledger.read_record(out)["code"]
    if record["code"] != code:
        print(f"{directory}: the code changed since this run ({record['code']} -> {code}); compared all the same")
    print(f"{directory} ({record['stage']}, {len(before)} files)")
    width = max(map(len, before | after), default=0)
    for name in sorted(before | after):
        print(f"  {name:<{width}}  {_state(before.get(name), after.get(name))}")
    return before == after


def repeatable(directory: Path) -> dict[str, Any]:
    """The record of a run that finished and whose inputs are unchanged. Raises UserError otherwise."""
    record = ledger.read_record(directory)
    if record is None:
        raise UserError("there is no readable run.json", where=directory, remedy="run snakemake for it first")
    if record["status"] != ledger.FINISHED:
        raise UserError(
            f"the run is {record['status']}, only finished runs can be repeated",
            where=directory,
            remedy="run snakemake for it first",
        )
    check_inputs(record, directory)
    return record


def check_inputs(record: Mapping[str, Any], directory: Path) -> None:
    """Raises UserError for an input that is gone, or is not what the run in `directory` has read."""
    for entry in record["inputs"]:
        path = Path(entry["path"])
        if not path.exists():
            raise UserError(
                f"input {entry['name']!r} does not exist any more",
                where=path,
                remedy="run snakemake for it, in the project's folder",
            )
        if manifest.input_digest(path) != entry["sha256"]:
            raise UserError(
                f"input {entry['name']!r} changed since {directory} was made, so its outputs may differ",
                where=path,
                remedy="run snakemake, which makes it again, then verify",
            )


def repeat(record: Mapping[str, Any], directory: Path, made: Path, *, package: Path | None = None) -> Path:
    """Run the stage's command line below `made` and return its run directory there.

    Outputs keep their place relative to the run directory, so the manifest's relative paths stay comparable.
    package: the folder of another copy of the code (`workflow/`), which computes it. Raises UserError where it fails.
    """

    def inside(path: Path) -> Path:
        return made / "root" / path.absolute().relative_to("/")

    out = inside(directory)
    outputs = {name: inside(Path(path)) for name, path in record["declared"].items()}
    words = command(record, out, outputs, made / "state")
    done = subprocess.run(words, env=environment(package), stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        tail = "\n".join(done.stderr.splitlines()[-15:])
        raise UserError(f"the repetition failed with exit code {done.returncode}:\n{tail}", where=directory)
    return out


def command(record: Mapping[str, Any], out: Path, outputs: Mapping[str, Path], state: Path) -> list[str]:
    """The stage's command line, with other places for what it writes."""
    words = [sys.executable, "-m", f"scriptorium.stages.{record['stage']}", "--spec", canonical_json(record["spec"])]
    words += ["--out", str(out), "--state", str(state), "--threads", str(record.get("threads", 1))]
    words += ["--input", *(f"{entry['name']}={entry['path']}" for entry in record["inputs"])]
    return [*words, "--output", *(f"{name}={path}" for name, path in outputs.items())]


def environment(package: Path | None) -> dict[str, str]:
    """The environment of a repetition: no live mirror of it, and the code of `package` before any other."""
    quiet = {key: value for key, value in os.environ.items() if key != "SCRIPTORIUM_TRACKING_URI"}
    if package:
        quiet["PYTHONPATH"] = os.pathsep.join(filter(None, [str(package), os.environ.get("PYTHONPATH", "")]))
    return quiet


def _state(before: str | None, after: str | None) -> str:
    if before == after:
        return f"identical  {before[:16]}"
    return f"DIFFERENT  {before[:16] if before else 'absent'} -> {after[:16] if after else 'absent'}"


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m scriptorium.verify", description=__doc__.splitlines()[0])
    parser.add_argument("run", nargs="+", type=Path, help="run directories, or their manifests")
    arguments = parser.parse_args(words)
    states = []
    for path in arguments.run:
        try:
            states.append(0 if verify(path.parent if path.name == manifest.NAME else path) else 1)
        except UserError as error:
            print(f"error: {error}", file=sys.stderr)
            states.append(2)
    identical, n = states.count(0), len(states)
    print(f"verify: {identical} of {n} runs are identical when repeated" + ("" if identical == n else ": NOT in order"))
    return max(states)


if __name__ == "__main__":
    sys.exit(main())
