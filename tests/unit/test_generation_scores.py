"""Proves scores of written texts by cases computed by hand, and the table, the claims and the page of a study."""

from __future__ import annotations

import json
from typing import get_args

import numpy as np
import pandas as pd
import pytest

from scriptorium import manifest
from scriptorium.errors import UserError
from scriptorium.generation import metrics, rouge
from scriptorium.generation.spec import Metric
from scriptorium.reporting import claims, headlines, samples, written
from scriptorium.reporting.claimed import Written
from scriptorium.reporting.spec import ClaimRow
from scriptorium.stages import tabulate_generation
from tests import tiny

pytest.importorskip("rouge_score")
pytest.importorskip("sacrebleu")

COUNT, SEEDS = 80, 3
MEASURED = written.Measured(("ROUGE-L", "perplexity"), "13a")


@pytest.mark.parametrize(
    ("hypothesis", "reference", "expected"),
    [
        ("the cat sat", "the cat sat", {"ROUGE-1": 1, "ROUGE-2": 1, "ROUGE-L": 1, "exact": 1}),
        # common words: the, cat; of 4 and 3: 2 / 4, 2 / 3 -> 4 / 7. Pairs: the cat; 1 / 3, 1 / 2 -> 2 / 5
        ("the cat ran off", "the cat sat", {"ROUGE-1": 4 / 7, "ROUGE-2": 2 / 5, "ROUGE-L": 4 / 7, "exact": 0}),
        # all words, but the longest sequence in order is of two; without articles both are the same
        ("sat cat the", "the sat cat", {"ROUGE-1": 1, "ROUGE-2": 1 / 2, "ROUGE-L": 2 / 3, "exact": 1}),
        ("", "the cat", {"ROUGE-1": 0, "ROUGE-2": 0, "ROUGE-L": 0, "exact": 0}),
        ("Cats, running!", "cat runs", {"ROUGE-1": 1, "ROUGE-2": 1, "ROUGE-L": 1, "exact": 0}),  # stemmed
        ("The cat.", "a CAT", {"ROUGE-1": 1 / 2, "ROUGE-2": 0, "ROUGE-L": 1 / 2, "exact": 1}),  # as SQuAD compares
    ],
)
def test_overlap_is_what_it_is_by_hand(hypothesis, reference, expected):
    for kind in rouge.KINDS:
        assert rouge.f_measures([hypothesis], [reference], kind)[0] == pytest.approx(expected[kind]), kind
    assert rouge.exact([hypothesis], [reference])[0] == expected["exact"]


def test_metrics_of_a_corpus_are_means_and_perplexity_is_of_all_pieces():
    texts = pd.DataFrame({"hypothesis": ["the cat ran off", "a b"], "reference": ["the cat sat", "a b"]})
    texts = texts.assign(loss=[2.0, 4.0], pieces=[1, 5])
    assert metrics.of_corpus(texts, "ROUGE-L", "13a") == pytest.approx(100 * (4 / 7 + 1) / 2)
    assert metrics.of_corpus(texts, "exact match", "13a") == 50
    assert metrics.of_corpus(texts, "perplexity", "13a") == pytest.approx(np.exp(6 / 6))
    assert set(metrics.METRICS) == set(get_args(Metric)), "what may be configured is what there is"
    assert [name for name, own in metrics.METRICS.items() if own.lower_better] == ["perplexity"]


def test_unequal_counts_are_refused():
    for score in (rouge.exact, lambda a, b: rouge.f_measures(a, b, "ROUGE-1")):
        with pytest.raises(UserError, match="2 hypotheses and 1 references"):
            score(["a", "b"], ["a"])


def run(root, variant: str, seed: int, share: float, loss: float, count: int = COUNT, extra: str = ""):
    """A run that gets this share of the words right, with so many nats per reference."""
    generator, own = np.random.default_rng(0), np.random.default_rng([seed, len(variant)])
    words = np.array(tiny.WORDS)
    chosen = [generator.integers(40, size=6) for _ in range(count)]
    wrong = [np.where(own.random(6) < share, each, own.integers(40, 80, 6)) for each in chosen]
    texts = {"reference": chosen, "hypothesis": wrong, "source": [each + 41 for each in chosen]}
    table = pd.DataFrame({name: [" ".join(words[each]) + extra for each in rows] for name, rows in texts.items()})
    table = table.assign(id=[f"e{n}" for n in range(count)], lead=table["source"], pieces=6)
    table["loss"] = own.normal(loss, 0.5, count)
    folder = root / "generate" / variant / "headlines" / f"seed{seed}"
    folder.mkdir(parents=True)
    table.to_parquet(folder / "hypotheses.parquet")
    (folder / "metrics.json").write_text(json.dumps({"test/ROUGE-L": 0.0, "signature/ROUGE-L": "r"}))
    return manifest.write(folder, sorted(folder.glob("*.*")))


