"""Text -> tokens once -> fixed blocks: a corpus is read in pieces, and never stands in memory as a whole.

Several threads tokenise (the tokenizer's own code runs outside Python's lock); their results are taken in the order
of the corpus, so their number changes no byte. The library's own threads are off in a stage (TOKENIZERS_PARALLELISM).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pyarrow.parquet as pq
import tokenizers
import transformers

from scriptorium.errors import UserError
from scriptorium.ledger import Ledger
from scriptorium.text import layouts, sentences
from scriptorium.text.blocks import write

if TYPE_CHECKING:
    from scriptorium.text.spec import LayoutSpec

SPLITS = ("validation", "train")  # the small one first: if it is too small, nobody waits for the large one
ROWS_PER_READ = 256  # documents taken from the file at once
CHARACTERS_PER_CALL = 1 << 18  # that the tokenizer gets at once: it needs about 100 bytes for each of them
INSIDE, RUN, DOCUMENT = range(3)  # what ends with a piece of text: nothing, a run of word pieces, a document

Part = tuple[str, int]  # a piece of text, and what ends with it
Item = TypeVar("Item")


def pack(
    documents: Path,
    tokenizer: transformers.PreTrainedTokenizerBase,
    block_length: int,
    out: Path,
    ledger: Ledger,
    *,
    layout: LayoutSpec | None = None,
    tokens: Tokens | None = None,
) -> list[Path]:
    """Write {train,validation}.arrow for a documents.parquet (columns split, text); without a `layout` packed.

    tokens: how texts are tokenised; by one thread if it is not given.
    Raises UserError: a column is missing, or a split is too small for the layout.
    """
    columns = pq.read_schema(documents).names
    for name in ("split", "text"):
        if name not in columns:
            raise UserError(f"column {name!r} is missing", where=documents, remedy="prepare the corpus again")
    out.mkdir(parents=True, exist_ok=True)
    files = []
    for split in SPLITS:
        path = out / f"{split}.arrow"
        maker = layouts.build(layout, tokenizer, block_length, held_out=split == "validation")
        texts = texts_of(documents, split)
        if layout is not None and layout.sentences == "rules":
            texts = sentences.one_per_line(texts)
        runs = (tokens or Tokens(tokenizer)).of(split, texts, by_line=maker.by_line)
        try:
            write(path, maker.blocks(runs), block_length, len(tokenizer), layout=maker.name, extra=maker.extra)
            maker.check()
        except UserError as error:
            problem = f"the {split} split has {error.problem}"
            raise UserError(problem, where=documents, remedy=error.remedy) from None
        ledger.metrics(
            0,
            {
                f"{split}/documents": maker.documents,
                f"{split}/blocks": maker.count,
                f"{split}/tokens": maker.tokens,
                f"{split}/dropped_tokens": maker.dropped,
            },
        )
        files.append(path)
    return files


def texts_of(documents: Path, split: str) -> Iterator[str]:
    """The texts of a split of a documents.parquet, in the order of the file."""
    with pq.ParquetFile(documents) as file:
        for batch in file.iter_batches(ROWS_PER_READ, columns=["split", "text"], use_threads=False):
            rows = zip(batch["split"].to_pylist(), batch["text"].to_pylist(), strict=True)
            yield from (text for name, text in rows if name == split)


class Tokens:
    """Tokenises streams of texts by so many threads."""

    def __init__(self, tokenizer: transformers.PreTrainedTokenizerBase, threads: int = 1):
        self.tokenizer, self.threads = tokenizer, threads

    def of(self, name: str, texts: Iterable[str], *, by_line: bool = False) -> Iterator[list[np.ndarray]]:
        """`tokenise` for a stream of texts, which has a name among those of a job."""
        return tokenise(texts, self.tokenizer, by_line=by_line, threads=self.threads)


def tokenise(
    texts: Iterable[str], tokenizer: transformers.PreTrainedTokenizerBase, *, by_line: bool = False, threads: int = 1
) -> Iterator[list[np.ndarray]]:
    """Each document's word pieces without special tokens, int32: one array, or by_line one array per line.

    Where lines do not count, their ends are blanks: byte-level vocabularies have a piece for a line's end.
    Special tokens that a text spells out are only text: a document that says "[SEP]" does not end there.
    """
    core = tokenizers.Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())  # settings below are ours alone
    core.encode_special_tokens = True
    core.no_truncation()
    core.no_padding()

    def encode(parts: list[Part]) -> list[tuple[np.ndarray, int]]:
        found = core.encode_batch_fast([text for text, _ in parts], add_special_tokens=False)
        return [(np.array(one.ids, dtype=np.int32), end) for one, (_, end) in zip(found, parts, strict=True)]

    run: list[np.ndarray] = []
    document: list[np.ndarray] = []
    parts = chain.from_iterable(_parts(text, by_line) for text in texts)
    calls = grouped(parts, lambda part: len(part[0]) + 1, CHARACTERS_PER_CALL)
    for pieces, end in chain.from_iterable(_in_order(encode, calls, threads)):
        run.append(pieces)
        if end != INSIDE:
            document.append(run[0] if len(run) == 1 else np.concatenate(run))
            run = []
        if end == DOCUMENT:
            yield document
            document = []


def _parts(text: str, by_line: bool) -> Iterator[Part]:
    """A document for the tokenizer. A very long run is cut before a blank, where no word piece crosses."""
    runs = [line for line in text.split("\n") if line] or [""] if by_line else [text.replace("\n", " ")]
    for number, run in enumerate(runs, start=1):
        start = 0
        while len(run) - start > CHARACTERS_PER_CALL:
            stop = run.rfind(" ", start + 1, start + CHARACTERS_PER_CALL)
            if stop < 0 and (stop := run.find(" ", start + CHARACTERS_PER_CALL)) < 0:
                break
            yield run[start:stop], INSIDE
            start = stop
        yield run[start:] if start else run, DOCUMENT if number == len(runs) else RUN


def grouped(items: Iterable[Item], size: Callable[[Item], int], enough: int) -> Iterator[list[Item]]:
    """Items in order, in groups that end as soon as their sizes make `enough`."""
    group: list[Item] = []
    total = 0
    for item in items:
        group.append(item)
        total += size(item)
        if total >= enough:
            yield group
            group, total = [], 0
    if group:
        yield group


def _in_order(function, items: Iterable, threads: int) -> Iterator:
    """function(item) of every item, in order, by so many threads and with few results waiting."""
    if threads == 1:
        yield from map(function, items)
        return
    waiting: deque[Future] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
