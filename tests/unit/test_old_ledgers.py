"""A ledger that the version before has written is read, and it is said so; one of a later version is named."""

from __future__ import annotations

import pytest

from scriptorium import finished, ledger, manifest, track
from scriptorium.tracking import records
from scriptorium.tracking.audit import audit
from scriptorium.tracking.store import locate
from tests.fabricate import Project, build

SINCE = ("format", "events")  # what run.json of the version before did not hold


@pytest.fixture
def project(tmp_path, monkeypatch) -> Project:
    made = build(tmp_path / "project")
    monkeypatch.chdir(made.root)
    return made


def aged(project: Project, **changes: object) -> None:
    """Its ledger as the version before has written it, or with other changes."""
    directory = project.directory(project.runs.finetuning[0])
    record = ledger.read_record(directory)
    old = {key: value for key, value in record.items() if key not in SINCE}
    old["git"] = {key: value for key, value in record["git"].items() if key != "patch"}
    manifest.write_json(directory / "run.json", old | changes)


def test_a_ledger_of_the_version_before_is_mirrored_audited_and_still_finished(project, capsys):
    run = project.runs.finetuning[0]
    directory = project.add(run, key="a" * 16)
    project.add(project.runs.finetuning[1])
    assert ledger.read_record(directory)["format"] == ledger.FORMAT
    aged(project)
    assert track.main(["import"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("2 ledgers are in MLflow")
    assert "1 of them were written by an earlier version, and are read as they are" in out
    audit(project.results, project.runs, locate(None, project.results))
    out = capsys.readouterr().out
    assert "1 ledgers were written by an earlier version" in out
    assert "unreadable" not in out and "not mirrored" not in out
    assert finished.restored(directory, "a" * 16), "it is not computed again"
    assert records.of_an_earlier_version(records.read(directory)[0]) == (
        f"written by an earlier version (format 1, now {ledger.FORMAT})"
    )


@pytest.mark.parametrize("number", [ledger.FORMAT + 1, 0, "2", None])
def test_an_unknown_format_is_named_with_file_and_remedy(project, capsys, number):
    project.add(project.runs.finetuning[0])
    aged(project, format=number)
    _, fault = records.read(project.directory(project.runs.finetuning[0]))
    assert f"its format is {str(number)!r}, and this version reads 1 to {ledger.FORMAT}" in fault
    assert "remedy" in fault
