"""Splits labelled examples so that no text is in two splits: a pure function of the examples, the limits and a seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence

import numpy as np

SPLITS = ("train", "validation", "test")
SHARES = {"train": 0.70, "validation": 0.15, "test": 0.15}  # ours


def components(texts: Sequence[Sequence[str]]) -> list[int]:
    """Number of the connected component of each example; examples that share a text are connected.

    texts: the texts of each example. Two texts are the same if they differ in case and white space only.
    """
    parent = list(range(len(texts)))

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = node = parent[parent[node]]
        return node

    first: dict[str, int] = {}
    for number, own in enumerate(texts):
        for text in own:
            other = first.setdefault(" ".join(text.casefold().split()), number)
            low, high = sorted((root(number), root(other)))
            parent[high] = low
    return [root(number) for number in range(len(texts))]


def sizes(total: int, limits: Mapping[str, int]) -> dict[str, int]:
    """How many examples each split gets: the limits if they all fit, else shares of 70/15/15, cut at the limits."""
    if len(limits) == len(SPLITS) and sum(limits.values()) <= total:
        return dict(limits)
    held_out = {s: min(limits.get(s, total), round(SHARES[s] * total)) for s in ("validation", "test")}
    rest = total - sum(held_out.values())
    return {"train": min(limits.get("train", rest), rest), **held_out}


def split(
    groups: Sequence[Hashable], labels: Sequence[Hashable], limits: Mapping[str, int], seed: int
) -> dict[str, list[int]]:
    """Indices of the examples of each split, in drawn order; whole groups, every split with the same label shares.

    Groups are drawn in an order given by the seed; test is filled first, then validation, then train, each label up
    to its quota (train, if it has no limit, gets all the rest). A group that would exceed a quota is left for the
    next split.
    """
    members: dict[Hashable, list[int]] = {}
    for number, group in enumerate(groups):
        members.setdefault(group, []).append(number)
    waiting = _shuffled(list(members.values()), seed)
    totals = Counter(labels)
    found: dict[str, list[int]] = {}
    wanted = sizes(len(labels), limits)
    for name in ("test", "validation", "train"):
        quotas = _quotas(totals, wanted[name]) if name != "train" or "train" in limits else totals
        found[name], waiting = _fill(waiting, labels, quotas)
    return {name: found[name] for name in SPLITS}


def draw(labels: Sequence[Hashable], limit: int, seed: int) -> list[int]:
    """Indices of at most `limit` examples, in drawn order, with the label shares of all."""
    waiting = _shuffled([[number] for number in range(len(labels))], seed)
    return _fill(waiting, labels, _quotas(Counter(labels), min(limit, len(labels))))[0]


def _shuffled(groups: list[list[int]], seed: int) -> list[list[int]]:
    return [groups[number] for number in np.random.default_rng([seed, len(groups)]).permutation(len(groups))]


def _fill(
    groups: list[list[int]], labels: Sequence[Hashable], quotas: Mapping[Hashable, int]
) -> tuple[list[int], list[list[int]]]:
    """The examples of the groups that fit into the quotas, first come first served; and the groups that do not."""
    room = Counter(quotas)
    taken: list[int] = []
    refused: list[list[int]] = []
    for group in groups:
        need = Counter(labels[number] for number in group)
        if need <= room:
            room.subtract(need)
            taken += group
        else:
            refused.append(group)
    return taken, refused


def _quotas(totals: Mapping[Hashable, int], size: int) -> dict[Hashable, int]:
    """`size` shared out over the labels in proportion, exactly, by largest remainders."""
    everything = sum(totals.values())
    exact = {label: size * count / everything for label, count in sorted(totals.items(), key=lambda item: str(item[0]))}
    quotas = {label: int(share) for label, share in exact.items()}
    by_remainder = sorted(exact, key=lambda label: quotas[label] - exact[label])
    for label in by_remainder[: size - sum(quotas.values())]:
        quotas[label] += 1
    return quotas
