"""Made-up test results of models whose true difference is known, to check evaluation/statistics.py by (ours).

Model v with seed s has on example j the margin

    level + effect[v] + seed_sd * e[v, s] + .8 * e[j] + .35 * e[v, j] + .5 * e[v, s, j]          (e: standard normal)

so that examples are as hard for one variant as for another, each variant has examples of its own that it is good at,
each seed is better or worse as a whole, and every single result has some noise. The last three have a standard
deviation of about 1 together, which is the unit of seed_sd and of effects. A metric is made of margins as its `draw`
says. Seeds of two variants are others, examples the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from scriptorium.evaluation import classification, pseudo_values, rank_correlation

DIFFICULTY, OWN, NOISE = 0.8, 0.35, 0.5
Values = tuple[np.ndarray, np.ndarray]  # a metric [simulations, seeds], its pseudo-values [simulations, seeds, n]
Draw = Callable[[np.random.Generator, tuple[int, int, int], float, Sequence[float]], dict[str, list[Values]]]


def classified(
    generator: np.random.Generator, shape: tuple[int, int, int], seed_sd: float, effects: Sequence[float]
) -> dict[str, list[Values]]:
    """Two classes, the second with a share of .4; a prediction is right where the margin is above 0 (level .7, an
    accuracy of about .75). accuracy, f1 and mcc of the same predictions."""
    simulations, _, n = shape
    second = generator.random((simulations, 1, n), np.float32) < 0.4
    values: dict[str, list[Values]] = {"accuracy": [], "f1": [], "mcc": []}
    for margin in _margins(generator, shape, seed_sd, effects):
        cells = 2 * second + (second ^ (margin <= -0.7))  # of the confusion: label, prediction
        counts = np.stack([np.count_nonzero(cells == cell, axis=-1) for cell in range(4)], axis=-1)
        whole, without = (classification.from_confusion(own) for own in (counts, counts[..., None, :] - np.eye(4)))
        for name, made in values.items():  # to leave out one example of a cell is to leave out any
            left_out = np.take_along_axis(without[name], cells, axis=-1)
            made.append((whole[name], pseudo_values.pseudo(whole[name], left_out)))
    return values


def ranked(
    generator: np.random.Generator, shape: tuple[int, int, int], seed_sd: float, effects: Sequence[float]
) -> dict[str, list[Values]]:
    """A score for each text: slope * (true score) + noise; effects and seeds move the slope, which is 1 before."""
    simulations, _, n = shape
    truth = generator.standard_normal((simulations, 1, n), np.float32)
    values = []
    for margin in _margins(generator, shape, seed_sd, effects, slope=truth):
        predicted = truth + margin
        whole = rank_correlation.spearman(truth, predicted)
        values.append((whole, pseudo_values.pseudo(whole, rank_correlation.spearman_left_out(truth, predicted))))
    return {"spearman": values}


def translated(
    generator: np.random.Generator, shape: tuple[int, int, int], seed_sd: float, effects: Sequence[float]
) -> dict[str, list[Values]]:
    """A corpus score made like BLEU, of single words and pairs. Sentences have 5 to 40 words, of which a share is
    matched, the logistic function of the margin, and of pairs its square; lengths differ by a tenth from the
    reference's."""
    simulations, _, n = shape
    reference = generator.integers(5, 41, (simulations, 1, n)).astype(np.float64)
    values = []
    for margin in _margins(generator, shape, seed_sd, effects):
        share = 1 / (1 + np.exp(-(margin.astype(np.float64) + 0.4)))
        length = reference * np.exp(0.1 * generator.standard_normal(margin.shape, np.float32))
        parts = (length * share, (length - 1) * share**2, length, length - 1, np.broadcast_to(reference, length.shape))
        values.append(pseudo_values.of_totals(np.stack(parts, axis=-1), _bleu))
    return {"bleu": values}


def modelled(
    generator: np.random.Generator, shape: tuple[int, int, int], seed_sd: float, effects: Sequence[float]
) -> dict[str, list[Values]]:
    """Held-out loss of blocks: sums over 5 to 40 predicted tokens, the loss of a block's token 6 nats + the margin."""
    simulations, _, n = shape
    tokens = generator.integers(5, 41, (simulations, 1, n)).astype(np.float64)
    values = []
    for margin in _margins(generator, shape, seed_sd, effects):
        rows = np.stack([tokens * (6 + margin), np.broadcast_to(tokens, margin.shape)], axis=-1)
        values.append(pseudo_values.of_totals(rows, lambda sums: sums[..., 0] / sums[..., 1]))
    return {"loss": values}


DRAWS: tuple[Draw, ...] = (classified, ranked, translated, modelled)


def _margins(
    generator: np.random.Generator,
    shape: tuple[int, int, int],
    seed_sd: float,
    effects: Sequence[float],
    slope: np.ndarray | float = 1.0,
) -> list[np.ndarray]:
    """Margins without their level, [simulations, seeds, n] for each effect; slope: what effects and seeds multiply."""

    def normal(*size: int) -> np.ndarray:
        return generator.standard_normal(size, np.float32)

    simulations, seeds, n = shape
    common = DIFFICULTY * normal(simulations, 1, n)
    made = []
    for effect in effects:
        skill = effect + seed_sd * normal(simulations, seeds, 1)
        made.append(skill * slope + common + OWN * normal(simulations, 1, n) + NOISE * normal(simulations, seeds, n))
    return made


def _bleu(sums: np.ndarray) -> np.ndarray:
    single, pairs, length, places, reference = np.moveaxis(sums, -1, 0)
    return np.sqrt(single / length * pairs / places) * np.minimum(1, np.exp(1 - reference / length))
