"""Step time against model size, sequence length and number of processes.

At a constant number of tokens per step, seconds per token grow with the length L as linear + quadratic L: products
with weights cost the same for every token, attention's scores L for each. The two are fitted by least squares over the
lengths that were measured, for every model.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

from scriptorium.bench.pretrain import Bench
from scriptorium.bench.pretrain_sides import Shape, encoder
from scriptorium.errors import UserError
from scriptorium.reporting.style import COLOURS, save, styled
from scriptorium.spec import canonical_json

COLUMNS = [
    "layers",
    "width",
    "length",
    "batch",
    "processes",
    "step_seconds",
    "tokens_per_second",
    "flops",
    "linear_seconds_per_token",
    "quadratic_seconds_per_token2",
]


def table_of_times(
    bench: Bench, models: Sequence[Shape], lengths: Sequence[int], processes: Sequence[int]
) -> pd.DataFrame:
    """One row per model and length (one process), then per number of processes (first model)."""
    rows = []
    for model in models:
        tokens = model.batch_size * model.length
        shapes = [model.model_copy(update={"length": n, "batch_size": max(1, tokens // n)}) for n in lengths]
        seconds = [step_seconds(bench, shape) for shape in shapes]
        linear, quadratic = fit(lengths, [t / s.batch_size / s.length for t, s in zip(seconds, shapes, strict=True)])
        rows += [row(s, 1, t, linear, quadratic) for s, t in zip(shapes, seconds, strict=True)]
    rows += [row(models[0], count, stage_seconds(bench, models[0], count)) for count in processes]
    return pd.DataFrame(rows, columns=COLUMNS)


def row(shape: Shape, processes: int, seconds: float, linear: float | None = None, quadratic: float | None = None):
    """One row of the table."""
    rate = shape.batch_size * shape.length / seconds
    return [
        shape.layers,
        shape.width,
        shape.length,
        shape.batch_size,
        processes,
        seconds,
        rate,
        flops_of(shape),
        linear,
        quadratic,
    ]


def fit(lengths: Sequence[int], seconds_per_token: Sequence[float]) -> tuple[float, float]:
    """(linear, quadratic) of seconds per token = linear + quadratic * length."""
    quadratic, linear = np.polyfit(lengths, seconds_per_token, 1)
    return float(linear), float(quadratic)


def step_seconds(bench: Bench, shape: Shape) -> float:
    """Median seconds of an MLM step over windows of `shape.steps`, after one of warm-up."""
    with bench.ours(shape) as loop:
        loop.run(shape.steps)
        return float(np.median([loop.run(shape.steps).seconds / shape.steps for _ in range(3)]))


def stage_seconds(bench: Bench, shape: Shape, processes: int) -> float:
    """Seconds of a step of the real stage, started with so many processes that share the threads; from its ledger."""
    from scriptorium import ledger
    from scriptorium.models.spec import EncoderSpec

    steps = 4 * shape.steps
    spec = {
        "model": encoder(EncoderSpec, shape).model_dump(),
        "objective": {},
        "seed": 0,
        "train": {"max_steps": steps, "batch_size": shape.batch_size, "log_every": shape.steps},
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
            "--processes",
            str(processes),
            "--input",
            f"blocks={bench.blocks / 'manifest.json'}",
            "--threads",
            str(bench.threads),
        ]
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "HF_HUB_OFFLINE": "1"})
        if done.returncode:
            raise UserError(
                f"the stage failed with {processes} processes: {done.stderr.strip().splitlines()[-1]}",
                where=bench.blocks,
                remedy="run the stage by hand",
            )
        events = [event for event in ledger.read_events(root / "run") if "train/loss" in event.get("metrics", {})]
        return (events[-1]["t"] - events[0]["t"]) / (events[-1]["step"] - events[0]["step"])


def flops_of(shape: Shape) -> float:
    """FLOPs of a step, by the engine's formula, at BERT's prediction rate."""
    import torch
    import transformers

    from scriptorium.engine import flops
    from scriptorium.models.mlm import PackedMaskedLM

    with torch.device("meta"):
        model = PackedMaskedLM(
            transformers.BertConfig(
                hidden_size=shape.width,
                num_hidden_layers=shape.layers,
                num_attention_heads=shape.heads,
                intermediate_size=4 * shape.width,
            )
        )
        ids = torch.empty(shape.batch_size, shape.length)
        return flops.of(model, {"input_ids": ids, "positions": ids[:, : round(0.15 * shape.length)]})


def draw(found: pd.DataFrame, path: Path) -> Path:
    """Microseconds per token against length, measured and fitted, one line per model."""
    with styled():
        figure, axes = plt.subplots(figsize=(5, 3.4))
        for colour, ((layers, width), rows) in zip(
            COLOURS, found.dropna().groupby(["layers", "width"], sort=False), strict=False
        ):
            first = rows.iloc[0]
            fitted = first["linear_seconds_per_token"] + first["quadratic_seconds_per_token2"] * rows["length"]
            axes.plot(rows["length"], 1e6 / rows["tokens_per_second"], "o", color=colour, label=f"{layers} x {width}")
            axes.plot(rows["length"], 1e6 * fitted, color=colour)
        axes.set(xlabel="sequence length (tokens)", ylabel="microseconds per token", yscale="log")
        axes.legend(title="layers x width; lines: fitted")
        path.parent.mkdir(parents=True, exist_ok=True)
        return save(figure, path)
