"""What README.md and docs/extending.md tell people to type works: examples plan the runs that they promise, and tables
are the project's."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from snakemake.cli import get_argument_parser

from scriptorium.config.loading import read_catalogue
from tests.workflow.miniature import REPOSITORY, copy_repository

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
EXTENDING = (REPOSITORY / "docs/extending.md").read_text(encoding="utf-8")
SNAKEFILE = (REPOSITORY / "Snakefile").read_text(encoding="utf-8")

EXAMPLES = {
    "A task": {"results/finetune/bert/reviews/seed0", "results/finetune/cogbert/reviews/seed1", "resources/reviews"},
    "A gaze corpus": {"results/gaze/regressor/regressor-both/seed1", "results/gaze/corpora/lab"},
    "A backbone": {"results/finetune/bert-base/sentiment/seed0", "results/finetune/cogbert-base/paraphrase/seed1"},
    "A corpus": {
        "results/pretrain/mpnet-own/seed1",
        "results/data/vocabularies/own-8k",
        "results/finetune/tuned-own/sentiment/seed1",
    },
    "An ablation": {"results/finetune/cogbert-spans/sentiment/seed4", "results/finetune/bert/paraphrase/seed3"},
}


def example(heading: str) -> str:
    """The one shell block below a heading."""
    section = re.search(rf"^### {heading}\n(.*?)(?=^##)", EXTENDING, flags=re.MULTILINE | re.DOTALL)[1]
    (block,) = re.findall(r"```sh\n(.*?)```", section, flags=re.DOTALL)
    return block


@pytest.mark.parametrize("heading", EXAMPLES)
def test_an_example_can_be_pasted_and_plans_what_it_promises(heading, tmp_path):
    copy_repository(tmp_path)
    for own in ("reviews.tsv", "lab.csv", "texts.txt"):
        (tmp_path / "data").mkdir(exist_ok=True)
        (tmp_path / "data" / own).touch()
    dry = f'set -eu\nsnakemake() {{ "{sys.executable}" -m snakemake --dry-run "$@"; }}\n'
    done = subprocess.run(
        ["bash", "-c", dry + example(heading)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert [run for run in EXAMPLES[heading] if f"{run}/manifest.json" not in done.stdout] == []


def test_every_public_target_is_documented_and_every_documented_target_exists():
    local = re.search(r"^localrules:\n(.*?)\n\n", SNAKEFILE, flags=re.MULTILINE | re.DOTALL)[1]
    public = set(re.findall(r"\w+", local)) - {"all"} | {"report", "track", "audit", "verify"}
    public |= {"cogbert", "mpnet", "veco", "veco2", "objectives", "check_statistics"}
    public |= {"bench_cogbert", "bench_pretrain", "bench_crosslingual"}
    documented = set(re.findall(r"^\| `snakemake (\w+)` \|", README, flags=re.MULTILINE))
    assert documented == public


def test_every_embedded_data_set_is_listed_with_its_licence():
    listed = {}
    for line in re.search(r"## What is embedded(.*?)^## ", README, flags=re.MULTILINE | re.DOTALL)[1].splitlines():
        if line.startswith("| ") and not line.startswith(("| name", "| ---")):
            name, _, licence, _ = (cell.strip() for cell in line.strip("|").split("|"))
            listed[name] = licence
    catalogue = read_catalogue(REPOSITORY / "config/datasets.tsv")
    assert listed == {name: row["licence"] for name, row in catalogue.items() if row["source"] == "package"}


def command_lines() -> list[str]:
    """Every `snakemake ...` of the documentation, the configuration's comments and the CI script."""
    pages = [
        REPOSITORY / ".ci/run",
        *REPOSITORY.glob("*.md"),
        *REPOSITORY.glob("docs/*.md"),
        *REPOSITORY.glob("config/*.*"),
    ]
    found = []
    for page in pages:
        for line in page.read_text(encoding="utf-8").splitlines():
            for command in re.findall(r"`(snakemake [^`]+)`", line) or re.findall(r"(?:^|^# +|/)(snakemake .+)", line):
                found.append(re.split(r"\s#|\s{3,}", command)[0])
    return found


def test_no_documented_command_swallows_its_target():
    # several options of Snakemake take every word that follows: `--configfile a.yaml mpnet` reads a file named mpnet
    parser = get_argument_parser()
    lines = command_lines()
    assert len(lines) > 40
    for line in lines:
        known, _ = parser.parse_known_args(shlex.split(line)[1:])
        for file in known.configfile or []:
            assert Path(file).suffix == ".yaml", line
        assert all("=" in pair for pair in known.config or []), line


def test_every_link_leads_to_a_file_of_the_project():
    pages = [REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "config/README.md", "results/README.md")]
    pages += sorted((REPOSITORY / "docs").rglob("*.md"))
    broken = []
    for page in pages:
        for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
            if "://" not in target and not (page.parent / target).exists():
                broken.append(f"{page.name}: {target}")
    assert broken == []


def test_the_first_page_is_short():
    assert len(README.splitlines()) <= 150
