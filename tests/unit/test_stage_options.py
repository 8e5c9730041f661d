"""Proves that options which a configuration gives as one text are read as if each had been typed."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("--workers 2 --nonsense", "unrecognized arguments: --nonsense"),
        ("--workers two", "argument --workers: invalid"),
    ],
)
def test_options_of_a_text_are_options(tmp_path, text, said):
    command = [sys.executable, "-m", "scriptorium.stages.fetch", "--spec", "{}", "--out", str(tmp_path)]
    done = subprocess.run([*command, f"--options={text}"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert said in done.stderr
