"""Word vectors from an encoder's input embeddings: they stand in for GloVe 840B (docs/papers/cogbert.md section 4.1).

`load` takes GloVe itself where the data set is a file of vectors (`gaze/regressor/glove.py`). Ours: a word's vector
is the
mean over its word pieces, at the embeddings' own scale (on sentences of CMCL 2021 standardised vectors did no better
and fitted the noise of few words sooner).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from safetensors import safe_open

from scriptorium import manifest
from scriptorium.errors import UserError
from scriptorium.gaze.regressor.glove import FileVectors
from scriptorium.ledger import Ledger
from scriptorium.linguistics.align import piece_words, word_spans
from scriptorium.text.plain import as_text

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# Names of the token embedding in checkpoints of the shapes we know, by their ends: BERT, RoBERTa, XLM-R, MPNet ...
TABLES = (
    "embeddings.word_embeddings.weight",
    "embed_tokens.weight",
    "shared.weight",
    "wte.weight",
    "word_embedding.weight",
)


def load(manifest_path: Path, words: Iterable[str]) -> WordVectors | FileVectors:
    """What lends word vectors, given its manifest: an encoder, or one text file of vectors (.txt or .txt.gz).

    words: all that will be asked for. Raises UserError if it is neither.
    """
    entries = [Path(entry["path"]) for entry in manifest.read(manifest_path)["files"]]
    if len(entries) == 1 and entries[0].name.endswith((".txt", ".txt.gz")):
        return FileVectors.read(manifest_path.parent / entries[0], words)
    return WordVectors.load(manifest_path)


class WordVectors:
    """Vectors of words in sentences. `size` is their dimension D; `erased` counts words that left no word piece."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, table: np.ndarray):
        """A fast tokenizer and its embedding table [vocabulary, D]. Raises UserError if they do not fit."""
        if not tokenizer.is_fast:
            raise UserError(
                "word vectors need a fast tokenizer (with character offsets)",
                where=tokenizer.name_or_path,
                remedy="add its tokenizer.json",
            )
        if len(tokenizer) > len(table):
            raise UserError(
                f"the tokenizer knows {len(tokenizer)} pieces, the embedding table has {len(table)} rows",
                where=tokenizer.name_or_path,
                remedy="take tokenizer and weights of one model",
            )
        self.tokenizer, self.table, self.size, self.erased = tokenizer, table, table.shape[1], 0

    @classmethod
    def load(cls, manifest_path: Path) -> WordVectors:
        """From an encoder's artifact, given its manifest; of the weights only the embedding table is read."""
        from transformers import AutoTokenizer

        directory = encoder_directory(manifest_path)
        tokenizer = as_text(AutoTokenizer.from_pretrained(directory, local_files_only=True, trust_remote_code=False))
        return cls(tokenizer, embedding_table(directory))

    def __call__(self, sentences: list[list[str]]) -> list[np.ndarray]:
        """[words, D] float32 for each sentence, given as its words (joined with single blanks to be tokenised).

        A word that the tokenizer erases (invisible characters only) gets the unknown piece's vector and is counted.
        """
        texts = [" ".join(words) for words in sentences]
        if not texts:
            return []
        encoded = self.tokenizer(
            texts, add_special_tokens=False, return_offsets_mapping=True, truncation=False, padding=False, verbose=False
        )
        return [
            self._mean(np.array(pieces, dtype=np.int64), piece_words(offsets, word_spans(text)), len(words))
            for text, words, pieces, offsets in zip(
                texts, sentences, encoded["input_ids"], encoded["offset_mapping"], strict=True
            )
        ]

    def record(self, ledger: Ledger) -> None:
        if self.erased:
            ledger.note(f"{self.erased} words leave no word piece; they have the unknown piece's vector")

    def _mean(self, pieces: np.ndarray, word_of: np.ndarray, words: int) -> np.ndarray:
        kept = word_of >= 0
        total = np.zeros((words, self.size), dtype=np.float32)
        np.add.at(total, word_of[kept], self.table[pieces[kept]])
        count = np.bincount(word_of[kept], minlength=words)
        if (erased := count == 0).any():
            self.erased += int(erased.sum())
            total[erased] = self.table[self.tokenizer.unk_token_id or 0]
        return total / np.maximum(count, 1)[:, None].astype(np.float32)


def encoder_directory(manifest_path: Path) -> Path:
    """Directory of the encoder in an artifact: where its config.json lies. Raises UserError unless there is one."""
    entries = [Path(entry["path"]) for entry in manifest.read(manifest_path)["files"]]
    found = [path for path in entries if path.name == "config.json"]
    if len(found) != 1:
        raise UserError(
            f"{len(found)} files named config.json, one encoder is needed",
            where=manifest_path,
            remedy="let the data set hold one model folder, or one .txt file of vectors",
        )
    return manifest_path.parent / found[0].parent


def embedding_table(directory: Path) -> np.ndarray:
    """The token embedding [vocabulary, D] float32 of a checkpoint, read from safetensors without loading the rest.

    Raises UserError if there is no safetensors file (pickles are never opened) or no such tensor in it.
    """
    files = sorted(directory.glob("*.safetensors"))
    if not files:
        pickles = sorted(path.name for path in directory.glob("*.bin"))
        raise UserError(
            "no safetensors weights" + (f", only {', '.join(pickles)} (a pickle)" if pickles else ""),
            where=directory,
            remedy="convert the checkpoint to safetensors",
        )
    for file in files:
        with safe_open(file, framework="pt") as tensors:
            for name in sorted(tensors.keys(), key=len):
                if name.endswith(TABLES):
                    return tensors.get_tensor(name).float().numpy()
    raise UserError(
        "no token embedding in the checkpoint",
        where=directory,
        remedy=f"its name must end with one of {', '.join(TABLES)}",
    )
