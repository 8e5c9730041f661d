"""Proves the rules by which words of translations are linked, that the links of packed pairs follow them, and that a
dictionary that does not fit is refused with a sample."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from scriptorium import ledger, manifest
from scriptorium.errors import UserError
from scriptorium.ledger import Ledger
from scriptorium.text import two_sided
from scriptorium.text.blocks import Blocks, write
from scriptorium.text.synonyms import mining, rules
from scriptorium.text.synonyms.linked_blocks import LinkedBlocks
from scriptorium.text.synonyms.spec import LinkSettings
from scriptorium.text.synonyms.vocabulary import Words
from tests import tiny, veco2
from tests import two_sided as tiny_pairs

PIECES = ["Haus", "##tür", "der", "Hund", "##e", "bell", "##t", ",", ".", "house", "door", "the", "dog", "##s", "bark"]
PIECES += ["Tür", "tur", "犬", "が", "吠", "##える", "門", "##番"]
SPECIAL = tiny.SPECIAL


@pytest.fixture(scope="module")
def tokenizer():
    """WordPiece, whose words have several pieces."""
    vocabulary = {piece: number for number, piece in enumerate([*SPECIAL, *PIECES])}
    core = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    core.pre_tokenizer, core.decoder = pre_tokenizers.BertPreTokenizer(), decoders.WordPiece()
    names = {f"{token.strip('[]').lower()}_token": token for token in SPECIAL}
    return PreTrainedTokenizerFast(tokenizer_object=core, **names)


@pytest.fixture
def link(tokenizer, tmp_path):
    """Texts as lists of pieces, and a dictionary -> the links as pairs of words, and the ledger's numbers."""

    def linked(pairs, rows, languages=("de", "en"), **settings):
        filler = two_sided.Filler(20, tokenizer.pad_token_id)
        ids = [tuple(np.array(tokenizer.convert_tokens_to_ids(["[CLS]", *text, "[SEP]"])) for text in p) for p in pairs]
        rows_of = [(*row, np.array([0], np.int32)) for row in filler.fill(ids)]
        for split in ("train", "validation"):
            write(tmp_path / f"{split}.arrow", iter(rows_of), 40, 1000, layout=two_sided.NAME, extra={"group": 1})
        groups = [{"kind": "bilingual", "languages": languages, "texts": len(pairs)}]
        (tmp_path / "groups.json").write_text(json.dumps(groups))
        entries = veco2.dictionary(tmp_path / "dictionary", rows, languages).parent / "entries.parquet"
        notes = Ledger.open(tmp_path / "ledger", key="0", stage="link_words")
        spec = LinkSettings.parse(settings)
        mining.mine(tmp_path, entries, tokenizer, spec, tmp_path / "links", notes)
        blocks, found = LinkedBlocks(tmp_path / "train.arrow", tmp_path / "links/train.arrow"), []
        for number in range(len(blocks)):
            words, links = blocks.links(number)
            texts = blocks[number][0].reshape(2, -1)
            spelled = [
                [tokenizer.decode(texts[side][words[side] == word]) for side, word in enumerate(pair)] for pair in links
            ]
            found += [tuple(each) for each in spelled]
        counted = {}
        for event in ledger.read_events(tmp_path / "ledger"):
            counted |= event.get("metrics", {})
        return found, counted

    return linked


def test_a_word_of_several_pieces_is_one_word(link):
    found, counted = link(
        [(["der", "Haus", "##tür", "."], ["the", "door", "."])], [("haustür", "door"), ("haus", "the")]
    )
    assert found == [("Haustür", "door")]
    assert counted["train/de-en/links_per_pair"] == counted["train/de-en/share_linked"] == 1


def test_repeated_words_are_linked_in_every_combination(link):
    found, _ = link([(["Hund", ",", "Hund"], ["dog", "dog", "bark"])], [("hund", "dog")])
    assert found == [("Hund", "dog")] * 4


def test_every_translation_counts(link):
    rows = [("hund", "dog"), ("hund", "bark"), ("der", "the")]
    assert sorted(link([(["der", "Hund"], ["dog", "bark", "house"])], rows)[0]) == [("Hund", "bark"), ("Hund", "dog")]


def test_words_of_other_pairs_of_the_block_are_never_linked(link):
    found, counted = link([(["Hund"], ["house"]), (["der"], ["dog"]), (["Hund"], ["dog"])], [("hund", "dog")])
    assert found == [("Hund", "dog")]
    assert counted["train/all/pairs"] == 3 and counted["train/all/linked_pairs"] == 1


def test_case_never_counts_and_accents_by_option(link):
    rows = [("tur", "door")]
    pairs = [(["Tür"], ["door"]), (["Hund"], ["Hund"])]
    assert link(pairs, [*rows, ("hund", "hund")])[0] == [("Hund", "Hund")]
    assert link(pairs, [*rows, ("hund", "hund")], accents=False)[0] == [("Tür", "door"), ("Hund", "Hund")]
    assert link(pairs, [("türen", "house"), ("tür", "door")], accents=False)[0] == [("Tür", "door")]


def test_frequent_words_are_left_out_by_option(link):
    pairs = [(["der", "Hund"], ["the", "dog"]), (["der"], ["the"])]
    rows = [("der", "the"), ("hund", "dog")]
    assert len(link(pairs, rows)[0]) == 3
    assert link(pairs, rows, stop_words=1)[0] == [("Hund", "dog")]


