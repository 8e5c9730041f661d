"""Building the DAG is cheap and says clearly what is wrong with the configuration."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

HEAVY = ("torch", "transformers", "spacy", "mlflow", "pandas", "pyarrow", "sklearn", "matplotlib", "numpy")


def test_the_rules_import_nothing_heavy():
    code = f"import scriptorium.config, scriptorium.runs, sys; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
@pytest.mark.parametrize(("seeds", "limit"), [(2, 3.0), (250, 10.0)])
def test_the_dag_builds_in_seconds(fresh, seeds, limit):
    """250 seeds x 4 variants make 1,000 fine-tuning runs."""
    start = time.monotonic()
    fresh.snakemake("-n", "--quiet", "all", "--config", f"seeds=[{','.join(map(str, range(seeds)))}]")
    assert time.monotonic() - start < limit


def test_a_typical_mistake_is_one_readable_paragraph(fresh):
    fresh.edit("config/config.yaml", "max_length: 32", "max_lenght: 32")
    done = fresh.snakemake("-n", check=False)
    assert done.returncode != 0
    assert "unknown key 'tasks.mood.max_lenght', did you mean 'max_length'?" in done.stdout
    assert "Traceback" not in done.stdout


def test_a_mistake_in_ones_own_file_names_that_file_too(fresh):
    (fresh.root / "config/mine.yaml").write_text("seeds: []\n")
    done = fresh.snakemake("-n", "--configfile", "config/mine.yaml", check=False)
    assert done.returncode != 0
    assert "config/config.yaml + config/mine.yaml: seeds: " in done.stdout


def test_an_unknown_variant_in_a_path_names_the_nearest(fresh):
    done = fresh.snakemake("-n", "results/finetune/cogbrt/mood/seed0/manifest.json", check=False)
    assert done.returncode != 0
    assert "unknown variant 'cogbrt', did you mean 'cogbert'?" in done.stdout


def test_a_results_directory_that_cannot_be_written_stops_before_any_job(fresh, monkeypatch):
    import os

    if os.geteuid() == 0:  # root may write anywhere: put a file in the way instead
        (fresh.root / "results").rename(fresh.root / "old")
        (fresh.root / "results").write_text("in the way")
    else:
        (fresh.root / "results").chmod(0o500)
    done = fresh.snakemake(check=False)
    assert done.returncode != 0
    assert "cannot be written" in done.stdout
    assert not (fresh.root / "resources").exists()