@pytest.fixture
def runs(tmp_path):
    kinds = (("random", 0.3, 12.0), ("bart-tuned", 0.7, 9.0), ("nothing", 0.0, 13.0))
    return [run(tmp_path, name, seed, share, loss) for name, share, loss in kinds for seed in range(SEEDS)]


def test_the_table_finds_who_is_better_also_where_less_is_better(runs, tmp_path, monkeypatch):
    values = {"metrics": ["ROUGE-L", "perplexity"]}
    spec = tabulate_generation.TabulateGenerationSpec.parse(
        {"study": "news", "baseline": "random", "generation": {"headlines": values}, "samples": 3}
    )
    names = {"table": "generate_news.tsv", "page": "generate_news.html"}
    first, again = tiny.run_twice(tabulate_generation, spec, {"runs": runs}, names, tmp_path, monkeypatch)
    assert first == again
    made = pd.read_csv(tmp_path / "a/generate_news.tsv", sep="\t")
    assert list(made)[:9] == ["variant", "task", "metric", "examples", "seeds", "mean", "ci_low", "ci_high", "copy"]
    found = made.set_index(["metric", "variant"])
    for metric, sign in (("ROUGE-L", 1), ("perplexity", -1)):
        assert found.loc[(metric, "random"), "verdict"] == "baseline"
        assert found.loc[(metric, "bart-tuned"), "verdict"] == "better"
        assert found.loc[(metric, "nothing"), "verdict"] == "worse"
        assert found.loc[(metric, "bart-tuned"), "delta"] * sign > 0
    assert found.loc[("ROUGE-L", "nothing"), "above_copy"] == "no"
    assert found.loc[("ROUGE-L", "random"), "above_copy"] == "yes"
    assert found.loc["perplexity"]["above_copy"].isna().all() and found.loc["perplexity"]["copy"].isna().all()
    assert found.loc[("perplexity", "random"), "mean"] == pytest.approx(np.exp(2), rel=0.05)
    (said,) = headlines.headlines([tmp_path / "a/generate_news.tsv"]).items()
    assert said[0] == "news, generation" and "bart-tuned" in said[1]


def test_a_claim_is_decided_by_the_first_metric_or_by_the_one_it_names(runs):
    subject = Written([written.read(path) for path in runs], 0.005, {"headlines": MEASURED})
    row = ClaimRow(claim="c/headlines", paper="P", of="generate", task="headlines", a="bart-tuned", b="random")
    for metric in ("", "perplexity"):
        claim = row.model_copy(update={"metric": metric})
        found = claims.measured([claim], {"generate": subject})
        made = claims.table_of_claims([claim], found, smallest=0.005).iloc[0]
        assert (made["metric"], made["verdict"]) == (metric or "ROUGE-L", "reproduced")
    with pytest.raises(UserError, match="headlines is not measured by 'BLEU'"):
        subject.measured(row.model_copy(update={"metric": "BLEU"}))


def test_perplexities_of_other_pieces_are_not_compared(tmp_path):
    paths = [run(tmp_path, name, 0, 0.5, 9.0) for name in ("a", "b")]
    read = [written.read(path) for path in paths]
    read[1].texts["pieces"] = 7
    with pytest.raises(UserError, match="its references are of other pieces than the baseline's") as caught:
        written.scores_table(read, "a", {"headlines": MEASURED})
    assert "results/generate/b/headlines/seed0" in str(caught.value)
    assert len(written.scores_table(read, "a", {"headlines": written.Measured(("ROUGE-L",), "13a")})) == 2


def test_samples_stand_beside_references_and_are_escaped(tmp_path):
    paths = [run(tmp_path, name, seed, 0.5, 9.0, 5, " <b>&") for name in ("one", "two") for seed in (1, 0)]
    read = [written.read(path) for path in paths]
    page = samples.page(read, "a <study>", 2, tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<b>" not in page and "a &lt;study&gt;" in page
    assert page.count("<h3>") == 2 and page.count("class='reference'") == 2
    for own in (read[0], read[2]):  # the first seed of each variant
        for row in own.texts.head(2).itertuples():
            assert page.count(row.hypothesis.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")) >= 1
    assert "e2" not in page
