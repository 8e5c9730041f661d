"""Held-out translations as pieces, with the words that they are of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from scriptorium.errors import UserError
from scriptorium.text.dictionaries.entries import comparable
from scriptorium.text.order import place

if TYPE_CHECKING:
    import transformers

    from scriptorium.crosslingual.spec import CrosslingualSettings


@dataclass(frozen=True)
class Text:
    """A text. pieces: its ids with special tokens · words: (form, first piece, the one behind the last) of every word
    that holds a letter or a digit; pieces are counted with the special tokens, and forms are `comparable`."""

    pieces: tuple[int, ...]
    words: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Pair:
    """Translations of each other, not trained on. languages, texts: both sides, in the order of pairs.parquet."""

    id: str
    languages: tuple[str, str]
    texts: tuple[Text, Text]


def chosen(path: Path, tokenizer: transformers.PreTrainedTokenizerBase, spec: CrosslingualSettings) -> list[Pair]:
    """The first `spec.pairs` held-out pairs of every pair of languages, in the order of a hash of their ids.

    path: pairs.parquet. Raises UserError: fewer pairs than candidates are long and short enough.
    """
    found = []
    for languages, rows in in_order(path):
        own = list(_pairs(languages, rows, tokenizer, spec))
        if len(own) < spec.candidates:
            raise UserError(
                f"{len(own)} held-out pairs in {'-'.join(languages)} have {spec.shortest} to {spec.longest} pieces on "
                f"both sides, and a translation is to be found among {spec.candidates}",
                where=path,
                remedy="raise validation_share of this corpus of pairs, or lower crosslingual.candidates",
            )
        found += own
    return found


def in_order(path: Path) -> Iterator[tuple[tuple[str, str], pd.DataFrame]]:
    """(languages, their held-out pairs in the order of a hash of their ids); path: pairs.parquet."""
    table = pd.read_parquet(path, filters=[("split", "==", "validation")])
    table = table.assign(order=table["id"].map(place)).sort_values("order", kind="stable")
    yield from table.groupby(["lang_a", "lang_b"], sort=True)


def _pairs(
    languages: tuple[str, str],
    rows: pd.DataFrame,
    tokenizer: transformers.PreTrainedTokenizerBase,
    spec: CrosslingualSettings,
) -> Iterator[Pair]:
    kept, step = 0, 4 * spec.pairs
    for start in range(0, len(rows), step):
        part = rows.iloc[start : start + step]
        sides = [texts(tokenizer, part[column].tolist()) for column in ("text_a", "text_b")]
        for name, *both in zip(part["id"], *sides, strict=True):
            if all(spec.shortest <= len(text.pieces) - 2 <= spec.longest for text in both):
                yield Pair(name, languages, tuple(both))
                kept += 1
                if kept == spec.pairs:
                    return


def texts(tokenizer: transformers.PreTrainedTokenizerBase, given: Sequence[str]) -> list[Text]:
    """[CLS] pieces [SEP] of every text, and its words, which are what the pre-tokenizer splits off."""
    encoded = tokenizer(list(given), add_special_tokens=False).encodings
    return [
        Text((tokenizer.cls_token_id, *encoding.ids, tokenizer.sep_token_id), tuple(_words(text, encoding)))
        for text, encoding in zip(given, encoded, strict=True)
    ]


def _words(text: str, encoding) -> Iterator[tuple[str, int, int]]:
    spans: dict[int, list[int]] = {}
    for piece, word in enumerate(encoding.word_ids):
        spans.setdefault(word, []).append(piece)
    for pieces in spans.values():
        form = comparable(text[encoding.offsets[pieces[0]][0] : encoding.offsets[pieces[-1]][1]])
        if form:
            yield form, pieces[0] + 1, pieces[-1] + 2
