"""Retrieval: nearest texts in blocks, margin, mining and its threshold, readers of sets, beside plain numpy and what is
counted by hand."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc

import numpy as np
import pandas as pd
import pytest

from scriptorium import manifest
from scriptorium.errors import UserError
from scriptorium.ledger import Ledger
from scriptorium.retrieval import collection, evaluating, mining, preparing
from scriptorium.retrieval.collection import DEV, TEST, Part, Side
from scriptorium.retrieval.nearest import COLUMNS, ROWS, both_ways, unit
from scriptorium.retrieval.searching import COSINE, MARGIN, Match, search
from scriptorium.retrieval.spec import CollectionSpec
from tests.own_data import own

MB = 1 << 20


def vectors(n: int, d: int, seed: int) -> np.ndarray:
    return unit(np.random.default_rng(seed).standard_normal((n, d), dtype=np.float32))


def side(language: str, texts: list[str]) -> Side:
    return Side(language, [f"{language}{number}" for number in range(len(texts))], texts)


# nearest


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (3, 5), (7, 64), (64, 4), (1024, 8192)])
def test_blocks_of_any_size_find_the_nearest_of_the_whole_product_both_ways(rows, columns):
    x, y = vectors(41, 16, 0), vectors(53, 16, 1)
    whole = x @ y.T
    for found, product in zip(both_ways(x, y, 4, rows=rows, columns=columns), (whole, whole.T), strict=True):
        order = np.argsort(-product, axis=1)[:, :4]
        assert (found.rows == order).all()
        assert np.allclose(found.scores, np.take_along_axis(product, order, axis=1), atol=1e-6)


def test_of_equally_near_texts_the_first_is_found_however_blocks_are_cut():
    x = np.eye(2, dtype=np.float32)
    y = np.tile(x, (5, 1))  # rows 0, 2, 4 ... equal x[0], exactly
    for columns in (1, 2, 3, 10):
        forward, backward = both_ways(x, y, 3, rows=1, columns=columns)
        assert forward.rows.tolist() == [[0, 2, 4], [1, 3, 5]]
        assert backward.rows[:, 0].tolist() == [0, 1] * 5


def test_with_fewer_candidates_than_asked_for_all_of_them_are_found():
    forward, backward = both_ways(vectors(2, 4, 0), vectors(3, 4, 1), 4)
    assert forward.rows.shape == (2, 3) and backward.rows.shape == (3, 2)
    assert sorted(forward.rows[0].tolist()) == [0, 1, 2]


def test_memory_beside_the_vectors_is_two_blocks_and_the_results():
    x, y, rows, columns = vectors(2000, 4, 0), vectors(3000, 4, 1), 128, 512
    tracemalloc.start()
    both_ways(x, y, 4, rows=rows, columns=columns)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    results = 12 * 4  # bytes of a text: 4 scores and rows
    assert peak < 1.5 * (2 * 4 * rows * columns + (len(x) + len(y)) * results) + MB
    assert peak < 4 * len(x) * len(y) / 8, "the whole product is not there"
    # 100,000 x 100,000 of 384: the vectors of both sides twice, blocks of the usual size, results
    large = 2 * 2 * 100_000 * 384 * 4 + 1.5 * (2 * 4 * ROWS * COLUMNS + 200_000 * results) + MB
    assert large < 1000 * MB


@pytest.mark.slow
def test_100_000_by_100_000_vectors_are_searched_within_2_gb():
    code = """
import resource
import numpy as np
from scriptorium.retrieval.searching import search
make = lambda seed: np.random.default_rng(seed).standard_normal((100_000, 384), dtype=np.float32)
x, y = make(0), make(1)
y[:1000] = x[:1000]
forward, backward = search(x, y, "margin", 4)
assert (forward.rows[:1000] == np.arange(1000)).all() and (backward.rows[:1000] == np.arange(1000)).all()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 2 << 20  # in KB


def test_matches_by_cosine_and_by_margin_are_those_of_the_formulas():
    x, y = vectors(30, 6, 0), vectors(40, 6, 1)
    product = (x @ y.T).astype(np.float64)
    forward, backward = search(x.copy(), y.copy(), COSINE, 4)
    assert (forward.rows == product.argmax(1)).all() and (backward.rows == product.argmax(0)).all()

    means = np.sort(product, 1)[:, -4:].mean(1)[:, None] / 2 + np.sort(product, 0)[-4:].mean(0)[None] / 2
    margin = product / means
    for found, values, cosines in zip(search(x, y, MARGIN, 4), (margin, margin.T), (product, product.T), strict=True):
        near = np.argsort(-cosines, 1)[:, :4]  # the best by margin of the nearest by cosine, as in XTREME
        wanted = near[np.arange(len(near)), np.take_along_axis(values, near, 1).argmax(1)]
        assert (found.rows == wanted).all()
        assert np.allclose(found.scores, values[np.arange(len(near)), wanted], atol=1e-4)
    assert (forward.rows != search(x, y, MARGIN, 4)[0].rows).any(), "the two are told apart"


