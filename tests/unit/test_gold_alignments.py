"""Gold alignments are read with their words' places, whatever a model's tokenizer does; error rates are those that were
computed by hand; and links that cannot be are told with file and line."""

from __future__ import annotations

import json

import numpy as np
import pytest

from scriptorium.alignments import error_rate, linked, preparing
from scriptorium.alignments.spec import AlignmentsSpec
from scriptorium.errors import UserError
from tests.raw import Raw, damaged

ENGLISH = "The house is red .\nI see it\nA dog\nBig cats sleep\n"
GERMAN = "Das Haus ist rot .\nIch sehe es\nEin Hund\nGroße Katzen schlafen\n"
LINKS = "0-0 1-1 2-2 3p3 4-4\n0-0 1-1 2?2\n\n0-0 1-1 2-2 1p0\n"
FILES = {"test.en": ENGLISH, "test.de": GERMAN, "test.align": LINKS}


@pytest.fixture
def raw(tmp_path) -> Raw:
    return Raw(tmp_path)


def prepared(raw: Raw, files: dict, reader="pharaoh", languages=("en", "de"), **settings) -> dict[str, linked.Sentence]:
    spec = {"alignments": "gold", "reader": reader, "languages": list(languages), **settings}
    (path,) = preparing.prepare(AlignmentsSpec.parse(spec), raw.add(files), raw.root / "out", raw.ledger)
    return {sentence.id: sentence for sentence in linked.read(path)}


def words(sentence: linked.Sentence, side: int) -> list[str]:
    return [sentence.texts[side][start:stop] for start, stop in sentence.spans[side]]


def test_pharaoh_has_sure_and_possible_links_in_both_directions(raw):
    made = prepared(raw, FILES)
    assert sorted(made) == [f"test-{number:06d}" for number in (1, 2, 3, 4)]
    first, last = made["test-000001"], made["test-000004"]
    assert first.languages == ("de", "en") and words(first, 0) == ["Das", "Haus", "ist", "rot", "."]
    assert first.sure.sum() == 4 and not first.sure[3, 3] and first.possible[3, 3] and first.possible.sum() == 5
    assert last.possible[0, 1] and not last.possible[1, 0]  # 1p0 is English cats with German Große
    assert made["test-000003"].sure.sum() == 0
    turned = prepared(raw, FILES, languages=("de", "en"))["test-000004"]
    assert turned.possible[1, 0] and not turned.possible[0, 1]


def test_words_may_be_counted_from_one_and_long_sentences_are_left_out(raw):
    from_one = " ".join(f"{n}-{n}" for n in range(1, 6))
    files = FILES | {"test.align": f"{from_one}\n1-1\n2-2\n3-3\n"}
    made = prepared(raw, files, options={"first": 1})
    assert made["test-000001"].sure.sum() == 5 and made["test-000004"].sure[2, 2]
    with pytest.raises(UserError, match="3 sentences of 4 are left, 4 are the least"):
        prepared(raw, files, options={"first": 1}, longest=3)


GREEK = [("n40001001001", "Βίβλος"), ("n40001001002", "γενέσεως"), ("n40001002001", "Ἀβραὰμ"), ("n40001002002", "τὸν")]
BSB = [
    ("40001001001", "Record", "", ""),
    ("40001001002", "of", "", ""),
    ("40001001003", "genealogy", "y", ""),
    ("40001001004", ".", "", "y"),
    ("40001002001", "Abraham", "", ""),
]


