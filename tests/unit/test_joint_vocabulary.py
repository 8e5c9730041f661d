"""Proves that a vocabulary is learned from several corpora, and that pieces kept of one change no text."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import transformers

from scriptorium import manifest
from scriptorium.errors import UserError
from scriptorium.stage import execute
from scriptorium.stages import train_vocabulary
from scriptorium.text import kept_pieces
from scriptorium.text.languages.sampling import probabilities
from scriptorium.text.lines_of_corpora import Lines
from scriptorium.text.spec import VocabularySpec
from scriptorium.text.tokenizers import load_tokenizer

SYLLABLES = {code: [a + b for a in letters for b in "aeiou"] for code, letters in (("en", "bdfgk"), ("de", "lmnprst"))}


class Journal:
    def metrics(self, step, values):
        self.values = values


def words(generator: np.random.Generator, code: str, count: int = 12) -> str:
    return " ".join("".join(generator.choice(SYLLABLES[code], generator.integers(1, 4))) for _ in range(count))


@pytest.fixture(scope="module")
def tables(tmp_path_factory) -> dict[str, Path]:
    """90 documents of two English lines, 10 of two German ones, 20 pairs; more of each held out."""
    generator = np.random.default_rng(0)
    documents = [("train", "en", 90), ("train", "de", 10), ("validation", "en", 9)]
    rows = [
        {"split": split, "language": code, "text": f"{words(generator, code)}\n{words(generator, code)}"}
        for split, code, count in documents
        for _ in range(count)
    ]
    pairs = [
        {
            "split": split,
            "lang_a": "de",
            "lang_b": "en",
            "text_a": words(generator, "de"),
            "text_b": words(generator, "en"),
        }
        for split, count in (("train", 20), ("validation", 5))
        for _ in range(count)
    ]
    made = {}
    for name, table in (("documents", rows), ("pairs", pairs)):
        folder = tmp_path_factory.mktemp(name)
        made[name] = folder / f"{name}.parquet"
        pd.DataFrame(table).to_parquet(made[name])
        manifest.write(folder, [made[name]])
    return made


def languages(lines: Lines) -> Counter:
    """By their letters."""
    return Counter("en" if set(line) & set("bdfgk") else "de" for line in lines)


def test_lines_of_documents_and_of_both_sides_are_read_from_the_train_splits(tables):
    lines = Lines([tables["documents"], tables["pairs"]])
    assert languages(lines) == {"en": 180 + 20, "de": 20 + 20}
    assert list(lines) == list(lines)
    assert languages(Lines([tables["documents"]], limit=5)) == {"en": 10}


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_common_languages_are_thinned_out_by_alpha_and_no_line_comes_twice(tables, alpha):
    lines = Lines([tables["documents"], tables["pairs"]], alpha=alpha)
    found = languages(lines)
    share = probabilities([40, 200], alpha)[0]
    assert abs(found["de"] / (found["de"] + found["en"]) - share) < 0.01
    assert found["de"] == 40 and max(Counter(lines).values()) == 1
    assert lines.kept_lines == {"lines/de": found["de"], "lines/en": found["en"]}


def test_alpha_without_languages_is_refused(tables, tmp_path):
    pd.read_parquet(tables["documents"]).drop(columns="language").to_parquet(tmp_path / "documents.parquet")
    with pytest.raises(UserError, match=r"documents\.parquet: alpha shares the text among languages, but these docum"):
        Lines([tables["pairs"], tmp_path / "documents.parquet"], alpha=0.5)


def learn(tables: dict[str, Path], out: Path, backbone: Path | None = None, **settings) -> Path:
    inputs = {"corpus": [path.parent / "manifest.json" for path in tables.values()]}
    if backbone:
        inputs["backbone"] = [backbone / "manifest.json"]
    spec = VocabularySpec.parse({"lower_case": False, **settings})
    execute("train_vocabulary", spec, train_vocabulary.run, out=out, inputs=inputs, state=out.parent / "state")
    return out


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_a_joint_vocabulary_spells_all_languages(tables, tmp_path, kind):
    out = learn(tables, tmp_path / kind, kind=kind, size=400 if kind == "bpe" else 300, symbols="roberta", alpha=0.5)
    tokenizer = load_tokenizer(out)
    for code in ("en", "de"):
        text = words(np.random.default_rng(1), code)
        ids = tokenizer(text)["input_ids"]
        assert tokenizer.unk_token_id not in ids and len(ids) < 2 + len(text) * 0.7
        assert tokenizer.decode(ids, skip_special_tokens=True).strip() == text


@pytest.fixture(scope="module")
def large(tables, tmp_path_factory) -> Path:
    """A unigram vocabulary as XLM-R's, learned from more than the texts below."""
    root = tmp_path_factory.mktemp("large")
    return learn(tables, root / "backbone", kind="unigram", size=400, symbols="roberta")


