"""Both sides of the pre-training bench as whole training loops: ours, and what one would write with transformers alone.

The same shape, batch, tokenizer, optimiser settings, precision (float32, on a GPU bfloat16) and number of threads.
Each function starts a loop in the process that it is called in; see loops.py.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from pydantic import Field

from scriptorium.bench.loops import MORE_STEPS_THAN_ANY_BENCH, Gate, real_tokens
from scriptorium.engine.spec import TrainSpec
from scriptorium.spec import Spec

LEARNING_RATE, WEIGHT_DECAY, CLIP = 1e-4, 0.01, 1.0
SHORTEST_LINE = 1  # character
SENTINELS = 100  # of T5's vocabulary


def both_sides(batch: Mapping[str, Any]) -> int:
    """Real tokens of the sources and of the targets of our encoder-decoders."""
    return int((batch["texts"] >= 0).sum() + (batch["decoder_texts"] >= 0).sum())


COUNTS = {"bart": both_sides, "t5": both_sides}  # objective -> what its real tokens are, where not those of its rows


class Shape(Spec):
    """What is trained, and on how much per step."""

    layers: int = Field(4, gt=0, description="transformer layers")
    width: int = Field(256, gt=0, description="hidden size; the feed-forward part is four times as wide")
    heads: int = Field(4, gt=0, description="attention heads")
    batch_size: int = Field(16, gt=0, description="sequences per step")
    length: int = Field(128, gt=8, description="longest sequence, in tokens")
    steps: int = Field(4, gt=0, description="steps of one window; a pair is a window of each side")

    @property
    def name(self) -> str:
        return f"{self.layers} x {self.width}, {self.batch_size} x {self.length}"


def ours(gate: Gate, blocks: Path, shape: dict[str, int], objective: str, *, original: bool = False) -> None:
    """Our training loop on packed blocks, attention inside documents, with its ledger; MPNet in its `original` form."""
    import torch

    from scriptorium.bench.pretrain_original import original_form
    from scriptorium.engine import training
    from scriptorium.engine.batches import Collated
    from scriptorium.engine.divergence import Divergence
    from scriptorium.engine.watcher import Watcher
    from scriptorium.ledger import Ledger
    from scriptorium.objectives.draws import training_draws
    from scriptorium.stage import Impl, Job
    from scriptorium.text.blocks import Blocks
    from scriptorium.text.cutting import Cut
    from scriptorium.text.tokenizers import load_tokenizer

    given = Shape(**shape)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        ledger = Ledger.open(out / "run", key="bench", stage="bench")
        job = Job(None, out / "run", {}, {}, ledger, out / "state", Impl(torch.get_num_threads()))
        training.prepare(job, seed=0)
        tokenizer = load_tokenizer(blocks / "tokenizer")
        built = our_objective(objective, given, tokenizer)
        train = Blocks(blocks / "train.arrow")
        if given.length < train.length:
            train = Cut(train, given.length)
        elif given.length > train.length:
            train = Joined(train, given.length // train.length)
        model = original_form(built.model) if original else built.model
        gate.timed(Collated, "__getitem__", "loader")
        for method in ("on_step_end", "on_log"):
            gate.timed(Watcher, method, "ledger")
        gate.timed(Divergence, "check", "ledger")
        spec = TrainSpec(
            max_steps=MORE_STEPS_THAN_ANY_BENCH,
            batch_size=given.batch_size,
            lr=LEARNING_RATE,
            weight_decay=WEIGHT_DECAY,
            clip=CLIP,
        )
        training.train(
            job,
            model,
            built.hide(train, training_draws(0)),
            gate.collator(built.collate, COUNTS.get(objective, real_tokens)),
            spec,
            seed=0,
            tokens=given.length,
            decay_all=built.decay_all,
            terms=built.terms,
        )


def transformers_mlm(gate: Gate, blocks: Path, texts: list[str], shape: dict[str, int], *, by_line: bool) -> None:
    """BertForMaskedLM under Trainer with DataCollatorForLanguageModeling, fed as by transformers' run_mlm.py.

    by_line: every line is a sequence, cut at `length` and padded to the longest of its batch; else the tokens of all
    texts in blocks of `length`.
    """
    import transformers

    given = Shape(**shape)
    tokenizer, data = tokenised(blocks, texts, given.length, by_line=by_line)
    model = transformers.AutoModelForMaskedLM.from_config(
        transformers.BertConfig(
            vocab_size=len(tokenizer),
            hidden_size=given.width,
            num_hidden_layers=given.layers,
            num_attention_heads=given.heads,
            intermediate_size=4 * given.width,
        ),
        attn_implementation="sdpa",
    )
    trainer(gate, model, data, transformers.DataCollatorForLanguageModeling(tokenizer), given)


def trainer(
    gate: Gate,
    model: Any,
    data: Any,
    collate: Callable[[list], Mapping[str, Any]],
    given: Shape,
    count: Callable[[Mapping[str, Any]], int] = real_tokens,
) -> None:
    """transformers' Trainer with default settings on this model, fed by `collate`; log and checkpoints are off."""
    import torch
    import transformers

    gpu = torch.cuda.is_available()
    with tempfile.TemporaryDirectory() as folder:
        transformers.Trainer(
            model=model,
            args=transformers.TrainingArguments(
                output_dir=folder,
                max_steps=MORE_STEPS_THAN_ANY_BENCH,
                per_device_train_batch_size=given.batch_size,
                learning_rate=LEARNING_RATE,
                weight_decay=WEIGHT_DECAY,
                max_grad_norm=CLIP,
                warmup_steps=0.1,
                optim="adamw_torch_fused",
                bf16=gpu,
                use_cpu=not gpu,
                logging_strategy="no",
                save_strategy="no",
                report_to="none",
                disable_tqdm=True,
                dataloader_pin_memory=gpu,
            ),
            train_dataset=data,
            data_collator=gate.collator(collate, count),
        ).train()


