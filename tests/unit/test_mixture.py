"""Proves how steps are drawn from two kinds of blocks: by a share, by alpha, and by (seed, step) alone."""

from __future__ import annotations

import re
from collections import Counter
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from scriptorium.engine import budget
from scriptorium.engine.batches import Parts
from scriptorium.engine.mixture import MixedPlan, Mixture
from scriptorium.engine.plan import batch_sizes
from scriptorium.engine.spec import BatchWarmup, TrainSpec
from scriptorium.errors import UserError
from scriptorium.text.languages.sampling import kept, probabilities

# section 2.7: millions of sentences of VECO's 50 languages
TABLE = (
    (Path(__file__).parents[2] / "docs/papers/veco.md").read_text(encoding="utf-8").split("### 2.7")[1].split("## 3")[0]
)
COUNTS = {name: float(count) for name, count in re.findall(r"\b([a-z]{2}) (\d[\d.]*) \|", TABLE)}


def mixture(sizes: list[int], second: list[bool], *, share: float = 0.5, weights: list[float] | None = None) -> Mixture:
    """Groups of these sizes, in order."""
    groups = np.repeat(np.arange(len(sizes)), sizes)
    return Mixture(groups, np.array(second), np.array(weights or [1.0] * len(sizes)), share, np.full(len(groups), 100))


def plan(mixed: Mixture, *, batch: int = 4, seed: int = 0, warmup: BatchWarmup | None = None) -> MixedPlan:
    return MixedPlan(mixed, batch_sizes(batch, warmup, 100), seed)


def test_sampling_by_alpha_gives_what_the_papers_counts_give():
    assert len(COUNTS) == 50 and abs(sum(COUNTS.values()) - 6474.9) < 0.1
    found = dict(zip(COUNTS, 100 * probabilities(list(COUNTS.values()), 0.5), strict=True))
    assert abs(sum(found.values()) - 100) < 1e-9
    for language, percent in {"en": 12.8, "ja": 6.6, "zh": 6.1}.items():
        assert abs(found[language] - percent) < 0.05
    assert abs(found["sw"] - 0.27) < 0.005 and abs(found["yo"] - 0.015) < 0.0005
    plain = dict(zip(COUNTS, 100 * probabilities(list(COUNTS.values()), 1.0), strict=True))
    for language, percent in {"en": 34.2, "ja": 9.1, "zh": 7.7}.items():
        assert abs(plain[language] - percent) < 0.05
    assert probabilities([1, 5, 100], 0.0).tolist() == [1 / 3] * 3


def test_what_is_kept_of_each_language_is_distributed_by_alpha():
    counts = list(COUNTS.values())
    shares = kept(counts, 0.5)
    left = shares * counts
    assert shares.max() == 1 and np.allclose(left / left.sum(), probabilities(counts, 0.5))


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 0.8, 1.0])
def test_the_second_kind_has_its_share_of_every_stretch_of_steps(share):
    made = plan(mixture([20, 30], [False, True], share=share))
    kinds = made.kinds(np.arange(1000))
    for start in range(0, 900, 37):
        for length in (4, 20, 100):
            assert abs(kinds[start : start + length].sum() - share * length) <= 1
    assert set(kinds.tolist()) <= {0, 1}


def test_every_step_is_of_one_kind_and_of_its_own_examples():
    mixed = mixture([7, 13, 11], [False, True, True])
    for step, batch in enumerate(islice(plan(mixed).batches(), 60)):
        (kind,) = {kind for kind, _, _ in batch}
        assert len(batch) == 4 and kind == plan(mixed).kinds(np.array([step]))[0]
        assert all(mixed.second[mixed.groups[index]] == kind for _, _, index in batch)


@pytest.mark.parametrize("warmup", [None, BatchWarmup(start=1, share=0.3)])
def test_what_a_step_sees_is_a_function_of_seed_and_step_alone(warmup):
    mixed = mixture([50, 20, 13, 3], [False, False, True, True], share=0.4, weights=[0.7, 0.3, 0.5, 0.5])
    whole = list(islice(plan(mixed, warmup=warmup).batches(), 120))
    for start in (1, 2, 29, 30, 31, 77, 119):
        assert list(islice(plan(mixed, warmup=warmup).batches(start), 120 - start)) == whole[start:]
        seen = [sum(len(batch) for batch in whole[:start] if batch[0][0] == kind) for kind in (0, 1)]
        assert plan(mixed, warmup=warmup).examples(start) == seen
    assert list(islice(plan(mixed, seed=1, warmup=warmup).batches(), 120)) != whole


def test_a_group_is_gone_through_pass_by_pass_and_no_example_comes_twice_with_one_number():
    """Otherwise what is hidden of it would be the same both times."""
    mixed = mixture([40, 4], [False, True], share=0.5, weights=[1.0, 1.0])
    seen = Counter(key for batch in islice(plan(mixed).batches(), 200) for key in batch)
    assert set(seen.values()) == {1}
    rare = [key for key in seen if key[0] == 1]
    assert len(rare) == 400 and Counter(number for _, number, _ in rare) == Counter({n: 4 for n in range(100)})


def test_groups_are_drawn_by_their_weights():
    weights = probabilities([1000, 10], 0.5)
    mixed = mixture([1000, 10, 5], [False, False, True], weights=[*weights, 1.0])
    keys = [key for batch in islice(plan(mixed, batch=100).batches(), 80) for key in batch]
    drawn = Counter(int(mixed.groups[index]) for kind, _, index in keys if kind == 0)
    assert abs(drawn[1] / (drawn[0] + drawn[1]) - weights[1]) < 0.01


def test_processes_and_micro_batches_share_the_same_steps():
    mixed = mixture([20, 30], [False, True])
    for part, batch in zip(list(Parts(plan(mixed), 30, 2))[::2], islice(plan(mixed).batches(), 30), strict=True):
        assert list(part.keys) == batch[:2] and part.phase == batch[0][0] and part.examples == 4


def test_a_budget_of_tokens_counts_both_kinds():
    mixed = mixture([10, 20], [False, True], share=0.5)
    sources = [budget.Source(n, tokens, padded=True, mixture=mixed) for n, tokens in ((10, 100.0), (20, 50.0))]
    steps = budget.steps_of(TrainSpec(max_tokens=6000, batch_size=4), sources)
    cost = [sum(t * n for t, n in zip((100, 50), plan(mixed).examples(s), strict=True)) for s in (steps, steps + 1)]
    assert cost[0] <= 6000 < cost[1]


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"epochs": 1}, "train.epochs has no meaning"),
        ({"max_steps": 5, "length_warmup": {"length": 32, "share": 0.5}}, "train.length_warmup has no meaning"),
        ({"max_steps": 5, "shuffle": False}, "train.shuffle: false has no meaning"),
    ],
)
def test_settings_without_meaning_are_refused(settings, problem):
    mixed = mixture([2, 2], [False, True])
    with pytest.raises(UserError, match=problem):
        budget.kinds(TrainSpec(**settings), [], mixed, list, None)


def test_steps_of_a_kind_that_has_no_blocks_are_refused():
    with pytest.raises(UserError, match=r"there are no bilingual blocks for 0\.5 of the steps"):
        mixture([4], [False]).check()
    mixture([4], [False], share=0.0).check()
    with pytest.raises(UserError, match="there are no monolingual blocks"):
        mixture([4], [True], share=0.9).check()
