"""What a picture shows, as data and as text: of the one example that an objective makes of a text."""

from __future__ import annotations

import difflib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
import transformers
from torch import Tensor

from scriptorium.errors import UserError
from scriptorium.models.spec import EncoderSpec
from scriptorium.objectives.draws import training_draws
from scriptorium.objectives.labels import IGNORED
from scriptorium.objectives.objective import build
from scriptorium.show.one_block import LONGEST, one_block
from scriptorium.show.seeing import READ, seen
from scriptorium.show.vocabulary import of_words

if TYPE_CHECKING:
    from scriptorium.show.spec import ShowSpec

WIDTH = 16  # of the model that is asked who sees what; two layers, so that it is seen through another token, too
HEADINGS = {"input_ids": "reads", "revealed": "predicted before", "decoder_input_ids": "decoder reads"}
SEES, BLIND = "#", "."


@dataclass(frozen=True)
class Group:
    """Tokens that a model reads side by side. changed: each is not what stands in the text there."""

    heading: str
    tokens: tuple[str, ...]
    changed: tuple[bool, ...]


@dataclass(frozen=True)
class Term:
    """A term of the loss: what it predicts, a row each, and the tokens of all groups that a row sees [rows, tokens]."""

    name: str
    predicts: tuple[str, ...]
    sees: np.ndarray


@dataclass(frozen=True)
class Picture:
    """text: the tokens of the block; hidden: each is predicted, or is not read as it stands there."""

    objective: str
    text: tuple[str, ...]
    hidden: tuple[bool, ...]
    groups: tuple[Group, ...]
    terms: tuple[Term, ...]

    def as_text(self) -> str:
        """For a terminal: hidden and changed tokens in asterisks, a row for every prediction, # where it sees."""
        width = max(len(word) for term in self.terms for word in term.predicts) + 2
        lines = [f"text: {_marked(self.text, self.hidden)}"]
        lines += [f"{group.heading}: {_marked(group.tokens, group.changed)}" for group in self.groups]
        for term in self.terms:
            lines.append(f"{term.name}:")
            for word, row in zip(term.predicts, term.sees, strict=True):
                marks = iter(SEES if one else BLIND for one in row)
                parts = ["".join(next(marks) for _ in group.tokens) for group in self.groups]
                lines.append(f"  {word:{width}}{' '.join(parts)}")
        return "\n".join(lines) + "\n"


def _marked(tokens: tuple[str, ...], marks: tuple[bool, ...]) -> str:
    return " ".join(f"*{token}*" if mark else token for token, mark in zip(tokens, marks, strict=True))


def of(spec: ShowSpec, vocabulary: transformers.PreTrainedTokenizerBase | None = None) -> Picture:
    """The picture of an objective; without a vocabulary every word of the texts is a token.

    Raises UserError: texts that do not fit, or of which nothing is predicted.
    """
    tokenizer = of_words(spec.texts) if vocabulary is None else vocabulary
    shape = EncoderSpec(
        hidden_size=WIDTH, layers=2, heads=2, intermediate_size=2 * WIDTH, max_positions=2 * LONGEST, dropout=0
    )
    torch.manual_seed(spec.seed)
    objective = build(shape, spec.objective, tokenizer)
    with tempfile.TemporaryDirectory() as folder:
        block = one_block(Path(folder), spec.objective, tokenizer, spec.texts)
        example = objective.hide(block, training_draws(spec.seed))[(0, 0)]
        tokens, owners = (column.copy() for column in block[0])
    batch = objective.collate([example])
    labels = batch["labels"][batch["labels"] != IGNORED]
    if not len(labels):
        raise UserError(
            f"{spec.objective.name} predicts nothing of so short a text", remedy="give a longer one, or another --seed"
        )
    text, kept = tokens[owners >= 0], _real(batch)
    read = batch["input_ids"][kept["input_ids"]].numpy()
    written = np.zeros(len(read), dtype=bool)  # by the same model, behind what it reads of the text
    written[batch["rows"][0].tolist() if "rows" in batch else []] = True
    hidden, of_text = differences(text, read[~written])
    changed = np.zeros(len(read), dtype=bool)
    changed[~written] = of_text
    if "positions" in batch and batch["positions"].numel() == batch["labels"].numel():  # of what is predicted
        hidden |= np.isin(np.arange(len(tokens)), _positions(batch))[owners >= 0]

    def words(numbers: np.ndarray | Tensor) -> tuple[str, ...]:
        return tuple(tokenizer.convert_ids_to_tokens(numbers.tolist()))

    groups = []
    for name, real in kept.items():
        sides = batch[name][0] if batch[name].dim() == 3 else batch[name]
        start = 0
        for number, (row, own) in enumerate(zip(sides, real.view(sides.shape), strict=True)):
            size = int(own.sum())
            marks = changed[start : start + size] if name == "input_ids" else np.zeros(size, dtype=bool)
            side = f"{'xy'[number]} " if len(sides) > 1 else ""
            groups.append(Group(side + HEADINGS[name], words(row[own]), tuple(marks.tolist())))
            start += size
    columns, terms = torch.cat([real.flatten() for real in kept.values()]).numpy(), []
    for name, rows in seen(objective.model, batch).items():
        predicts = words(labels) if len(rows) == len(labels) else ("the whole",)
        terms.append(Term(name, predicts, rows[:, columns]))
    return Picture(spec.objective.name, words(text), tuple(hidden.tolist()), tuple(groups), tuple(terms))


def differences(text: np.ndarray, read: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(which tokens of the text are not read in their turn [text], which tokens read are not of the text [read])."""
    missing, changed = np.ones(len(text), dtype=bool), np.ones(len(read), dtype=bool)
    matcher = difflib.SequenceMatcher(a=text.tolist(), b=read.tolist(), autojunk=False)
    for a, b, size in matcher.get_matching_blocks():
        missing[a : a + size] = changed[b : b + size] = False
    return missing, changed


def _real(batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Of every tensor that holds what is read which tokens are no padding, in its shape."""
    real = {name: torch.ones_like(batch[name], dtype=torch.bool) for name in READ if name in batch}
    return real | ({"input_ids": batch["attention_mask"].bool()} if "attention_mask" in batch else {})


def _positions(batch: Mapping[str, Tensor]) -> np.ndarray:
    """The predicted positions in the whole block."""
    positions, length = batch["positions"][0], batch["input_ids"].shape[-1]
    if positions.dim() > 1:  # of two sides
        positions = positions + length * torch.arange(len(positions))[:, None]
    return positions.flatten()[batch["labels"][0] != IGNORED].numpy()