# mining


def test_candidates_are_taken_from_the_best_score_down_each_text_once():
    part = Part(TEST, side("de", ["a", "b", "c"]), side("en", ["A", "B", "C"]), np.array([[0, 0], [1, 1], [2, 2]]))
    rows = np.arange(3), np.arange(3)
    forward = Match(np.array([0, 0, 2]), np.array([1.5, 1.4, 1.2]))
    backward = Match(np.array([0, 1, 2]), np.array([1.5, 1.1, 1.2]))
    found = mining.candidates(part, rows, forward, backward)
    assert found.pairs.tolist() == [[0, 0], [2, 2], [1, 1]]  # 1-0 is better than 1-1, but 0 is taken
    assert found.scores.tolist() == pytest.approx([1.5, 1.2, 1.1])
    assert found.right.all()


def test_texts_that_are_there_twice_are_searched_once_and_never_predicted():
    german = side("de", ["a", "a", "b"])
    assert evaluating.distinct(german).texts == ["a", "b"]
    assert evaluating.distinct(german).rows.tolist() == [0, 2]
    assert evaluating.distinct(german).owners.tolist() == [0, 0, 1]
    part = Part(TEST, german, side("en", ["A", "B"]), np.array([[2, 1]]))
    forward, backward = Match(np.array([0, 1]), np.array([2.0, 1.0])), Match(np.array([0, 1]), np.array([2.0, 1.0]))
    found = mining.candidates(part, (np.array([0, 2]), np.arange(2)), forward, backward)
    assert found.pairs.tolist() == [[2, 1]] and found.right.tolist() == [True]


def mined(right: list[int], scores: list[float]) -> mining.Candidates:
    rows = np.arange(len(right))
    return mining.Candidates(np.stack([rows, rows], 1), np.array(scores), np.array(right, bool))


def test_the_threshold_gives_the_best_f1_by_hand():
    # after 1, 2, 3, 4 predictions: F1 = 2/(1+3), 2/(2+3), 4/(3+3), 4/(4+3) = .5, .4, .667, .571
    found = mined([1, 0, 1, 0], [1.9, 1.6, 1.4, 1.0])
    assert mining.best_threshold(found, 3) == pytest.approx((1.4 + 1.0) / 2)
    assert mining.best_threshold(mined([1, 1], [1.9, 1.6]), 2) == pytest.approx(1.6)  # behind the last one
    assert mining.best_threshold(mined([0, 0], [1.9, 1.6]), 2) == 0  # nothing is right
    assert mining.best_threshold(mined([], []), 2) == 0


def test_f1_of_mined_pairs_by_hand():
    part = Part(TEST, side("de", list("abcde")), side("en", list("ABCDE")), np.array([[0, 0], [2, 2], [4, 4]]))
    found = mined([1, 0, 1, 0], [1.9, 1.6, 1.4, 1.0])
    rows = evaluating.mined(part, found, 1.2)  # predicted: 0, 1, 2, of which 0 and 2 are right; gold: 0, 2, 4
    assert rows[["hit", "predicted", "gold"]].to_numpy().tolist() == [
        [1, 1, 1],
        [0, 1, 0],
        [1, 1, 1],
        [0, 0, 0],
        [0, 0, 1],
    ]
    assert evaluating.measure(rows) == pytest.approx(2 * 2 / (3 + 3))
    assert rows["found"].dropna().tolist() == ["en0", "en1", "en2"]


def test_chance_is_one_of_the_other_sides_texts():
    part = Part(TEST, side("de", list("ab")), side("en", list("ABCD")), np.array([[0, 0], [1, 3]]))
    assert evaluating.chance(part, mines=False) == {"de to en": 1 / 4, "en to de": 1 / 2}
    assert evaluating.chance(part, mines=True) == {"both": 2 / 8}


