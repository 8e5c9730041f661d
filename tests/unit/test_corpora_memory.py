"""Proves that preparing and packing need no more memory for a corpus ten times as large."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from scriptorium import manifest
from tests import tiny

SMALL = 5_000_000  # bytes of text; the large corpus has ten times as much
GROWTH = 1.15  # bound on the ratio of peak memory
STAGE = (
    "import resource, runpy, sys; module = sys.argv.pop(1)\n"
    "try: runpy.run_module(module, run_name='__main__', alter_sys=True)\n"
    "finally: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
)


def write_text(path: Path, size: int) -> None:
    """Documents of 3 to 300 words, none repeated, so that what was seen grows with the corpus."""
    generator, written = np.random.default_rng(0), 0
    words = np.array([*tiny.WORDS, *(f"x{n}" for n in range(2000))])
    with path.open("w", encoding="utf-8") as handle:
        while written < size:
            chosen = generator.choice(words, 60_000)
            ends = np.cumsum(generator.integers(3, 300, 400))
            for part in np.split(chosen, ends[ends < len(chosen)]):
                written += handle.write(" ".join(part) + "\n\n")


def peak(stage: str, spec: dict, out: Path, state: Path, **inputs: Path) -> int:
    """Runs a stage in a process of its own; returns its largest resident memory in KB."""
    words = ["--spec", json.dumps(spec), "--out", str(out), "--state", str(state)]
    words += ["--threads", "2", "--input", *(f"{name}={path}" for name, path in inputs.items())]
    command = [sys.executable, "-c", STAGE, f"scriptorium.stages.{stage}", *words]
    return int(subprocess.run(command, check=True, capture_output=True, text=True, timeout=900).stdout.split()[-1])


@pytest.mark.slow
def test_memory_does_not_grow_with_the_corpus(tmp_path):
    (tmp_path / "tokenizer").mkdir()
    tiny.tokenizer().save_pretrained(tmp_path / "tokenizer")
    tokenizer = manifest.write(tmp_path / "tokenizer", (tmp_path / "tokenizer").iterdir())
    found: dict[str, list[int]] = {"prepare_corpus": [], "pack": []}
    for factor in (1, 10):
        root = tmp_path / str(factor)
        (root / "own").mkdir(parents=True)
        write_text(root / "own/text.txt", factor * SMALL)
        given = manifest.write(root / "own", [root / "own/text.txt"])
        corpus = {"corpus": "own", "sources": [{"dataset": "own", "reader": "text"}]}
        found["prepare_corpus"].append(peak("prepare_corpus", corpus, root / "corpus", root / "state", sources=given))
        inputs = {"corpus": root / "corpus/manifest.json", "tokenizer": tokenizer}
        found["pack"].append(peak("pack", {"block_length": 128}, root / "packed", root / "state", **inputs))
    sizes = [(tmp_path / f"{factor}/packed/train.arrow").stat().st_size for factor in (1, 10)]
    assert sizes[1] > 9 * sizes[0]
    print({name: [f"{kb / 1024:.0f} MB" for kb in pair] for name, pair in found.items()})
    for name, (small, large) in found.items():
        assert large < GROWTH * small, name
