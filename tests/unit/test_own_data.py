"""Proves that the root of one's own data decides nothing but where they are looked for."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scriptorium import own_data
from scriptorium.config.loading import read_catalogue
from scriptorium.errors import UserError

REPOSITORY = Path(__file__).parents[2]
ROW = {"name": "lab", "location": "gaze/lab.csv", "citation": "Reader 2020", "licence": "CC0"}


def test_a_row_gives_the_place_below_the_root_and_the_environment_goes_first(monkeypatch):
    assert own_data.place("geco_nl", "data") == Path("data/geco_nl")
    monkeypatch.setenv("SCRIPTORIUM_DATA_ROOT", "/scratch/corpora")
    assert own_data.place("geco_nl", "data") == Path("/scratch/corpora/geco_nl")


def test_an_absolute_path_and_one_in_the_home_stay_what_they_are(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")
    assert own_data.place("/lab/words.csv", "data") == Path("/lab/words.csv")
    assert own_data.place("~/words.csv", "data") == Path("/home/ada/words.csv")
    assert own_data.place("words.csv", "~/corpora") == Path("/home/ada/corpora/words.csv")


@pytest.mark.parametrize(("variable", "named"), [("", "data_root, now {}"), ("{}", "SCRIPTORIUM_DATA_ROOT, now {}")])
def test_what_is_missing_is_named_with_row_place_origin_and_root(tmp_path, monkeypatch, variable, named):
    monkeypatch.setenv("SCRIPTORIUM_DATA_ROOT", variable.format(tmp_path))
    (tmp_path / "gaze").mkdir()
    (tmp_path / "gaze/lap.csv").touch()
    with pytest.raises(UserError) as caught:
        own_data.find(ROW, str(tmp_path))
    said = str(caught.value)
    assert said.startswith("config/datasets.tsv, data set 'lab': these data are yours to bring")
    assert f"no file or folder {tmp_path}/gaze/lab.csv, did you mean 'lap.csv'?" in said
    assert "put your copy there (Reader 2020; CC0; docs/data.md says where to get it)" in said
    assert f"({named.format(tmp_path)})" in said


def test_two_people_with_different_roots_get_the_same_key_and_another_content_gives_another(tmp_path):
    def fetched(root: Path, text: str, where: str) -> tuple[str, str]:
        (root / where).mkdir(parents=True, exist_ok=True)
        (root / where / "words.csv").write_text(text, encoding="utf-8")
        spec = json.dumps({"name": "lab", "source": "file", "location": "lab"})
        command = [sys.executable, "-m", "scriptorium.stages.fetch", "--spec", spec, "--out", "resources/lab"]
        subprocess.run([*command, "--input", f"own={where}"], cwd=root, check=True, capture_output=True)
        record = json.loads((root / "resources/lab/run.json").read_text())
        return record["key"], (root / "resources/lab/words.csv").read_text()

    here, there = fetched(tmp_path / "a", "once\n", "data/lab"), fetched(tmp_path / "b", "once\n", "far/away/lab")
    assert here == there
    shutil.rmtree(tmp_path / "b")
    other = fetched(tmp_path / "b", "twice\n", "far/away/lab")
    assert other[0] != here[0] and other[1] == "twice\n"


def test_every_own_data_set_of_the_catalogue_is_documented_with_its_place_and_licence():
    page = (REPOSITORY / "docs/data.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line[:3] == "| `"]
    documented = {name.strip("`"): (place.strip("`"), licence) for name, _, place, licence in rows}
    catalogue = read_catalogue(REPOSITORY / "config/datasets.tsv")
    own = {name: (row["location"], row["licence"]) for name, row in catalogue.items() if row["source"] == "file"}
    assert documented == own
    assert not [place for place, _ in own.values() if re.match(r"[./~]", place)], "places lie below the root"
