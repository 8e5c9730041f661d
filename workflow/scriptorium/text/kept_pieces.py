"""The pieces of a checkpoint's vocabulary that occur in our text, and no others: 250,002 rows of XLM-R become some.

Only for unigram vocabularies: there a text's pieces are the most probable of all ways to spell it, so taking away what
was never chosen changes no choice. Special tokens stay, and so does every piece that occurs once. Scores are kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import tokenizers
import transformers

from scriptorium.errors import UserError
from scriptorium.ledger import Ledger
from scriptorium.text.packing import tokenise
from scriptorium.text.tokenizers import load_tokenizer

TOKENIZER = "tokenizer.json"


def keep(directory: Path, lines: Iterable[str], out: Path, ledger: Ledger) -> list[Path]:
    """Save the tokenizer of `directory` with the pieces that occur in `lines`, in their old order, to `out`.

    Raises UserError: no vocabulary of the kind unigram.
    """
    tokenizer = load_tokenizer(directory)
    described = json.loads(tokenizer.backend_tokenizer.to_str())
    if (kind := described["model"]["type"]) != "Unigram":
        raise UserError(
            f"this vocabulary is of the kind {kind}, and pieces can be taken out of a Unigram vocabulary only",
            where=directory,
            remedy="take XLM-R's, or learn a vocabulary from the text",
        )
    occurs = np.zeros(len(tokenizer), dtype=bool)
    occurs[tokenizer.all_special_ids] = True
    for document in tokenise(lines, tokenizer):
        for pieces in document:
            occurs[pieces] = True
    occurs[[token["id"] for token in described["added_tokens"]]] = True
    _take(described, np.flatnonzero(occurs))
    smaller = type(tokenizer)(
        tokenizer_object=tokenizers.Tokenizer.from_str(json.dumps(described)), **_settings(tokenizer)
    )
    smaller.save_pretrained(out)
    ledger.metrics(0, {"vocabulary/pieces": len(smaller), "vocabulary/of": len(tokenizer)})
    return sorted(path for path in out.iterdir() if path.name.startswith("tokenizer"))


def rows_of(smaller: transformers.PreTrainedTokenizerBase, larger: transformers.PreTrainedTokenizerBase) -> np.ndarray:
    """For every piece of `smaller` its row in the embeddings of `larger`, int64 [pieces].

    Raises UserError: it has a piece that the other does not have.
    """
    known = larger.get_vocab()
    names = smaller.convert_ids_to_tokens(range(len(smaller)))
    if missing := [name for name in names if name not in known]:
        raise UserError(
            f"{len(missing)} pieces are not in the checkpoint's vocabulary, such as {missing[0]!r}",
            where=smaller.name_or_path,
            remedy="take a vocabulary of kind kept, made from this backbone",
        )
    return np.array([known[name] for name in names])


def _take(described: dict[str, Any], rows: np.ndarray) -> None:
    """Change a tokenizer's description so that it has these rows only, numbered anew."""
    new = {int(old): number for number, old in enumerate(rows)}
    model = described["model"]
    model["vocab"] = [entry for number, entry in enumerate(model["vocab"]) if number in new]
    model["unk_id"] = new[model["unk_id"]]
    for token in described["added_tokens"]:
        token["id"] = new[token["id"]]
    special = (described.get("post_processor") or {}).get("special_tokens", {})
    for entry in special.values():
        entry["ids"] = [new[number] for number in entry["ids"]]


def _settings(tokenizer: transformers.PreTrainedTokenizerBase) -> dict[str, Any]:
    return dict(tokenizer.special_tokens_map) | {
        "model_input_names": tokenizer.model_input_names,
        "model_max_length": tokenizer.model_max_length,
    }
