"""Proves of every registered reader that damaged files are refused by name or read sensibly, and never crash it.

`python -m tests.fuzz` is the same with as many mutations as one likes.
"""

from __future__ import annotations

import functools

import pytest

from scriptorium.minimal_pairs.readers import inflected
from tests.fuzz import attack
from tests.raw import Raw
from tests.reader_samples import REGISTERED, SAMPLES

MUTATIONS, SEED = 20, 17


@pytest.fixture(autouse=True)
def one_parser(monkeypatch):
    """Of a job, which reads once, it is no cost to load it."""
    monkeypatch.setattr(inflected, "_load", functools.cache(inflected._load))


@pytest.mark.parametrize("kind", REGISTERED)
def test_every_registered_reader_has_a_sample(kind):
    assert {sample.reader for sample in SAMPLES if sample.kind == kind} == set(REGISTERED[kind])


@pytest.mark.parametrize(
    "sample", SAMPLES, ids=lambda sample: f"{sample.kind}-{sample.reader}-{'-'.join(sample.files)[:20]}"
)
def test_damaged_file_is_refused_by_name_or_read(sample, tmp_path):
    raw = Raw(tmp_path)
    assert all(len(table) for table in sample.read(raw)), "the sound sample is read"
    outcomes = list(attack(sample, raw, MUTATIONS, SEED))
    assert [outcome for outcome in outcomes if outcome.kind == "fault"] == []
    assert any(outcome.kind == "refused" for outcome in outcomes)
