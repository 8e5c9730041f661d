"""Proves that every name reaches MLflow, that no two become one, and that each can be read back."""

from __future__ import annotations

import random
import string

import pytest
from mlflow.utils.validation import _validate_metric_name, _validate_param_name, _validate_tag

from scriptorium.tracking.spelling import LONGEST, original, respell, respelled
from scriptorium.tracking.texts import flatten

ORDINARY = [
    *("loss", "train/loss", "test/f1_macro", "share/train/B-PER", "a:b", "a::b", "eval loss", "naïve/größe/数", "v1.5"),
    *("a/..b", ".hidden", "x" * LONGEST, "time: 3.5", "mlflow.note.content", ":", "a/.b."),
]
NASTY = [
    *("", ".", "..", "/", "//", "...", "a//b", "km/", "/km", "share/train/.", "share/train/..", "a/./b", "a/../b"),
    *("..a", "share/train/,", "share/train/?", "C#", "100%", "a\nb", "a\n", "\n", "a\tb", "\0", "\ud800", "😀"),
    *("a\\b", '"', "'", ":2C:", ":empty:", ":3A:", "a:2C,b", ":2C,", ",:2C", "::2C::", ":0000:", ":2e:", ":2C"),
    *(":cut-" + "0" * 32 + ":", "x" * (LONGEST + 1), "x" * 10_000, "," * 100, "y/" * 200, "/" * 300, "é" * 251),
    *("," * (LONGEST // 4) + end for end in ("z", "zz", "zzz")),
]
ALPHABET = "./:,C2E3A_- ?\n\u0301é数😀\ud800" + string.ascii_lowercase[:4] + "empty"


def random_names(count: int) -> list[str]:
    dice = random.Random(16)
    return ["".join(dice.choices(ALPHABET, k=dice.choice((1, 2, 3, 5, 9, 30, 260)))) for _ in range(count)]


@pytest.fixture(scope="module")
def names() -> list[str]:
    # every respelled name is a name as well: nothing may be taken for what it is not
    found = {*ORDINARY, *NASTY, *random_names(20_000)}
    return sorted(found | {respell(name) for name in found})


def test_ordinary_names_stay_as_they_are():
    assert [respell(name) for name in ORDINARY] == ORDINARY


def test_mlflow_takes_every_respelled_name(names):
    for name in names:
        spelled = respell(name)
        _validate_metric_name(spelled)
        _validate_param_name(spelled)
        _validate_tag(spelled, "value")  # checks the length as well
        spelled.encode("utf-8")


def test_no_two_names_are_shown_as_one(names):
    assert len({respell(name) for name in names}) == len(names)


def test_every_name_can_be_read_back(names):
    kept = respelled(names)
    for name in names:
        spelled = respell(name)
        assert original(spelled, kept) == name
        if ":cut-" not in spelled:
            assert original(spelled) == name


def test_labels_of_punctuation_are_readable():
    spelled = {name: respell(f"share/train/{name}") for name in (".", ",", "", "..", "a//b", "km/", "?")}
    assert spelled == {
        ".": "share/train/:2E:",
        ",": "share/train/:2C:",
        "": "share/train/:empty:",
        "..": "share/train/:2E::2E:",
        "a//b": "share/train/a/:empty:/b",
        "km/": "share/train/km/:empty:",
        "?": "share/train/:3F:",
    }


def test_settings_that_dots_would_make_one_stay_two():
    assert flatten({"a.b": 1, "a": {"b": 2}, "c": {"d": 3}}) == {'["a.b"]': "1", '["a","b"]': "2", "c.d": "3"}
