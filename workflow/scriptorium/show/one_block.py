"""The block of a picture: texts as the layout of an objective packs them, without padding."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import transformers

from scriptorium.errors import UserError
from scriptorium.text import blocks, layouts, two_sided
from scriptorium.text.blocks import Blocks
from scriptorium.text.packing import tokenise
from scriptorium.text.sentence_pairs import SentencePairs
from scriptorium.text.synonyms import linked_blocks

if TYPE_CHECKING:
    from scriptorium.objectives.spec import ObjectiveSpec

LONGEST = 48  # tokens of a block: more are a picture that nobody can read
Rows = Iterator[tuple[np.ndarray, ...]]


def one_block(
    folder: Path, spec: ObjectiveSpec, tokenizer: transformers.PreTrainedTokenizerBase, texts: Sequence[str]
) -> Blocks:
    """One block of one text or two, written to `folder`, of the first layout that the objective takes.

    packed: a text is a document. sentence-pairs: the second text is B; whether as what follows or as what another
    document says, is drawn. two-sided: the second is the translation of the first; no words of theirs are linked.
    Raises UserError: a text without any token, too many tokens, or one text where two are needed.
    """
    layout = spec.layouts[0]
    if layout not in LAYOUTS:
        raise UserError(f"no picture of blocks of layout {layout} can be drawn", where=spec.name)
    if layout != blocks.PACKED and len(texts) < 2:
        raise UserError(
            f"{spec.name} reads pairs of texts, and there is one", remedy='give the other one: --pair "another text"'
        )
    pieces = [np.concatenate(runs) for runs in tokenise(texts, tokenizer)]
    for text, own in zip(texts, pieces, strict=True):
        if not len(own):
            raise UserError(f"the text {text!r} has no token", remedy="give a sentence")
    cls, sep, pad = tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.pad_token_id
    rows, length, name, extra = LAYOUTS[layout](pieces, cls, sep, pad)
    if length > LONGEST:
        raise UserError(
            f"{length} tokens, and a picture shows at most {LONGEST}", remedy="give shorter texts, or fewer"
        )
    path = folder / "block.arrow"
    blocks.write(path, rows, length, len(tokenizer), layout=name, extra=extra)
    if layout != two_sided.NAME:
        return Blocks(path)
    groups = [{"kind": "bilingual", "languages": ["x", "y"], "texts": 1}]
    (folder / two_sided.GROUPS).write_text(json.dumps(groups), encoding="utf-8")
    if not spec.linked:
        return Blocks(path)
    links = folder / "links.arrow"
    nothing = np.full((1, 2, length // 2), -1), np.zeros((0, 2), dtype=int), np.zeros(1, dtype=int)
    linked_blocks.write(links, [nothing], length)
    return linked_blocks.LinkedBlocks(path, links)


def _packed(pieces: list[np.ndarray], cls: int, sep: int, pad: int) -> tuple[Rows, int, str, dict[str, int]]:
    length = 1 + sum(len(own) + 1 for own in pieces)
    return layouts.Packed(cls, sep, length).blocks([own] for own in pieces), length, blocks.PACKED, {}


def _pair(pieces: list[np.ndarray], cls: int, sep: int, pad: int) -> tuple[Rows, int, str, dict[str, int]]:
    length = 3 + sum(map(len, pieces))
    maker = SentencePairs(cls, sep, pad, length, copies=1, short=0)
    rows = maker.blocks([pieces, pieces[1:]])
    return iter([next(rows)]), length, maker.name, maker.extra


def _two_sided(pieces: list[np.ndarray], cls: int, sep: int, pad: int) -> tuple[Rows, int, str, dict[str, int]]:
    ended = tuple(np.concatenate([[cls], own, [sep]]).astype(np.int32) for own in pieces)
    half = max(map(len, ended))
    rows = two_sided.Filler(half, pad).fill([ended])
    return ((*row, np.zeros(1, dtype=np.int32)) for row in rows), 2 * half, two_sided.NAME, {"group": 1}


LAYOUTS = {blocks.PACKED: _packed, SentencePairs.name: _pair, two_sided.NAME: _two_sided}