def texts(path: Path) -> list[str]:
    return [line for text in pd.read_parquet(path)["text"] for line in text.split("\n")]


def test_kept_pieces_give_every_text_the_same_pieces_and_the_rows_of_the_checkpoint(tables, large, tmp_path):
    some = tmp_path / "documents.parquet"
    pd.read_parquet(tables["documents"]).query("language == 'de'").to_parquet(some)
    manifest.write(tmp_path, [some])
    whole = load_tokenizer(large)
    kept = load_tokenizer(learn({"documents": some}, tmp_path / "kept", large, kind="kept"))
    assert len(kept) < len(whole) - 50
    rows = kept_pieces.rows_of(kept, whole)
    for text in texts(some):
        assert rows[kept(text)["input_ids"]].tolist() == whole(text)["input_ids"]
        assert rows[kept(text, text)["input_ids"]].tolist() == whole(text, text)["input_ids"]
    assert (np.diff(rows) > 0).all(), "the old order"
    assert kept.all_special_tokens == whole.all_special_tokens and kept.mask_token_id == len(kept) - 1
    used = {piece for text in texts(some) for piece in whole(text)["input_ids"]} | set(whole.all_special_ids)
    assert set(rows.tolist()) == used


def test_kept_pieces_of_xlm_r_as_transformers_builds_it(tables, tmp_path):
    """The class of XLM-R's tokenizer, its symbols and normaliser, around a small vocabulary."""
    generator = np.random.default_rng(0)
    pieces = [("▁", -2.0), *((f"▁{s}", -4.0) for s in SYLLABLES["de"]), *((s, -3.0) for s in SYLLABLES["en"])]
    pieces += [(letter, -9.0) for letter in "abdefgiklmnoprstu"] + [(s, -3.5) for s in SYLLABLES["de"]]
    symbols = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    whole = transformers.XLMRobertaTokenizer(vocab=[*symbols, *pieces, ("<mask>", 0.0)])
    (tmp_path / "xlmr").mkdir()
    whole.save_pretrained(tmp_path / "xlmr")
    manifest.write(tmp_path / "xlmr", [path for path in (tmp_path / "xlmr").iterdir()])
    german = tmp_path / "documents.parquet"
    rows = [{"split": "train", "language": "de", "text": words(generator, "de")} for _ in range(30)]
    pd.DataFrame(rows).to_parquet(german)
    manifest.write(tmp_path, [german])
    kept = load_tokenizer(learn({"documents": german}, tmp_path / "kept", tmp_path / "xlmr", kind="kept"))
    assert len(kept) < len(whole)
    of = kept_pieces.rows_of(kept, whole)
    for text in texts(german):
        assert of[kept(text)["input_ids"]].tolist() == whole(text)["input_ids"]
        assert kept.tokenize(text) == whole.tokenize(text)


def test_pieces_can_be_taken_out_of_a_unigram_vocabulary_only(tables, tmp_path):
    other = learn(tables, tmp_path / "other", kind="bpe", size=330)
    with pytest.raises(UserError, match="this vocabulary is of the kind BPE, and pieces can be taken out of a Unigram"):
        learn(tables, tmp_path / "kept", other, kind="kept")


def test_pieces_of_another_vocabulary_have_no_rows(tables, large, tmp_path):
    other = load_tokenizer(learn(tables, tmp_path / "other", kind="bpe", size=330, symbols="roberta"))
    with pytest.raises(UserError, match="pieces are not in the checkpoint's vocabulary, such as"):
        kept_pieces.rows_of(other, load_tokenizer(large))


def test_what_was_kept_is_counted(large, tables, tmp_path):
    out = learn(tables, tmp_path / "kept", large, kind="kept")
    events = [json.loads(line) for line in (out / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    (counts,) = [event["metrics"] for event in events if "vocabulary/of" in event.get("metrics", {})]
    assert counts["vocabulary/of"] == 400 >= counts["vocabulary/pieces"] == len(load_tokenizer(out))
