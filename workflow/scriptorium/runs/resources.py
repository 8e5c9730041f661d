"""Puts the configuration's resources into Snakemake's rules, key by key.

Snakemake takes `--set-resources` whole from one place, so one key on the command line drops all of a profile's: its
partition, memory and time. What stands in the configuration comes after rules, profiles and command line, and replaces
the keys that it names. `snakemake -n` shows them, and the job that a cluster runs has them too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from snakemake.resources import Resource
from snakemake.rules import Rule

from scriptorium.config.resources import Resources, Wanted
from scriptorium.errors import UserError, nearest
from scriptorium.runs import fitting
from scriptorium.runs.pretraining import PretrainingRuns


def apply(rules: Iterable[Rule], wanted: Resources) -> None:
    """Raises UserError for a rule that does not exist."""
    found = {rule.name: rule for rule in rules}
    for name in wanted.rules:
        if name not in found:
            raise UserError(f"resources.rules: unknown rule {name!r}, {nearest(name, found)}")
    of_variants = {variant: _resources(values) for variant, values in wanted.variants.items()}
    for name, rule in found.items():
        for key, resource in _resources(wanted.rules.get(name, {})).items():
            rule.resources[key] = resource
        if "variant" in rule.wildcard_names:
            for key in {key for values in of_variants.values() for key in values}:
                rule.resources[key] = _by_variant(key, of_variants, rule.resources.get(key))


def fit(rules: Iterable[Rule], runs: PretrainingRuns) -> None:
    """Let the micro-batch of every pre-training job be one that fits its GPU, or the DAG end with what does."""
    (rule,) = (rule for rule in rules if rule.name == "pretrain")
    given = {key: rule.resources[key] for key in fitting.KEYS if key in rule.resources}

    def chosen(wildcards: Any, **more: Any) -> int | str:
        asked = {key: resource.evaluate(wildcards, **more).value for key, resource in given.items()}
        return fitting.micro_batch(runs, wildcards.variant, asked)

    rule.resources["micro_batch"] = Resource("micro_batch", chosen)


def _resources(wanted: Wanted) -> dict[str, Resource]:
    """By Snakemake's own names: `threads` are its cores, and `mem: 16GB` is so many MB."""
    found = [Resource("_cores" if key == "threads" else key, value) for key, value in wanted.items()]
    found = [each.standardize_size() if each.name in ("mem", "disk") else each for each in found]
    return {each.name: each for each in found}


def _by_variant(key: str, of_variants: Mapping[str, Mapping[str, Resource]], otherwise: Resource) -> Resource:
    """What a job's own variant wants, else what its rule had until now."""

    def chosen(wildcards: Any, **given: Any) -> int | str | None:
        return of_variants.get(wildcards.variant, {}).get(key, otherwise).evaluate(wildcards, **given).value

    return Resource(key, chosen)
