"""Proves that a gaze reader is added with one file and one name, and that an addition disturbs nobody."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from scriptorium import manifest
from scriptorium.ledger import read_record

ROOT = Path(__file__).parents[2]
READER = '''"""Lists of words that a laboratory measured: word and fixations, one per line."""

import pandas as pd

from scriptorium.files.tables import members

GAPS_ARE_FAULTS = True


def read(artifact, options, ledger):
    rows = []
    for path in members(artifact, ".lab"):
        for at, line in enumerate(path.read_text().splitlines()):
            word, n_fix = line.split()
            rows.append((path.stem, 0, at, word, float(n_fix), f"{path}, line {at + 1}"))
    frame = pd.DataFrame(rows, columns=["document", "sentence", "position", "word", "n_fix", "place"])
    return frame.assign(n_participants=options.participants, fix_prop=float("nan"))
'''
OPTIONS = '    "text": ReaderOptions,\n'
PLANS = """
import json, sys
from scriptorium.runs.folders import FOLDERS, wildcards_of
from scriptorium.track import load_runs
from pathlib import Path

runs = load_runs(["config/config.yaml"], Path())
config, project = runs.config, runs.project
texts = [*config.tasks, *config.gaze.corpora]
names = {
    "fetch": project.datasets, "prepare_task": config.tasks, "prepare_corpus": config.corpora,
    "train_vocabulary": config.vocabularies, "pack": runs.packings, "prepare_gaze": config.gaze.corpora,
    "annotate": texts, "score": texts, "tabulate_finetune": config.studies,
    "compare_pretrain": config.pretraining.studies,
}
found = [(stage, {FOLDERS[stage].split("{")[1].split("}")[0]: name}) for stage in names for name in names[stage]]
unasked = {"gaze_left_out"}  # the default configuration has too few corpora to leave one out
found += [(stage, {}) for stage, folder in FOLDERS.items() if "{" not in folder and stage not in unasked]
found += [(run.stage, wildcards_of(run.stage, run.path)) for run in runs.all()]
plans = {}
for stage, wildcards in found:
    plan = runs.plan(stage, **wildcards)
    plans[f"{stage} {sorted(wildcards.items())}"] = [plan.spec, plan.code]
print(json.dumps(plans))
"""


@pytest.fixture
def copy(tmp_path):
    """A copy of the package and of config/; returns its root and a function that runs Python there."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "workflow/scriptorium", tmp_path / "workflow/scriptorium", ignore=ignored)
    shutil.copytree(ROOT / "config", tmp_path / "config")

    def python(*arguments: str) -> str:
        environment = {**os.environ, "PYTHONPATH": str(tmp_path / "workflow"), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            [sys.executable, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return tmp_path, python


def add_reader(root: Path) -> None:
    """What a person does who adds a reader: one file, one name."""
    readers = root / "workflow/scriptorium/gaze/readers"
    (readers / "lab.py").write_text(READER)
    text = (readers / "spec.py").read_text()
    assert OPTIONS in text
    (readers / "spec.py").write_text(text.replace(OPTIONS, f'{OPTIONS}    "lab": MeansOptions,\n'))


def test_an_added_gaze_reader_changes_no_specification_and_no_code_digest(copy):
    root, python = copy
    before = json.loads(python("-c", PLANS))
    add_reader(root)
    assert json.loads(python("-c", PLANS)) == before
    assert {name.split()[0] for name in before} >= {"prepare_gaze", "prepare_task", "train_regressor", "finetune"}


def test_an_edited_reader_changes_the_corpora_that_it_reads(copy):
    """The other way round: what a specification names is in its digest."""
    root, python = copy
    before = json.loads(python("-c", PLANS))
    for name in ("onestop", "provo"):
        path = root / f"workflow/scriptorium/gaze/readers/{name}.py"
        path.write_text(path.read_text() + "\nEXTRA = 1\n")
    after = json.loads(python("-c", PLANS))
    changed = {name for name in before if before[name] != after[name]}
    assert "prepare_gaze [('corpus', 'onestop')]" in changed
    assert {name.split()[0] for name in changed} <= {"prepare_gaze", "prepare_task"}


def test_an_added_gaze_reader_works_through_its_stage(copy):
    root, python = copy
    add_reader(root)
    (root / "raw").mkdir()
    (root / "raw/page.lab").write_text("Wolves 2\nrun. 0\n")
    raw = manifest.write(root / "raw", [root / "raw/page.lab"])
    spec = json.dumps({"corpus": "ours", "reader": "lab", "options": {"participants": 3}})
    stage = ("-m", "scriptorium.stages.prepare_gaze", "--spec", spec, "--out", "out", "--input", f"raw={raw}")
    python(*stage, "--output", "words=ours.parquet")
    words = pd.read_parquet(root / "ours.parquet")
    assert words[["word", "n_fix", "n_participants"]].to_numpy().tolist() == [["Wolves", 2, 3], ["run.", 0, 3]]
    assert read_record(root / "out")["spec"]["options"] == {
        "blanks": "",
        "duration_unit": "ms",
        "participants": 3,
        "sentences_per_document": 1,
    }
