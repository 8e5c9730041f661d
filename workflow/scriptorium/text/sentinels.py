"""Sentinels: special tokens that stand for a hidden span each, T5's <extra_id_0>, <extra_id_1> ... They come last in a
vocabulary, in descending order (docs/papers/objectives.md section 3)."""

from __future__ import annotations

import itertools

import transformers


def add(tokenizer: transformers.PreTrainedTokenizerBase, count: int) -> None:
    """Put so many sentinels behind all other tokens; the first has the highest number."""
    names = [_name(number) for number in reversed(range(count))]
    tokenizer.add_special_tokens({"extra_special_tokens": names})


def of(tokenizer: transformers.PreTrainedTokenizerBase) -> list[int]:
    """The numbers of a vocabulary's sentinels, from the first on; empty where it has none."""
    vocabulary = tokenizer.get_vocab()
    names = itertools.takewhile(vocabulary.__contains__, map(_name, itertools.count()))
    return [vocabulary[name] for name in names]


def _name(number: int) -> str:
    return f"<extra_id_{number}>"
