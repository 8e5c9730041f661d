"""One folder for everything: another one is refused while the plan is made, and results may lie on another disk."""

from __future__ import annotations

import os
import shutil

from tests.workflow.miniature import Project


def refused(done, sentence: str) -> bool:
    assert done.returncode != 0 and "Traceback" not in done.stdout
    return any(line.startswith(sentence) for line in done.stdout.splitlines())


def test_another_working_directory_is_refused_in_one_line(fresh, tmp_path):
    """The plan would come from the project's tables, and the jobs would read those of the other folder."""
    other = tmp_path / "other"
    shutil.copytree(fresh.root / "config", other / "config")
    said = f"Scriptorium works in its own folder and not in {other}: type `cd {fresh.root}` and leave out --directory"
    assert refused(fresh.snakemake("--directory", str(other), check=False), said)
    snakefile = os.path.relpath(fresh.root / "Snakefile", other)
    assert refused(Project(other).snakemake("--snakefile", snakefile, check=False), said)
    assert not (other / "results").exists() and not (fresh.root / "results/data").exists()


def test_a_folder_whose_name_no_database_can_stand_is_refused_by_name(fresh, tmp_path):
    odd = Project(fresh.root.rename(tmp_path / "what?"))
    done = odd.snakemake("track", check=False)
    assert refused(done, f"the folder {odd.root} has a question mark in its name")


def test_the_project_may_be_reached_by_a_link_and_its_results_lie_on_another_disk(fresh, tmp_path):
    for name in ("results", "resources"):
        (tmp_path / "disk" / name).mkdir(parents=True)
        shutil.rmtree(fresh.root / name, ignore_errors=True)
        (fresh.root / name).symlink_to(tmp_path / "disk" / name)
    (tmp_path / "link").symlink_to(fresh.root)
    linked = Project(tmp_path / "link")
    linked.snakemake("results/data/mood/manifest.json")
    assert (tmp_path / "disk/results/data/mood/manifest.json").is_file()
    assert "Nothing to be done" in linked.snakemake("results/data/mood/manifest.json").stdout
