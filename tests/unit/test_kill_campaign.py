"""The kill campaign sees a byte that differs and a run that is missing, and says what it killed."""

from __future__ import annotations

import shutil

from scriptorium import ledger, manifest
from tests.kill_campaign import MAIN, Campaign, compare, kills_table
from tests.workflow.miniature import Project


def run(project: Project, name: str, text: str) -> None:
    folder = project.root / name
    journal = ledger.Ledger.open(folder, key="k", stage="fetch")
    (folder / "a.txt").write_text(text)
    manifest.write(folder, [folder / "a.txt"])
    journal.finish(ledger.FINISHED)


def test_differences_are_found_in_files_in_manifests_and_in_what_is_there(tmp_path):
    whole, broken = Project(tmp_path / "whole"), Project(tmp_path / "broken")
    for project in (whole, broken):
        for name in ("results/tables/one", "resources/two"):
            run(project, name, "same")
    different, manifests, size = compare(whole, broken)
    assert (different, manifests) == ([], 2)
    assert size == 2 * (len("same") + (whole.root / "resources/two/manifest.json").stat().st_size)
    (broken.root / "resources/two/a.txt").write_text("else")
    assert compare(whole, broken)[0] == ["resources/two/a.txt"]
    run(broken, "resources/two", "longer")
    assert compare(whole, broken)[0] == ["resources/two/manifest.json", "resources/two/a.txt"]
    shutil.rmtree(broken.root / "results/tables/one")
    assert "results/tables/one/manifest.json" in compare(whole, broken)[0]


def test_what_was_killed_is_kept_and_counted(tmp_path):
    campaign = Campaign(tmp_path, seed=0)
    campaign.note(0, "fetch", 1.25)
    campaign.note(1, MAIN, 20.0)
    campaign.note(1, "fetch", 0.5)
    shown = kills_table(Campaign(tmp_path, seed=0).kills(), {"fetch": 6.2})
    assert shown.splitlines()[2:] == ["| fetch | 2 | 0.5, 1.2 | 6 |", f"| {MAIN} | 1 | 20.0 |  |"]
