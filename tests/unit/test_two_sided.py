"""Proves that blocks of two sides hold every pair whole, on both sides, without loss, and are of one group each."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scriptorium import manifest
from scriptorium.engine.spec import MixtureSpec
from scriptorium.errors import UserError
from scriptorium.ledger import Ledger
from scriptorium.objectives import mixing
from scriptorium.stage import execute
from scriptorium.stages import pack_pairs
from scriptorium.text import packing, packing_pairs, two_sided
from scriptorium.text.blocks import Blocks
from scriptorium.text.languages.sampling import probabilities
from scriptorium.text.spec import PackPairsSpec
from scriptorium.text.two_sided import Filler, Group, positions, read_groups, segments
from tests import tiny

CLS, SEP, PAD = 2, 3, 0  # of tests/tiny.py
TEXTS = {"de": 30, "en": 60}
PAIRS = {("de", "en"): 80, ("en", "fr"): 20}


def text(generator: np.random.Generator, words: int) -> str:
    return " ".join(generator.choice(tiny.WORDS, words))


def tables(root: Path) -> tuple[Path, Path]:
    """documents.parquet and pairs.parquet of random words, a tenth of each held out."""
    generator = np.random.default_rng(0)
    documents = [
        {"split": "validation" if n % 10 == 0 else "train", "language": language, "text": text(generator, length)}
        for language, count in TEXTS.items()
        for n, length in zip(range(count), generator.integers(1, 90, count), strict=True)
    ]
    pairs = [
        {"split": "validation" if n % 10 == 0 else "train", "lang_a": a, "lang_b": b}
        | {f"text_{side}": text(generator, generator.integers(3, 30)) for side in "ab"}
        for (a, b), count in PAIRS.items()
        for n in range(count)
    ]
    root.mkdir(parents=True, exist_ok=True)
    for name, rows in (("documents", documents), ("pairs", pairs)):
        pd.DataFrame(rows).to_parquet(root / f"{name}.parquet")
    return root / "documents.parquet", root / "pairs.parquet"


def packed(root: Path, *, threads: int = 1, **settings) -> tuple[Path, dict]:
    """The folder of packed blocks, and what the ledger counted."""
    documents, pairs = tables(root)
    ledger = Ledger.open(root / "ledger", key="0", stage="pack_pairs")
    tokens = packing.Tokens(tiny.tokenizer(), threads)
    packing_pairs.pack(documents, pairs, tiny.tokenizer(), PackPairsSpec.parse(settings), root / "out", ledger, tokens)
    lines = (root / "ledger/events.jsonl").read_text(encoding="utf-8").splitlines()
    counted = {}
    for event in map(json.loads, lines):
        counted |= event.get("metrics", {})
    return root / "out", counted


def texts_of(blocks: Blocks, number: int) -> dict[int, list[list[int]]]:
    """pair -> the token ids of its texts on x and on y."""
    ids, owners = (column.reshape(2, -1) for column in blocks[number])
    pairs = {int(owner) for owner in np.unique(owners) if owner >= 0}
    return {pair: [ids[side][owners[side] == pair].tolist() for side in (0, 1)] for pair in pairs}


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[Path, dict]:
    return packed(tmp_path_factory.mktemp("packed"), block_length=64)


def test_every_pair_is_whole_on_both_sides_and_none_is_lost(made):
    folder, counted = made
    _, pairs = tables(folder.parent)
    tokenizer = tiny.tokenizer()
    expected = {}
    for split, rows in pd.read_parquet(pairs).groupby("split"):
        expected[split] = sorted(
            [[CLS, *tokenizer(cell, add_special_tokens=False)["input_ids"], SEP] for cell in row]
            for row in rows[["text_a", "text_b"]].itertuples(index=False)
        )
    for split in ("train", "validation"):
        blocks, found = Blocks(folder / f"{split}.arrow"), []
        assert blocks.layout == two_sided.NAME and blocks.padded and blocks.length == 64
        for number in range(len(blocks)):
            if blocks.extra(number)["group"][0] >= len(TEXTS):
                found += texts_of(blocks, number).values()
        assert sorted(found) == expected[split]
    assert counted["train/pairs"] > counted["validation/pairs"] > 10 and counted["train/dropped_pairs"] == 0
    assert blocks.tokens == counted["validation/tokens"]


def test_segments_are_adjacent_and_of_one_document(made):
    folder, _ = made
    tokenizer = tiny.tokenizer()
    documents = pd.read_parquet(folder.parent / "documents.parquet")
    whole = {
        " ".join(map(str, tokenizer(cell, add_special_tokens=False)["input_ids"]))
        for cell in documents["text"][documents["split"] == "train"]
    }
    blocks = Blocks(folder / "train.arrow")
    monolingual = [n for n in range(len(blocks)) if blocks.extra(n)["group"][0] < len(TEXTS)]
    assert len(monolingual) > 20
    for number in monolingual:
        for first, second in texts_of(blocks, number).values():
            assert first[0] == second[0] == CLS and first[-1] == second[-1] == SEP
            joined = " ".join(map(str, [*first[1:-1], *second[1:-1]]))
            assert any(joined in document for document in whole)


def test_padding_stands_at_the_end_of_a_side_and_there_is_little(made):
    folder, counted = made
    blocks = Blocks(folder / "train.arrow")
    for number in range(len(blocks)):
        ids, owners = (column.reshape(2, -1) for column in blocks[number])
        for side in (0, 1):
            padding = owners[side] == -1
            assert (np.diff(padding.astype(int)) >= 0).all() and (ids[side][padding] == PAD).all()
    assert counted["train/filled"] > 0.7, "of sides of 32 tokens, with texts of 5 to 31"


def test_blocks_are_of_one_group_monolingual_ones_first(made):
    folder, counted = made
    groups = read_groups(folder)
    assert [(group.kind, group.name) for group in groups] == [
        ("monolingual", "de"),
        ("monolingual", "en"),
        ("bilingual", "de-en"),
        ("bilingual", "en-fr"),
    ]
    assert [group.texts for group in groups] == [27, 54, 72, 18]
    numbers = Blocks(folder / "train.arrow").column("group")[:, 0]
    assert (np.diff(numbers) >= 0).all() and set(numbers) == {0, 1, 2, 3}
    for number, group in enumerate(groups):
        assert counted[f"train/blocks/{group.kind}/{group.name}"] == (numbers == number).sum()


def test_a_mixture_is_read_from_the_blocks(made):
    blocks = Blocks(made[0] / "train.arrow")
    mixture = mixing.mixture(blocks, MixtureSpec(bilingual=0.25, alpha=0.5))
    assert mixture.second.tolist() == [False, False, True, True] and mixture.share == 0.25
    assert np.allclose(mixture.weights, [*probabilities([27, 54], 0.5), *probabilities([72, 18], 0.5)])
    assert mixture.tokens.sum() == blocks.tokens and len(mixture.of_kind(0)) + len(mixture.of_kind(1)) == len(blocks)


def test_threads_change_no_byte(made, tmp_path):
    folder, _ = packed(tmp_path, block_length=64, threads=3)
    for name in ("train.arrow", "validation.arrow", "groups.json"):
        assert (folder / name).read_bytes() == (made[0] / name).read_bytes()


def test_long_texts_are_left_out_and_counted(tmp_path):
    folder, counted = packed(tmp_path, block_length=64, sides={"longest": 16, "segment": 12})
    blocks = Blocks(folder / "train.arrow")
    sizes = {
        kind: max(
            len(side)
            for number in range(len(blocks))
            if (blocks.extra(number)["group"][0] >= len(TEXTS)) == (kind == "bilingual")
            for pair in texts_of(blocks, number).values()
            for side in pair
        )
        for kind in ("monolingual", "bilingual")
    }
    assert sizes == {"monolingual": 12, "bilingual": 16}
    assert 0 < counted["train/dropped_pairs"] < 90


def test_segments_lose_only_what_is_too_short():
    for length in range(60):
        pairs = list(segments(np.arange(length), 10, 4))
        joined = [token for pair in pairs for side in pair for token in side.tolist()]
        left = length % 20
        assert joined == list(range(length if left >= 8 or not left else length - left))
        assert all(4 <= len(side) <= 10 and 0 <= len(a) - len(b) <= 1 for a, b in pairs for side in (a, b))


def test_positions_restart_in_every_text():
    owners = np.array([[[4, 4, 4, 2, 2, 9, -1, -1], [4, 2, 2, 2, 9, 9, 9, 9]]])
    assert positions(owners).tolist() == [[[0, 1, 2, 0, 1, 0, 0, 0], [0, 0, 1, 2, 0, 1, 2, 3]]]


def test_a_pair_goes_into_the_first_block_with_room_for_both_sides():
    sides = [(10, 2), (7, 9), (6, 7), (3, 2), (9, 9)]
    pairs = [(np.full(a, n), np.full(b, n)) for n, (a, b) in enumerate(sides)]
    rows = list(Filler(16, PAD).fill(pairs))
    found = [[sorted(set(owners.reshape(2, 16)[side].tolist()) - {-1}) for side in (0, 1)] for _, owners in rows]
    assert found == [[[0, 2], [0, 2]], [[1, 3], [1, 3]], [[4], [4]]]


def test_what_is_held_out_on_one_side_is_not_trained_on_from_the_other(tmp_path):
    documents = pd.DataFrame(
        {
            "split": ["train", "validation", "train"],
            "language": "en",
            "text": [f"word1 word2\n{' '.join(tiny.WORDS[:40])}", "word5 word6 word7 " * 9, "word8 " * 40],
        }
    )
    pairs = pd.DataFrame(
        {
            "split": ["validation", "train", "train"],
            "lang_a": "de",
            "lang_b": "en",
            "text_a": ["word9", "word10", "word11"],
            "text_b": ["word1 word2", documents["text"][1], "word12"],
        }
    )
    documents.to_parquet(tmp_path / "documents.parquet"), pairs.to_parquet(tmp_path / "pairs.parquet")
    ledger = Ledger.open(tmp_path / "ledger", key="0", stage="pack_pairs")
    spec = PackPairsSpec(block_length=128)
    packing_pairs.pack(
        tmp_path / "documents.parquet", tmp_path / "pairs.parquet", tiny.tokenizer(), spec, tmp_path / "out", ledger
    )
    blocks = Blocks(tmp_path / "out/train.arrow")
    words = {token for number in range(len(blocks)) for token in blocks[number][0].tolist()}
    ids = tiny.tokenizer().get_vocab()
    assert ids["word10"] in words, "the first line's words are in the second line as well"
    assert [group.texts for group in read_groups(tmp_path / "out")] == [2, 1]
    counted = (tmp_path / "ledger/events.jsonl").read_text(encoding="utf-8")
    assert '"train/held_out_in_pairs": 1' in counted and '"train/held_out_in_documents": 1' in counted


def test_documents_without_languages_and_a_vocabulary_without_a_mask_are_refused(tmp_path):
    documents, pairs = tables(tmp_path)
    for name in ("corpus", "parallel", "backbone"):
        (tmp_path / name).mkdir()
    pd.read_parquet(documents).drop(columns="language").to_parquet(tmp_path / "corpus/documents.parquet")
    pairs.rename(tmp_path / "parallel/pairs.parquet")
    manifest.write(tmp_path / "corpus", [tmp_path / "corpus/documents.parquet"])
    manifest.write(tmp_path / "parallel", [tmp_path / "parallel/pairs.parquet"])

    def run(special: list[str]) -> None:
        tiny.tokenizer(special=special).save_pretrained(tmp_path / "backbone")
        manifest.write(tmp_path / "backbone", [tmp_path / "backbone/tokenizer.json"])
        inputs = {
            name: [tmp_path / folder / "manifest.json"]
            for name, folder in (("corpus", "corpus"), ("parallel", "parallel"), ("tokenizer", "backbone"))
        }
        execute(
            "pack_pairs", PackPairsSpec(), pack_pairs.run, out=tmp_path / "out", inputs=inputs, state=tmp_path / "state"
        )

    with pytest.raises(UserError, match=r"documents\.parquet: column 'language' is missing\n  remedy: name the lang"):
        run(tiny.SPECIAL)
    with pytest.raises(UserError, match="two-sided blocks have padding, but the tokenizer has no pad_token"):
        run(tiny.SPECIAL[1:])
    with pytest.raises(UserError, match="this tokenizer has no mask_token"):
        run(tiny.SPECIAL[:4])


def test_a_length_that_does_not_fit_is_refused_with_the_recipe():
    with pytest.raises(UserError, match="longest 65 is more than half of block_length, 64"):
        PackPairsSpec.parse({"sides": {"longest": 65}})
    with pytest.raises(UserError, match="block_length"):
        PackPairsSpec.parse({"block_length": 127})


def test_groups_are_described_by_name():
    assert Group("bilingual", ("de", "en"), 3).name == "de-en"