def test_punctuation_and_specials_are_of_no_word(link, tokenizer, tmp_path):
    link([(["Hund", "."], ["dog", ","])], [("hund", "dog")])
    words, _ = LinkedBlocks(tmp_path / "train.arrow", tmp_path / "links/train.arrow").links(0)
    assert words[:, :5].tolist() == [[-1, 0, -1, -1, -1]] * 2
    assert rules.wordless("…") and rules.wordless("") and not rules.wordless("a.") and not rules.wordless("\ufffd")
    assert not rules.wordless("\u0e31"), "a vowel sign is of a word"


def test_languages_without_spaces_take_the_longest_entry_from_the_left(link):
    pairs = [(["dog", "bark"], ["門", "##番", "犬", "が", "吠", "##える"])]
    rows = [("dog", "犬"), ("dog", "門番犬"), ("bark", "吠える"), ("bark", "門")]
    found, _ = link(pairs, rows, languages=("en", "ja"))
    assert found == [("dog", "門番 犬"), ("bark", "吠える")], "not the dog, and not the gate, inside of it"
    assert not rules.has_spaces("zh-TW") and rules.has_spaces("de")


def test_a_run_that_is_no_entry_is_cut_into_its_pieces():
    text_of = lambda run: "".join("abcde"[piece] for piece in run)  # noqa: E731
    assert rules.begins_by_entries([0, 1, 2, 3, 4], text_of, frozenset({"bcd", "bc"}), 3) == [
        True,
        True,
        False,
        False,
        True,
    ]
    assert rules.begins_by_entries([], text_of, frozenset(), 0) == []


def test_links_equal_those_of_a_plain_loop():
    generator = np.random.default_rng(0)
    entries = sorted({tuple(row) for row in generator.integers(0, 8, (20, 2)).tolist()})
    sides = [(np.sort(generator.integers(0, 6, 60)), generator.integers(-1, 8, 60)) for _ in "xy"]
    expected = {
        (i, j)
        for i in range(60)
        for j in range(60)
        if sides[0][0][i] == sides[1][0][j] and (sides[0][1][i], sides[1][1][j]) in entries
    }
    x, y = rules.links(*sides, tuple(np.array(entries).T))
    assert len(x) == len(expected) > 20 and set(zip(x.tolist(), y.tolist(), strict=True)) == expected


def test_words_are_told_apart_by_all_their_pieces():
    words = Words({"1-2": 7, "2-1": 8, "1": 9}, lambda run: "-".join(map(str, run)))
    pieces = np.array([1, 2, 2, 1, 1, 1, 2])
    assert words.read(pieces, np.array([0, 2, 4, 5])).tolist() == [7, 8, 9, 7]
    assert words.read(pieces, np.array([0])).tolist() == [-1] and words.read(pieces[:0], np.array([], int)).size == 0
    assert words.frequent(2) == ["1-2", "1"]


def test_the_stage_links_what_the_dictionary_translates_and_nothing_in_monolingual_blocks(tmp_path):
    packed = tiny_pairs.packed(tmp_path / "data")
    links = veco2.linked(tmp_path, packed, veco2.translations(20))
    assert manifest.read(links / "manifest.json")["files"]
    for split in ("train", "validation"):
        blocks = LinkedBlocks(packed / f"{split}.arrow", links / f"{split}.arrow")
        groups, seen = two_sided.read_groups(packed), 0
        for number in range(len(blocks)):
            ids, owners = (column.reshape(2, -1) for column in blocks[number])
            words, found = blocks.links(number)
            if groups[blocks.extra(number)["group"][0]].kind == "monolingual":
                assert not len(found) and (words == -1).all()
                continue
            assert np.array_equal(words >= 0, ids >= 5), "in this vocabulary every token is a word"
            expected = [
                (x, y)
                for x in np.flatnonzero(words[0] >= 0)
                for y in np.flatnonzero(words[1] >= 0)
                if owners[0, x] == owners[1, y] and ids[0, x] - ids[1, y] == tiny_pairs.HALF and ids[1, y] < 5 + 20
            ]
            assert sorted(map(tuple, found.tolist())) == [(words[0, x], words[1, y]) for x, y in expected]
            seen += len(found)
        assert seen > 5


def test_links_of_other_blocks_are_refused(tmp_path):
    packed = tiny_pairs.packed(tmp_path / "data")
    links = veco2.linked(tmp_path, packed)
    with pytest.raises(UserError, match="link them again"):
        LinkedBlocks(packed / "train.arrow", links / "validation.arrow")
    assert len(Blocks(packed / "train.arrow")) > len(Blocks(packed / "validation.arrow"))


def test_a_dictionary_that_matches_nothing_is_told_with_both_vocabularies(link):
    with pytest.raises(
        UserError,
        match=r"(?s)no entry of the dictionary stands in any pair.*de: the texts have hund; "
        r"the dictionary katze\n  en: the texts have dog; the dictionary cat\n  remedy: name another",
    ):
        link([(["Hund"], ["dog"])], [("katze", "cat")])


def test_exchanged_languages_are_told_with_a_sample(link):
    with pytest.raises(
        UserError,
        match=r"(?s)languages de and en of the dictionary are exchanged: 'dog' is en in the "
        r"texts and de in the dictionary.*languages: \[en, de\] instead",
    ):
        link([(["Hund", "bell", "##t"], ["dog"])], [("dog", "hund")])


def test_a_dictionary_of_other_languages_is_refused(link, tmp_path, tokenizer):
    link([(["Hund"], ["dog"])], [("hund", "dog")])
    other = veco2.dictionary(tmp_path / "other", [("hund", "chien")], ("de", "fr")).parent / "entries.parquet"
    notes = Ledger.open(tmp_path / "ledger", key="0", stage="link_words")
    with pytest.raises(UserError, match=r"no entry in the languages of these blocks \(de-en\)"):
        mining.mine(tmp_path, other, tokenizer, LinkSettings(), tmp_path / "links", notes)
