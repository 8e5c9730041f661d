"""Documents and parallel text -> tokens once -> blocks of two sides (two_sided.py), as a stream.

No text is trained on that is held out elsewhere: a line of the documents that is a side of a held-out pair is left out
of train, and so is a pair of which a side is a line of a held-out document. Both are counted.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from scriptorium.errors import UserError
from scriptorium.ledger import Ledger
from scriptorium.manifest import write_json
from scriptorium.text import two_sided
from scriptorium.text.blocks import write
from scriptorium.text.packing import ROWS_PER_READ, SPLITS, Tokens
from scriptorium.text.two_sided import Filler, Pieces, segments

if TYPE_CHECKING:
    import transformers

    from scriptorium.text.spec import PackPairsSpec

SENTENCE_END = re.compile(r"[.!?\u3002\uff01\uff1f]+(?=\s|$)")
LEFT_OUT = ("dropped_tokens", "dropped_pairs", "held_out_in_documents", "held_out_in_pairs")  # what the ledger counts
NEEDED = {
    "documents": ("split", "language", "text"),
    "pairs": ("split", "lang_a", "lang_b", "text_a", "text_b"),
}


def pack(
    documents: Path,
    pairs: Path,
    tokenizer: transformers.PreTrainedTokenizerBase,
    spec: PackPairsSpec,
    out: Path,
    ledger: Ledger,
    tokens: Tokens | None = None,
) -> list[Path]:
    """Write {train,validation}.arrow and groups.json for a documents.parquet with languages and a pairs.parquet.

    Raises UserError: a column is missing, the tokenizer has no padding, or nothing fits into a block.
    """
    if tokenizer.pad_token_id is None:
        raise UserError(
            "two-sided blocks have padding, but the tokenizer has no pad_token",
            where=tokenizer.name_or_path,
            remedy="take the tokenizer of a BERT-like backbone, or a vocabulary of your own",
        )
    _check_columns(documents, "documents"), _check_columns(pairs, "pairs")
    return _Packing(documents, pairs, tokenizer, spec, ledger, tokens or Tokens(tokenizer)).write(out)


class _Packing:
    """One run of `pack`."""

    def __init__(self, documents: Path, pairs: Path, tokenizer, spec: PackPairsSpec, ledger: Ledger, tokens: Tokens):
        self.documents, self.pairs = ds.dataset(documents), ds.dataset(pairs)
        self.tokenizer, self.spec, self.ledger, self.tokens = tokenizer, spec, ledger, tokens
        self.half = spec.block_length // 2
        languages = _distinct(self.documents, "language")
        self.groups = [("monolingual", names) for names in languages]
        self.groups += [("bilingual", names) for names in _distinct(self.pairs, "lang_a", "lang_b")]
        self.held_out = {
            "documents": _digests(line for _, text in self._read(self.documents, "text") for line in text.split("\n")),
            "pairs": _digests(text for row in self._read(self.pairs, "text_a", "text_b") for text in row[1:]),
        }
        self.counted: Counter[str] = Counter()

    def write(self, out: Path) -> list[Path]:
        out.mkdir(parents=True, exist_ok=True)
        texts, files = [], []
        for split in SPLITS:
            self.counted = Counter(dict.fromkeys(LEFT_OUT, 0))
            filler, path = Filler(self.half, self.tokenizer.pad_token_id), out / f"{split}.arrow"
            texts = [0] * len(self.groups)
            write(
                path,
                self._rows(split, filler, texts),
                self.spec.block_length,
                len(self.tokenizer),
                layout=two_sided.NAME,
                extra={"group": 1},
            )
            if not filler.blocks:
                raise UserError(
                    f"the {split} split has no pair that fits into {self.half} tokens per side",
                    where=out,
                    remedy="give more text, or raise block_length or sides.longest in the recipe",
                )
            room = filler.blocks * self.spec.block_length
            made = {"pairs": filler.pairs, "blocks": filler.blocks, "tokens": filler.tokens}
            made |= {**self.counted, "filled": filler.tokens / room}
            self.ledger.metrics(0, {f"{split}/{name}": number for name, number in made.items()})
            files.append(path)
        described = [
            {"kind": kind, "languages": names, "texts": count}
            for (kind, names), count in zip(self.groups, texts, strict=True)  # of train, which comes last
        ]
        return [*files, write_json(out / two_sided.GROUPS, described)]

    def _rows(self, split: str, filler: Filler, texts: list[int]) -> Iterator[tuple[np.ndarray, ...]]:
        """The blocks of a split, group by group; counts the texts of each."""
        for number, (kind, names) in enumerate(self.groups):
            find = self._segments if kind == "monolingual" else self._translations
            before = filler.blocks
            for row in filler.fill(find(split, names, texts, number)):
                yield *row, np.array([number], dtype=np.int32)
            self.counted[f"blocks/{kind}/{'-'.join(names)}"] = filler.blocks - before

    def _segments(self, split: str, names: tuple[str, ...], texts: list[int], number: int) -> Iterator[Pieces]:
        longest = (self.spec.sides.segment or self.half) - 2

        def documents() -> Iterator[str]:
            for _, text in self._read(self.documents, "text", split=split, language=names[0]):
                lines = text.split("\n")
                kept = lines if split != "train" else self._unseen(lines, "pairs")
                texts[number] += sum(max(1, len(SENTENCE_END.findall(line))) for line in kept)
                yield "\n".join(kept)

        for (pieces,) in self.tokens.of(f"{split}-{names[0]}", documents()):
            made = 0
            for pair in segments(pieces, longest, self.spec.sides.shortest):
                made += len(pair[0]) + len(pair[1])
                yield self._ended(pair)
            self.counted["dropped_tokens"] += len(pieces) - made

    def _translations(self, split: str, names: tuple[str, ...], texts: list[int], number: int) -> Iterator[Pieces]:
        longest = self.spec.sides.longest or self.half

        def both() -> Iterator[str]:
            where = {"split": split, "lang_a": names[0], "lang_b": names[1]}
            for _, *pair in self._read(self.pairs, "text_a", "text_b", **where):
                if split == "train" and len(self._unseen(pair, "documents")) < 2:
                    continue
                texts[number] += 1
                yield from pair

        pieces = (found for (found,) in self.tokens.of(f"{split}-{names[0]}-{names[1]}", both()))
        for pair in zip(pieces, pieces, strict=True):
            sizes = sorted(len(side) for side in pair)
            if not sizes[0] or sizes[1] + 2 > longest:
                self.counted["dropped_pairs"] += 1
                continue
            yield self._ended(pair)

    def _ended(self, pair: Pieces) -> Pieces:
        cls, sep = self.tokenizer.cls_token_id, self.tokenizer.sep_token_id
        first, second = (np.concatenate([[cls], side, [sep]]).astype(np.int32) for side in pair)
        return first, second

    def _unseen(self, texts: list[str], held_out: str) -> list[str]:
        """Without those that are held out among the `documents` or the `pairs`."""
        kept = [text for text in texts if _digest(text) not in self.held_out[held_out]]
        self.counted[f"held_out_in_{held_out}"] += len(texts) - len(kept)
        return kept

    def _read(self, table: ds.Dataset, *columns: str, split: str = "validation", **where: str) -> Iterator[tuple]:
        """(split, cells) of the rows in the order of the file; row groups of other languages are skipped."""
        wanted = {"split": split, **where}
        chosen = None
        for name, value in wanted.items():
            chosen = (ds.field(name) == value) if chosen is None else chosen & (ds.field(name) == value)
        scanner = table.scanner(["split", *columns], filter=chosen, batch_size=ROWS_PER_READ, use_threads=False)
        for batch in scanner.to_batches():
            yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _distinct(table: ds.Dataset, *columns: str) -> list[tuple[str, ...]]:
    found: set[tuple[str, ...]] = set()
    for batch in table.scanner(list(columns), use_threads=False).to_batches():
        found |= set(zip(*(column.to_pylist() for column in batch.columns), strict=True))
    return sorted(found)


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=8).digest()


def _digests(texts: Iterable[str]) -> set[bytes]:
    return {_digest(text) for text in texts}


def _check_columns(path: Path, what: str) -> None:
    for name in NEEDED[what]:
        if name not in pq.read_schema(path).names:
            remedy = "name the language of every source of the corpus: {dataset: ..., language: en}"
            raise UserError(
                f"column {name!r} is missing",
                where=path,
                remedy=remedy if name == "language" else "prepare it again",
            )
