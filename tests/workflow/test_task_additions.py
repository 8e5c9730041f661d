"""A new reader of tasks, or a new kind of task, is a file and a name: it works, and changes nothing for other runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.workflow.miniature import build, copy_repository

READER = '''"""Lines of text, labelled by whether their number is even."""

from __future__ import annotations

import pandas as pd

from scriptorium.files.tables import clean, members
from scriptorium.files.lines import lines
from scriptorium.tasks.raw_files import FIELDS


def read(spec, artifact, ledger):
    (path,) = members(artifact, ".txt")
    found = [(number, clean(line)) for number, line in lines(path) if line]
    rows = [
        (f"line-{number}", text, None, ("even", "odd")[number // spec.options.step % 2], "") for number, text in found
    ]
    return pd.DataFrame(rows, columns=FIELDS)
'''
OPTIONS = '''class NumberedLinesOptions(ReaderOptions):
    """Lines by their number."""

    gives: ClassVar = {"parity": "even or odd"}
    step: int = Field(1, gt=0, description="lines that have the same label in a row")


'''
KIND = '''"""Whether a text is an even or an odd one."""

from __future__ import annotations

from scriptorium.tasks.kind import TaskKind


class Parity(TaskKind):
    metrics = ("accuracy",)

    def numbered(self, label, labels):
        return (label == "odd").astype("int64")

    def read(self, path, labels):
        from scriptorium.tasks.prepared import read_texts

        return read_texts(path, lambda label: label.isin([0, 1]), "0 or 1")

    def model_class(self):
        from transformers import AutoModelForSequenceClassification

        return AutoModelForSequenceClassification

    def head_settings(self, labels):
        return {"num_labels": 2, "problem_type": "single_label_classification"}

    def predicted(self, data, outputs, labels, settings, fitted):
        return data.table[["id", "label"]].assign(prediction=outputs.argmax(axis=-1))

    def totals(self, predicted, labels):
        import numpy as np

        right = predicted["label"] == predicted["prediction"]
        return np.stack([right, np.ones(len(right))], axis=-1)

    def from_totals(self, sums, labels):
        return {"accuracy": sums[..., 0] / sums[..., 1]}


KIND = Parity()
'''

# Every run that the configuration can ask for: {folder: [specification, code digest]}
PLANS = """
import itertools, json, re, sys
import yaml
from scriptorium.config.loading import load
from scriptorium.errors import UserError
from scriptorium.runs import Runs
from scriptorium.runs.folders import FOLDERS, wildcards_of

project = load(yaml.safe_load(open("config/config.yaml")))
runs, config = Runs(project), project.config
names = {
    "dataset": [*project.datasets, *config.tasks, *config.gaze.corpora],
    "task": [*config.tasks],
    "corpus": [*config.corpora, *config.gaze.corpora],
    "vocabulary": [*config.vocabularies],
    "blocks": [*runs.packings],
    "variant": [*project.variants],
    "study": [
        *config.studies, *config.pretraining.studies, *config.translation_studies, *config.generation_studies
    ],
    "translation": [*config.translation],
    "generation": [*config.generation],
    "seed": ["0"],
    "of": ["", "_cogbert", "_mpnet"],
    "of_study": ["", "_mpnet"],
    "pairs": [*config.minimal_pairs],
    "parallel": [*config.parallel],
    "collection": [*config.retrieval, *config.vectors],
    "alignments": [*config.alignments],
    "links": [*runs.linkings],
    "dictionary": [*config.dictionaries],
    "backbone": [*project.backbones],
}
found = {}
for stage, folder in FOLDERS.items():
    for values in itertools.product(*(names[part] for part in re.findall(r"{(.+?)}", folder))):
        path = folder.format(**dict(zip(re.findall(r"{(.+?)}", folder), values)))
        try:
            plan = runs.plan(stage, **wildcards_of(stage, path))
        except UserError:
            continue
        found[path] = [plan.spec, plan.code]
json.dump(found, sys.stdout)
"""


def plans(root: Path) -> dict[str, list[str]]:
    environment = {**os.environ, "PYTHONPATH": str(root / "workflow")}
    command = [sys.executable, "-c", PLANS]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def insert(path: Path, before: str, text: str) -> None:
    content = path.read_text(encoding="utf-8")
    assert content.count(before) == 1
    path.write_text(content.replace(before, text + before), encoding="utf-8")


def add_reader(root: Path) -> None:
    folder = root / "workflow/scriptorium/tasks/readers"
    (folder / "numbered_lines.py").write_text(READER, encoding="utf-8")
    insert(folder / "spec.py", "OPTIONS: dict", OPTIONS)
    insert(folder / "spec.py", '    "choices": ChoicesOptions,\n', '    "numbered_lines": NumberedLinesOptions,\n')


def add_kind(root: Path) -> None:
    folder = root / "workflow/scriptorium/tasks"
    (folder / "kinds/parity.py").write_text(KIND, encoding="utf-8")
    insert(folder / "spec.py", '"multiple_choice"],', '"parity", ')


@pytest.mark.parametrize("add", [add_reader, add_kind])
def test_an_addition_that_no_run_uses_changes_no_run(tmp_path, add):
    copy_repository(tmp_path)
    before = plans(tmp_path)
    assert {path.split("/")[1] for path in before} >= {"data", "finetune", "pretrain", "runs", "gaze"}
    add(tmp_path)
    assert plans(tmp_path) == before


def with_parity(root: Path):
    """The miniature with both additions, and a task and a study that use them."""
    project = build(root)
    add_reader(root), add_kind(root)
    path = root / "config/config.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    task = {"dataset": "chronicle", "reader": "numbered_lines", "kind": "parity", "max_length": 32}
    config["tasks"]["lines"] = task | {"options": {"step": 2}}
    config["studies"]["lines"] = {"baseline": "bert", "variants": ["bert"], "tasks": ["lines"], "seeds": [0]}
    path.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    return project


def test_a_change_of_the_reader_or_the_kind_in_use_changes_exactly_their_runs(tmp_path):
    with_parity(tmp_path)
    folder = tmp_path / "workflow/scriptorium/tasks"
    prepared = {"results/data/lines"}
    for module, wanted in (("readers/numbered_lines", prepared), ("kinds/parity", None)):
        before = plans(tmp_path)
        assert '"step":2' in before["results/data/lines"][0]
        path = folder / f"{module}.py"
        path.write_text(path.read_text(encoding="utf-8") + "\nEXTRA = 1\n", encoding="utf-8")
        after = plans(tmp_path)
        tuned = {f for f in before if f.startswith("results/finetune/") and f.split("/")[3] == "lines"}
        tables = {f"results/runs/tables/{name}_lines" for name in ("finetune", "dose")}
        wanted = wanted or prepared | tuned | tables
        assert {run for run in before if before[run] != after[run]} == wanted


def test_an_added_reader_and_an_added_kind_work_from_raw_data_to_the_table(tmp_path):
    project = with_parity(tmp_path)
    project.snakemake("results/tables/finetune_lines.tsv")
    row = (tmp_path / "results/tables/finetune_lines.tsv").read_text().splitlines()[1].split("\t")
    assert row[:4] == ["bert", "lines", "test/accuracy", "1"]
    assert 0 <= float(row[4]) <= 1
