"""The command line that all stages have: how it is read, and how the ledger writes it down."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from scriptorium.errors import UserError
from scriptorium.spec import Spec


def parse(stage: str) -> argparse.Namespace:
    """What the process was called with."""
    parser = argparse.ArgumentParser(prog=f"python -m scriptorium.stages.{stage}")
    parser.add_argument("--spec", required=True, help="canonical JSON of the run's specification")
    parser.add_argument("--out", required=True, type=Path, help="run directory (ledger, manifest, results)")
    pairs = {"nargs": "*", "default": [], "metavar": "NAME=PATH"}
    parser.add_argument("--input", **pairs, help="manifests or files to read; further paths of a name follow it")
    parser.add_argument("--output", **pairs, help="results kept outside the run directory")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    parser.add_argument("--gpus", type=int, default=0, help="GPUs to lease; 0 leaves the environment alone")
    parser.add_argument("--runtime", type=float, default=None, help="minutes until the job would be killed")
    parser.add_argument("--processes", type=int, default=1, help="train with so many (torchrun), one per GPU")
    parser.add_argument("--nodes", type=int, default=1, help="machines of a Slurm job that share the processes")
    parser.add_argument(
        "--micro-batch", type=_number, help="examples that a process has at once; empty: its whole share of a batch"
    )
    parser.add_argument("--workers", type=int, default=0, help="processes that prepare batches, for each of these")
    parser.add_argument("--precision", default="auto", help="of matrix products: auto, fp32, bf16 or fp16")
    parser.add_argument("--compile", action="store_true", help="torch.compile")
    parser.add_argument("--gradient-checkpointing", action="store_true", help="less memory, more time")
    parser.add_argument("--fsdp", action="store_true", help="processes share weights and optimiser state")
    parser.add_argument("--state", type=Path, default=Path("results/.state"), help="where resumable state lives")
    parser.add_argument("--options", default="", help="more of these options, as one text")
    arguments = parser.parse_args()
    if arguments.options:
        return parser.parse_args([*sys.argv[1:], *shlex.split(arguments.options)])
    return arguments


def named_paths(words: list[str]) -> dict[str, list[Path]]:
    """`a=x y b=z c=` -> {a: [x, y], b: [z]}: what a rule's shell makes of lists and of optional inputs."""
    found: dict[str, list[Path]] = {}
    name = None
    for word in words:
        if "=" in word:
            name, _, word = word.partition("=")
        if name is None:
            raise UserError(f"{word!r} has no name", where="--input", remedy="write --input name=path")
        if word:
            found.setdefault(name, []).append(Path(word))
    return found


def written(stage: str, spec: Spec, out: Path, inputs: dict, outputs: dict, threads: int) -> str:
    """The command line that runs this again, without Snakemake."""
    words = ["python", "-m", f"scriptorium.stages.{stage}", "--spec", spec.canonical(), "--out", str(out)]
    if inputs:
        words.append("--input")
        for name, (first, *more) in inputs.items():
            words += [f"{name}={first}", *map(str, more)]
    if outputs:
        words += ["--output", *(f"{name}={path}" for name, path in outputs.items())]
    return shlex.join([*words, "--threads", str(threads)])


def _number(text: str) -> int | None:
    """A number above 0, or none: a resource that nobody has set is empty."""
    if not text:
        return None
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return int(text)
