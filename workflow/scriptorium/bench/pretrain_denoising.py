"""The peers of BART and T5, as one would write them with transformers, which has no collator for either: a line is an
example, corrupted in plain Python, padded to the longest of its batch, and the model's own loss of every target token.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from scriptorium.bench.loops import Gate
from scriptorium.bench.pretrain_sides import SENTINELS, Shape, our_objective, tokenised, trainer

INFILLED, CORRUPTED, SPAN = 0.3, 0.15, 3.0  # BART's share, T5's share, mean length of a span of either
IGNORED = -100

Corrupt = Callable[[list[int], random.Random], tuple[list[int], list[int]]]  # a line's tokens -> source, target


def transformers_denoising(
    gate: Gate, blocks: Path, texts: list[str], shape: dict[str, int], *, objective: str
) -> None:
    """BartForConditionalGeneration or T5ForConditionalGeneration under Trainer, line by line."""
    import transformers

    from scriptorium.text import sentinels

    given = Shape(**shape)
    tokenizer, data = tokenised(blocks, texts, given.length, by_line=True)
    pad, cls, sep = tokenizer.pad_token_id, tokenizer.cls_token_id, tokenizer.sep_token_id
    special = {"pad_token_id": pad, "bos_token_id": cls, "eos_token_id": sep}
    if objective == "bart":
        collate = Collator(noised(tokenizer.convert_tokens_to_ids("."), tokenizer.mask_token_id), pad, [cls], sep)
        config = transformers.BartConfig(
            vocab_size=len(tokenizer),
            d_model=given.width,
            encoder_layers=given.layers,
            decoder_layers=given.layers,
            encoder_attention_heads=given.heads,
            decoder_attention_heads=given.heads,
            encoder_ffn_dim=4 * given.width,
            decoder_ffn_dim=4 * given.width,
            decoder_start_token_id=sep,
            **special,
        )
    else:
        sentinels.add(tokenizer, SENTINELS)
        collate = Collator(partial(spans_out, sentinels.of(tokenizer)), pad, [], sep)
        config = transformers.T5Config(
            vocab_size=len(tokenizer),
            d_model=given.width,
            d_kv=given.width // given.heads,
            d_ff=4 * given.width,
            num_layers=given.layers,
            num_heads=given.heads,
            decoder_start_token_id=pad,
            **special,
        )
    model = transformers.AutoModelForSeq2SeqLM.from_config(config)
    trainer(gate, model, data, collate, given, real)


def real(batch: Mapping[str, Any]) -> int:
    """Real tokens of the sources and of the targets."""
    return int(batch["attention_mask"].sum() + (batch["labels"] != IGNORED).sum())


class Collator:
    """Lines of tokens, with [CLS] and [SEP] around them, to a padded batch: input_ids, attention_mask, labels.

    begin: what stands before a source and a target; sep: what stands behind it.
    """

    def __init__(self, corrupt: Corrupt, pad: int, begin: list[int], sep: int):
        self.corrupt, self.pad, self.begin, self.sep, self.draw = corrupt, pad, begin, sep, random.Random(0)

    def __call__(self, examples: Sequence[Mapping[str, list[int]]]) -> dict[str, Any]:
        import torch

        pairs = [self.corrupt(example["input_ids"][1:-1], self.draw) for example in examples]
        sources, targets = ([[*self.begin, *own, self.sep] for own in side] for side in zip(*pairs, strict=True))
        wide, long = max(map(len, sources)), max(map(len, targets))
        return {
            "input_ids": torch.tensor([own + [self.pad] * (wide - len(own)) for own in sources]),
            "attention_mask": torch.tensor([[1] * len(own) + [0] * (wide - len(own)) for own in sources]),
            "labels": torch.tensor([own + [IGNORED] * (long - len(own)) for own in targets]),
        }


def noised(stop: int, mask: int) -> Corrupt:
    """BART's two noises; the target is the line itself."""
    return lambda ids, draw: (infilled(permuted(ids, stop, draw), mask, draw), ids)


def permuted(ids: list[int], stop: int, draw: random.Random) -> list[int]:
    """The sentences in another order; one ends behind a full stop."""
    sentences: list[list[int]] = [[]]
    for token in ids:
        sentences[-1].append(token)
        if token == stop:
            sentences.append([])
    draw.shuffle(sentences)
    return [token for sentence in sentences for token in sentence]


def infilled(ids: list[int], mask: int, draw: random.Random) -> list[int]:
    """Spans of about three tokens, each become one mask, until 30 % are hidden."""
    budget, hidden = round(INFILLED * len(ids)), [False] * len(ids)
    while sum(hidden) < budget:
        start, length = draw.randrange(len(ids)), max(1, round(draw.expovariate(1 / SPAN)))
        for place in range(start, min(start + length, len(ids))):
            hidden[place] = True
    return collapsed(ids, hidden, lambda _: mask)


def spans_out(sentinels: Sequence[int], ids: list[int], draw: random.Random) -> tuple[list[int], list[int]]:
    """15 % of the tokens in spans of about three taken out, a sentinel for each; and the target that names them."""
    budget, hidden = max(1, round(CORRUPTED * len(ids))), [False] * len(ids)
    while sum(hidden) < min(budget, len(ids)):
        start = draw.randrange(len(ids))
        for place in range(start, min(start + int(SPAN), len(ids))):
            hidden[place] = True
    source = collapsed(ids, hidden, lambda number: sentinels[number])
    kept = [not one for one in hidden]
    return source, collapsed(ids, kept, lambda number: sentinels[number])


def collapsed(ids: list[int], hidden: list[bool], symbol: Callable[[int], int]) -> list[int]:
    """Every run of hidden tokens as one symbol, by its number."""
    made, runs = [], 0
    for place, token in enumerate(ids):
        if not hidden[place]:
            made.append(token)
        elif place == 0 or not hidden[place - 1]:
            made.append(symbol(runs))
            runs += 1
    return made


def corruption_rates(
    blocks: Path, shape: Shape, objective: str, runs: int, *, examples: int = 500
) -> tuple[float, ...]:
    """Tokens per second, on one core, at which our data path makes sources and targets of packed blocks."""
    from scriptorium.objectives.draws import training_draws
    from scriptorium.text.blocks import Blocks
    from scriptorium.text.tokenizers import load_tokenizer

    train = Blocks(blocks / "train.arrow")
    data = our_objective(objective, shape, load_tokenizer(blocks / "tokenizer")).hide(train, training_draws(0))
    found = []
    for number in range(runs + 1):  # the first is a warm-up
        start = time.perf_counter()
        for index in range(examples):
            data[number, index % len(data)]
        found.append(examples * train.length / (time.perf_counter() - start))
    return tuple(found[1:])
