"""Proves that headlines, lines of JSON and pairs become generation tasks whose splits share nothing, that a split can
be taken over, that a corpus leaves out what is tested, and that bad lines are refused with their place."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from scriptorium import manifest
from scriptorium.errors import UserError
from scriptorium.generation import prepared, preparing
from scriptorium.generation.spec import GenerationDataSpec
from scriptorium.tasks.splits import SPLITS
from scriptorium.text.corpora.excluding import Excluded
from scriptorium.translation import pairs
from scriptorium.translation.spec import Direction
from tests import translating
from tests.raw import Raw, damaged

NEWS = {
    f"tech/{number:03d}.txt": f"Headline {number}\n\nThe story of number {number}.\n\nIt goes on with {number} words.\n"
    for number in range(40)
}


@pytest.fixture
def raw(tmp_path) -> Raw:
    return Raw(tmp_path)


def make(raw: Raw, reader: str, files, like=None, **settings) -> dict[str, pd.DataFrame]:
    """The splits of a task; files: of a data set, or a manifest."""
    spec = GenerationDataSpec.parse({"generation": "toy", "reader": reader, **settings})
    artifact = raw.add(files) if isinstance(files, dict) else files
    preparing.prepare(spec, artifact, raw.root / "out", raw.ledger, like)
    return {split: pd.read_parquet(raw.root / f"out/{split}.parquet") for split in SPLITS}


def lines(rows: list[dict]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_the_first_line_of_an_article_is_its_headline(raw):
    made = make(raw, "bbc_headlines", NEWS, limits={"train": 20, "validation": 5, "test": 10})
    assert {name: len(own) for name, own in made.items()} == {"train": 20, "validation": 5, "test": 10}
    for own in made.values():
        for row in own.itertuples():
            number = int(row.id.rpartition("/")[2])
            assert row.target == f"Headline {number}"
            assert row.source == f"The story of number {number}. It goes on with {number} words."
    held_out = pd.concat([made["validation"], made["test"]])
    assert (held_out["text"] == held_out["target"] + " " + held_out["source"]).all()
    assert made["train"]["text"].isna().all() and len({*pd.concat(made.values())["id"]}) == 35


def test_a_corpus_that_excludes_the_task_leaves_out_its_held_out_articles_alone(raw):
    made = make(raw, "bbc_headlines", NEWS)
    out = raw.root / "out"
    excluded = Excluded([manifest.write(out, out.glob("*.parquet"))])
    tested = {*made["validation"]["id"], *made["test"]["id"]}
    for name, text in NEWS.items():
        assert excluded.has(text.splitlines()) == (f"{name.removesuffix('.txt')}" in tested), name


def test_the_split_of_a_labelled_task_is_taken_over_text_by_text(raw):
    whole = [" ".join(text.split()) for text in NEWS.values()]
    like = raw.root / "like"
    like.mkdir()
    parts = {"train": whole[:5], "validation": whole[5:9], "test": [text.upper() for text in whole[9:20]]}
    for split, texts in parts.items():
        pd.DataFrame({"text": texts}).to_parquet(like / f"{split}.parquet")
    path = manifest.write(like, like.glob("*.parquet"))
    made = make(raw, "bbc_headlines", NEWS, path, limits={"test": 6})
    numbers = {split: {int(text.split()[1]) for text in own["target"]} for split, own in made.items()}
    assert numbers["validation"] == {5, 6, 7, 8}
    assert len(numbers["test"]) == 6 and numbers["test"] < {*range(9, 20)}
    assert numbers["train"] == {*range(5), *range(20, 40)}, "what it does not have, and what it trains on"
    with pytest.raises(UserError, match="none of the texts is in this task"):
        make(Raw(raw.root / "other"), "jsonl", {"a.jsonl": lines([{"source": "x", "target": "y"}] * 5)}, path)


def test_a_reprint_of_a_tested_article_is_not_trained_on(raw):
    again = {"tech/900.txt": "Headline 3\n\nAnother text under the same headline.\n"}
    like = raw.root / "like"
    like.mkdir()
    whole = [" ".join(text.split()) for text in NEWS.values()]
    for split, texts in {"train": whole[20:], "validation": whole[:2], "test": whole[2:20]}.items():
        pd.DataFrame({"text": texts}).to_parquet(like / f"{split}.parquet")
    made = make(raw, "bbc_headlines", NEWS | again, manifest.write(like, like.glob("*.parquet")))
    assert "Headline 3" in set(made["test"]["target"]) and "Headline 3" not in set(made["train"]["target"])
    assert any("a text of theirs is in another split" in note for note in raw.events("note"))


def test_an_article_without_text_or_with_a_headline_alone_is_refused(raw):
    for content, said in (("", "the file is empty"), ("Headline\n\n \n", "a headline without an article")):
        with pytest.raises(UserError, match=said) as caught:
            make(raw, "bbc_headlines", NEWS | {"tech/007.txt": content})
        assert "tech/007.txt" in str(caught.value)


def test_lines_of_json_are_read_by_their_keys_and_contexts_stay_together(raw):
    rows = [
        {"id": n, "q": f"question {n}?", "context": f"passage {n // 4}", "answer": f"answer {n}"} for n in range(80)
    ]
    options = {"source": ["q", "context"], "target": "answer", "apart": "context"}
    made = make(raw, "jsonl", {"a.jsonl": lines(rows)}, options=options)
    contexts = {split: {text.split("passage ")[1] for text in own["source"]} for split, own in made.items()}
    assert not contexts["train"] & contexts["test"] and not contexts["validation"] & contexts["test"]
    row = made["test"].iloc[0]
    assert row["source"] == f"question {row['id']}? passage {int(row['id']) // 4}"
    assert (row["target"], row["text"]) == (f"answer {row['id']}", f"passage {int(row['id']) // 4}")
    assert sum(map(len, made.values())) == 80


def test_files_named_after_splits_are_the_splits_and_train_gives_up_what_they_hold(raw):
    own = {
        split: [{"source": f"{split} {n}", "target": f"t{n}"} for n in range(6)] for split in ("train", "dev", "test")
    }
    own["train"].append({"source": "TEST 2", "target": "another"})
    own["test"].append(own["test"][0])
    made = make(raw, "jsonl", {f"{split}.jsonl": lines(rows) for split, rows in own.items()})
    assert {name: len(part) for name, part in made.items()} == {"train": 6, "validation": 6, "test": 7}
    assert made["test"]["source"].tolist() == [row["source"] for row in own["test"]], "whole, in its order"


def test_train_and_test_alone_give_a_validation_split(raw):
    files = {f"{s}.jsonl": lines([{"source": f"{s} {n}", "target": "t"} for n in range(30)]) for s in ("train", "test")}
    made = make(raw, "jsonl", files)
    assert {name: len(part) for name, part in made.items()} == {"train": 27, "validation": 3, "test": 30}
    assert any("no validation split" in note for note in raw.events("note"))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            '{"source": "a"}',
            r"a\.jsonl, line 2: 'target' is missing, did you mean|a\.jsonl, line 2: 'target' is missing",
        ),
        ('{"source": "a", "tarket": "b"}', r"line 2: 'target' is missing, did you mean 'tarket'"),
        ('{"source": "a", "target": " "}', r"line 2: 'target' is empty"),
        ('{"source": "", "target": "b"}', r"line 2: 'source' is empty"),
        ('{"source": "a", "target": ["b"]}', r"line 2: 'target' is list, not text"),
        ('{"source": "a", "target": null}', r"line 2: 'target' is NoneType, not text"),
        ('{"source": "a", "target": "b"', r"line 2: not JSON"),
        ('["a", "b"]', r"line 2: list instead of an object"),
    ],
)
def test_a_bad_line_is_refused_with_its_place(raw, line, said):
    with pytest.raises(UserError, match=said) as caught:
        make(raw, "jsonl", {"a.jsonl": '{"source": "x", "target": "y"}\n' + line + "\n"})
    assert "remedy:" in str(caught.value)


def test_splits_without_examples_are_refused(raw):
    with pytest.raises(UserError, match="split 'train' has no examples"):
        make(raw, "jsonl", {"test.jsonl": lines([{"source": "x", "target": "y"}])})
    with pytest.raises(UserError, match="has no examples"):
        make(raw, "jsonl", {"a.jsonl": lines([{"source": "x", "target": "y"}])})


def test_pairs_are_written_with_the_split_of_translation(raw, tmp_path):
    path = translating.write_pairs(tmp_path / "parallel", 120)
    made = make(raw, "pairs", path, options={"source": "en", "target": "de"}, limits={"train": 50})
    direction = Direction(source="en", target="de", limits={"train": 50})
    for split, own in pairs.splits(direction, path.parent / "pairs.parquet").items():
        once = own if split == "test" else own[own["id"].isin(made[split]["id"])]
        assert made[split][["id", "source", "target"]].to_dict("list") == once.to_dict("list")
        assert len(own) - len(once) == own.duplicated(["source", "target"]).sum() * (split != "test")


@pytest.mark.parametrize("reader", ["bbc_headlines", "jsonl"])
def test_damaged_files_are_read_or_refused_with_a_remedy_and_nothing_else(tmp_path, reader):
    """A hundred damages: either sound examples come out, or a UserError that names a file."""
    rows = [{"source": f"Der Text Nummer {n} – für Ü.", "target": f"Ziel {n}"} for n in range(20)]
    files = NEWS if reader == "bbc_headlines" else {"a.jsonl": lines(rows)}
    generator, refused = np.random.default_rng(0), 0
    for number in range(100):
        raw = Raw(tmp_path / str(number))
        broken = sorted(files)[int(generator.integers(len(files)))]
        try:
            make(raw, reader, files | {broken: damaged(files[broken].encode(), generator)})
        except UserError as error:
            refused += 1
            assert "remedy:" in str(error)
        else:
            assert all(len(own) for own in prepared.read(raw.root / "out").values())
    assert refused < 100 and (refused or reader == "bbc_headlines")
