"""Proves that `--random-order` is an order by its seed in which files stay whole, and that it loses no test."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from tests import conftest


def order(seed: str | None) -> list[tuple[str, int]]:
    items = [SimpleNamespace(path=Path(name), number=number) for name in "abcd" for number in range(9)]
    conftest.pytest_collection_modifyitems(SimpleNamespace(getoption=lambda name: seed), items)
    return [(item.path.name, item.number) for item in items]


def test_a_seed_is_an_order_of_files_and_of_the_tests_in_each():
    straight, first = order(None), order("1")
    assert straight == sorted(straight)
    assert first == order("1") != order("2")
    assert sorted(first) == straight
    files = [name for name, _ in first]
    assert [file for file, before in zip(files, [None, *files], strict=False) if file != before] == list(
        dict.fromkeys(files)
    )
    assert [number for name, number in first if name == "a"] != list(range(9))
