"""Tokenizers for pre-training: read from an artifact, MPNet's own order of the vocabulary, and where words begin."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import transformers

from scriptorium import manifest
from scriptorium.errors import UserError


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
    """MPNet's tokenizer over the same WordPiece vocabulary (docs/papers/mpnet.md section 2).

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
    normalizer = json.loads(tokenizer.backend_tokenizer.to_str())["normalizer"] or {}
    return transformers.MPNetTokenizer(
        vocab={name: number for number, name in enumerate(ordered)},
        do_lower_case=normalizer.get("lowercase", True),
        model_max_length=tokenizer.model_max_length,
    )


def word_starts(tokenizer: transformers.PreTrainedTokenizerBase) -> np.ndarray:
    """Which pieces begin a word, bool [vocabulary]: what masking of whole words needs.

    WordPiece marks the pieces that go on ("##ing"), byte-level BPE and unigram those that begin (a leading blank,
    written as in "\u0120word" and "\u2581word"). Special tokens are words of their own. The first piece after a special
    token begins a word whatever is marked, since some tokenizers give the first word of a text no blank.
    Raises UserError: a vocabulary of another kind.
    """
    described = json.loads(tokenizer.backend_tokenizer.to_str())
    model, kind = described["model"], described["model"]["type"]
    starts = np.ones(len(tokenizer), dtype=bool)
    if kind == "WordLevel":
        return starts
    if kind == "WordPiece":
        marked, begins = model["continuing_subword_prefix"], False
    elif (marked := _blank(described["pre_tokenizer"])) is not None:
        begins = True
    else:
        raise UserError(
            f"this {kind} vocabulary marks neither where a word begins nor where it goes on",
            where=tokenizer.name_or_path,
            remedy="take a WordPiece, byte-level BPE or unigram vocabulary, or set whole_words: false",
        )
    for piece, number in tokenizer.get_vocab().items():
        starts[number] = piece.startswith(marked) == begins
    starts[tokenizer.all_special_ids] = True
    return starts


def _blank(pre_tokenizer: dict[str, Any] | None) -> str | None:
    """How a pre-tokenizer writes the blank before a word; None if it does not."""
    if pre_tokenizer is None:
        return None
    for part in pre_tokenizer.get("pretokenizers", [pre_tokenizer]):
        if part["type"] == "ByteLevel":
            return "\u0120"
        if part["type"] == "Metaspace":
            return part["replacement"]
    return None


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
