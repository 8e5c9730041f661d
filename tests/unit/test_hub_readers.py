"""SQuAD, IMDB and RACE as the hub has them: the same rows as from the published files."""

from __future__ import annotations

import io

import pandas as pd
import pytest

from scriptorium.errors import UserError
from tests.raw import Raw
from tests.unit.test_passage_readers import CHOICE


@pytest.fixture
def raw(tmp_path) -> Raw:
    return Raw(tmp_path)


def parquet(*rows: dict) -> bytes:
    made = io.BytesIO()
    pd.DataFrame(list(rows)).to_parquet(made)
    return made.getvalue()


def question(number: int, *, answered: bool = True) -> dict:
    context = f"Passage {number // 2} has 6\u00bd words."
    found = (
        {"text": ["6\u00bd"], "answer_start": [context.index("6\u00bd")]}
        if answered
        else {"text": [], "answer_start": []}
    )
    return {
        "id": f"q{number}",
        "title": f"article {number // 4}",
        "context": context,
        "question": f"What of {number}?",
        "answers": found,
    }


SQUAD = {"kind": "question_answering", "labels": ()}


def squad(raw, train: list[dict], dev: list[dict], **more):
    files = {
        "plain_text/train-00000-of-00001.parquet": parquet(*train),
        "plain_text/validation-00000-of-00001.parquet": parquet(*dev),
    }
    return raw.task("squad", files, **SQUAD, **more)


def test_squad_of_the_hub(raw):
    made = squad(raw, [question(n) for n in range(40)], [question(n) for n in range(100, 106)])
    assert len(made["test"]) == 6, "validation is our test, whole, as dev is"
    assert len(made["train"]) + len(made["validation"]) == 40
    row = made["test"].set_index("id").loc["q100"]
    assert row["text"] == "What of 100?" and row["text_b"] == "Passage 50 has 6\u00bd words."
    assert [dict(answer) for answer in row["label"]] == [{"text": "6\u00bd", "start": 15}]
    passages = [set(made[name]["text_b"]) for name in ("train", "validation")]
    assert not passages[0] & passages[1]


def test_squad_2_of_the_hub_has_questions_without_answers(raw):
    train = [question(n, answered=n % 2 == 0) for n in range(40)]
    made = squad(raw, train, [question(101, answered=False), question(102)], options={"version": "2.0"})
    assert sorted(made["test"]["label"].map(len)) == [0, 1]
    with pytest.raises(UserError, match=r"without an answer, which SQuAD 1\.1 does not have"):
        squad(raw, train, [question(101, answered=False)])


def test_imdb_of_the_hub(raw):
    files = {
        f"plain_text/{split}-00000-of-00001.parquet": parquet(
            *({"text": f"Film {n} of {split}<br />was shown.", "label": n % 2} for n in range(20))
        )
        for split in ("train", "test", "unsupervised")
    }
    made = raw.task("imdb", files, labels=["negative", "positive"])
    assert len(made["test"]) == len(made["train"]) + len(made["validation"]) == 20
    row = made["test"].set_index("id").loc["test-3"]
    assert row["text"] == "Film 3 of test was shown." and row["label"] == 1
    assert not any(name.startswith("unsupervised") for frame in made.values() for name in frame["id"])
    broken = files | {"plain_text/test-00000-of-00001.parquet": parquet({"text": "A film.", "label": -1})}
    with pytest.raises(UserError, match="neither 0 nor 1"):
        raw.task("imdb", broken, labels=["negative", "positive"])


def test_race_of_the_hub(raw):
    def rows(part: str, split: str) -> bytes:
        return parquet(
            *(
                {
                    "example_id": f"{part}{n}.txt",
                    "article": f"Story {n} of {part}, {split}.",
                    "question": f"Story {n} is about _ .",
                    "options": ["a", "b", "c", "d"],
                    "answer": "C",
                }
                for n in range(6)
            )
        )

    splits = ("train", "validation", "test")
    files = {
        f"{part}/{split}-00000-of-00001.parquet": rows(part, split) for part in ("middle", "high") for split in splits
    }
    made = raw.task("race", files | {"all/test-00000-of-00001.parquet": rows("middle", "test")}, **CHOICE)
    assert {name: len(frame) for name, frame in made.items()} == dict.fromkeys(splits, 12)
    row = made["test"].set_index("id").loc["test-high-2"]
    assert row["label"] == 2 and row["part"] == "high" and row["text"] == "Story 2 of high, test."