def test_accuracy_counts_the_pairs_of_the_gold_in_each_direction():
    part = Part(TEST, side("de", list("abc")), side("en", list("ABC")), np.array([[0, 1], [1, 0], [2, 2]]))
    x = np.eye(3, dtype=np.float32)
    rows = evaluating.searched(part, x.copy(), x.copy(), COSINE, 4, lambda: None)
    assert rows["hit"].tolist() == [0, 0, 1] * 2
    assert rows["found"].tolist() == ["en0", "en1", "en2", "de1", "de0", "de2"]
    assert rows["id"].tolist() == ["de0", "de1", "de2"] * 2, "both directions of a pair have its name"


# sets


def artifact(root, files: dict[str, str | bytes]):
    folder = root / "raw"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return manifest.write(folder, folder.iterdir())


def prepared(root, reader: str, files, trained_on=(), **settings) -> list[Part]:
    spec = CollectionSpec.parse({"collection": "test", "reader": reader, **settings})
    given = artifact(root, files) if isinstance(files, dict) else files
    ledger = Ledger.open(root / "out", key="k", stage="prepare_retrieval")
    preparing.prepare(spec, given, list(trained_on), root / "out", ledger)
    return list(collection.read(root / "out"))


LASER = {
    "tatoeba.deu-eng.deu": "Ja.\nNein.\nVielleicht.\n",
    "tatoeba.deu-eng.eng": "Yes.\nNo.\nPerhaps.\n",
    "tatoeba.spa-eng.spa": "Sí.\nNo.\n",
    "tatoeba.spa-eng.eng": "Yes.\nNo.\n",
}


def test_lasers_files_have_their_gold_on_the_same_line(tmp_path):
    german, spanish = prepared(tmp_path, "tatoeba", LASER)
    assert (german.languages, spanish.languages) == ("de-en", "en-es")
    assert spanish.first.texts == ["Yes.", "No."] and spanish.second.texts == ["Sí.", "No."]
    assert german.gold.tolist() == [[0, 0], [1, 1], [2, 2]]


def test_a_limit_keeps_pairs_whole_and_in_order(tmp_path):
    (german,) = prepared(tmp_path, "tatoeba", LASER, languages=["de"], limit=2)
    texts = list(zip(german.first.texts, german.second.texts, strict=True))
    assert len(texts) == 2
    assert [pair for pair in [("Ja.", "Yes."), ("Nein.", "No."), ("Vielleicht.", "Perhaps.")] if pair in texts] == texts


def test_pairs_with_a_text_that_was_trained_on_are_left_out(tmp_path):
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    rows = {
        "split": ["train", "validation"],
        "lang_a": "en",
        "lang_b": "fr",
        "text_a": ["Yes.", "No."],
        "text_b": "Oui.",
    }
    pd.DataFrame(rows).to_parquet(corpus / "pairs.parquet")
    trained = manifest.write(corpus, corpus.iterdir())
    (german,) = prepared(tmp_path, "tatoeba", LASER, [trained], languages=["de"])
    assert german.second.texts == ["No.", "Perhaps."] and german.first.texts == ["Nein.", "Vielleicht."]
    assert german.gold.tolist() == [[0, 0], [1, 1]]


def test_xtremes_sorted_side_needs_its_labels(tmp_path):
    files = {"de-en.de": "Ja.\nNein.\nVielleicht.\n", "de-en.en": "No.\nPerhaps.\nYes.\n"}
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    with pytest.raises(UserError, match=r"sorted.*hide the gold[\s\S]*LASER's files"):
        prepared(tmp_path / "a", "tatoeba", files)
    (german,) = prepared(tmp_path / "b", "tatoeba", files | {"test-de.tsv": "1\n2\n0\n"})
    assert german.gold.tolist() == [[1, 0], [2, 1], [0, 2]]  # No. is Nein.


def test_held_out_pairs_of_a_corpus_are_a_set(tmp_path):
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    rows = {
        "id": [f"p{number}" for number in range(6)],
        "split": ["train", *["validation"] * 5],
        "lang_a": ["de", "de", "de", "en", "en", "de"],
        "lang_b": ["en", "en", "en", "fr", "fr", "fr"],
        "text_a": list("abcdef"),
        "text_b": list("ABCDEF"),
    }
    pd.DataFrame(rows).to_parquet(corpus / "pairs.parquet")
    given = manifest.write(corpus, corpus.iterdir())
    german, french = prepared(tmp_path, "pairs", given)
    assert (german.languages, german.first.texts, german.second.texts) == ("de-en", ["b", "c"], ["B", "C"])
    assert (french.languages, french.first.ids) == ("en-fr", ["p3", "p4"])
    with pytest.raises(UserError, match="no held-out pairs of 'es' and 'en'"):
        prepared(tmp_path, "pairs", given, languages=["es"])


