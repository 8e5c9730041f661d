"""The project: everything below config/, read and checked; `runs/` expands it into the runs of the DAG."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from scriptorium.config.claims import Claims
from scriptorium.config.encoders import Backbone
from scriptorium.config.schema import Config, Variant
from scriptorium.errors import UserError, nearest
from scriptorium.fetching.spec import FetchSpec


@dataclass(frozen=True)
class Project:
    """Everything below config/, read and checked."""

    config: Config
    variants: dict[str, Variant]
    datasets: dict[str, FetchSpec]
    catalogue: dict[str, dict[str, str]]  # all columns of datasets.tsv, for people
    published: list[dict[str, str]]  # rows of published.tsv
    claims: Claims

    @cached_property
    def backbones(self) -> dict[str, Backbone]:
        """Encoders by name: those of config.yaml, and every pre-training variant by its own name, seeds paired."""
        variants = [name for name, variant in self.variants.items() if variant.recipe.stage == "pretrain"]
        return {name: Backbone(pretrained=name, seed="paired") for name in variants} | self.config.backbones

    def variant(self, name: str, stage: str, where: str) -> Variant:
        """The variant `name`, which must have a recipe of `stage`. Raises UserError."""
        if name not in self.variants:
            raise UserError(
                f"unknown variant {name!r}, {nearest(name, self.variants)}",
                where=where,
                remedy="add a row to config/ablations.tsv or correct the name",
            )
        if (found := self.variants[name].recipe.stage) != stage:
            raise UserError(f"variant {name!r} has a {found} recipe, a {stage} recipe is needed here", where=where)
        return self.variants[name]
