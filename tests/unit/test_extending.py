"""The worked examples of docs/extending.md work as they stand there: each is put into a copy and used."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.extending import add

ROOT = Path(__file__).parents[2]

READ = """
import json, sys
from pathlib import Path
from scriptorium import ledger, manifest, named
from scriptorium.{spec} import {settings}

folder = Path("raw")
artifact = manifest.write(folder, sorted(folder.iterdir()))
spec = {settings}.parse({values})
reader = named.load("{package}", spec.reader)
print(json.dumps({use}, default=str))
"""
TASK = {"task": "x", "reader": "fasttext", "labels": ["good", "bad"]}


@pytest.fixture
def copy(tmp_path):
    """Adds the example of a section to a copy of the package and of config/, and runs Python there."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "workflow/scriptorium", tmp_path / "workflow/scriptorium", ignore=ignored)
    shutil.copytree(ROOT / "config", tmp_path / "config")
    (tmp_path / "raw").mkdir()

    def run(heading: str, code: str):
        add(tmp_path, heading)
        environment = {**os.environ, "PYTHONPATH": str(tmp_path / "workflow"), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    return tmp_path, run


def reading(package: str, spec: str, settings: str, values: dict, use: str) -> str:
    return READ.format(package=package, spec=spec, settings=settings, values=values, use=use)


def test_the_reader_of_tasks_reads(copy):
    root, run = copy
    (root / "raw/a.txt").write_text("__label__good What a film!\n__label__bad No.\n")
    use = "reader.read(spec, artifact, None).to_dict('records')"
    rows = run("A reader of tasks", reading("scriptorium.tasks.readers", "tasks.spec", "TaskDataSpec", TASK, use))
    assert [(row["text"], row["label"], row["split"]) for row in rows] == [
        ("What a film!", "good", ""),
        ("No.", "bad", ""),
    ]


def test_the_reader_of_gaze_reads(copy):
    root, run = copy
    head = "page\tline\tnumber\tform\tsubject\tfixations\n"
    (root / "raw/a.tsv").write_text(head + "p1\t1\t1\tOld\ts1\t2\np1\t1\t2\tmonk.\ts1\t-\n")
    use = "reader.read(artifact, spec.options, None)[['word', 'n_fix', 'participant']].to_dict('records')"
    values = {"reader": "lab"}
    rows = run("A reader of gaze", reading("scriptorium.gaze.readers", "gaze.spec", "GazeFormat", values, use))
    assert rows == [
        {"word": "Old", "n_fix": 2.0, "participant": "s1"},
        {"word": "monk.", "n_fix": 0.0, "participant": "s1"},
    ]


def test_the_reader_of_running_text_reads(copy):
    root, run = copy
    (root / "raw/a.vert").write_text("<doc>\nOld\tADJ\nmonks\tNOUN\n<doc>\n<s>\nThey\ncopy\n</s>\n")
    values = {"dataset": "x", "reader": "vertical"}
    use = "list(reader.read(artifact, spec.options, None))"
    heading = "A reader of running text"
    found = run(heading, reading("scriptorium.text.corpora.readers", "text.spec", "CorpusSource", values, use))
    assert found == [["a-000000", ["Old monks"]], ["a-000001", ["They copy"]]]


def test_the_objective_is_planned_by_its_recipe_and_has_a_module(copy):
    root, run = copy
    with (root / "config/ablations.tsv").open("a") as handle:
        handle.write("mask-forty\tpretrain-mask-forty\t{}\tBERT\tours\tx\n")
    found = run(
        "An objective",
        "import json, yaml\nfrom pathlib import Path\nfrom scriptorium.config.loading import load\n"
        "from scriptorium.objectives.objective import module_of\nfrom scriptorium.runs import Runs\n"
        "runs = Runs(load(yaml.safe_load(Path('config/config.yaml').read_text())))\n"
        "spec = runs.pretrain(variant='mask-forty', seed='0').objective\n"
        "module = module_of(spec)\n"
        "print(json.dumps([spec.rate, spec.mask, spec.random, module.__name__, callable(module.build)]))",
    )
    assert found == [0.4, 1.0, 0.0, "scriptorium.objectives.mask_forty", True]


def test_the_kind_measures_how_far_off_a_prediction_is(copy):
    _, run = copy
    found = run(
        "A kind of task",
        "import json, pandas as pd\nfrom scriptorium.tasks.kind import kind_of\n"
        "from scriptorium.tasks.spec import TaskDataSpec\n"
        "spec = TaskDataSpec.parse({'task': 'x', 'reader': 'tsv', 'kind': 'ordinal', 'labels': list('12345')})\n"
        "kind = kind_of(spec.kind)\n"
        "table = pd.DataFrame({'label': [0, 4, 2], 'prediction': [0, 1, 2]})\n"
        "print(json.dumps([kind.measured(table, spec.labels), kind.lower_is_better('test/distance')]))",
    )
    assert found == [{"accuracy": pytest.approx(2 / 3), "distance": 1.0}, True]
