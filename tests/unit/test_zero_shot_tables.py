"""Tables of minimal pairs and of few labels: the columns that others read, known differences, and intervals."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from scriptorium import manifest
from scriptorium.errors import UserError
from scriptorium.minimal_pairs.scoring import MODEL, RANDOM, UNIGRAM
from scriptorium.reporting import few_labels, few_labels_finetuned, minimal_pairs
from scriptorium.reporting.differences import FinetuneRun
from scriptorium.stages import tabulate_few_labels, tabulate_pairs
from tests import tiny

PAIRS = ["variant", "data", "pairs", "seeds", "accuracy", "ci_low", "ci_high", "control"]
FEW = ["variant", "control", "labels", "seeds", "accuracy", "ci_low", "ci_high"]
DELTA = ["delta", "delta_ci_low", "delta_ci_high"]
COUNT = 200


def scored(root, variant: str, seed: int, share: float):
    """A run on COUNT pairs of which the model gets a share right, random weights half, and frequencies tie."""
    generator = np.random.default_rng([seed, len(variant)])
    ids = [f"p{number}" for number in range(COUNT)]
    margins = {
        MODEL: np.where(generator.random(COUNT) < share, 1.0, -1.0),
        RANDOM: generator.choice([-1.0, 1.0], COUNT),
        UNIGRAM: np.zeros(COUNT),
    }
    parts = [pd.DataFrame({"id": ids, "scorer": name, "good": m, "bad": 0.0}) for name, m in margins.items()]
    folder = root / "minimal_pairs" / variant / "swapped" / f"seed{seed}"
    folder.mkdir(parents=True)
    pd.concat(parts).to_parquet(folder / "scores.parquet")
    return manifest.write(folder, [folder / "scores.parquet"])


@pytest.fixture
def inputs(tmp_path):
    data = tmp_path / "minimal_pairs_data/swapped"
    data.mkdir(parents=True)
    ids = [f"p{number}" for number in range(COUNT)]
    kinds = ["order" if number % 2 else "number" for number in range(COUNT)]
    halves = [f"{kind}-{number % 4 // 2}" for number, kind in enumerate(kinds)]
    table = {"id": ids, "good": "A.", "bad": "B.", "phenomenon": kinds, "paradigm": halves}
    pd.DataFrame(table).to_parquet(data / "pairs.parquet")
    (data / "published.tsv").write_text("phenomenon\tparadigm\tgpt\norder\t\t0.9\nnumber\tnumber-0\t0.8\n")
    made = manifest.write(data, [data / "pairs.parquet", data / "published.tsv"])
    runs = [scored(tmp_path, name, seed, share) for name, share in (("good", 0.9), ("poor", 0.5)) for seed in range(3)]
    return {"runs": runs, "data": [made]}


def test_minimal_pairs_have_their_columns_and_find_who_learned(inputs, tmp_path, monkeypatch):
    names = {"table": "t.tsv", "phenomena": "p.tsv", "figure": "f.svg"}
    spec = tabulate_pairs.TabulatePairsSpec()
    first, again = tiny.run_twice(tabulate_pairs, spec, inputs, names, tmp_path, monkeypatch)
    assert first == again
    made = pd.read_csv(tmp_path / "a/t.tsv", sep="\t")
    assert list(made) == PAIRS + DELTA
    assert made.groupby(["variant", "control"]).size().tolist() == [1] * 4
    for row in made.itertuples():
        learned = row.variant == "good"
        assert (row.delta_ci_low > 0) == learned
        assert row.ci_low < row.accuracy < row.ci_high
        assert (row.pairs, row.seeds) == (COUNT, 3)
    unigram = made[made["control"] == "unigram frequencies"]
    assert np.allclose(unigram["delta"], unigram["accuracy"] - 0.5, atol=1e-5)


def test_phenomena_are_shown_with_their_paradigms_and_published_values(inputs):
    runs = [minimal_pairs.read(path) for path in inputs["runs"]]
    made = minimal_pairs.phenomena(runs, {"swapped": minimal_pairs.read_data(inputs["data"][0])})
    own = made[made["variant"] == "good"].set_index(["phenomenon", "paradigm"])
    whole, part = own.loc[("order", "")], own.loc[("number", "number-0")]
    assert (whole["pairs"], part["pairs"]) == (COUNT // 2, COUNT // 4)
    assert (whole["published_gpt"], part["published_gpt"]) == (0.9, 0.8)
    assert np.isnan(own.loc[("number", ""), "published_gpt"])
    assert (own["unigram"] == 0.5).all()


def test_seeds_on_different_pairs_are_refused(inputs):
    runs = [minimal_pairs.read(path) for path in inputs["runs"]]
    runs[1] = minimal_pairs.PairsRun("good", "swapped", 1, runs[1].right.iloc[1:])
    with pytest.raises(UserError, match="the seeds were scored on different pairs"):
        minimal_pairs.pairs_table(runs)


SHARES = {"model": (0.7, 0.9), "random": (0.4, 0.5), "tfidf": (0.5, 0.9)}  # of 10 labels and of 40


def probed(root, seed: int, draws: int = 3):
    generator = np.random.default_rng(seed)
    parts = []
    for (scorer, shares), number in itertools.product(SHARES.items(), range(draws)):
        for labels, share in zip((10, 40), shares, strict=True):
            right = generator.random(COUNT) < share
            facts = {"scorer": scorer, "labels": labels, "draw": number, "label": 0}
            parts.append(pd.DataFrame({"id": [f"t{i}" for i in range(COUNT)], "prediction": 1 - right, **facts}))
    folder = root / "probe/bert/topics" / f"seed{seed}"
    folder.mkdir(parents=True)
    pd.concat(parts, ignore_index=True).to_parquet(folder / "predictions.parquet")
    return manifest.write(folder, [folder / "predictions.parquet"])


def test_few_labels_have_their_columns_and_find_what_pre_training_gives(tmp_path, monkeypatch):
    inputs = {"runs": [probed(tmp_path, seed) for seed in range(3)]}
    names = {"table": "t.tsv", "figure": "f.svg"}
    spec = tabulate_few_labels.TabulateFewLabelsSpec()
    first, again = tiny.run_twice(tabulate_few_labels, spec, inputs, names, tmp_path, monkeypatch)
    assert first == again
    made = pd.read_csv(tmp_path / "a/t.tsv", sep="\t")
    assert list(made)[:10] == FEW + DELTA
    assert made[["control", "labels"]].drop_duplicates().shape[0] == len(made) == 4
    for row in made.itertuples():
        equal = row.control.startswith("TF-IDF") and row.labels == 40
        assert (row.delta_ci_low > 0) != equal
        assert (row.seeds, row.method, row.over) == (3, "probe", "encoders")


def test_of_one_encoder_the_draws_stand_for_seeds_and_the_table_says_so(tmp_path):
    made = few_labels.learning_curve_table([few_labels.read(probed(tmp_path, 0, draws=4))])
    assert (made["seeds"] == 4).all()
    assert (made["over"] == few_labels.OVER_DRAWS).all()


def test_seeds_with_other_draws_are_refused(tmp_path):
    runs = [few_labels.read(probed(tmp_path, 0)), few_labels.read(probed(tmp_path, 1, draws=2))]
    with pytest.raises(UserError, match="the seeds of bert were probed on different texts"):
        few_labels.learning_curve_table(runs)


def test_fine_tuning_with_few_labels_stands_in_the_same_table_against_its_baseline():
    generator = np.random.default_rng(0)
    ids = [f"t{number}" for number in range(COUNT)]
    runs = []
    for variant, share in (("random", 0.5), ("pretrained", 0.8)):
        for task, seed in itertools.product(("few", "more"), range(3)):
            right = generator.random(COUNT) < share
            made = pd.DataFrame({"label": 0, "prediction": np.where(right, 0, 1)}, index=ids)
            runs.append(FinetuneRun(variant, task, seed, {}, made))
    made = few_labels_finetuned.finetuned_rows(runs, "random", {"more": 400, "few": 25})
    assert list(made)[:10] == FEW + DELTA
    assert made["labels"].tolist() == [25, 400]
    assert (made["delta_ci_low"] > 0).all()
    assert (made["control"] == "random").all()
    with pytest.raises(UserError, match="pretrained and random on few have other seeds"):
        few_labels_finetuned.finetuned_rows(
            [run for run in runs if (run.variant, run.seed) != ("random", 2)], "random", {"few": 25}
        )
