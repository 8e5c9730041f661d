"""Proves how any text becomes sentences of words, that its heat map is safe, and which languages are refused."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
import spacy
import wordfreq

from scriptorium.errors import UserError
from scriptorium.gaze.predictor.heat_map import page
from scriptorium.gaze.predictor.texts import sentences_of
from scriptorium.linguistics.surface import SURFACE, surface


def test_plain_text_a_doc_and_words_give_the_same_sentences():
    expected = [["Wolves", "run", "fast."], ["They", "hide!"]]
    nlp = spacy.blank("en")
    assert sentences_of("Wolves run fast. They hide!") == (expected, [])
    assert sentences_of(nlp("Wolves run fast. They hide!")) == (expected, [])  # no sentence marks: our rule
    assert sentences_of([["Wolves run", "fast."], [], ["They", "hide!"]]) == (expected, [])


def test_a_doc_keeps_its_own_sentences_with_punctuation_attached_to_words():
    nlp = spacy.blank("de")
    nlp.add_pipe("sentencizer", config={"punct_chars": [";"]})
    assert sentences_of(nlp("Er kam; sie ging. Dann"))[0] == [["Er", "kam;"], ["sie", "ging.", "Dann"]]


@pytest.mark.parametrize("text", ["", " \n", [], [[]], spacy.blank("en")("")])
def test_a_text_without_a_word_is_refused(text):
    with pytest.raises(UserError, match="no word in it"):
        sentences_of(text)


def test_a_text_that_marks_no_ends_is_read_as_one_sentence_and_counted():
    found, notes = sentences_of("word " * 201)
    assert len(found) == 1 and notes == ["1 sentences have more than 200 words: does the text mark where they end?"]
    assert sentences_of("word " * 200)[1] == []


class Words(HTMLParser):
    """The words between the marks of spans, and the names of all elements."""

    def __init__(self):
        super().__init__()
        self.words, self.elements, self.inside = [], set(), False

    def handle_starttag(self, tag, attrs):
        self.elements.add(tag)
        self.inside = tag == "span"

    def handle_data(self, data):
        if self.inside:
            self.words.append(data)
            self.inside = False


def test_a_heat_map_shows_every_word_as_it_is_and_runs_nothing():
    words = ["<script>alert(1)</script>", '"><img', "a&b", "plain"]
    table = pd.DataFrame({"sentence": [0, 0, 1, 1], "word_index": [0, 1, 0, 1], "word": words})
    for measure in ("n_fix", "ffd"):
        table = table.assign(**{measure: [1.0, 2.0, 3.0, 4.0], f"{measure}_low": 0.5, f"{measure}_high": 5.0})
    parser = Words()
    text = page(table, ("n_fix", "ffd"))
    parser.feed(text)
    assert parser.words == words * 2
    assert parser.elements == {"html", "head", "meta", "title", "style", "body", "h2", "p", "span"}
    assert "0.750)" in text and "0.000)" in text and "http" not in text
    assert 'title="4.00 [0.50 5.00]"' in text and 'title="4 [0 5]"' in text
    page(table.assign(n_fix=1.0), ("n_fix",))  # nothing varies: no division by 0


def test_frequencies_are_those_of_the_language_and_an_unknown_one_is_refused():
    zipf = SURFACE.index("zipf")
    (english,), (german,) = surface([["die", "and"]]), surface([["die", "and"]], "de")
    assert np.allclose(english[:, zipf], [wordfreq.zipf_frequency(word, "en") for word in ("die", "and")])
    assert np.allclose(german[:, zipf], [wordfreq.zipf_frequency(word, "de") for word in ("die", "and")])
    for language in ("xq", "zh", ""):
        with pytest.raises(UserError, match="no list of word frequencies"):
            surface([["word"]], language)
