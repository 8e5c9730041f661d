"""Proves that an objective or a reader of running text is added by one file and one name: it works through its stage,
no other run notices, and an edit of one objective concerns its own runs alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from scriptorium import digest, manifest
from tests import tiny

ROOT = Path(__file__).parents[2]

# Prints {stage and wildcards: [specification, code digest]} of every run of the default configuration, its programmes
# included, and of every pre-training variant.
PLANS = """
import json, string
import yaml
from pathlib import Path
from scriptorium.config.loading import load
from scriptorium.runs import Runs
from scriptorium.runs.folders import FOLDERS, wildcards_of

runs = Runs(load(yaml.safe_load(Path("config/config.yaml").read_text(encoding="utf-8"))))
config, variants = runs.config, runs.project.variants
wanted = [(run.stage, wildcards_of(run.stage, run.path)) for run in runs.all()]
wanted += [("prepare_corpus", {"corpus": name}) for name in config.corpora]
wanted += [("prepare_task", {"task": name}) for name in config.tasks]
wanted += [("prepare_gaze", {"corpus": name}) for name in config.gaze.corpora]
wanted += [("pack", {"blocks": name}) for name in runs.packings]
wanted += [("compare_pretrain", {"study": name}) for name in config.pretraining.studies]
wanted += [("pretrain", {"variant": n, "seed": "0"}) for n, v in variants.items() if v.recipe.stage == "pretrain"]
unasked = {"benchmark_cmcl2021", "gaze_left_out"}
wanted += [(stage, {}) for stage, folder in FOLDERS.items() if "{" not in folder and stage not in unasked]
plans = {}
for stage, wildcards in wanted:
    plan = runs.plan(stage, **wildcards)
    plans[f"{stage} {json.dumps(wildcards)}"] = [plan.spec, plan.code]
