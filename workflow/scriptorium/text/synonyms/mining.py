"""Links between synonyms in packed pairs, found once with a dictionary (rules.py) and kept with the blocks.

All words of some thousand blocks are matched at once, as numbers. The ledger says how many links there are and how many
pairs have one, by split and languages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scriptorium.errors import UserError
from scriptorium.ledger import Ledger
from scriptorium.text.blocks import BLOCKS_PER_BATCH, Blocks
from scriptorium.text.dictionaries.preparing import entries
from scriptorium.text.packing import SPLITS
from scriptorium.text.synonyms import linked_blocks, rules
from scriptorium.text.synonyms.vocabulary import Speller, Words
from scriptorium.text.tokenizers import word_starts
from scriptorium.text.two_sided import Group, read_groups

if TYPE_CHECKING:
    import transformers

    from scriptorium.text.synonyms.spec import LinkSettings

SAMPLE = 8  # words in a message
TRAIN = "train"


def mine(
    blocks: Path,
    dictionary: Path,
    tokenizer: transformers.PreTrainedTokenizerBase,
    spec: LinkSettings,
    out: Path,
    ledger: Ledger,
) -> list[Path]:
    """Write {train,validation}.arrow (linked_blocks.py) for a folder of packed pairs and an entries.parquet.

    Raises UserError: the dictionary has none of the pairs of languages, its languages are exchanged, nothing matches.
    """
    out.mkdir(parents=True, exist_ok=True)
    mining = _Mining(blocks, dictionary, tokenizer, spec, ledger)
    if spec.stop_words:
        mining.leave_out_frequent()
    files = {}
    for split in sorted(SPLITS, key=lambda name: name != TRAIN):  # train tells whether the dictionary fits
        given, files[split] = Blocks(blocks / f"{split}.arrow"), out / f"{split}.arrow"
        linked_blocks.write(files[split], mining.batches(given, split), given.length)
        if split == TRAIN:
            mining.check()
    return [files[split] for split in SPLITS]


class _Mining:
    """One run of `mine`."""

    def __init__(self, blocks: Path, dictionary: Path, tokenizer, spec: LinkSettings, ledger: Ledger):
        self.blocks, self.dictionary, self.spec, self.ledger = blocks, dictionary, spec, ledger
        self.groups = read_groups(blocks)
        spell = Speller(tokenizer, accents=spec.accents)
        self.of_words = ~np.array([rules.wordless(spell((piece,))) for piece in range(len(tokenizer))])
        self.of_words[tokenizer.all_special_ids] = False
        self.marked = word_starts(tokenizer)
        spells = {True: cache(spell.form), False: cache(spell.joined)}  # of languages with and without spaces
        self.matched: dict[int, _Group] = {}
        for number, group in enumerate(self.groups):
            if group.kind == "bilingual" and len(found := self._entries(group.languages)):
                own = [spells[rules.has_spaces(language)] for language in group.languages]
                self.matched[number] = _Group(group, found, own)
        if not self.matched:
            wanted = ", ".join(group.name for group in self.groups if group.kind == "bilingual") or "no translations"
            raise UserError(
                f"the dictionary has no entry in the languages of these blocks ({wanted})",
                where=dictionary,
                remedy="name a dictionary of these languages in `synonyms` of the recipe",
            )

    def _entries(self, languages: tuple[str, ...]) -> pd.DataFrame:
        found = entries(self.dictionary, *languages)
        if self.spec.accents:
            return found  # which are in that form already
        return found.map(lambda word: rules.form(word, accents=False)).drop_duplicates()

    def leave_out_frequent(self) -> None:
        """Read the train split once, and forget the entries of the most frequent words."""
        for _ in self.batches(Blocks(self.blocks / f"{TRAIN}.arrow"), None):
            pass
        for each in self.matched.values():
            each.words = [words.without(frozenset(words.frequent(self.spec.stop_words))) for words in each.words]

    def batches(self, blocks: Blocks, split: str | None) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """What linked_blocks.write takes; the ledger gets the coverage of a split that has a name."""
        groups = blocks.column("group")[:, 0]
        counted = {number: np.zeros(3, np.int64) for number in self.matched}  # pairs, links, pairs with a link
        for start in range(0, len(blocks), BLOCKS_PER_BATCH):
            rows = range(start, min(start + BLOCKS_PER_BATCH, len(blocks)))
            read = zip(*map(blocks.__getitem__, rows), strict=True)
            ids, owners = (np.stack(column).reshape(len(rows), 2, -1) for column in read)
            words = np.full(ids.shape, -1, np.int64)
            links, block = [], []
            for number, each in self.matched.items():
                own = np.flatnonzero(groups[rows.start : rows.stop] == number)
                if len(own):
                    words[own], found, place, pairs = each.link(ids[own], owners[own], self)
                    links.append(found), block.append(own[place])
                    counted[number] += len(np.unique(owners[own][owners[own] >= 0])), len(found), len(np.unique(pairs))
            links, block = (np.concatenate(parts) for parts in (links or [np.zeros((0, 2), int)], block or [[]]))
            order = np.argsort(block, kind="stable")
            yield words, links[order], np.bincount(block.astype(int), minlength=len(rows))
        if split:
            self._tell(split, counted)

    def _tell(self, split: str, counted: dict[int, np.ndarray]) -> None:
        named = {self.groups[number].name: counts for number, counts in counted.items()}
        for name, (pairs, links, linked) in {"all": sum(named.values()), **named}.items():
            values = {"pairs": pairs, "links": links, "linked_pairs": linked}
            if pairs:
                values |= {"links_per_pair": links / pairs, "share_linked": linked / pairs}
            self.ledger.metrics(0, {f"{split}/{name}/{what}": float(value) for what, value in values.items()})
            self.ledger.note(f"{split}, {name}: {links} links in {linked} of {pairs} pairs")
        for group in self.groups:
            if group.kind == "bilingual" and group.name not in named:
                self.ledger.note(f"{split}, {group.name}: the dictionary has no entry in these languages")

    def check(self) -> None:
        """Raises UserError where the dictionary does not fit what was read."""
        for each in self.matched.values():
            each.check_direction(self.dictionary)
        if any(each.found for each in self.matched.values()):
            return
        samples = []
        for each in self.matched.values():
            for side, language in enumerate(each.group.languages):
                samples.append(
                    f"{language}: the texts have {', '.join(each.words[side].frequent(SAMPLE))}; "
                    f"the dictionary {', '.join(sorted(each.forms[side])[:SAMPLE])}"
                )
        raise UserError(
            "no entry of the dictionary stands in any pair of texts\n  " + "\n  ".join(samples),
            where=self.dictionary,
            remedy="name another dictionary; if only accents differ, set synonyms.accents: false",
        )


class _Group:
    """The words of two languages, and the entries between them."""

    def __init__(self, group: Group, found: pd.DataFrame, spells: Sequence[Callable[[tuple[int, ...]], str]]):
        self.group, self.found = group, 0
        (x, forms_x), (y, forms_y) = (pd.factorize(found[column]) for column in ("word", "translation"))
        order = np.lexsort((y, x))
        self.entries = x[order], y[order]
        forms = [own.tolist() for own in (forms_x, forms_y)]
        self.words = [
            Words({text: number for number, text in enumerate(own)}, spell)
            for own, spell in zip(forms, spells, strict=True)
        ]
        self.forms = [frozenset(own) for own in forms]
        self.longest = [max(map(len, own)) for own in forms]

    def link(
        self, ids: np.ndarray, owners: np.ndarray, mining: _Mining
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """(words [b, 2, L], links [k, 2], the block of each [k], its pair [k]) of blocks [b, 2, L]."""
        inside = mining.of_words[ids] & (owners >= 0)
        begins = np.empty_like(inside)
        for side, language in enumerate(self.group.languages):
            given = ids[:, side], inside[:, side], owners[:, side]
            if rules.has_spaces(language):
                begins[:, side] = rules.begins_by_marks(given[1], mining.marked[given[0]], given[2])
            else:
                begins[:, side] = self._by_entries(side, *given)
        words = np.where(inside, begins.cumsum(-1) - 1, -1)
        found = []
        for side in (0, 1):
            block, place = np.nonzero(begins[:, side])
            here = inside[:, side]
            starts = (here.reshape(-1).cumsum() - 1)[block * here.shape[1] + place]
            forms = self.words[side].read(ids[:, side][here], starts)
            found.append((owners[block, side, place].astype(np.int64), forms, block, words[block, side, place]))
        x, y = rules.links(*(side[:2] for side in found), self.entries)
        self.found += len(x)
        pairs = np.stack([found[0][3][x], found[1][3][y]], axis=1)
        return words, pairs, found[0][2][x], found[0][0][x]

    def _by_entries(self, side: int, ids: np.ndarray, inside: np.ndarray, owners: np.ndarray) -> np.ndarray:
        """Where words begin in texts without spaces; anything that is of no word ends a run of pieces."""
        begins = np.zeros_like(inside)
        spell, entries, longest = self.words[side].spell, self.forms[side], self.longest[side]
        runs = rules.begins_by_marks(inside, np.zeros_like(inside), owners)
        for row in range(len(ids)):
            starts = np.flatnonzero(runs[row])
            for start, stop in zip(starts, [*starts[1:], ids.shape[1]], strict=True):
                own = start + np.flatnonzero(inside[row, start:stop])
                begins[row, own] = rules.begins_by_entries(ids[row, own].tolist(), spell, entries, longest)
        return begins

    def check_direction(self, where: Path) -> None:
        """Raises UserError where the words of the texts stand in the other language's column of the dictionary."""
        right = crossed = 0
        sample: list[tuple[int, str, int]] = []
        for side, words in enumerate(self.words):
            for text, count in zip(words.texts, words.counts, strict=True):
                here, there = text in self.forms[side], text in self.forms[1 - side]
                right, crossed = right + here * count, crossed + there * count
                if there and not here:
                    sample.append((-count, text, side))
        if crossed <= right:
            return
        names = x, y = self.group.languages
        seen = ", ".join(
            f"{text!r} is {names[side]} in the texts and {names[1 - side]} in the dictionary"
            for _, text, side in sorted(sample)[: SAMPLE // 2]
        )
        raise UserError(
            f"the languages {x} and {y} of the dictionary are exchanged: {seen}",
            where=where,
            remedy=f"its source names them in the order of its files: languages: [{y}, {x}] instead of the other way",
        )
