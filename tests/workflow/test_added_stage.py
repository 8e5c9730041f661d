"""The worked example of a stage in docs/extending.md, put into a copy of the project as it stands there, and run."""

from __future__ import annotations

import csv
import json

from tests.extending import add

TABLE, RUN = "results/tables/words_mood.tsv", "results/runs/tables/words_mood"


def test_a_stage_is_a_module_a_method_and_a_rule(fresh):
    add(fresh.root, "A stage")
    fresh.snakemake(TABLE)
    with (fresh.root / TABLE).open() as handle:
        rows = {row["split"]: row for row in csv.DictReader(handle, delimiter="\t")}
    assert set(rows) == {"train", "validation", "test"}
    assert int(rows["test"]["words"]) > int(rows["test"]["texts"]) > 0
    record = json.loads((fresh.root / RUN / "run.json").read_text())
    assert (record["stage"], record["status"], record["spec"]) == ("count_words", "FINISHED", {"least": 3})
    assert fresh.planned(TABLE) == set()
    wrong = fresh.snakemake("-n", TABLE.replace("mood", "mod"), check=False)
    assert "unknown task 'mod', did you mean 'mood'?" in wrong.stdout

    fresh.edit("workflow/scriptorium/runs/words.py", "CountWordsSpec(least=3)", "CountWordsSpec(least=4)")
    assert fresh.planned(TABLE) == {RUN}, "another specification runs it again, and nothing else"


def test_an_added_stage_reruns_nothing_of_the_others(project):
    add(project.root, "A stage")
    assert project.planned() == set()
    assert project.planned(TABLE) == {RUN}
