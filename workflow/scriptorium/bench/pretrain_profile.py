"""Where a step goes: the operators that take most of its time, by torch.profiler, for ours and for the peer."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pandas as pd

from scriptorium.bench.pretrain_sides import Shape, our_objective

COLUMNS = ["side", "shape", "operator", "calls", "milliseconds", "share"]
SIDES = ("ours MLM", "transformers MLM", "ours MPNet")
TOP = 12


def table_of_parts(blocks: Path, shape: Shape, threads: int) -> pd.DataFrame:
    """The TOP operators of a step of each side, each side in a process of its own."""
    rows = []
    for side in SIDES:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            rows += pool.submit(profile, side, blocks, shape.model_dump(), threads).result()
    return pd.DataFrame(rows, columns=COLUMNS)


def profile(side: str, blocks: Path, shape: dict[str, int], threads: int) -> list[list]:
    """Rows of the table for one side: self time of operators in the fourth step of a loop on one batch."""
    import torch
    from torch.profiler import ProfilerActivity
    from torch.profiler import profile as profiler

    torch.set_num_threads(threads)
    given = Shape(**shape)
    gpu = torch.cuda.is_available()
    device = "cuda" if gpu else "cpu"
    model, batch = _transformers(blocks, given) if side.startswith("transformers") else _ours(side, blocks, given)
    model.to(device).train()
    batch = {name: value.to(device) for name, value in batch.items()}
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)

    def step() -> None:
        with torch.autocast(device, torch.bfloat16, enabled=gpu):
            loss = model(**batch)["loss"]
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad()

    for _ in range(3):
        step()
    kinds = [ProfilerActivity.CPU] + ([ProfilerActivity.CUDA] if gpu else [])
    with profiler(activities=kinds) as seen:
        step()
    name = "self_device_time_total" if gpu else "self_cpu_time_total"
    events = sorted(((getattr(event, name), event) for event in seen.key_averages()), key=lambda pair: -pair[0])
    total = sum(time for time, _ in events)
    return [[side, given.name, event.key, event.count, time / 1e3, time / total] for time, event in events[:TOP]]


def _ours(side: str, blocks: Path, shape: Shape) -> tuple:
    """Our model and a batch; with the settings of training.prepare."""
    import torch

    from scriptorium.engine import memory
    from scriptorium.objectives.draws import training_draws
    from scriptorium.text.blocks import Blocks
    from scriptorium.text.tokenizers import load_tokenizer

    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False
    memory.keep_freed()
    name = "mpnet" if side.endswith("MPNet") else "bert"
    built = our_objective(name, shape, load_tokenizer(blocks / "tokenizer"))
    data = built.hide(Blocks(blocks / "train.arrow"), training_draws(0))
    return built.model, dict(built.collate([data[(0, index)] for index in range(shape.batch_size)]))


def _transformers(blocks: Path, shape: Shape) -> tuple:
    """BertForMaskedLM and a batch of the same blocks by DataCollatorForLanguageModeling."""
    import transformers

    from scriptorium.text.blocks import Blocks

    tokenizer = transformers.AutoTokenizer.from_pretrained(blocks / "tokenizer")
    config = transformers.BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=shape.width,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=4 * shape.width,
    )
    train = Blocks(blocks / "train.arrow")
    rows = [{"input_ids": train[index][0].tolist()} for index in range(shape.batch_size)]
    batch = dict(transformers.DataCollatorForLanguageModeling(tokenizer)(rows))
    return transformers.AutoModelForMaskedLM.from_config(config, attn_implementation="sdpa"), batch
