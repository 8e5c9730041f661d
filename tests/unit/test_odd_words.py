"""Words of others stand in figures, in the attention page and on the report's first page as they are."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import docutils.core
import numpy as np
import pytest
from matplotlib import pyplot as plt

from scriptorium.cognition import attention as attending
from scriptorium.reporting import attention, first_page, style
from tests.unit.test_attention import model_of, sentence

ODD = ["price", "$\\frac$", "a_$b_$", "$x", "<b>", "&amp;", "a&b", "'\"", "%s", "{x}", "\\n", "*a*", "|b|", "`c`_"]
HEBREW = ["שלום", "<b>", "עולם", "$5", "וגם", "אחד", "שניים", "שלושה"]


@pytest.fixture
def corpus():
    generator = np.random.default_rng(0)
    texts = [" ".join(ODD), " ".join(HEBREW)]
    return [sentence(f"d{i}", i, text, generator.permutation(len(text.split())) + 0.5) for i, text in enumerate(texts)]


def drawn(path) -> list[str]:
    return [
        "".join(each.itertext()).strip() for each in ElementTree.parse(path).iter("{http://www.w3.org/2000/svg}text")
    ]


def test_figure_shows_every_word_as_it_is(corpus, tmp_path):
    models = [model_of("bert", corpus, [s.n_fix for s in corpus])]
    table = attending.agreement(corpus, models, resamples=10)
    words = drawn(attention.figure(corpus, [0, 1], models, table, tmp_path / "a.svg"))
    assert {*ODD, *HEBREW} <= {*words}


def test_sentence_from_right_to_left_begins_on_the_right(corpus, tmp_path):
    models = [model_of("bert", corpus, [s.n_fix for s in corpus])]
    table = attending.agreement(corpus, models, resamples=10)
    page = attention.page(corpus, [0, 1], models, table, tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.count("<div dir='rtl'>") == 2  # the participants' row and the model's, of the second sentence
    root = ElementTree.parse(attention.figure(corpus, [1], models, table, tmp_path / "a.svg"))
    places = {}
    for each in root.iter("{http://www.w3.org/2000/svg}text"):
        name = "".join(each.itertext()).strip()
        if name in (HEBREW[0], HEBREW[-1]):
            places[name] = float(re.findall(r"[-\d.]+", each.get("transform"))[-2])
    assert places[HEBREW[0]] > places[HEBREW[-1]]


def test_page_is_html_whose_text_is_the_words(corpus, tmp_path):
    models = [model_of("bert", corpus, [s.n_fix for s in corpus])]
    table = attending.agreement(corpus, models, resamples=10)
    page = attention.page(corpus, [0, 1], models, table, tmp_path / "page.html").read_text(encoding="utf-8")
    found: list[str] = []

    class Texts(HTMLParser):
        def handle_data(self, data: str) -> None:
            found.append(data)

    Texts(convert_charrefs=True).feed(page)
    assert {*ODD, *HEBREW} <= {*found}
    assert "<b>" not in page


def test_figure_of_words_that_no_xml_can_hold_is_xml(tmp_path):
    with style.styled():
        canvas, axes = plt.subplots()
        axes.set_title("a\x07b\ufffe")
        axes.set_yticks([0], ["c\x0bd"])
        style.save(canvas, tmp_path / "a.svg")
    assert {"a\ufffdb\ufffd", "c\ufffdd"} <= {*drawn(tmp_path / "a.svg")}


def test_logarithmic_axis_keeps_its_powers_of_ten(tmp_path):
    with style.styled():
        canvas, axes = plt.subplots()
        axes.plot([1, 1000], [1, 1e6])
        axes.set(xscale="log", yscale="log", title="$\\frac$")
        text = style.save(canvas, tmp_path / "a.svg").read_text()
    assert "mathdefault" not in "".join(drawn(tmp_path / "a.svg"))
    assert "$\\frac$" in text


@pytest.mark.parametrize("text", ODD)
def test_first_page_of_the_report_says_a_text_as_it_is(text):
    made = docutils.core.publish_doctree(f"- **x**: {first_page._plain(text)}.", settings_overrides={"report_level": 5})
    assert made.astext().endswith(f"{text}.")
