"""Every file that the report names is made again when it is deleted, by the command that everybody types."""

from __future__ import annotations


def test_deleted_figure_is_made_again_and_the_report_with_it(project):
    figures = sorted((project.root / "results/figures").iterdir())
    before = {path: path.read_bytes() for path in figures}
    assert len(before) >= 3
    for path in figures:
        path.unlink()
    planned = project.snakemake("-n").stdout
    assert "attention_maps" in planned and "tabulate_finetune" in planned
    project.snakemake("tables", "results/report.html")  # not the mirror: a copied database is refused
    assert {path: path.read_bytes() for path in figures} == before
    assert (project.root / "results/report.html").exists()


def test_one_deleted_figure_is_planned_alone(project):
    path = project.root / "results/figures/finetune_moods.svg"
    path = path if path.exists() else next((project.root / "results/figures").glob("finetune_*.svg"))
    path.unlink()
    planned = project.snakemake("-n", "tables").stdout
    assert "tabulate_finetune" in planned and "rule pretrain:" not in planned
