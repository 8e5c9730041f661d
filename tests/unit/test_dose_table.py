"""The dose table says how many validation predictions a dose changes, and whether that is more than chance."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from scriptorium.errors import UserError
from scriptorium.reporting import dose
from scriptorium.reporting.dose import DoseRun, changed, dose_table
from scriptorium.reporting.spec import TaskInTables
from scriptorium.tasks.kind import kind_of

TASKS = {"mood": TaskInTables(labels=("bad", "good"), metric="validation/accuracy")}


def run(variant: str, flipped: int, seed: int = 0, *, accuracy: float = 0.5) -> DoseRun:
    """200 predictions, of which the first `flipped` are not 0."""
    predictions = pd.DataFrame({"prediction": [1] * flipped + [0] * (200 - flipped)})
    cognition = None if variant == "bert" else {"mode": "fixed", "dose": {"gain": 4.0, "rate": 10.0}}
    norms = {} if variant == "bert" else {1: 0.25, 3: 0.5}
    return DoseRun(variant, "mood", seed, cognition, predictions, {"validation/accuracy": accuracy}, norms)


def test_a_row_has_the_share_changed_the_dose_and_the_norms_by_layer(tmp_path):
    made = dose_table([run("bert", 0), run("strong", 5, accuracy=0.6)], "bert", TASKS)
    plain, strong = made.iloc[0], made.iloc[1]
    assert (plain["changed"], plain["mode"], bool(plain["acts"])) == (0, "", False)
    assert (strong["changed"], strong["gain"], strong["rate"], bool(strong["acts"])) == (0.025, 4, 10, True)
    assert strong["delta"] == pytest.approx(0.1)
    assert (strong["fused_norm_1"], strong["fused_norm_3"]) == (0.25, 0.5)
    assert np.isnan(strong["fused_norm_2"]), "a plain layer has no fused term"
    assert "predictions changed" in dose.figure(made, tmp_path / "x.svg").read_text()


@pytest.mark.parametrize(("flipped", "acts"), [(1, False), (2, True)])
def test_one_per_cent_must_change(flipped, acts):
    assert dose_table([run("bert", 0), run("weak", flipped)], "bert", TASKS)["acts"].tolist() == [False, acts]


def test_it_must_change_more_than_another_seed_does():
    runs = [run("bert", 0), run("bert", 20, seed=1), run("weak", 19), run("weak", 20, seed=1)]
    made = dose_table(runs, "bert", TASKS)
    assert made["between_seeds"].tolist() == [0.1, 0.1]
    assert made["changed"].iloc[1] == pytest.approx((19 + 0) / 400)
    assert not made["acts"].iloc[1]


def test_runs_that_cannot_be_compared_are_refused():
    with pytest.raises(UserError, match="has no seed 1"):
        dose_table([run("bert", 0), run("weak", 1, seed=1)], "bert", TASKS)
    with pytest.raises(UserError, match="different validation examples"):
        changed(kind_of("classification"), *(pd.DataFrame({"prediction": [1]}, index=[name]) for name in "ab"))
