"""Kills the stages of a miniature project and its main process, again and again, and compares every byte at the end.

    python -m tests.kill_campaign FOLDER --kills 40 --seed 0

In FOLDER/undisturbed the project (tests/workflow/whole.py) runs to its end. In FOLDER/killed the same command is typed
again and again; each time, jobs or the main process get SIGKILL at a seeded moment of their lives. Each stage is struck
at least once, and those first that were struck least. Then the command is typed until it ends well, and all files that
all manifests name must have the same bytes. Called again, the campaign goes on: FOLDER/kills.jsonl says what was done.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import psutil

from scriptorium import ledger, manifest
from tests.workflow.miniature import Project
from tests.workflow.whole import TARGETS, build_whole

MAIN = "the main process"
IMPORTS = 4.0  # seconds in which a stage is alive and has no ledger yet: it imports, and checks its inputs
COMMAND = (sys.executable, "-m", "snakemake", "--cores", "4", *TARGETS)


class Campaign:
    """Two copies of one project, and the list of kills so far."""

    def __init__(self, folder: Path, seed: int):
        self.folder, self.seed = folder, seed
        self.log = folder / "kills.jsonl"
        self.whole, self.broken = Project(folder / "undisturbed"), Project(folder / "killed")

    def kills(self) -> list[dict]:
        """What was killed so far: victim, seconds that it had lived, and the round."""
        lines = self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []
        return [json.loads(line) for line in lines]

    def prepare(self) -> None:
        """Both projects, and the undisturbed run."""
        for project in (self.whole, self.broken):
            if not (project.root / "Snakefile").exists():
                draft = project.root.with_name(f"{project.root.name}.draft")
                shutil.rmtree(draft, ignore_errors=True)
                build_whole(draft).root.rename(project.root)
        self.whole.typed(*COMMAND[3:])

    def lives(self) -> dict[str, float]:
        """Seconds that a run of each stage takes when nobody kills it."""
        times: dict[str, list[float]] = {}
        for record in map(ledger.read_record, runs_of(self.whole)):
            times.setdefault(record["stage"], []).append(record["end"] - record["start"])
        return {stage: IMPORTS + float(np.median(seconds)) for stage, seconds in times.items()}

    def round(self, number: int) -> bool:
        """Type the command once and kill what its turn is. Returns whether the command ended well."""
        generator, lives = np.random.default_rng((self.seed, number)), self.lives()
        struck = Counter(kill["victim"] for kill in self.kills())
        doomed: dict[psutil.Process, float] = {}  # the moment at which it dies
        with (self.folder / "killed.txt").open("ab") as screen:
            main = psutil.Popen(COMMAND, cwd=self.broken.root, stdout=screen, stderr=screen)
        if generator.random() < 0.2:
            doomed[main] = time.time() + float(generator.uniform(1, 40))
        dead = False
        while main.poll() is None:
            for process, stage in stages_below(main):
                if process not in doomed and not dead:
                    least = struck[stage] <= min(struck[each] for each in lives)
                    at = process.create_time() + float(generator.random()) * lives[stage]
                    doomed[process] = at if least or generator.random() < 0.3 else float("inf")
            for process, moment in doomed.items():
                if time.time() >= moment and (name := name_of(process, main)):
                    with contextlib.suppress(psutil.NoSuchProcess):
                        process.kill()
                        doomed[process], dead = float("inf"), True
                        self.note(number, name, time.time() - process.create_time())
            time.sleep(0.02)
        return main.wait() == 0

    def note(self, number: int, victim: str, age: float) -> None:
        kill = {"round": number, "victim": victim, "seconds": round(age, 2)}
        with self.log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(kill) + "\n")
        print(json.dumps(kill), flush=True)

    def again(self) -> None:
        """Take away all results when all is made: there must be work to kill. Some alone would not be made again, since
        Snakemake asks for no input of what is up to date."""
        for root in ("results", "resources"):
            shutil.rmtree(self.broken.root / root)

    def run(self, kills: int) -> None:
        self.prepare()
        number = max((kill["round"] for kill in self.kills()), default=-1) + 1
        while len(self.kills()) < kills or set(self.lives()) - {kill["victim"] for kill in self.kills()}:
            if self.round(number):
                self.again()
            number += 1
        self.broken.typed(*COMMAND[3:])


def runs_of(project: Project) -> list[Path]:
    """The run directories of a project, sorted."""
    return [folder for root in ("results", "resources") for folder in ledger.find(project.root / root)]


def stages_below(main: psutil.Popen) -> list[tuple[psutil.Process, str]]:
    """The stages that the main process has started and that run now."""
    found = []
    with contextlib.suppress(psutil.Error):
        for process in main.children(recursive=True):
            with contextlib.suppress(psutil.Error):
                words = process.cmdline()
                if words[1:2] == ["-m"] and words[2].startswith("scriptorium.stages."):
                    found.append((process, words[2].rpartition(".")[2]))
    return found


def name_of(process: psutil.Process, main: psutil.Popen) -> str | None:
    """What a process is called in the table; None if it is no more."""
    if process == main:
        return MAIN
    with contextlib.suppress(psutil.Error):
        if process.status() != psutil.STATUS_ZOMBIE:
            return process.cmdline()[2].rpartition(".")[2]
    return None


def compare(whole: Project, broken: Project) -> tuple[list[str], int, int]:
    """(files that differ, manifests, bytes compared): all that the manifests name, and the manifests themselves."""
    different, manifests, size = [], 0, 0
    names = [
        {path.relative_to(project.root) for folder in runs_of(project) for path in folder.glob(manifest.NAME)}
        for project in (whole, broken)
    ]
    different += sorted(map(str, names[0] ^ names[1]))
    for name in sorted(names[0] & names[1]):
        manifests += 1
        entries = manifest.read(whole.root / name)["files"]
        for path in (name, *(name.parent / entry["path"] for entry in entries)):
            first, second = ((project.root / path).read_bytes() for project in (whole, broken))
            size += len(first)
            if first != second:
                different.append(str(path))
    return different, manifests, size


def kills_table(kills: list[dict], lives: dict[str, float]) -> str:
    """Kills by victim: how many, and at which seconds of its life."""
    lines = ["| killed | kills | after seconds | its life |", "| --- | --- | --- | --- |"]
    for victim in sorted({kill["victim"] for kill in kills}):
        ages = sorted(kill["seconds"] for kill in kills if kill["victim"] == victim)
        life = f"{lives[victim]:.0f}" if victim in lives else ""
        lines.append(f"| {victim} | {len(ages)} | {', '.join(f'{age:.1f}' for age in ages)} | {life} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.kill_campaign", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the two projects are made; empty, or of a campaign before")
    parser.add_argument("--kills", type=int, default=40, help="at least so many, and every stage once")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    campaign = Campaign(arguments.folder.resolve(), arguments.seed)
    campaign.run(arguments.kills)
    different, manifests, size = compare(campaign.whole, campaign.broken)
    print(kills_table(campaign.kills(), campaign.lives()))
    for path in different:
        print(f"DIFFERENT: {path}")
    typed = len({kill["round"] for kill in campaign.kills()})
    verdict = f"{len(different)} files differ" if different else "all bytes are equal"
    print(
        f"{len(campaign.kills())} kills in {typed} calls of snakemake: {manifests} manifests, {size:,} bytes: {verdict}"
    )
    return int(bool(different))


if __name__ == "__main__":
    sys.exit(main())
