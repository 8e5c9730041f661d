"""Proves that every format of parallel text gives the same pairs, that rules are kept and counted, and the split."""

from __future__ import annotations

import gzip
import unicodedata

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scriptorium import named
from scriptorium.text.corpora import streams
from scriptorium.text.parallel import preparing, splitting
from scriptorium.text.parallel.spec import ParallelSource, ParallelSpec
from scriptorium.text.spec import StreamSpec
from tests.raw import Raw

ENGLISH = ["A cat sleeps.", "Two dogs run.", "It is late & dark."]
GERMAN = ["Eine Katze schläft.", "Zwei Hunde laufen.", "Es ist spät & dunkel."]


@pytest.fixture
def raw(tmp_path) -> Raw:
    return Raw(tmp_path)


def parquet(columns: dict) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue().to_pybytes()


def tmx(pairs: list[tuple[str, str]], head: str = "", languages: tuple[str, str] = ("EN-US", "de")) -> str:
    units = "".join(
        f'<tu><tuv xml:lang="{languages[0]}"><seg>{a.replace("&", "&amp;")}</seg></tuv>\n'
        f'<tuv xml:lang="{languages[1]}"><seg><bpt>{{\\b</bpt>{b.replace("&", "&#38;")}</seg></tuv></tu>\n'
        for a, b in pairs
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{head}<tmx version="1.4"><header/><body>{units}</body></tmx>'


TRANSLATIONS = [{"en": a, "de": b} for a, b in zip(ENGLISH, GERMAN, strict=True)]
LINES = {"train.en": "\n".join(ENGLISH) + "\n", "train.de": "\n".join(GERMAN)}
TABLE = "".join(f"{a}\t{n}\t{b}\n" for n, (a, b) in enumerate(zip(ENGLISH, GERMAN, strict=True)))
FORMATS = {
    "lines": ("aligned_lines", LINES),
    "compressed lines": (
        "aligned_lines",
        {"a/train.en.gz": gzip.compress(LINES["train.en"].encode()), "a/train.de": LINES["train.de"]},
    ),
    "table": ("tsv", {"t.tsv": "en\tn\tde\n" + TABLE}),
    "table without header": ("tsv", {"t.tsv": TABLE}, {"options": {"header": False, "a": "1", "b": "3"}}),
    "translation memory": ("tmx", {"t.tmx": tmx(list(zip(ENGLISH, GERMAN, strict=True)))}),
    "translation memory with a named document type": (
        "tmx",
        {"t.tmx": tmx(list(zip(ENGLISH, GERMAN, strict=True)), '<!DOCTYPE tmx SYSTEM "http://no.where/tmx14.dtd">\n')},
    ),
    "translation memory in UTF-16": (
        "tmx",
        {"t.tmx": tmx(list(zip(ENGLISH, GERMAN, strict=True))).replace("UTF-8", "UTF-16").encode("utf-16")},
    ),
    "hub": ("parquet", {"t.parquet": parquet({"translation": TRANSLATIONS})}),
    "columns": ("parquet", {"t.parquet": parquet({"x": ENGLISH, "y": GERMAN})}, {"options": {"a": "x", "b": "y"}}),
    "tatoeba": (
        "tatoeba_pairs",
        {
            "SENTENCES": "".join(
                f"{n}\tj\t{a}\t-\t{b}\t-\t-\t-\t-\n" for n, (a, b) in enumerate(zip(ENGLISH, GERMAN, strict=True))
            )
            + "9\tj\tAlone.\t-\t-\tSeul.\t-\t-\t-\n"
        },
    ),
}


@pytest.mark.parametrize("source", FORMATS.values(), ids=FORMATS)
def test_every_format_gives_the_same_pairs(raw, source):
    made = raw.pairs(source)
    assert made.columns.tolist() == list(preparing.COLUMNS)
    assert made["text_a"].tolist() == GERMAN and made["text_b"].tolist() == ENGLISH  # de comes before en
    assert set(made["lang_a"]) == {"de"} and set(made["lang_b"]) == {"en"}
    assert sorted(made["split"]) == ["train", "train", "validation"]
    assert made["id"].is_unique and made["id"].str.startswith("set0/de-en/").all()


def test_the_order_of_the_languages_changes_nothing_but_the_reading(raw):
    first = raw.pairs(("aligned_lines", LINES))
    assert raw.pairs(("aligned_lines", LINES), languages=("de", "en")).equals(first)


def test_a_stream_gives_what_the_files_give(raw, monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")  # which reading a stream lifts: put back at the end
    kept = raw.pairs(FORMATS["hub"])
    monkeypatch.setattr(streams, "addresses", lambda source: [str(tmp_path / "set0/t.parquet")])
    source = {"dataset": "far", "reader": "parquet", "languages": ("en", "de"), "stream": True}
    place = StreamSpec(location="datasets/owner/name", revision="a" * 40)
    spec = ParallelSpec.parse({"parallel": "toy", "sources": [source], "streams": {"far": place.model_dump()}})
    (path,) = preparing.prepare(raw.job(spec, "streamed"))
    texts = ["split", "lang_a", "lang_b", "text_a", "text_b"]
    assert pd.read_parquet(path)[texts].equals(kept[texts])
    assert [p.name for p in path.parent.iterdir()] == ["pairs.parquet"]


def test_only_the_units_with_both_languages_count(raw):
    """And en is found as en-GB where there is no en."""
    units = tmx([("One.", "Eins."), ("Two.", "Zwei.")], languages=("en-GB", "de"))
    third = '<tu><tuv xml:lang="fr"><seg>Trois.</seg></tuv><tuv xml:lang="de"><seg>Drei.</seg></tuv></tu></body>'
    made = raw.pairs(("tmx", {"t.tmx": units.replace("</body>", third)}))
    assert made["text_a"].tolist() == ["Eins.", "Zwei."]
    assert "t.tmx: 2 of 3 units have both languages" in raw.events("note")


def test_every_rule_is_kept_and_counted(raw):
    decomposed = unicodedata.normalize("NFD", "Gehört  auch\u00a0dazu.")
    rows = [
        ("It is.", "Es ist."),
        ("It  is.", "Es ist. "),  # repeated, once normalised
        ("It is.", "Das ist es."),  # a side was there before
        ("This is it.", "Es ist."),  # the other one
        ("OK", "ok"),  # identical
        ("No.", "Nein, so etwas habe ich noch nie gehört."),  # ratio
        ("x" * 1001, "y" * 1001),  # longest
        ("", ""),
        ("Belongs to it too.", decomposed),
    ]
    made = raw.pairs(
        ("aligned_lines", {"a.en": "\n".join(a for a, _ in rows) + "\n", "a.de": "\n".join(b for _, b in rows) + "\n"})
    )
    assert made["text_a"].tolist() == ["Es ist.", "Gehört auch dazu."]
    (counts,) = [found for found in raw.events("metrics") if "set0/de-en/read" in found]
    expected = {"read": 9, "empty": 1, "identical": 1, "longest": 1, "ratio": 1, "repeated": 1, "repeated_side": 2}
    assert counts == {f"set0/de-en/{name}": number for name, number in {**expected, "kept": 2}.items()}


def test_rules_can_be_loosened_and_an_empty_side_be_left_out(raw):
    files = {"a.en": "One.\nOne.\nTwo.\nFour.\n", "a.de": "Eins.\nEines.\n\nVier.\n"}
    made = raw.pairs(("aligned_lines", files, {"empty": True}), rules={"repeated_sides": False})
    assert made["text_b"].tolist() == ["One.", "One.", "Four."]
    (counts,) = [found for found in raw.events("metrics") if "set0/de-en/read" in found]
    assert counts["set0/de-en/empty"] == 1


@pytest.mark.parametrize("seed", range(5))
def test_no_held_out_text_of_any_language_occurs_in_train(raw, seed):
    """A property of random pairs whose texts recur, in three pairs of languages that share English."""
    generator = np.random.default_rng(seed)
    sources = []
    for code in ("de", "fr", "es"):
        rows = [(f"text {a}", f"{code} text {b}") for a, b in generator.integers(0, 250, (120, 2))]
        files = {f"a.{name}": "".join(row[side] + "\n" for row in rows) for side, name in enumerate(("en", code))}
        sources.append(("aligned_lines", files, {"languages": ["en", code]}))
    made = raw.pairs(*sources, validation_share=0.2, split_seed=seed, rules={"repeated_sides": False})
    texts = {split: set(rows["text_a"]) | set(rows["text_b"]) for split, rows in made.groupby("split")}
    assert texts["validation"] and not texts["validation"] & texts["train"]


def test_what_hangs_together_is_held_out_together_and_the_share_is_kept():
    """Chains of pairs with a text in common; a component that does not fit into the share stays in train."""
    sides = [(100 * chain + link, 100 * chain + link + 1) for chain in range(1, 41) for link in range(5)]
    sides += [(9000 + link, 9001 + link) for link in range(100)]
    generator = np.random.default_rng(0)
    names = generator.integers(0, 2**63, 10_000, dtype=np.uint64)
    digests = names[np.array(sides)]
    chosen = splitting.held_out(digests, 0.1)
    assert chosen[:200].reshape(40, 5).all(axis=1).sum() == 6 and chosen[:200].sum() == 30 and not chosen[200:].any()
    order = generator.permutation(len(sides))
    assert (splitting.held_out(digests[order], 0.1) == chosen[order]).all()


def test_the_split_depends_on_the_seed_and_not_on_places(raw):
    rows = [(f"English {n}.", f"Deutsch {n}.") for n in range(200)]

    def held(order: list, seed: int) -> set[str]:
        files = {f"a.{name}": "".join(row[side] + "\n" for row in order) for side, name in enumerate(("en", "de"))}
        made = raw.pairs(("aligned_lines", files), split_seed=seed)
        return set(made["text_a"][made["split"] == "validation"])

    assert held(rows, 0) == held(rows[::-1], 0) != held(rows, 1)
    assert len(held(rows, 0)) == 4


def test_the_same_text_gives_the_same_bytes_and_leaves_no_scratch_file(raw):
    made = []
    for _ in range(2):
        raw.pairs(FORMATS["lines"])
        made.append((raw.root / "out/pairs.parquet").read_bytes())
    assert made[0] == made[1]
    assert [path.name for path in (raw.root / "out").iterdir()] == ["pairs.parquet"]


def test_readers_are_found_by_their_names():
    for reader in ("tatoeba_pairs", "aligned_lines", "tsv", "tmx", "parquet"):
        source = ParallelSource.parse({"dataset": "d", "reader": reader, "languages": ["en", "de"]})
        assert callable(named.load(preparing.READERS, source.reader).read)