def tokenised(blocks: Path, texts: list[str], length: int, *, by_line: bool) -> tuple[Any, Any]:
    """(tokenizer, data set) as run_mlm.py makes them: lines cut at `length`, or all tokens in blocks of it."""
    import datasets
    import transformers

    transformers.set_seed(0)
    transformers.logging.set_verbosity_error()
    datasets.disable_progress_bars()
    tokenizer = transformers.AutoTokenizer.from_pretrained(blocks / "tokenizer")
    lines = [line for text in texts for line in text.split("\n") if len(line.strip()) >= SHORTEST_LINE]
    data = datasets.Dataset.from_dict({"text": lines if by_line else texts})
    truncated = {"truncation": True, "max_length": length} if by_line else {}
    data = data.map(
        lambda rows: tokenizer(rows["text"], return_special_tokens_mask=True, **truncated),
        batched=True,
        remove_columns=["text"],
    )
    if not by_line:
        data = data.map(lambda rows: group_texts(rows, length), batched=True)
    return tokenizer, data


class Joined:
    """Blocks put together to longer ones, for the scaling table only: [CLS] stands in the middle too."""

    layout, padded = "packed", False

    def __init__(self, blocks: Any, parts: int):
        self.blocks, self.parts, self.length = blocks, parts, parts * blocks.length

    def __len__(self) -> int:
        return len(self.blocks) // self.parts

    def __getitem__(self, index: int) -> tuple:
        import numpy as np

        pieces = [self.blocks[self.parts * index + part] for part in range(self.parts)]
        return tuple(np.concatenate(column) for column in zip(*pieces, strict=True))

    def extra(self, _: int) -> dict:
        """Packed blocks have no further columns."""
        return {}


def group_texts(rows: dict[str, list], length: int) -> dict[str, list]:
    """As in run_mlm.py: everything concatenated, cut into pieces of `length`; the rest is dropped."""
    joined = {name: list(chain.from_iterable(values)) for name, values in rows.items()}
    whole = len(joined["input_ids"]) // length * length
    return {name: [values[i : i + length] for i in range(0, whole, length)] for name, values in joined.items()}


def our_objective(name: str, shape: Shape, tokenizer: Any) -> Any:
    """An objective as by default, at this shape. Imported by name, so that the digest covers what is timed."""
    from scriptorium.models.spec import EncoderSpec
    from scriptorium.objectives import bart, bert, mpnet, t5
    from scriptorium.objectives.spec.masked import BertSpec
    from scriptorium.objectives.spec.permuted import MpnetSpec
    from scriptorium.objectives.spec.text_to_text import BartSpec, T5Spec
    from scriptorium.text import sentinels

    known = {
        "bart": (bart, BartSpec()),
        "bert": (bert, BertSpec()),
        "mpnet": (mpnet, MpnetSpec()),
        "t5": (t5, T5Spec()),
    }
    module, spec = known[name]
    if name == "t5":
        sentinels.add(tokenizer, SENTINELS)
    return module.build(encoder(EncoderSpec, shape), spec, tokenizer)


def encoder(kind: type, shape: Shape) -> Any:
    """An EncoderSpec of this shape, with BERT's dropout."""
    return kind(
        layers=shape.layers,
        hidden_size=shape.width,
        heads=shape.heads,
        intermediate_size=4 * shape.width,
        max_positions=max(512, shape.length),
        dropout=0.1,
    )
