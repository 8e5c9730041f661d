"""Proves that every mutant of tests/mutants.py still is one, and that a noticed one is told from one that is not.

The mutants themselves take long: `python -m tests.mutants`.
"""

from __future__ import annotations

import ast

import pytest

from tests import mutants
from tests.mutants import CORES, PACKAGE, ROOT


@pytest.mark.parametrize("name", CORES)
def test_ten_mutants_of_each_core_module_change_its_code(name):
    core = CORES[name]
    sound = (PACKAGE / core.path).read_text(encoding="utf-8")
    trees = {ast.dump(ast.parse(mutants.mutated(sound, mutant))) for mutant in core.mutants}
    assert len(trees - {ast.dump(ast.parse(sound))}) == 10
    assert all((ROOT / path).is_file() for path in core.tests)


def test_a_mutant_that_tests_notice_is_told_from_one_that_they_do_not(tmp_path):
    package = mutants.copied(tmp_path)
    path = tmp_path / "test_count.py"
    path.write_text(
        "from scriptorium.objectives.masking import count_of\n\n\ndef test():\n    assert count_of(10, 0.26) == 3\n"
    )
    core = CORES["masking"]
    sound = (package / core.path).read_text(encoding="utf-8")
    unseen, seen = (mutants.mutated(sound, mutant) for mutant in core.mutants[:2])
    found = [mutants.outcome(package, core.path, text, (str(path),)) for text in (sound, unseen, seen)]
    assert found == [mutants.SURVIVED, mutants.SURVIVED, mutants.KILLED]
    assert (package / core.path).read_text(encoding="utf-8") == sound
