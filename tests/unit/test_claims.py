"""The claims table has its columns, a verdict needs evidence, and a typo in the claims is named with its place."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from scriptorium.config import loading
from scriptorium.config.project import Project
from scriptorium.errors import UserError
from scriptorium.reporting import claims, finetuning, written
from scriptorium.reporting.bits_per_byte import TextsRun
from scriptorium.reporting.claimed import Finetuned, Probed, Retrieved, ScoredPairs, ScoredTexts, Vectored, Written
from scriptorium.reporting.few_labels import ProbeRun
from scriptorium.reporting.minimal_pairs import PairsRun
from scriptorium.reporting.retrieval import RetrievalRun
from scriptorium.reporting.spec import ClaimRow
from scriptorium.reporting.vectors import VectorsRun
from scriptorium.runs import Runs
from scriptorium.stages import tabulate_claims
from scriptorium.vectors.measures import STRICT
from tests.tiny import run_twice
from tests.unit.test_reporting import finetuned, hits, shown
from tests.unit.test_translation_table import translated

ROOT = Path(__file__).parents[2]
CONTRACT = [
    *("claim", "paper", "metric", "a", "b", "published_a", "published_b", "ours_a", "ours_b", "delta"),
    *("ci_low", "ci_high", "p_holm", "seeds", "scale", "verdict"),
    *("changed", "changed_seeds", "logit_shift", "seeds_needed"),
]
ROW = ClaimRow(
    claim="better/mood", paper="P", task="mood", metric="test/accuracy", a="cogbert", b="bert", published_a=0.9
)
ABSENT = ClaimRow(claim="absent/x", paper="P", task="x", a="cogbert", b="bert")


def runs(root, variant, share, seeds, offset):
    return [finetuned(root, variant, "mood", seed, hits(share, offset + seed)) for seed in range(seeds)]


def made(paths, *rows):
    return table(paths, *rows).set_index("claim")


def table(paths, *rows):
    subjects = {"finetune": Finetuned([finetuning.read(path) for path in paths], 0.005, shown())}
    return claims.table_of_claims(rows, claims.measured(rows, subjects), smallest=0.005)


@pytest.mark.parametrize(
    ("low", "high", "p", "seeds", "expected"),
    [
        (0.01, 0.05, 0.01, 5, claims.REPRODUCED),
        (0.01, 0.05, 0.06, 5, claims.INCONCLUSIVE),
        (0.01, 0.05, 0.01, 2, claims.REPRODUCED),
        (0.01, 0.05, float("nan"), 1, claims.ONE_SEED),
        (-0.05, -0.01, float("nan"), 1, claims.ONE_SEED),
        (-0.01, 0.05, 0.01, 5, claims.INCONCLUSIVE),
        (-0.05, -0.01, 0.01, 5, claims.NOT_REPRODUCED),
        (-0.05, 0.004, 0.9, 5, claims.NOT_REPRODUCED),
        (-0.05, 0.006, 0.9, 5, claims.INCONCLUSIVE),
        (0.001, 0.004, 0.9, 5, claims.NOT_REPRODUCED),
    ],
)
def test_verdict_by_cases(low, high, p, seeds, expected):
    assert claims.verdict(low, high, p, seeds, 0.005) == expected
    # of an error, the same interval on the other side of 0 says the same
    assert claims.verdict(-high, -low, p, seeds, 0.005, lower_better=True) == expected


def test_columns_are_exactly_those_of_the_contract(tmp_path):
    paths = runs(tmp_path, "bert", 0.7, 1, 0) + runs(tmp_path, "cogbert", 0.7, 1, 10)
    assert list(table(paths, ROW, ABSENT).columns) == CONTRACT
    assert list(table([], ABSENT).columns) == CONTRACT


def test_a_gain_is_reproduced_with_five_seeds_and_inconclusive_with_two_which_say_how_many_it_takes(tmp_path):
    five = runs(tmp_path / "five", "bert", 0.6, 5, 0) + runs(tmp_path / "five", "cogbert", 0.9, 5, 10)
    two = runs(tmp_path / "two", "bert", 0.6, 2, 0) + runs(tmp_path / "two", "cogbert", 0.65, 2, 10)
    many, few = (made(paths, ROW).loc["better/mood"] for paths in (five, two))
    assert (many["verdict"], many["scale"]) == ("reproduced", "5 seeds")
    assert (few["verdict"], few["scale"]) == ("inconclusive at this scale", "2 seeds: a quick look")
    assert few["seeds_needed"] > 2
    assert many["delta"] == pytest.approx(many["ours_a"] - many["ours_b"])
    assert many["ours_a"] == pytest.approx(np.mean([hits(0.9, 10 + k).mean() for k in range(5)]))
    assert many["published_a"] == 0.9 and np.isnan(many["published_b"])


def test_the_opposite_is_not_reproduced(tmp_path):
    paths = runs(tmp_path, "bert", 0.9, 5, 0) + runs(tmp_path, "cogbert", 0.6, 5, 10)
    assert made(paths, ROW).loc["better/mood", "verdict"] == "not reproduced"


def test_a_claim_without_runs_of_both_variants_is_not_run_and_has_no_numbers_of_ours(tmp_path):
    found = made(runs(tmp_path, "bert", 0.9, 2, 0), ROW, ABSENT)
    assert found["verdict"].tolist() == ["not run"] * 2
    assert found[["ours_a", "ours_b", "delta", "ci_low", "p_holm"]].isna().all(axis=None)


def test_p_values_are_corrected_within_a_paper(tmp_path):
    paths = runs(tmp_path, "bert", 0.6, 5, 0) + runs(tmp_path, "cogbert", 0.9, 5, 10) + runs(tmp_path, "c", 0.6, 5, 20)
    null = ROW.model_copy(update={"claim": "null/mood", "a": "c"})
    other = ROW.model_copy(update={"claim": "other/mood", "paper": "Q"})
    found = made(paths, ROW, null, other)
    assert found.loc["better/mood", "p_holm"] == pytest.approx(2 * found.loc["other/mood", "p_holm"])


def test_the_stage_writes_the_same_bytes_twice_also_without_any_run(tmp_path, monkeypatch):
    names = {"table": "claims.tsv", "figure": "claims.svg"}
    paths = runs(tmp_path, "bert", 0.6, 2, 0) + runs(tmp_path, "cogbert", 0.9, 2, 10)
    for given in ({"finetune": paths}, {}):
        spec = tabulate_claims.TabulateClaimsSpec(claims=(ROW, ABSENT), tasks=shown())
        first, second = run_twice(tabulate_claims, spec, given, names, tmp_path, monkeypatch)
        assert first == second


@pytest.fixture
def root(tmp_path) -> Path:
    shutil.copytree(ROOT / "config", tmp_path / "config")
    return tmp_path


def load(root: Path) -> Project:
    return loading.load(yaml.safe_load((root / "config/config.yaml").read_text(encoding="utf-8")), root)


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        (
            "claims.yaml",
            "b: cogbert-shuffled",
            "b: cogbert-shufled",
            "claim 'gaze-beats-shuffled': unknown variant 'cogbert-shufled', did you mean 'cogbert-shuffled'",
        ),
        (
            "claims.yaml",
            "tasks: [gaze-en, gaze-nl]",
            "tasks: [gaze-en, gaze-dl]",
            "unknown task 'gaze-dl', did you mean 'gaze-",
        ),
        (
            "claims.yaml",
            "a: figure 4 / boundary 4,",
            "a: figure 4 / boundry 4,",
            "published.a: unknown published row of CogBERT 'figure 4 / boundry 4', did you mean 'figure 4 / boundary",
        ),
        ("claims.yaml", "    b: cogbert-zero\n", "    b: cogbert-zero\n    tsks: [cola]\n", "did you mean 'tasks'"),
        ("published.tsv", "\t93.2\t", "\t93,2\t", "value '93,2' is not a number"),
    ],
)
def test_a_typo_is_named_with_its_place(root, name, old, new, message):
    path = root / "config" / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(UserError) as error:
        load(root)
    assert message in str(error.value) and name in str(error.value)


def test_claims_ask_for_both_variants_of_configured_tasks_and_for_nothing_else(root):
    loaded = load(root)
    all_runs = Runs(loaded)
    asked = {(run.variant, run.task) for run in all_runs.claimed()}
    assert {("bert", "sentiment"), ("cogbert", "sentiment")} <= asked
    assert asked <= {(run.variant, run.task) for run in all_runs.finetuning}
    assert not {variant for variant, _ in asked} & {"bert-random", "bert-pretrained"}


def test_figure_4_stands_in_the_published_table_as_found():
    table = pd.read_csv(ROOT / "config/published.tsv", sep="\t", dtype=str, keep_default_na=False)
    found = table[(table["table"] == "figure 4") & (table["task"] == "sst2")].set_index("system")["value"]
    assert len(found) == 12 and found["boundary 4"] == "93.7"
    unknown = table[table["value"] == ""]
    assert unknown["note"].str.startswith("not found").all()
    assert not table.loc[table["value"] != "", "note"].str.startswith("not found").any()


def test_a_claim_whose_intervention_did_not_act_is_not_tested_whatever_the_interval_says():
    assert claims.verdict(0.001, 0.002, 0.001, 5, 0.005, acted=False) == "not tested"
    assert claims.verdict(-0.001, 0.001, 0.9, 1, 0.005, acted=False) == "not tested"


def test_a_claim_about_translation_is_decided_in_percent(tmp_path):
    paths = [translated(tmp_path, name, k, share) for name, share in (("a", 0.8), ("b", 0.5)) for k in range(3)]
    measured = written.Measured(written.OF_TRANSLATION, "13a")
    subject = Written([written.read(path) for path in paths], 0.005, {"en-de": measured})
    row = ClaimRow(claim="better/en-de", paper="P", of="translate", task="en-de", a="a", b="b")
    found = claims.measured([row], {"translate": subject})
    made = claims.table_of_claims([row], found, smallest=0.005).iloc[0]
    assert (made["metric"], made["verdict"]) == ("BLEU", "reproduced")
    assert 5 < made["delta"] == pytest.approx(made["ours_a"] - made["ours_b"], abs=2)
    assert found[0].unit == 100
    with pytest.raises(UserError, match="en-de is not measured by 'BLUE', did you mean 'BLEU'"):
        subject.measured(row.model_copy(update={"metric": "BLUE"}))


def retrieved(variant: str, seed: int, share: float, layer: int = 2) -> RetrievalRun:
    """A search in one set, in both directions; another layer finds nothing."""
    own = np.random.default_rng([seed, len(variant)])
    rows = pd.DataFrame({"id": [f"p{k}" for k in range(200)] * 2, "languages": "de-en"})
    rows["direction"] = ["de-en"] * 200 + ["en-de"] * 200
    rows = rows.assign(hit=(own.random(400) < share).astype(np.int8), predicted=1, gold=1, scorer="model", layer=layer)
    rows["found"] = np.where(rows["hit"] == 1, rows["id"], own.integers(200, size=400).astype(str))
    silent = rows.assign(hit=np.int8(0), layer=0)
    return RetrievalRun(variant, "held-out", seed, pd.concat([rows, silent]), {"layer": layer})


def test_a_claim_about_retrieval_reads_the_layer_that_counts_of_each_variant():
    runs = [retrieved("a", k, 0.7, layer=1) for k in range(3)] + [retrieved("bb", k, 0.4) for k in range(3)]
    row = ClaimRow(claim="better/held-out", paper="P", of="retrieve", task="held-out", a="a", b="bb")
    found = claims.measured([row], {"retrieve": Retrieved(runs, 0.005)})
    made = claims.table_of_claims([row], found, smallest=0.005).iloc[0]
    assert (made["metric"], made["verdict"], made["seeds"]) == ("accuracy", "reproduced", 3)
    assert made["ours_a"] == pytest.approx(np.mean([run.rows["hit"].mean() * 2 for run in runs[:3]]), abs=1e-6)
    assert made["changed"] > 0.5
    runs[0].rows["id"] = runs[0].rows["id"] + "x"
    with pytest.raises(UserError, match="different texts"):
        Retrieved(runs, 0.005).measured(row)


def test_claims_ask_for_translations_and_retrieval_of_the_programme(root):
    runs = Runs(load(root))
    asked = {(run.stage, run.variant, run.task) for run in runs.claimed("veco", "translate")}
    assert asked == {("translate", name, "en-de") for name in ("translate-veco", "translate-xlm")}
    assert {run.variant for run in runs.claimed("veco", "retrieve")} == {"veco", "xlm"}
    assert not runs.claimed("mpnet", "translate")


def vectored(variant: str, seed: int, share: float) -> VectorsRun:
    """40 pairs with five linked words each; layer 1 finds this share of them, layer 0 none."""
    own = np.random.default_rng([seed, len(variant)])
    facts = {"measure": STRICT, "languages": "de-en", "direction": "both", "reads": "states"}
    rows = [
        {**facts, "layer": layer, "part": ("choice", "test")[pair % 2], "scorer": scorer, "pair": f"p{pair}"}
        | {"s0": own.binomial(5, share if layer and scorer == "model" else 0), "s1": 5, "s2": 0, "s3": 0}
        for layer in (0, 1)
        for scorer in ("model", "model chance", "random", "random chance")
        for pair in range(80)
    ]
    return VectorsRun(variant, "held-out", seed, pd.DataFrame(rows), pd.DataFrame())


def test_a_claim_about_vectors_reads_the_chosen_layer_on_the_other_half_of_the_pairs():
    runs = [vectored("a", k, 0.8) for k in range(3)] + [vectored("bb", k, 0.4) for k in range(3)]
    row = ClaimRow(claim="better/held-out", paper="P", of="measure_vectors", task="held-out", a="a", b="bb")
    subject = Vectored(runs, 0.005, {"held-out": None})
    made = claims.table_of_claims([row], claims.measured([row], {"measure_vectors": subject}), smallest=0.005).iloc[0]
    assert (made["metric"], made["verdict"], made["seeds"]) == (STRICT, "reproduced", 3)
    tested = [run.sums.query("scorer == 'model' and layer == 1 and part == 'test'") for run in runs[:3]]
    assert made["ours_a"] == pytest.approx(sum(own["s0"].sum() for own in tested) / (3 * 40 * 5))
    assert made["changed"] > 0.5
    with pytest.raises(UserError, match="no measure 'word in contxt', did you mean 'word in context'"):
        subject.measured(row.model_copy(update={"metric": "word in contxt"}))


def probed(variant: str, seed: int, share: float) -> ProbeRun:
    """Two numbers of labels and three draws of 100 texts, of which the encoder gets a share right, frequencies none."""
    own = np.random.default_rng([seed, len(variant)])
    parts = []
    for scorer, labels, draw in itertools.product(("model", "tfidf"), (25, 100), range(3)):
        right = own.random(100) < share * (scorer == "model")
        facts = {"scorer": scorer, "labels": labels, "draw": draw, "id": [f"t{k}" for k in range(100)], "label": 0}
        parts.append(pd.DataFrame({**facts, "prediction": np.where(right, 0, own.integers(1, 5, 100))}))
    return ProbeRun(variant, "topics", seed, pd.concat(parts, ignore_index=True))


def paired(variant: str, seed: int, share: float) -> PairsRun:
    own = np.random.default_rng([seed, len(variant)])
    right = pd.DataFrame({"model": (own.random(200) < share).astype(float), "random": 0.5})
    return PairsRun(variant, "swapped", seed, right.set_index(pd.Index([f"p{k}" for k in range(200)])))


def texted(variant: str, seed: int, share: float) -> TextsRun:
    """A better model, by `share`, needs fewer bits."""
    own = np.random.default_rng([seed, len(variant)])
    facts = pd.DataFrame({"id": [f"t{k}" for k in range(200)], "bytes": 50, "hidden": 0})
    return TextsRun(variant, seed, "exact", facts.assign(model=own.normal(100 / share, 5, 200)))


@pytest.mark.parametrize(
    ("of", "made", "subject", "task", "metric"),
    [
        ("probe", probed, Probed, "topics", "accuracy, few labels"),
        ("score_pairs", paired, ScoredPairs, "swapped", "accuracy, minimal pairs"),
        ("score_texts", texted, ScoredTexts, "held-out", "bits per byte"),
    ],
)
def test_a_claim_about_what_pre_trained_models_are_asked_is_decided_in_its_own_direction(
    of, made, subject, task, metric
):
    runs = [made("a", k, 0.8) for k in range(3)] + [made("bb", k, 0.5) for k in range(3)]
    rows = [ClaimRow(claim=f"{a}/{task}", paper="P", of=of, task=task, a=a, b=b) for a, b in (("a", "bb"), ("bb", "a"))]
    found = claims.measured(rows, {of: subject(runs, 0.005)})
    table = claims.table_of_claims(rows, found, smallest=0.005)
    assert table["verdict"].tolist() == ["reproduced", "not reproduced"]
    assert table["metric"].tolist() == [metric] * 2
    assert table["delta"].iloc[0] == pytest.approx(-table["delta"].iloc[1])
    assert (table["delta"].iloc[0] > 0) == (of != "score_texts")
    assert (table["seeds"] == 3).all() and (table["changed"] > 0.1).all()
    if of == "probe":
        values = [run.of_model().eval("label == prediction").mean() for run in runs[:3]]
        assert table["ours_a"].iloc[0] == pytest.approx(np.mean(values))
        runs[0].predictions["id"] = runs[0].predictions["id"] + "x"
        with pytest.raises(UserError, match="a and bb were probed on different texts"):
            subject(runs, 0.005).measured(rows[0])


def test_a_programme_has_the_claims_about_what_its_studies_compare_whatever_paper_a_variant_is_of(root):
    """even-mlm is RoBERTa's, even-gpt2 and the noises are BART's."""
    runs = Runs(load(root))
    own = runs.claims("objectives")
    assert {"left-to-right-hurts-understanding", "rotation-alone-is-poor", "infilling-writes-for-fewer-bits"} <= set(
        own
    )
    assert {claim.paper for claim in own.values()} == {"BART", "ours"}
    asked = {run.variant for run in runs.claimed("objectives", "probe")}
    assert {"even-mlm", "even-gpt2", "even-bart-infill", "even-bart-rotate"} <= asked
    assert {run.task for run in runs.claimed("objectives", "score_pairs")} >= {"swapped", "swapped-4", "inflected"}
    assert {run.variant for run in runs.claimed("objectives", "score_texts")} == {"even-bart-infill", "even-bart-mask"}
    assert not runs.claimed("mpnet", "probe")
    assert not set(own) & set(runs.claims("mpnet"))
