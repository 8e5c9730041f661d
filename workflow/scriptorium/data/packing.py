"""Text -> tokens once -> fixed blocks without padding, in Arrow files that are memory-mapped when read.

Layout (ours; BERT instead pads segment pairs): every document becomes its word pieces followed by [SEP]; the
documents of a split form one stream in the order of the corpus; every block is [CLS] and the next L - 1 tokens of
the stream. A document may go on in the next block. Positions are those of the block: they do not restart with a
document, so all positions are trained evenly, also where documents are single sentences. The tokens after the last
full block of a split are dropped, and counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import transformers

from scriptorium import manifest
from scriptorium.errors import UserError
from scriptorium.ledger import Ledger

SPLITS = ("validation", "train")  # the small one first: if it is too small, nobody waits for the large one
BLOCKS_PER_BATCH = 4096  # blocks in one Arrow record batch
DOCUMENTS_PER_CALL = 1024  # documents that the tokenizer gets at once: bounds the memory


class Blocks:
    """The blocks of a split, memory-mapped: blocks[i] = (input_ids, document_ids), int32 arrays of shape [L].

    `document_ids` numbers the documents of the split; a block's [CLS] belongs to the document that follows it.
    """

    def __init__(self, path: Path):
        table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
        self.length: int = table.schema.field("input_ids").type.list_size
        self._chunks = list(zip(*(_chunks(table[name], self.length) for name in _COLUMNS), strict=True))
        self._size = table.num_rows
        self._chunk_size = len(self._chunks[0][0])  # all batches but the last are equally long

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        if not 0 <= index < self._size:
            raise IndexError(index)
        chunk, row = divmod(index, self._chunk_size)
        input_ids, document_ids = self._chunks[chunk]
        return input_ids[row], document_ids[row]

    def token_counts(self, vocabulary: int) -> np.ndarray:
        """How often each token id occurs, int64 of shape [vocabulary]."""
        counts = np.zeros(vocabulary, dtype=np.int64)
        for input_ids, _ in self._chunks:
            counts += np.bincount(input_ids.ravel(), minlength=vocabulary)
        return counts


def load_tokenizer(directory: Path) -> transformers.PreTrainedTokenizerBase:
    """A saved tokenizer that can serve a masked language model.

    Raises UserError: no fast tokenizer there, or no [CLS], [SEP] or [MASK].
    """
    transformers.logging.set_verbosity_error()  # it warns of every text longer than the model, and ours are cut later
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(directory)
    except (OSError, ValueError, KeyError) as error:
        raise UserError(
            f"no tokenizer can be read here: {str(error).splitlines()[0]}",
            where=directory,
            remedy="name a backbone that brings tokenizer.json and tokenizer_config.json",
        ) from None
    for name in ("cls_token", "sep_token", "mask_token"):
        if getattr(tokenizer, f"{name}_id") is None:
            raise UserError(
                f"this tokenizer has no {name}, which masked language modelling needs",
                where=directory,
                remedy="take the tokenizer of a BERT-like backbone",
            )
    return tokenizer


def fairseq_tokenizer(tokenizer: transformers.PreTrainedTokenizerBase) -> transformers.PreTrainedTokenizerBase:
    """MPNet's tokenizer over the same WordPiece vocabulary (papers/mpnet_and_zoo section 2).

    Fairseq's own symbols come first, <s> <pad> </s> <unk>, then the vocabulary in its order, its special tokens
    included, and <mask> last. Pieces stay the same; unknown words are the vocabulary's own [UNK].
    Raises UserError: the vocabulary is not BERT's kind of WordPiece.
    """
    pieces = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    names = [name for name, _ in pieces]
    if "[UNK]" not in names or [number for _, number in pieces] != list(range(len(pieces))):
        raise UserError(
            "fairseq's order is defined for a WordPiece vocabulary with [UNK] and without gaps",
            where=tokenizer.name_or_path,
            remedy="take the tokenizer of a BERT-like backbone, or leave out vocabulary: fairseq",
        )
    ordered = ["<s>", "<pad>", "</s>", "<unk>", *names, "<mask>"]
    lower = getattr(tokenizer, "do_lower_case", True)
    return transformers.MPNetTokenizer(
        vocab={name: number for number, name in enumerate(ordered)},
        do_lower_case=lower,
        model_max_length=tokenizer.model_max_length,
    )


def tokenizer_directory(artifact: Path) -> Path:
    """The folder of an artifact (given by its manifest) that holds the tokenizer."""
    for entry in manifest.read(artifact)["files"]:
        if Path(entry["path"]).name in ("tokenizer.json", "vocab.txt"):
            return artifact.parent / Path(entry["path"]).parent
    raise UserError(
        "this artifact has no tokenizer.json and no vocab.txt",
        where=artifact,
        remedy="name a backbone that brings its tokenizer",
    )


def pack(documents: Path, tokenizer: transformers.PreTrainedTokenizerBase, block_length: int, out: Path,
         ledger: Ledger) -> list[Path]:  # fmt: skip
    """Write {train,validation}.arrow for a documents.parquet (columns split, text).

    Raises UserError: a column is missing, or a split has less than one block.
    """
    columns = pq.read_schema(documents).names
    for name in ("split", "text"):
        if name not in columns:
            raise UserError(f"column {name!r} is missing", where=documents, remedy="prepare the corpus again")
    out.mkdir(parents=True, exist_ok=True)
    files = []
    for split in SPLITS:
        path = out / f"{split}.arrow"
        packer = _Packer(tokenizer.cls_token_id, tokenizer.sep_token_id, block_length)
        _write(path, packer.blocks(_pieces(documents, split, tokenizer)), block_length)
        if packer.count == 0:
            raise UserError(
                f"the {split} split has {packer.dropped} tokens, less than one block of {block_length}",
                where=documents,
                remedy="give the corpus more text, raise validation_share, or lower block_length in the recipe",
            )
        ledger.metrics(
            0,
            {
                f"{split}/documents": packer.documents,
                f"{split}/blocks": packer.count,
                f"{split}/tokens": packer.count * block_length,
                f"{split}/dropped_tokens": packer.dropped,
            },
        )
        files.append(path)
    return files


def _pieces(documents: Path, split: str, tokenizer: transformers.PreTrainedTokenizerBase) -> Iterator[list[int]]:
    """Token ids of each document of a split, in the order of the file, without special tokens."""
    for batch in pq.ParquetFile(documents).iter_batches(DOCUMENTS_PER_CALL, columns=["split", "text"]):
        rows = zip(batch["split"].to_pylist(), batch["text"].to_pylist(), strict=True)
        texts = [text for name, text in rows if name == split]
        if texts:
            yield from tokenizer(
                texts,
                add_special_tokens=False,
                split_special_tokens=True,  # a text that says "[SEP]" must not end a document
                truncation=False,
                padding=False,
                return_attention_mask=False,
                return_token_type_ids=False,
            )["input_ids"]


class _Packer:
    """Cuts a stream of documents into blocks; counts what it made and what was left over."""

    def __init__(self, cls: int, sep: int, length: int):
        self.cls, self.sep, self.length = cls, sep, length
        self.documents = self.count = self.dropped = 0

    def blocks(self, documents: Iterable[list[int]]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yields (input_ids, document_ids), each int32 [L]. Documents without any piece are left out."""
        body = self.length - 1
        tokens: list[int] = []
        owners: list[int] = []
        for pieces in documents:
            if not pieces:
                continue
            tokens += [*pieces, self.sep]
            owners += [self.documents] * (len(pieces) + 1)
            self.documents += 1
            for start in range(0, len(tokens) - body + 1, body):
                stop = start + body
                self.count += 1
                yield (np.array([self.cls, *tokens[start:stop]], dtype=np.int32),
                       np.array([owners[start], *owners[start:stop]], dtype=np.int32))  # fmt: skip
            used = len(tokens) // body * body
            del tokens[:used], owners[:used]
        self.dropped = len(tokens)


