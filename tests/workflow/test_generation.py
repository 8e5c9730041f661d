"""A generation study in the miniature project: from raw lines and running text to table, page, claims and MLflow."""

from __future__ import annotations

import csv

import pytest
import yaml

from tests.workflow.miniature import SENTENCES, TITLES, Project, build, write_news

pytest.importorskip("rouge_score")

VARIANTS = {
    "tiny-bart": "pretrain-bart\t{}",
    "tiny-gpt2": "pretrain-gpt2\t{}",
    "writes-bart": "generate\t{backbone: tiny-bart, beams: 2}",
    "writes-gpt2": "generate\t{backbone: tiny-gpt2, beams: 2}",
    "writes-random": "generate\t{backbone: tiny-bart, reinitialise: true, beams: 2}",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    made = build(tmp_path_factory.mktemp("generation"))
    pairs = [(SENTENCES[n % 24], SENTENCES[(5 * n + 1) % 24]) for n in range(60)]
    write_news(made.root / "assets/news.jsonl", pairs)
    with (made.root / "config/datasets.tsv").open("a", encoding="utf-8") as table:
        table.write("news\t-\tfile\tnews.jsonl\t\t\t\tCC0\ttests\t\n")
    with (made.root / "config/ablations.tsv").open("a", encoding="utf-8") as table:
        table.writelines(f"{name}\t{row}\tours\tours\ttests\n" for name, row in VARIANTS.items())
    path = made.root / "config/recipes/generate.yaml"
    recipe = yaml.safe_load(path.read_text(encoding="utf-8"))
    recipe["train"] |= {"max_steps": 6, "batch_size": 8, "log_every": 2, "eval_every": 3}
    path.write_text(yaml.safe_dump(recipe, sort_keys=False), encoding="utf-8")
    path = made.root / "config/config.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    config["generation"] = {"titles": TITLES}
    config["generation_studies"] = {
        "news": {
            "baseline": "writes-random",
            "variants": ["writes-random", "writes-bart", "writes-gpt2"],
            "generation": ["titles"],
            "seeds": [0],
            "samples": 3,
        }
    }
    path.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    return made


def test_a_study_goes_from_raw_lines_to_its_table_its_page_and_mlflow(project):
    project.snakemake("results/tables/generate_news.tsv")
    with (project.root / "results/tables/generate_news.tsv").open() as handle:
        rows = list(csv.DictReader(handle, delimiter="\t"))
    assert [(row["metric"], row["variant"]) for row in rows] == [
        (metric, variant)
        for metric in ("ROUGE-L", "perplexity")
        for variant in ("writes-random", "writes-bart", "writes-gpt2")
    ]
    assert {row["verdict"] for row in rows} == {"baseline", "one seed: no verdict"}
    page = (project.root / "results/figures/generate_news.html").read_text(encoding="utf-8")
    assert page.count("<h3>") == 3 and "writes-gpt2" in page
    events = (project.root / "results/runs/tables/generate_news/events.jsonl").read_text(encoding="utf-8")
    assert "generate_news.html" in events, "the mirror uploads what the journal names"
    assert "Nothing to be done" in project.snakemake("results/tables/generate_news.tsv").stdout
    project.edit("config/config.yaml", "samples: 3", "samples: 2")
    assert project.planned("results/tables/generate_news.tsv") == {"results/runs/tables/generate_news"}
