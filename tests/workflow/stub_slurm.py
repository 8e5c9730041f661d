"""A stand-in for Slurm, just large enough for Snakemake's slurm executor: `sbatch` runs a job at once and to its end.

What stays real is Snakemake, the plugin, the profile and the two nested Snakemake processes of each job. With
STUB_SLURM=refuse in the environment `sbatch` notes the job and accepts none; the command in STUB_SLURM_QUEUED runs
while a job waits.
"""

from __future__ import annotations

import sys
from pathlib import Path

SBATCH = """
import os, pathlib, subprocess, sys
jobs = pathlib.Path(__file__).with_name("jobs")
number = len(jobs.read_text().splitlines()) + 1 if jobs.exists() else 1
options = dict(word[2:].split("=", 1) for word in sys.argv if word.startswith("--") and "=" in word)
name, cores = sys.argv[sys.argv.index("--job-name") + 1], options.get("cpus-per-task", "?")
if os.environ.get("STUB_SLURM") == "refuse":
    state = "REFUSED"
else:
    subprocess.run(os.environ.get("STUB_SLURM_QUEUED", "true"), shell=True, check=True)
    own = {**os.environ, "SLURM_JOB_ID": str(number)}
    log = pathlib.Path(sys.argv[sys.argv.index("--output") + 1].replace("%j", str(number)))
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as file:
        done = subprocess.run(options["wrap"], shell=True, env=own, stdout=file, stderr=subprocess.STDOUT)
    state = "FAILED" if done.returncode else "COMPLETED"
with jobs.open("a") as file:
    print(number, name, state, cores, file=file)
print(number)
sys.exit(state == "REFUSED")
"""

SQUEUE = """
import pathlib, sys
name = sys.argv[sys.argv.index("--name") + 1]
for line in pathlib.Path(__file__).with_name("jobs").read_text().splitlines():
    number, run, state, _ = line.split()
    if run == name:
        print(number, state, sep="|")
"""

SACCT = ""  # asked for the user's account, and answers nothing

SCONTROL = "print('MinJobAge = 300 sec')"  # with less, the plugin would not use squeue

SRUN = """
import os, sys
command = sys.argv[next(i for i, word in enumerate(sys.argv) if i and not word.startswith("-")) :]
os.execvp(command[0], command)
"""


def install(folder: Path) -> Path:
    """Put the commands into `folder`, which then has to stand in PATH."""
    folder.mkdir()
    commands = {"sbatch": SBATCH, "squeue": SQUEUE, "sacct": SACCT, "scontrol": SCONTROL, "srun": SRUN}
    for name, text in commands.items():
        (folder / name).write_text(f"#!{sys.executable}\n{text.lstrip()}", encoding="utf-8")
        (folder / name).chmod(0o755)
    return folder


def jobs(folder: Path) -> list[dict[str, str]]:
    """The jobs that were submitted so far: number, run, state, cores."""
    rows = (folder / "jobs").read_text(encoding="utf-8").splitlines()
    return [dict(zip(("number", "run", "state", "cores"), row.split(), strict=True)) for row in rows]
