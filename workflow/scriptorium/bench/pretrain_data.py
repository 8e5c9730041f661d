"""What stands around the steps: tokenising and packing beside datasets.map, and how long a job takes to start."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from scriptorium.bench.pretrain_sides import Shape, encoder, group_texts
from scriptorium.bench.timing import Ratio, interleaved
from scriptorium.errors import UserError
from scriptorium.spec import canonical_json

DATA_TARGET = 1.0
START_LIMIT = 8.0  # seconds


def packing_ratio(texts: Sequence[str], tokenizer: Path, length: int, *, processes: int, runs: int) -> Ratio:
    """Our pack of these documents beside run_mlm.py's two maps: tokenise, and group into blocks of `length`."""
    import datasets

    from scriptorium.ledger import Ledger
    from scriptorium.text import packing
    from scriptorium.text.tokenizers import load_tokenizer

    datasets.disable_progress_bars()
    fast = load_tokenizer(tokenizer)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        splits = ["train"] * (len(texts) - 5) + ["validation"] * 5
        pd.DataFrame({"split": splits, "text": list(texts)}).to_parquet(root / "documents.parquet")
        ledger = Ledger.open(root / "run", key="bench", stage="bench")

        def ours() -> None:
            packing.pack(
                root / "documents.parquet",
                fast,
                length,
                root / "packed",
                ledger,
                tokens=packing.Tokens(fast, processes),
            )

        def peer() -> None:
            data = datasets.Dataset.from_parquet(str(root / "documents.parquet"), cache_dir=str(root / "cache"))
            workers = processes if processes > 1 else None
            settings = {"batched": True, "num_proc": workers, "load_from_cache_file": False}
            data = data.map(tokenise, remove_columns=data.column_names, fn_kwargs={"tokenizer": fast}, **settings)
            data.map(group_texts, fn_kwargs={"length": length}, **settings)

        ratios = interleaved(ours, peer, runs)
        ledger.finish("FINISHED")
    return Ratio(
        f"tokenise and pack, {len(texts)} documents, {processes} processes",
        "datasets.map, tokenise and group_texts",
        ratios,
        DATA_TARGET,
        "datasets.map time / our time",
    )


def tokenise(rows: dict[str, list], tokenizer: object) -> dict[str, list]:
    """run_mlm.py's tokenize_function."""
    return dict(tokenizer(rows["text"], return_special_tokens_mask=True))


def start_ratio(blocks: Path, shape: Shape, *, threads: int, runs: int) -> Ratio:
    """From starting the interpreter to the first logged step of the real stage, beside the limit."""
    seconds = tuple(start_seconds(blocks, shape, threads) for _ in range(runs))
    return Ratio(
        f"start of a training job to its first step, {shape.name}",
        f"{START_LIMIT:g} s",
        tuple(START_LIMIT / each for each in seconds),
        1.0,
        "allowed seconds / seconds",
    )


def start_seconds(blocks: Path, shape: Shape, threads: int) -> float:
    """Seconds until a new process of the pre-training stage has logged its first step."""
    from scriptorium import ledger
    from scriptorium.models.spec import EncoderSpec

    spec = {
        "model": encoder(EncoderSpec, shape).model_dump(),
        "objective": {},
        "seed": 0,
        "train": {"max_steps": 1, "batch_size": shape.batch_size, "log_every": 1},
    }
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        command = [
            sys.executable,
            "-m",
            "scriptorium.stages.pretrain",
            "--spec",
            canonical_json(spec),
            "--out",
            str(root / "run"),
            "--state",
            str(root / "state"),
            "--input",
            f"blocks={blocks / 'manifest.json'}",
            "--threads",
            str(threads),
        ]
        start = time.time()
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "HF_HUB_OFFLINE": "1"})
        if done.returncode:
            raise UserError(
                f"the stage failed: {done.stderr.strip().splitlines()[-1]}",
                where=blocks,
                remedy="run the stage by hand",
            )
        steps = [event for event in ledger.read_events(root / "run") if "train/loss" in event.get("metrics", {})]
        return steps[0]["t"] - start
