"""Proves that GLUE's test files are made as its server takes them, and that what it would not take is refused."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from scriptorium import manifest
from scriptorium.config.loading import load
from scriptorium.errors import UserError
from scriptorium.runs import Runs
from scriptorium.spec import overlay
from scriptorium.tasks import glue_submission
from scriptorium.tasks.glue_submission import FILES, as_wanted, check, median_seed
from scriptorium.tasks.glue_test_sets import test_sets as read_test_sets
from scriptorium.tasks.readers.glue import FORMATS
from tests.own_data import own

ROOT = Path(__file__).parents[2]
NLI = FORMATS["mnli"].labels


def files(folder: Path, **content: str) -> Path:
    """A data set of .tsv files; returns its manifest."""
    paths = []
    for name, text in content.items():
        paths.append(folder / f"{name}.tsv")
        paths[-1].write_text(text, encoding="utf-8")
    return manifest.write(folder, paths)


# --- test sets ----------------------------------------------------------------------------------------------------


def test_test_sets_are_read_in_every_form_in_which_they_are_published(tmp_path):
    (made,) = read_test_sets(files(tmp_path, test="index\tsentence\n0\tGo.\n1\tIt is.\n"), "cola").items()
    assert made[0] == "CoLA.tsv"
    assert made[1].values.tolist() == [[0, "Go.", None], [1, "It is.", None]]


def test_compressed_files_and_those_of_the_hub_are_read(tmp_path):
    packed, hub = tmp_path / "test.tsv.gz", tmp_path / "hub/test-00000-of-00001.parquet"
    packed.write_bytes(gzip.compress(b"id\tquestion1\tquestion2\n0\tWho?\tWhy?\n"))
    found = read_test_sets(manifest.write(tmp_path, [packed]), "qqp")["QQP.tsv"]
    assert found.values.tolist() == [[0, "Who?", "Why?"]]
    hub.parent.mkdir()
    pd.DataFrame({"sentence1": ["a"], "sentence2": ["b"], "label": [-1], "idx": [0]}).to_parquet(hub)
    assert read_test_sets(manifest.write(hub.parent, [hub]), "rte")["RTE.tsv"].values.tolist() == [[0, "a", "b"]]


def test_one_model_of_mnli_predicts_both_test_sets_and_the_diagnostic_one(tmp_path):
    row = "index\tsentence1\tsentence2\n0\tA.\tB.\n"
    made = read_test_sets(files(tmp_path, test_matched=row, test_mismatched=row, diagnostic=row), "mnli")
    assert list(made) == ["MNLI-m.tsv", "MNLI-mm.tsv", "AX.tsv"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("index\tsentence\n0\tGo.\n2\tIt is.\n", "does not number the rows from 0 to 1"),
        ("index\tsentence\n0\tGo.\n1\n", r"test.tsv, line 3: 1 cells, and the header has 2"),
        ("index\ttext\n0\tGo.\n", "no column sentence among index, text"),
        ("sentence\nGo.\n", "no column index or idx or id"),
    ],
)
def test_a_test_set_that_cannot_be_predicted_is_refused(tmp_path, content, message):
    with pytest.raises(UserError, match=message):
        read_test_sets(files(tmp_path, test=content), "cola")


def test_a_data_set_without_a_test_set_is_refused_with_the_remedy(tmp_path):
    with pytest.raises(UserError, match=r"no test file among train.tsv\n.*add GLUE's test file"):
        read_test_sets(files(tmp_path, train="a\t1\t\tGo.\n"), "cola")


@pytest.mark.parametrize(("task", "folder"), [("mrpc", "MRPC"), ("stsb", "STS-B"), ("wnli", "WNLI")])
def test_the_published_test_sets_have_the_rows_that_the_server_wants(tmp_path, task, folder):
    source = own(f"glue/{folder}/test.tsv")
    (tmp_path / "test.tsv").write_bytes(source.read_bytes())
    ((file, rows),) = read_test_sets(manifest.write(tmp_path, [tmp_path / "test.tsv"]), task).items()
    assert len(rows) == FILES[file].rows


# --- predictions --------------------------------------------------------------------------------------------------


def test_classes_stand_by_name_or_number_as_the_server_wants_and_scores_between_0_and_5():
    logits = np.array([[0.0, 2.0], [3.0, 1.0]])
    assert as_wanted("QNLI.tsv", logits, FORMATS["qnli"].labels) == ["not_entailment", "entailment"]
    assert as_wanted("RTE.tsv", logits, FORMATS["rte"].labels) == ["not_entailment", "entailment"]
    assert as_wanted("WNLI.tsv", logits, FORMATS["wnli"].labels) == ["1", "0"]
    assert as_wanted("CoLA.tsv", logits, FORMATS["cola"].labels) == ["1", "0"]
    assert as_wanted("AX.tsv", np.eye(3), NLI) == ["entailment", "neutral", "contradiction"]
    assert as_wanted("STS-B.tsv", np.array([[-0.2], [2.5], [5.4]]), ()) == ["0.000", "2.500", "5.000"]


@pytest.mark.parametrize("file", FILES)
def test_what_is_written_passes_the_check_of_its_format(tmp_path, file):
    labels, rows = FORMATS[FILES[file].task].labels, FILES[file].rows
    logits = np.random.default_rng(0).normal(size=(rows, max(len(labels), 1)))
    order = np.random.default_rng(1).permutation(rows)
    path = glue_submission.write(tmp_path, file, order, as_wanted(file, logits, labels))
    check(path, labels)
    first, second = path.read_text().splitlines()[:2]
    assert first == "index\tprediction"
    expected = as_wanted(file, logits[[int(np.flatnonzero(order == 0)[0])]], labels)
    assert second == f"0\t{expected[0]}", "a prediction stays with its row"


def damaged(text: str, line: int, new: str) -> str:
    lines = text.splitlines()
    lines[line - 1] = new
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("file", "line", "new", "message"),
    [
        ("RTE.tsv", 1, "index\tlabel", "line 1: the header is index label"),
        ("RTE.tsv", 3, "1\t1", "line 3: prediction '1' is none that the server takes"),
        ("CoLA.tsv", 3, "1\tacceptable", "line 3: prediction 'acceptable' is none"),
        ("CoLA.tsv", 3, "1\t2", "line 3: prediction '2' is none"),
        ("STS-B.tsv", 4, "2\t5.2", "line 4: prediction '5.2' is none"),
        ("STS-B.tsv", 4, "2\tnan", "line 4: prediction 'nan' is none"),
        ("WNLI.tsv", 5, "9\t1", "line 5: expected index 3 and a prediction, not '9 1'"),
        ("WNLI.tsv", 5, "3", "line 5: expected index 3 and a prediction, not '3'"),
    ],
)
def test_the_check_names_the_line_that_the_server_would_not_take(tmp_path, file, line, new, message):
    labels, rows = FORMATS[FILES[file].task].labels, FILES[file].rows
    path = glue_submission.write(
        tmp_path, file, range(rows), as_wanted(file, np.ones((rows, max(len(labels), 1))), labels)
    )
    check(path, labels)
    path.write_text(damaged(path.read_text(), line, new))
    with pytest.raises(UserError, match=message):
        check(path, labels)


def test_the_check_counts_the_rows_and_knows_the_files(tmp_path):
    path = glue_submission.write(tmp_path, "WNLI.tsv", range(145), ["0"] * 145)
    with pytest.raises(UserError, match="145 predictions, and GLUE's test set has 146"):
        check(path, FORMATS["wnli"].labels)
    with pytest.raises(UserError, match="GLUE has no such test file"):
        check(path.rename(tmp_path / "MNLI.tsv"), NLI)


def test_the_archive_holds_the_files_at_its_top_and_repeats_to_the_byte(tmp_path):
    paths = [glue_submission.write(tmp_path, name, range(2), ["0", "1"]) for name in ("WNLI.tsv", "CoLA.tsv")]
    first = glue_submission.pack(tmp_path, paths).read_bytes()
    assert zipfile.ZipFile(tmp_path / "submission.zip").namelist() == ["CoLA.tsv", "WNLI.tsv"]
    assert glue_submission.pack(tmp_path, paths).read_bytes() == first


def test_the_median_seed_is_the_middle_one():
    assert median_seed({0: 0.9, 1: 0.5, 2: 0.7}) == 2
    assert median_seed({0: 0.9, 1: 0.5, 2: 0.7, 3: 0.6}) == 3
    assert median_seed({4: 0.7, 2: 0.7, 1: 0.7}) == 1
    assert median_seed({3: 0.1}) == 3


def test_the_page_on_protocols_names_every_file_with_its_rows():
    page = (ROOT / "docs/protocols.md").read_text(encoding="utf-8")
    lines = [line for line in page.splitlines() if line.startswith("| `") and ".tsv`" in line]
    found = {}
    for names, rows, _ in (line.strip("| ").split(" | ") for line in lines):
        files = [name.strip("` ") for name in names.split(",")]
        found |= dict(zip(files, [int(count.replace(",", "")) for count in rows.split(", ")], strict=True))
    assert found == {name: wanted.rows for name, wanted in FILES.items()}


# --- configuration ------------------------------------------------------------------------------------------------


def runs(**changes) -> Runs:
    values = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
    wnli = {
        "dataset": "glue-wnli",
        "reader": "glue",
        "options": {"task": "wnli"},
        "labels": ["not_entailment", "entailment"],
    }
    study = {"baseline": "bert", "variants": ["bert"], "tasks": ["wnli"], "protocol": "paper", "glue_submission": True}
    given = {"tasks": {"wnli": wnli, "wnli-again": wnli}, "studies": {"glue": study}}
    return Runs(load(overlay(overlay(values, given), changes), ROOT))


def test_a_study_that_predicts_test_files_keeps_its_models_and_no_other_does():
    found = runs(studies={"plain": {"baseline": "bert", "variants": ["bert"], "tasks": ["wnli"]}})
    assert found.submissions() == ["results/glue_submission/glue/bert/manifest.json"]
    assert found.finetune("bert", "wnli-paper", "0").save_model
    assert not found.finetune("bert", "wnli", "0").save_model
    with pytest.raises(UserError, match="no study predicts GLUE's test files"):
        runs(studies={"glue": {"glue_submission": False}}).submissions()
    spec = found.predict_glue("glue", "bert")
    assert spec.tasks["wnli-paper"].glue == "wnli"
    assert found.submission_sources("glue") == ["resources/glue-wnli/manifest.json"]
    with pytest.raises(UserError, match=r"plain does not predict GLUE's test files\n.*glue_submission: true"):
        found.predict_glue("plain", "bert")


@pytest.mark.parametrize(
    ("study", "message"),
    [
        ({"tasks": ["wnli", "sentiment"], "protocol": "ours"}, "sentiment of this study is no task of GLUE"),
        ({"tasks": ["wnli", "wnli-again"]}, "two tasks of this study are GLUE's wnli"),
        ({"variants": ["bert", "cogbert"]}, "cogbert reads annotated words"),
    ],
)
def test_a_study_that_cannot_predict_test_files_is_refused_before_any_job(study, message):
    with pytest.raises(UserError, match=message):
        runs(studies={"glue": study})