_COLUMNS = ("input_ids", "document_ids")


def _write(path: Path, blocks: Iterator[tuple[np.ndarray, np.ndarray]], length: int) -> None:
    """An Arrow IPC file with record batches of BLOCKS_PER_BATCH rows, so that a row is found by division."""
    kind = pa.list_(pa.int32(), length)
    schema = pa.schema([pa.field(name, kind, nullable=False) for name in _COLUMNS])

    def flush(rows: list[tuple[np.ndarray, np.ndarray]]) -> None:
        arrays = [
            pa.FixedSizeListArray.from_arrays(pa.array(np.concatenate(column)), type=kind)
            for column in zip(*rows, strict=True)
        ]
        writer.write_batch(pa.record_batch(arrays, schema=schema))
        rows.clear()

    with pa.ipc.new_file(str(path), schema) as writer:
        rows: list[tuple[np.ndarray, np.ndarray]] = []
        for block in blocks:
            rows.append(block)
            if len(rows) == BLOCKS_PER_BATCH:
                flush(rows)
        if rows:
            flush(rows)


def _chunks(column: pa.ChunkedArray, length: int) -> list[np.ndarray]:
    """The record batches of a fixed-size list column as arrays [rows, L], without a copy."""
    return [chunk.flatten().to_numpy(zero_copy_only=True).reshape(-1, length) for chunk in column.chunks]
