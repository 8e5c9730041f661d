"""Text -> tokens once -> fixed blocks: a corpus is read in pieces, and never stands in memory as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import transformers

from scriptorium.data.blocks import write
from scriptorium.data.layouts import Packed
from scriptorium.errors import UserError
from scriptorium.ledger import Ledger

SPLITS = ("validation", "train")  # the small one first: if it is too small, nobody waits for the large one
DOCUMENTS_PER_CALL = 1024  # documents that the tokenizer gets at once: bounds the memory


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
        packer = Packed(tokenizer.cls_token_id, tokenizer.sep_token_id, block_length)
        write(path, packer.blocks(_pieces(documents, split, tokenizer)), block_length)
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