print(json.dumps(plans))
"""

OBJECTIVE = '''
"""A toy: every so many-th token is predicted, and seen by all."""

import numpy as np

from scriptorium.models import mlm
from scriptorium.objectives import measures
from scriptorium.objectives.collating import batches
from scriptorium.objectives.objective import Objective

SAVED = mlm.SAVED


class Copied:
    def __init__(self, blocks, every):
        self.blocks, self.every = blocks, every

    def __len__(self):
        return len(self.blocks)

    def __getitem__(self, key):
        input_ids, _ = self.blocks[key[1] if isinstance(key, tuple) else key]
        positions = np.arange(1, len(input_ids), self.every)
        return {"input_ids": input_ids, "positions": positions, "labels": input_ids[positions]}


def build(shape, spec, tokenizer):
    return Objective(
        model=mlm.build(shape, tokenizer),
        hide=lambda blocks, draws: Copied(blocks, spec.every),
        collate=batches({"input_ids": 0, "positions": 0, "labels": -100}),
        measures=measures.of_sums,
    )
'''
OBJECTIVE_SPEC = '''
from typing import Annotated, Literal

from pydantic import Field

from scriptorium.objectives.spec.base import MODULE, ObjectiveSpec


class CopySpec(ObjectiveSpec):
    """copy-tokens."""

    name: Annotated[Literal["copy-tokens"], MODULE] = Field("copy-tokens", description="a toy")
    every: int = Field(3, gt=0, description="distance of the predicted tokens")
'''
READER = '''
"""A toy: a document per line, in capitals."""

from scriptorium.files.tables import members, read_text


def read(artifact, options, ledger):
    for path in members(artifact, ".txt"):
        for number, line in enumerate(read_text(path).splitlines()):
            yield f"{path.stem}-{number}", [line.upper()]
'''


class Package:
    """A copy of the package that may be changed."""

    def __init__(self, root: Path):
        self.source = root / "scriptorium"
        shutil.copytree(digest.PACKAGE, self.source, ignore=shutil.ignore_patterns("__pycache__"))

    def python(self, *arguments: str, cwd: Path = ROOT) -> str:
        environment = {**os.environ, "PYTHONPATH": str(self.source.parent), "OMP_NUM_THREADS": "1"}
        done = subprocess.run([sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def plans(self) -> dict[str, list[str]]:
        return json.loads(self.python("-c", PLANS))

    def edit(self, name: str, before: str, after: str) -> None:
        path = self.source / name
        text = path.read_text(encoding="utf-8")
        assert text.count(before) == 1, (name, before)
        path.write_text(text.replace(before, after), encoding="utf-8")

    def add_objective(self) -> None:
        (self.source / "objectives/copy_tokens.py").write_text(OBJECTIVE, encoding="utf-8")
        (self.source / "objectives/spec/copies.py").write_text(OBJECTIVE_SPEC, encoding="utf-8")
        self.edit("objectives/spec/__init__.py", "import causal,", "import causal, copies,")
        self.edit("objectives/spec/__init__.py", "FAMILIES = (causal,", "FAMILIES = (causal, copies,")

    def add_reader(self) -> None:
        (self.source / "text/corpora/readers/capitals.py").write_text(READER, encoding="utf-8")
        bbc, capitals = (f'    "{name}": ReaderOptions,\n' for name in ("bbc", "capitals"))
        self.edit("text/corpora/readers/spec.py", bbc, bbc + capitals)


@pytest.fixture
def package(tmp_path) -> Package:
    return Package(tmp_path / "package")


def test_additions_that_no_run_uses_change_no_run(package):
    before = package.plans()
    assert len(before) > 50
    package.add_objective()
    package.add_reader()
    assert package.plans() == before


@pytest.mark.parametrize(
    ("module", "named"),
    [("objectives/roberta.py", '"name":"roberta"'), ("text/corpora/readers/wikipedia.py", '"reader":"wikipedia"')],
)
def test_an_edit_of_one_module_changes_the_runs_that_name_it_alone(package, module, named):
    before = package.plans()
    path = package.source / module
    path.write_text(path.read_text(encoding="utf-8") + "\nEXTRA = 1\n", encoding="utf-8")
    after = package.plans()
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {name for name, (spec, _) in before.items() if named in spec}
    assert changed


def test_an_added_objective_trains(package, tmp_path):
    package.add_objective()
    (tmp_path / "corpus").mkdir()
    packed = tiny.packed(tmp_path / "corpus", block_length=32)
    spec = {
        "model": {"hidden_size": 16, "layers": 1, "heads": 2, "intermediate_size": 32},
        "objective": {"name": "copy-tokens", "every": 4},
        "train": {"max_steps": 60, "batch_size": 8, "lr": 0.02, "log_every": 10},
    }
    arguments = ["--spec", json.dumps(spec), "--out", str(tmp_path / "run"), "--state", str(tmp_path / "state")]
    blocks = f"blocks={packed / 'manifest.json'}"
    package.python("-m", "scriptorium.stages.pretrain", *arguments, "--input", blocks, cwd=tmp_path)
    record = json.loads((tmp_path / "run/run.json").read_text(encoding="utf-8"))
    metrics = json.loads((tmp_path / "run/metrics.json").read_text(encoding="utf-8"))
    assert record["spec"]["objective"] == {"name": "copy-tokens", "every": 4}
    assert metrics["validation/loss"] < metrics["validation/unigram_loss"] / 2, "copying is learned"


def test_an_added_reader_reads(package, tmp_path):
    package.add_reader()
    (tmp_path / "lines").mkdir()
    (tmp_path / "lines/a.txt").write_text("One.\nTwo.\n", encoding="utf-8")
    source = manifest.write(tmp_path / "lines", [tmp_path / "lines/a.txt"])
    spec = {"corpus": "toy", "sources": [{"dataset": "lines", "reader": "capitals"}]}
    arguments = ["--spec", json.dumps(spec), "--out", str(tmp_path / "run"), "--state", str(tmp_path / "state")]
    package.python("-m", "scriptorium.stages.prepare_corpus", *arguments, "--input", f"sources={source}", cwd=tmp_path)
    assert sorted(pd.read_parquet(tmp_path / "run/documents.parquet")["text"]) == ["ONE.", "TWO."]