BUCC = {
    "de-en.sample.de": "de-1\tEins\nde-2\tZwei\nde-3\tDrei\n",
    "de-en.sample.en": "en-1\tTwo\nen-2\tOne\n",
    "de-en.sample.gold": "de-1\ten-2\nde-2\ten-1\n",
    "de-en.training.de": "de-1\tVier\nde-2\tFünf\n",
    "de-en.training.en": "en-1\tFour\nen-2\tFive\nen-3\tSix\n",
    "de-en.training.gold": "de-1\ten-1\nde-2\ten-2\n",
}


def test_bucc_has_dev_before_test(tmp_path):
    dev, test = prepared(tmp_path, "bucc", BUCC)
    assert (dev.split, test.split) == (DEV, TEST)
    assert dev.gold.tolist() == [[0, 1], [1, 0]] and dev.first.ids == ["de-1", "de-2", "de-3"]
    assert test.second.texts == ["Four", "Five", "Six"]


@pytest.mark.parametrize(
    ("reader", "files", "settings", "said"),
    [
        (
            "tatoeba",
            LASER | {"tatoeba.deu-eng.deu": "Ja.\n"},
            {},
            r"deu-eng\.deu: 1 lines, but tatoeba\.deu-eng\.eng has 3",
        ),
        (
            "tatoeba",
            LASER | {"tatoeba.deu-eng.eng": "Yes.\n \nPerhaps.\n"},
            {},
            r"deu-eng\.eng, line 2: the line is empty",
        ),
        (
            "tatoeba",
            LASER | {"tatoeba.deu-eng.deu": "Ja.\nN\xe4.\nX\n".encode("latin-1")},
            {},
            r"line 2: not UTF-8.*\n.*iconv",
        ),
        ("tatoeba", LASER | {"tatoeba.deu-eng.deu": ""}, {}, "the file is empty"),
        ("tatoeba", LASER, {"languages": ["fr"]}, "no file for language 'fr', valid names: de, es"),
        ("tatoeba", {"tatoeba.deu-eng.deu": "Ja.\n"}, {}, "its other side is missing"),
        ("tatoeba", LASER, {"pivot": "fr"}, "no pair of files with fr"),
        ("tatoeba", LASER | {"test-de.tsv": "1\n2\n9\n"}, {}, r"test-de\.tsv, line 3: '9' is not a row from 0 to 2"),
        (
            "bucc",
            BUCC | {"de-en.training.en": "en-1 Four\n"},
            {},
            r"training\.en, line 1: expected an id, a tab and a text",
        ),
        (
            "bucc",
            BUCC | {"de-en.training.de": "de-1\tA\nde-1\tB\n"},
            {},
            r"training\.de, line 2: the id de-1 is there twice",
        ),
        ("bucc", BUCC | {"de-en.sample.gold": "de-9\ten-1\n"}, {}, r"sample\.gold, line 1: no text has the id de-9"),
        ("bucc", BUCC, {"languages": ["ru"]}, "no file for language 'ru'"),
        (
            "bucc",
            {n: t for n, t in BUCC.items() if n != "de-en.training.gold"},
            {},
            r"training\.gold is missing[\s\S]*archives",
        ),
    ],
)
def test_bad_input_is_named_with_its_place_and_a_remedy(tmp_path, reader, files, settings, said):
    with pytest.raises(UserError, match=said) as error:
        prepared(tmp_path, reader, files, **settings)
    assert error.value.remedy


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"languages": ["de", "de"]}, "stands there twice"),
        ({"languages": ["en"]}, "en is the pivot"),
        ({"languages": ["xx"]}, "unknown language 'xx'"),
        ({"reader": "bucc", "limit": 10}, "limit"),
    ],
)
def test_bad_settings_are_refused(settings, said):
    with pytest.raises(UserError, match=said):
        CollectionSpec.parse({"collection": "test", "reader": "tatoeba", **settings})


def test_the_real_tatoeba_files_are_read(tmp_path):
    folder = own("xtreme_tatoeba")
    made = tmp_path / "raw"
    made.mkdir()
    for path in folder.glob("tatoeba.*"):
        (made / path.name).symlink_to(path)
    parts = prepared(tmp_path, "tatoeba", manifest.write(made, made.iterdir()))
    sizes = {part.languages: len(part.gold) for part in parts}
    assert len(sizes) == 12 and sizes["en-sw"] == 390 and sizes["de-en"] == 1000
    assert all((part.gold[:, 0] == part.gold[:, 1]).all() for part in parts)
