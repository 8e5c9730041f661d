"""Proves that the papers' protocol takes all of train and the public dev set and says so, and that ours stays."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from scriptorium import manifest
from scriptorium.config.loading import load
from scriptorium.errors import UserError
from scriptorium.reporting import differences, finetuning, protocols
from scriptorium.reporting.spec import TaskInTables
from scriptorium.runs import Runs
from scriptorium.spec import overlay
from scriptorium.stages import tabulate_protocols
from tests.raw import Raw
from tests.tiny import run_twice
from tests.unit.test_glue import filler, tsv

ROOT = Path(__file__).parents[2]
STUDIES = {
    "cola-ours": {"baseline": "bert", "variants": ["bert"], "tasks": ["cola"]},
    "cola-paper": {"baseline": "bert", "variants": ["bert"], "tasks": ["cola"], "protocol": "paper"},
}
COLA = {
    "dataset": "glue-cola",
    "reader": "glue",
    "options": {"task": "cola"},
    "labels": ["unacceptable", "acceptable"],
    "metric": "test/mcc",
}
GLUE = {"options": {"task": "cola"}, "labels": ("unacceptable", "acceptable")}


@pytest.fixture
def raw(tmp_path) -> Raw:
    return Raw(tmp_path)


def runs(**changes) -> Runs:
    values = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
    return Runs(load(overlay(overlay(values, {"tasks": {"cola": COLA}, "studies": STUDIES}), changes), ROOT))


def planned(of: Runs, stage: str, **wildcards: str) -> dict:
    return json.loads(of.plan(stage, **wildcards).spec)


# --- data ---------------------------------------------------------------------------------------------------------


def cola(count: int = 40) -> dict[str, str]:
    train = [f"x\t{n % 2}\t\tIt {n} is." for n in range(count)]
    return {"train.tsv": tsv(None, *train, train[0]), "dev.tsv": tsv(None, *filler(6, "x\t1\t\tGo {n}."), train[1])}


def test_all_of_train_is_kept_and_the_dev_set_is_both_validation_and_test(raw):
    made = raw.task("glue", cola(), validation_share=0, **GLUE)
    assert len(made["train"]) == 41, "repeated texts too, and those of the dev set"
    pd.testing.assert_frame_equal(made["validation"], made["test"])
    assert len(made["test"]) == 7
    notes = " ".join(raw.events("note"))
    assert "the public dev set, 7 examples, is validation and test" in notes
    assert "the texts of 1 of 41 train examples are in the reported set too" in notes


def test_under_ours_a_part_of_train_is_held_out_and_no_text_is_in_two_splits(raw):
    made = raw.task("glue", cola(), **GLUE)
    assert len(made["validation"]) == 4
    assert not set(made["train"]["text"]) & set(made["test"]["text"])


def test_both_protocols_report_the_same_examples_in_the_same_order(tmp_path):
    made = [
        Raw(tmp_path / str(n)).task("glue", cola(), **GLUE, **s) for n, s in enumerate([{}, {"validation_share": 0}])
    ]
    pd.testing.assert_frame_equal(made[0]["test"], made[1]["test"])


def test_a_source_that_has_a_dev_set_beside_test_keeps_both(raw):
    table = "text,label,split\n" + "".join(
        f"text {n},{'good' if n % 2 else 'bad'},{split}\n"
        for n, split in enumerate(["train"] * 10 + ["dev"] * 4 + ["test"] * 4)
    )
    made = raw.task("tsv", {"all.csv": table}, validation_share=0)
    assert [len(made[name]) for name in ("train", "validation", "test")] == [10, 4, 4]
    assert not set(made["validation"]["id"]) & set(made["test"]["id"])


@pytest.mark.parametrize(
    ("rows", "why"),
    [(["train"] * 20 + ["test"] * 8, "train and test alone"), ([""] * 28, "no splits")],
)
def test_a_source_without_a_public_dev_set_is_refused_with_the_remedy(raw, rows, why):
    column = ",split" if rows[0] else ""
    table = f"text,label{column}\n" + "".join(
        f"text {n},{'good' if n % 2 else 'bad'}{f',{split}' if split else ''}\n" for n, split in enumerate(rows)
    )
    with pytest.raises(UserError, match=why) as caught:
        raw.task("tsv", {"all.csv": table}, validation_share=0)
    assert "no public dev set" in str(caught.value)
    assert "take protocol: ours for this task" in str(caught.value)


# --- configuration ------------------------------------------------------------------------------------------------


def test_a_study_of_the_papers_protocol_has_tasks_and_runs_of_its_own():
    found = runs()
    assert found.config.studies["cola-paper"].tasks == ("cola-paper",)
    assert next(run.path for run in found.study("cola-paper")) == "results/finetune/bert/cola-paper/seed0"
    data = planned(found, "prepare_task", task="cola-paper")
    assert data == planned(found, "prepare_task", task="cola") | {"task": "cola-paper", "validation_share": 0.0}
    run = planned(found, "finetune", variant="bert", task="cola-paper", seed="0")
    assert run == planned(found, "finetune", variant="bert", task="cola", seed="0") | {"best_by": "mcc"}


def test_runs_under_ours_are_the_runs_that_they_were():
    """Names that were not there before stand in no specification of theirs."""
    found = runs()
    run = planned(found, "finetune", variant="bert", task="cola", seed="0")
    assert not {"best_by", "scale", "decay_all"} & run.keys()
    assert "protocol" not in planned(found, "tabulate_finetune", study="cola-ours")
    assert planned(found, "tabulate_finetune", study="cola-paper")["protocol"] == "paper"


def test_a_task_may_say_by_what_its_best_epoch_is_chosen():
    task = {"tasks": {"cola": {"best_by": "accuracy"}}}
    assert planned(runs(**task), "finetune", variant="bert", task="cola-paper", seed="0")["best_by"] == "accuracy"
    with pytest.raises(UserError, match=r"tasks.cola.best_by: unknown metric 'acuracy'.*accuracy"):
        runs(tasks={"cola": {"best_by": "acuracy"}})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"studies": {"cola-paper": {"protocol": "papers"}}}, r"unknown value 'papers'.*paper"),
        ({"studies": {"cola-paper": {"tasks": ["sentiment"]}}}, "reader 'vader' gives no public dev set"),
        ({"studies": {"cola-paper": {"tasks": ["kola"]}}}, "unknown task 'kola-paper'"),
        ({"tasks": {"cola-paper": COLA}}, "has the name that task 'cola' gets"),
        ({"tasks": {"cola": {"scale": 5}}}, "no numbers to scale"),
        ({"studies": {"cola-ours": {"beside": "cola-paper"}}}, "cola-ours is of protocol ours"),
        (
            {"studies": {"cola-paper": {"beside": "cola-ours", "variants": ["bert", "cogbert"]}}},
            "cola-ours lacks the variants cogbert",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_before_any_job(changes, message):
    with pytest.raises(UserError, match=message):
        runs(**changes)


def test_claims_of_papers_are_tested_under_every_protocol_that_a_study_has():
    variants = {"variants": ["bert", "cogbert"]}
    found = runs(studies={name: variants for name in STUDIES})
    planned_rows = found.tabulate_claims("").claims
    rows = {row.task: row for row in planned_rows if row.claim.startswith("beats-bert/")}
    assert {"cola", "cola-paper"} <= rows.keys()
    assert rows["cola-paper"].metric == "test/mcc"
    assert {run.task for run in found.claimed()} >= {"cola", "cola-paper"}


# --- tables -------------------------------------------------------------------------------------------------------


def finetuned(root: Path, task: str, seed: int, share: float, **chosen: float) -> Path:
    """A run with so many hits; returns its manifest."""
    directory = root / "results/finetune/bert" / task / f"seed{seed}"
    directory.mkdir(parents=True)
    labels = np.arange(300) % 2
    hits = np.random.default_rng(seed).random(300) < share
    columns = {
        "id": [f"dev-{n}" for n in range(300)],
        "label": labels,
        "prediction": np.where(hits, labels, 1 - labels),
    }
    table = pd.DataFrame(columns).assign(probability_no=0.5, probability_yes=0.5)
    table.to_parquet(directory / "predictions.parquet")
    (directory / "metrics.json").write_text(json.dumps({"test/accuracy": float(hits.mean()), **chosen}))
    return manifest.write(directory, [directory / "metrics.json", directory / "predictions.parquet"])


def study(root: Path) -> tuple[list[Path], list[Path]]:
    ours = [finetuned(root, "cola", seed, 0.7) for seed in range(3)]
    reported = {"best/epoch": 2.0, "best/reported": 1.0}
    return ours, [finetuned(root, "cola-paper", 10 + seed, 0.8, **reported) for seed in range(3)]


SHOWN = TaskInTables(labels=("no", "yes"), metric="test/accuracy")


def test_the_table_of_the_papers_protocol_has_the_median_and_says_what_was_chosen_on(tmp_path):
    read = [differences.read(path) for path in study(tmp_path)[1]]
    made = finetuning.table_of_variants(read, "bert", tasks={"cola-paper": SHOWN}, protocol="paper")
    values = sorted(run.metrics["test/accuracy"] for run in read)
    assert made["median"][0] == values[1]
    assert made["chosen"][0] == "best epoch, chosen on the reported set"
    assert list(made.columns).index("median") == list(made.columns).index("mean") + 2
    assert "chosen on the reported set, median 0." in finetuning.sentence(next(made.itertuples()))


def test_the_table_under_ours_is_what_it_was(tmp_path):
    read = [differences.read(path) for path in study(tmp_path)[0]]
    made = finetuning.table_of_variants(read, "bert", tasks={"cola": SHOWN})
    assert not {"median", "chosen"} & set(made.columns)
    assert "chosen" not in finetuning.sentence(next(made.itertuples()))


def test_words_for_how_weights_were_chosen(tmp_path):
    ours, paper = ([differences.read(path) for path in paths] for paths in study(tmp_path))
    assert protocols.chosen_on(ours) == protocols.LAST
    assert protocols.chosen_on(paper) == protocols.ON_REPORTED
    path = finetuned(tmp_path, "race-paper", 0, 0.7, **{"best/epoch": 2.0, "best/reported": 0.0})
    assert protocols.chosen_on([differences.read(path)]) == protocols.ON_VALIDATION


def test_the_difference_between_the_protocols_is_shown_and_repeats_to_the_byte(tmp_path, monkeypatch):
    ours, paper = study(tmp_path)
    spec = tabulate_protocols.TabulateProtocolsSpec(study="cola-paper", tasks={"cola": SHOWN})
    inputs = {"ours": ours, "paper": paper}
    a, b = run_twice(tabulate_protocols, spec, inputs, {"table": "protocols.tsv"}, tmp_path, monkeypatch)
    assert a == b
    made = pd.read_csv(tmp_path / "a/protocols.tsv", sep="\t")
    (row,) = made.itertuples()
    means = [np.mean([differences.read(path).metrics["test/accuracy"] for path in paths]) for paths in (ours, paper)]
    assert row.delta == pytest.approx(means[1] - means[0], abs=1e-4)
    assert row.ci_low < row.delta < row.ci_high
    assert (row.ours_chosen, row.paper_chosen) == (protocols.LAST, protocols.ON_REPORTED)
