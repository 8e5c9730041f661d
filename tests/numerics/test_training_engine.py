"""Proves that what a step sees is a function of (seed, step) alone, whatever the processes, micro-batches and resumes,
and that budgets buy the number of steps that they say."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from scriptorium.engine import batches, budget
from scriptorium.engine.budget import Source
from scriptorium.engine.plan import EpochSampler, batch_sizes, share
from scriptorium.engine.spec import TrainSpec
from scriptorium.errors import UserError
from scriptorium.text.blocks import PACKED
from scriptorium.text.cutting import Cut

GROWING = {"batch_warmup": {"start": 2, "share": 0.5}}
STAGED = {"batch_warmup": {"start": 1, "share": 0.8, "stages": 2}}
SHORTER = {"length_warmup": {"length": 16, "share": 0.6}}


def spec(**changes) -> TrainSpec:
    return TrainSpec.parse(
        {
            "batch_size": 8,
            **({} if set(changes) & {"epochs", "max_tokens", "max_flops"} else {"max_steps": 40}),
            **changes,
        }
    )


def sources(given: TrainSpec, examples: int = 30) -> list[Source]:
    whole = Source(examples, tokens=64, flops=1000.0)
    return [Source(examples * 4, tokens=16, flops=200.0), whole] if given.length_warmup else [whole]


def listed(given: TrainSpec, steps: int = 40, start: int = 0) -> list:
    plan = budget.plan(given, sources(given), steps, seed=3)
    return list(itertools.islice(plan.batches(start), steps - start))


@pytest.mark.parametrize("changes", [{}, GROWING, STAGED, SHORTER, {**SHORTER, **GROWING}, {"shuffle": False}])
def test_a_plan_can_be_entered_at_any_step_and_sees_every_example_once_an_epoch(changes):
    given = spec(**changes)
    whole = listed(given)
    for start in (1, 7, 23, 24, 39):
        assert listed(given, start=start) == whole[start:]
    assert listed(given) != listed(given.model_copy(update={"shuffle": not given.shuffle}))
    seen = [key for batch in whole for key in batch]
    assert len(seen) == len(set(seen)), "an example of an epoch comes once"
    first = [key for key in seen if key[:2] == (0, 0)]
    assert sorted(first) == [(0, 0, i) for i in range(sources(given)[0].examples)]
    assert budget.plan(given, sources(given), 40, seed=3).examples(40) == [
        sum(key[0] == phase for key in seen) for phase in range(len(sources(given)))
    ]


def test_without_warm_ups_batches_are_those_of_the_epochs():
    sampler = EpochSampler(30, 3, batch_size=8)
    expected = []
    for epoch in range(3):
        sampler.epoch = epoch
        keys = [(0, *key) for key in sampler]
        expected += [keys[i : i + 8] for i in range(0, 30, 8)]
    assert listed(spec(), 12) == expected
    assert [len(batch) for batch in expected[:4]] == [8, 8, 8, 6], "a batch never crosses the end of an epoch"


def test_examples_are_counted_over_short_last_batches():
    given = spec(batch_size=4)
    plan = budget.plan(given, sources(given, examples=10), 6, seed=0)
    assert [plan.examples(steps) for steps in (0, 2, 3, 5, 6)] == [[0], [8], [10], [18], [20]]


def test_the_batch_grows_as_the_recipe_says():
    at = np.arange(12)
    linear = batch_sizes(8, spec(**GROWING).batch_warmup, 12)(at)
    assert linear.tolist() == [2, 3, 4, 5, 6, 7, 8, 8, 8, 8, 8, 8]
    staged = batch_sizes(8, spec(**STAGED).batch_warmup, 10)(np.arange(10))
    assert staged.tolist() == [1, 1, 1, 1, 4, 4, 4, 4, 8, 8]
    assert batch_sizes(8, None, 10)(at).tolist() == [8] * 12


def test_length_warm_up_reads_short_examples_first_with_epochs_of_their_own():
    phases = [batch[0][0] for batch in listed(spec(**SHORTER))]
    assert phases == [0] * 24 + [1] * 16, "0.6 of 40 steps"
    assert all(len({phase for phase, *_ in batch}) == 1 for batch in listed(spec(**SHORTER)))
    assert listed(spec(**SHORTER))[24][0][1] == 0


class Made:
    """Blocks of 12 tokens, numbered."""

    length, layout = 12, PACKED

    def __len__(self) -> int:
        return 5

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        return np.arange(12) + 12 * index, np.full(12, index)


def test_cutting_a_block_loses_no_token():
    cut = Cut(Made(), 4)
    assert len(cut) == 15
    assert np.concatenate([cut[i][0] for i in range(15)]).tolist() == list(range(60))
    assert cut[4][1].tolist() == [1] * 4
    with pytest.raises(UserError, match="blocks of 12 tokens cannot be cut into blocks of 5"):
        Cut(Made(), 5)
    padded = Made()
    padded.layout = "pairs"
    with pytest.raises(UserError, match="blocks of layout pairs cannot be cut"):
        Cut(padded, 4)


@pytest.mark.parametrize(("world", "accumulation"), [(1, 1), (2, 1), (1, 4), (2, 2), (3, 2)])
def test_processes_and_micro_batches_share_the_very_same_batch(world, accumulation, monkeypatch):
    given = spec(**GROWING)
    plan = budget.plan(given, sources(given), 40, seed=3)
    monkeypatch.setenv("WORLD_SIZE", str(world))
    found = []
    for rank in range(world):
        monkeypatch.setenv("RANK", str(rank))
        found.append(list(batches.Parts(plan, 40, accumulation, start=5)))
    assert {len(parts) for parts in found} == {35 * accumulation}, "every process takes part in every micro-batch"
    for step, batch in enumerate(listed(given)[5:]):
        parts = [found[r][step * accumulation + m] for m in range(accumulation) for r in range(world)]
        assert [key for part in parts if part.counts for key in part.keys] == batch
        assert all(part.examples == len(batch) and part.keys for part in parts)
        sizes = [len(part.keys) if part.counts else 0 for part in parts]
        assert max(sizes) - min(sizes) <= 1


def test_a_batch_smaller_than_its_parts_leaves_some_empty():
    assert [len(part) for part in share([(0, 0, i) for i in range(3)], 4)] == [0, 1, 1, 1]


@pytest.mark.parametrize("changes", [{}, GROWING, STAGED, SHORTER, {**SHORTER, **GROWING}])
@pytest.mark.parametrize(("name", "cost"), [("max_tokens", "tokens"), ("max_flops", "flops")])
def test_a_budget_of_tokens_or_flops_buys_the_most_steps_that_it_pays(changes, name, cost):
    for paid in (9_000, 60_000, 123_456):
        given = spec(**changes, **{name: paid})
        steps = budget.steps_of(given, sources(given))

        def price(count, given=given):
            seen = budget.plan(given, sources(given), count, seed=0).examples(count)
            return sum(getattr(s, cost) * n for s, n in zip(sources(given), seen, strict=True))

        assert price(steps) <= paid < price(steps + 1)


def test_budgets_by_hand():
    assert budget.steps_of(spec(max_tokens=64 * 30), sources(spec())) == 4, "8 + 8 + 8 + 6 blocks of 64 tokens"
    assert budget.steps_of(spec(max_tokens=64 * 30 - 1), sources(spec())) == 3
    assert budget.steps_of(spec(epochs=1.5), sources(spec())) == 6
    grown = spec(epochs=2, **GROWING)
    steps = budget.steps_of(grown, sources(grown))
    seen = [budget.plan(grown, sources(grown), n, 0).examples(n)[0] for n in (steps - 1, steps)]
    assert seen[0] < 60 <= seen[1], "two epochs with small batches first take more steps"
    assert steps > 8


def test_a_budget_that_cannot_be_counted_is_refused():
    with pytest.raises(UserError, match=r"train\.max_flops is for pre-training, where"):
        budget.steps_of(spec(max_flops=1e9), [Source(30)])
    with pytest.raises(UserError, match=r"train\.max_tokens 100 does not pay one step \(512\)"):
        budget.steps_of(spec(max_tokens=100), sources(spec()))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"max_steps": 5, "max_flops": 1e9}, "exactly one of train.epochs and train.max_steps"),
        ({"max_steps": 5, "end_lr": 1e-6}, "belong to train.schedule: polynomial"),
        ({"max_steps": 5, "schedule": "polynomial", "end_lr": 1.0}, "end_lr must be below train.lr"),
        ({"max_seconds": 5, "warmup_steps": 3}, "train.warmup_steps needs a number of steps"),
        ({"max_seconds": 5, **GROWING}, "train.batch_warmup needs a number of steps"),
        ({"max_steps": 5, "batch_size": 1, **GROWING}, "batch_warmup.start is more than train.batch_size"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(changes, message):
    with pytest.raises(UserError, match=message.replace(".", r"\.")):
        TrainSpec.parse(changes)
