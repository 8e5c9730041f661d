"""No value of a configuration, and no path that holds one, reaches a shell as anything but one word."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RULES = sorted((ROOT / "workflow/rules").glob("*.smk"))
SHELL = re.compile(r"\n    shell:\n((?:        .*\n|\n(?=        ))+)")


def commands(path: Path) -> list[str]:
    return ["\n".join(line for line in found.splitlines() if '"' in line) for found in SHELL.findall(path.read_text())]


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_every_placeholder_of_every_rule_is_quoted(path):
    text = path.read_text(encoding="utf-8")
    assert len(commands(path)) == len(re.findall(r"^    shell:", text, flags=re.MULTILINE))
    for command in commands(path):
        for placeholder in re.findall(r"(?<!\{)\{([^{}]+)\}(?!\})", command):
            assert placeholder.endswith(":q"), f"{path.name}: {{{placeholder}}} in {command}"
    assert not re.search(r"^    run:|shell\(", text, flags=re.MULTILINE)


def test_the_documented_rule_is_quoted_too():
    example = (ROOT / "docs/extending.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"    shell:\n((?:        .*\n)+)", example)
    assert re.findall(r"\{[^{}]+\}", command) and not re.search(r"\{[^{}]+(?<!:q)\}", command)


@pytest.mark.parametrize("name", ["results/x||touch PWNED||y", "results/x$(touch PWNED)", "results/x; touch 'PWNED'"])
def test_what_is_to_be_verified_is_a_path_and_no_command(fresh, name):
    """As in a configuration that somebody was sent."""
    folder = fresh.root / name
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text('{"files": []}')
    (fresh.root / "config/sent.yaml").write_text(f"verify: [{name!r}]\n".replace("\\'", "''"))
    done = fresh.snakemake("verify", "--configfile", "config/sent.yaml", check=False)
    assert "there is no readable run.json" in done.stdout, done.stdout[-2000:]
    assert not (fresh.root / "PWNED").exists()