def burrito(verses: int = 4, *more: dict) -> dict[str, str]:
    """The three files with so many pairs of verses."""
    records, tables = [], [["id\taltId\ttext"], ["id\tsource_verse\ttext\tskip_space_after\texclude"]]
    for chapter in range(1, verses // 2 + 1):
        at = lambda name, chapter=chapter: name.replace("40001", f"40{chapter:03d}")  # noqa: E731
        tables[0] += [f"{at(name)}\tx\t{text}" for name, text in GREEK]
        tables[1] += ["\t".join((at(name), "v", *rest)) for name, *rest in BSB]
        links = [(0, [0]), (1, [1, 2, 3]), (2, [4]), (0, [4])]  # a full stop, and another verse
        records += [{"source": [at(GREEK[g][0])], "target": [at(BSB[e][0]) for e in own]} for g, own in links]
    return {
        "data/SBLGNT.tsv": "\n".join(tables[0]),
        "data/nt_BSB.tsv": "\n".join(tables[1]),
        "data/SBLGNT-BSB-manual.json": json.dumps({"records": [*records, *more]}),
    }


def test_the_bible_has_verses_whose_punctuation_is_text_but_no_word(raw):
    made = prepared(raw, burrito(), "bible_alignments", ("grc", "en"))
    assert sorted(made) == ["40001001", "40001002", "40002001", "40002002"]
    first = made["40001001"]
    assert first.languages == ("en", "grc") and first.texts[0] == "Record of genealogy."
    assert words(first, 0) == ["Record", "of", "genealogy"] and words(first, 1) == ["Βίβλος", "γενέσεως"]
    assert first.sure.tolist() == [[True, False], [False, True], [False, True]]
    (note,) = [note for note in raw.events("note") if "between verses" in note]
    assert "4 links between verses" in note  # in each chapter one to the full stop and one to another verse


def test_links_are_those_of_the_best_scores():
    scores = np.array([[0.9, 0.8, 0.1], [0.7, 0.2, 0.3]])
    made = error_rate.links(scores, scores.T)
    assert made["forward"].tolist() == [[True, False, False], [True, False, False]]
    assert made["backward"].tolist() == [[True, True, False], [False, False, True]]
    assert made["both"].tolist() == [[True, False, False], [False, False, False]]
    scores[1] = np.nan  # a word that the model did not read
    made = error_rate.links(scores, scores.T)
    assert made["forward"].sum() == 1 and made["backward"].tolist() == [[True, True, True], [False, False, False]]


def test_the_error_rate_is_that_of_och_and_ney():
    """A = {00, 11, 12, 22}, S = {00, 22, 33}, P = S and {11}: A and S 2, A and P 3, so 1 - 5 / 7."""
    made, sure, possible = (np.zeros((4, 4), bool) for _ in range(3))
    made[[0, 1, 1, 2], [0, 1, 2, 2]] = True
    sure[[0, 2, 3], [0, 2, 3]] = True
    possible[[0, 2, 3, 1], [0, 2, 3, 1]] = True
    sums = np.array(error_rate.counts(made, sure, possible), float)
    assert sums.tolist() == [4, 2, 3, 3]
    assert error_rate.error_rate(sums) == pytest.approx(1 - 5 / 7)
    assert error_rate.precision(sums) == 3 / 4 and error_rate.recall(sums) == pytest.approx(2 / 3)
    both = np.stack([sums, sums + 1])
    assert error_rate.error_rate(both) == pytest.approx([2 / 7, 1 - 7 / 9])
    assert error_rate.error_rate(np.array(error_rate.counts(sure, sure, possible), float)) == 0
    assert error_rate.error_rate(np.zeros(4)) == 0 and error_rate.precision(np.zeros(4)) == 0


def test_the_diagonal_takes_the_word_at_the_same_place():
    assert error_rate.diagonal(3, 5).argmax(1).tolist() == [0, 2, 4] and error_rate.diagonal(1, 3).argmax(1) == [0]


@pytest.mark.parametrize(
    ("files", "settings", "message"),
    [
        (FILES | {"test.align": LINKS.replace("4-4", "4-5")}, {}, r"test\.align, line 1[\s\S]*4-5|link 4-5"),
        (FILES | {"test.align": "\n\n2-0\n\n"}, {}, "link 2-0, counted from 0, but 'A dog' has 2 words"),
        (FILES | {"test.align": "0-0\n\n\n\n"}, {"options": {"first": 1}}, "link -1--1"),
        (FILES | {"test.align": "0-0\n0:0\n\n\n"}, {}, "'0:0' is no link"),
        (FILES | {"test.align": "0-0\n"}, {}, "1 lines, but test.en has 4"),
        (FILES | {"test.de": "Das Haus\n"}, {}, "1 lines, but test.en has 4"),
        (FILES | {"test.de": "Das\n\n\n\n", "test.align": "0-0\n\n\n\n"}, {}, "a side without words"),
        ({"test.en": ENGLISH, "test.de": GERMAN}, {}, "no file ending in .align"),
        (FILES | {"more.en": ENGLISH}, {}, "there is no file more.de beside it"),
        (FILES | {"test.de": GERMAN.encode("latin-1")}, {}, "not UTF-8"),
        (
            burrito(),
            {"reader": "bible_alignments", "languages": ("de", "en")},
            "languages de and en: the data are in grc",
        ),
        (
            burrito(4, {"source": ["n99"], "target": []}),
            {"reader": "bible_alignments", "languages": ("grc", "en")},
            "no token 99",
        ),
        (
            burrito() | {"data/SBLGNT-BSB-manual.json": "{}"},
            {"reader": "bible_alignments", "languages": ("grc", "en")},
            "not Scripture Burrito's alignments",
        ),
    ],
)
def test_a_wrong_file_is_told_with_its_place(raw, files, settings, message):
    with pytest.raises(UserError, match=message) as told:
        prepared(raw, files, **settings)
    assert told.value.where and told.value.remedy


@pytest.mark.parametrize(
    ("files", "broken", "settings"),
    [
        (FILES, "test.align", {}),
        (FILES, "test.de", {}),
        (burrito(), "data/SBLGNT-BSB-manual.json", {"reader": "bible_alignments", "languages": ("grc", "en")}),
        (burrito(), "data/nt_BSB.tsv", {"reader": "bible_alignments", "languages": ("grc", "en")}),
    ],
)
def test_damaged_files_are_read_or_refused_but_never_crash(raw, files, broken, settings):
    generator, refused = np.random.default_rng([len(broken), len(files[broken])]), 0
    for _ in range(40):
        try:
            made = prepared(raw, files | {broken: damaged(files[broken].encode(), generator)}, **settings)
        except UserError as error:
            refused += 1
            assert error.where and error.remedy
        else:
            for sentence in made.values():
                assert all(word.strip() for side in (0, 1) for word in words(sentence, side))
                assert not (sentence.sure & ~sentence.possible).any()
    assert refused > 0
