"""Translations as an encoder reads them. Which they are, and what their words are, depends on no tokenizer, so all
encoders are asked about the same words."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from scriptorium.alignments import linked
from scriptorium.crosslingual.held_out import Pair, Text, in_order
from scriptorium.errors import UserError
from scriptorium.linguistics.align import piece_words
from scriptorium.text.dictionaries.entries import comparable

if TYPE_CHECKING:
    import transformers

    from scriptorium.vectors.spec import VectorsSettings

WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")  # letters and digits, also with apostrophes or hyphens inside
LEAST = 4  # pairs: two to choose a layer with, and two to report


@dataclass(frozen=True)
class Translation:
    """Two texts and where their words are: int64 [words, 2] of each. sure, possible: bool [words, words], where people
    have linked them."""

    id: str
    languages: tuple[str, str]
    texts: tuple[str, str]
    spans: tuple[np.ndarray, np.ndarray]
    sure: np.ndarray | None = None
    possible: np.ndarray | None = None


def held_out(path: Path, spec: VectorsSettings, known: Collection[tuple[str, str]]) -> list[Translation]:
    """The first pairs in the order of their hash, of every pair of languages that is known. path: pairs.parquet; known:
    what a dictionary has. Raises UserError: too few are of that length, or no languages are known."""
    found = []
    for languages, rows in in_order(path):
        if languages not in known:
            continue
        texts = zip(rows["id"], rows["text_a"], rows["text_b"], strict=True)
        made = (Translation(name, languages, both, tuple(map(_spans, both))) for name, *both in texts)
        found += _enough("-".join(languages), made, spec, path)
    if not found:
        raise UserError(
            f"no held-out pairs in the languages of the dictionary: {', '.join(map('-'.join, sorted(known)))}",
            where=path,
            remedy="give the dictionary a source with the languages of the pairs, or hold out more pairs",
        )
    return found


def gold(path: Path, spec: VectorsSettings) -> list[Translation]:
    """Sentences whose words people have linked. path: links.parquet. Raises UserError likewise."""
    made = (
        Translation(each.id, each.languages, each.texts, each.spans, each.sure, each.possible)
        for each in linked.read(path)
    )
    return _enough("gold alignments", made, spec, path)


def _enough(what: str, made: Iterator[Translation], spec: VectorsSettings, path: Path) -> list[Translation]:
    fitting = (each for each in made if all(spec.shortest <= len(text) <= spec.longest for text in each.texts))
    kept = list(islice((each for each in fitting if all(map(len, each.spans))), spec.pairs))
    if len(kept) < LEAST:
        raise UserError(
            f"{len(kept)} pairs of {what} have {spec.shortest} to {spec.longest} characters on both sides, {LEAST} are "
            "the least",
            where=path,
            remedy="give more pairs, or change vectors.<set>.shortest and longest",
        )
    return kept


def _spans(text: str) -> np.ndarray:
    return np.array([match.span() for match in WORD.finditer(text)], np.int64).reshape(-1, 2)


def encoded(
    translations: Sequence[Translation], tokenizer: transformers.PreTrainedTokenizerBase, most: int
) -> list[Pair]:
    """Their pieces, cut at `most` with both symbols; a word that no piece is of has an empty range."""
    sides = []
    for side in (0, 1):
        texts = [each.texts[side] for each in translations]
        encodings = tokenizer(texts, add_special_tokens=False, truncation=True, max_length=most - 2).encodings
        sides.append(
            [
                Text((tokenizer.cls_token_id, *found.ids, tokenizer.sep_token_id), tuple(_words(each, side, found)))
                for each, found in zip(translations, encodings, strict=True)
            ]
        )
    return [Pair(each.id, each.languages, both) for each, *both in zip(translations, *sides, strict=True)]


def _words(translation: Translation, side: int, encoding) -> Iterator[tuple[str, int, int]]:
    text, spans = translation.texts[side], translation.spans[side]
    owners = piece_words(encoding.offsets, spans)
    for number, (start, stop) in enumerate(spans):
        pieces = np.flatnonzero(owners == number)
        form = comparable(text[start:stop])
        yield (form, pieces[0] + 1, pieces[-1] + 2) if len(pieces) else (form, 0, 0)


def forms(translations: Sequence[Translation]) -> dict[tuple[str, str], tuple[set[str], set[str]]]:
    """Languages -> the `comparable` words of both sides."""
    found: dict[tuple[str, str], tuple[set[str], set[str]]] = {}
    for each in translations:
        sides = found.setdefault(each.languages, (set(), set()))
        for side, text, spans in zip(sides, each.texts, each.spans, strict=True):
            side.update(comparable(text[start:stop]) for start, stop in spans)
    return found
