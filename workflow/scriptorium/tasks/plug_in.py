"""Data for plug-in fine-tuning: every example with its translation (docs/veco.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import transformers
from torch import Tensor
from torch.utils.data import Dataset

from scriptorium.engine import batches
from scriptorium.errors import UserError
from scriptorium.tasks.examples import IGNORED
from scriptorium.tasks.translations import COLUMNS

if TYPE_CHECKING:
    from scriptorium.tasks.kind import TaskKind
    from scriptorium.tasks.spec import FinetuneSpec

OWN_LABEL = "translation_label"  # of the text that the translation is of


def plugged_splits(spec: FinetuneSpec) -> tuple[str, ...]:
    """The splits whose texts are read beside translations."""
    if spec.plug_in is None:
        return ()
    return ("train",) if spec.plug_in.at_test == "alone" else ("train", "validation", "test")


def require_translations(table: pd.DataFrame, path: Path) -> None:
    """Raises UserError for a split whose texts have no translations."""
    if COLUMNS[0] not in table:
        raise UserError(
            "the texts of this split have no translations, which plug_in reads",
            where=path,
            remedy="give the task translations, or set plug_in.at_test: alone where train has some",
        )


def shuffled(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """A control: beside every text the translation of another one, from and into the same languages, with the label of
    its own text. A language's only text keeps its own."""
    columns = [*COLUMNS, OWN_LABEL]
    table = with_labels(table)
    moved = table[columns].copy()
    for number, (_, rows) in enumerate(table.groupby(["language", COLUMNS[-1]], sort=True)):
        order = np.random.default_rng([seed, number]).permutation(rows.index)
        moved.loc[order] = table.loc[np.roll(order, 1), columns].to_numpy()
    return table.assign(**{name: moved[name] for name in columns})


def with_labels(table: pd.DataFrame) -> pd.DataFrame:
    """The table, in which every translation has a label: that of its text."""
    return table if OWN_LABEL in table else table.assign(**{OWN_LABEL: table["label"]})


class BesideTranslations(Dataset):
    """A split, indexed by input of the kind's own data set (`own`), each with its translation, or with `alone` without:
    the model then takes the text for it. `lengths` are those of the texts themselves, by which batches are made: those
    of translations are near."""

    def __init__(
        self,
        kind: TaskKind,
        table: pd.DataFrame,
        tokenizer: transformers.PreTrainedTokenizerFast,
        spec: FinetuneSpec,
        *,
        alone: bool = False,
    ):
        self.own = kind.data_set(table, tokenizer, spec, None)
        self.table, self.lengths = table, self.own.lengths
        self.labelled = table["label"].dtype != object  # words have no labels in another language
        self.other = None
        if not alone:
            labels = with_labels(table)[OWN_LABEL].astype("int64") if self.labelled else IGNORED
            texts = {"text": table[COLUMNS[0]], "text_b": table[COLUMNS[1]], "label": labels}
            self.other = kind.beside(self.own, table.assign(**texts), tokenizer, spec)

    def __len__(self) -> int:
        return len(self.own)

    def __getitem__(self, key: int | tuple[int, int]) -> tuple[dict[str, Tensor], ...]:
        return (self.own[key],) if self.other is None else (self.own[key], self.other[key])

    def notes(self, split: str) -> Iterator[str]:
        """What the reader of a journal should know."""
        yield from self.own.notes(split)
        for note in self.other.notes(split) if self.other else ():
            yield f"translations: {note}"

    def collate(self, pad_id: int, multiple: int = 1) -> Callable[[list[tuple]], dict[str, Tensor]]:
        """Makes a batch: input_ids, attention_mask [B, L] and labels; beside translations other_ids, other_mask [B, M],
        and where texts have classes other_labels [B]. VECO does not number the texts of a pair."""
        pads = [side.collate(pad_id, multiple) for side in (self.own, self.other) if side is not None]

        def batch(examples: list[tuple]) -> dict[str, Tensor]:
            sides = zip(*examples, strict=True)  # one where texts stand alone: then the second pad is not used
            own, *others = (pad(list(side)) for pad, side in zip(pads, sides, strict=False))
            made = {name: own[name] for name in ("input_ids", "attention_mask", "labels")}
            for other in others:
                made |= {"other_ids": other["input_ids"], "other_mask": other["attention_mask"]}
                made |= {"other_labels": other["labels"]} if self.labelled else {}
            return made

        return batch


def labelled(inputs: Mapping[str, Tensor]) -> int:
    """How many labels count, those of translations among them: what the loss of a batch is a mean over."""
    others = inputs.get("other_labels")
    return batches.labelled(inputs) + (0 if others is None else int((others != IGNORED).sum()))
