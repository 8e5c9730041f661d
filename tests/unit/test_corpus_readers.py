"""Proves that running text is normalised, kept once, and held out by document."""

from __future__ import annotations

import unicodedata

import pytest

from tests.raw import Raw


@pytest.fixture
def raw(tmp_path) -> Raw:
    return Raw(tmp_path)


def test_blank_lines_separate_documents_and_lines_are_joined(raw):
    made = raw.corpus(("text", {"a.txt": "One\r\ntwo.\r\n\r\nThree.\n \t\nFour.", "b/c.txt": "Five."}))
    assert made["text"].tolist() == ["One two.", "Three.", "Four.", "Five."]
    assert made["id"].tolist() == ["set0/a-00000", "set0/a-00001", "set0/a-00002", "set0/b/c-00000"]
    assert set(made["source"]) == {"set0"} and set(made["split"]) == {"train", "validation"}


def test_text_is_nfc_with_single_blanks(raw):
    made = raw.corpus(("text", {"a.txt": f"Caf{unicodedata.normalize('NFD', 'é')}   au\u00a0lait\n\nmore"}))
    assert made["text"][0] == "Café au lait"


def test_documents_and_paragraphs_are_kept_once_over_all_sources(raw):
    first = {
        "news/1.txt": "Title\n\nBody one.\n\nBody two.",
        "news/2.txt": "Title\n\nBody one.\n\nBody two.",
        "news/3.txt": "Other\n\nBody one.",
    }
    made = raw.corpus(("bbc", first), ("text", {"a.txt": "Body two.\n\nNew."}))
    assert made["text"].tolist() == ["Title\nBody one.\nBody two.", "Other", "New."]
    assert made["source"].tolist() == ["set0", "set0", "set1"]


def test_article_that_is_not_utf8_is_read_as_windows_1252_with_a_note(raw):
    made = raw.corpus(("bbc", {"1.txt": b"a fee of \xa315.8m", "2.txt": "a fee of £1m".encode()}))
    assert made["text"].tolist() == ["a fee of £15.8m", "a fee of £1m"]
    assert "1.txt is not UTF-8: read as Windows-1252" in raw.events("note")


def test_sentences_come_in_documents_of_64_of_the_language_asked_for(raw):
    rows = (
        "".join(f"{n}\tj\tSentence {n % 150}.\t-\t-\t-\t-\t-\t-\n" for n in range(200))
        + "201\tj\t-\t-\tDeutsch.\t-\t-\t-\t-\n"
    )
    made = raw.corpus(("tatoeba_sentences", {"SENTENCES": rows}))
    assert [text.count("\n") + 1 for text in made["text"]] == [64, 64, 22]
    assert made["text"][0].startswith("Sentence 0.\nSentence 1.\n")


def test_held_out_documents_are_a_share_by_hash_and_seed_and_never_none(raw):
    files = {"a.txt": "\n\n".join(f"Document {n}." for n in range(100))}
    first, again, other = (raw.corpus(("text", files), split_seed=seed)["split"] for seed in (0, 0, 1))
    assert (first == "validation").sum() == 2
    assert first.equals(again) and not first.equals(other)
    assert (raw.corpus(("text", {"a.txt": "One.\n\nTwo."}))["split"] == "validation").sum() == 1


def test_held_out_documents_do_not_depend_on_their_place(raw):
    texts = [f"Document {n}." for n in range(100)]
    held_out = [
        set(made["text"][made["split"] == "validation"])
        for made in (raw.corpus(("text", {"a.txt": "\n\n".join(order)})) for order in (texts, texts[::-1]))
    ]
    assert held_out[0] == held_out[1]
