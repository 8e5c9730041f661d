"""Every name in the configuration must lead somewhere, and names must be usable as folders and targets.

Each subject's module checks its own blocks, in a function `check`; here stands what all of them need.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from scriptorium.config import (
    attention,
    bits_per_byte,
    crosslingual,
    encoders,
    few_labels,
    finetuning,
    gaze,
    generation,
    minimal_pairs,
    pretraining,
    retrieval,
    tasks,
    text,
    translation,
    vectors,
)
from scriptorium.config.schema import NAMED
from scriptorium.errors import UserError, nearest

if TYPE_CHECKING:
    from scriptorium.config.project import Project

# In this order: a fault is told where it stands, before what refers to it.
SUBJECTS = (
    gaze,
    encoders,
    tasks,
    text,
    pretraining,
    minimal_pairs,
    bits_per_byte,
    retrieval,
    few_labels,
    crosslingual,
    vectors,
    finetuning,
    attention,
    translation,
    generation,
)


class ReferenceChecks:
    """A project, and how its subjects refuse a name. Everything raises UserError naming the key."""

    def __init__(self, project: Project, where: str):
        self.project, self.config, self.where = project, project.config, where

    def check(self) -> None:
        """Names, then subject by subject."""
        self.names()
        for subject in SUBJECTS:
            subject.check(self)
        for name in self.config.resources.variants:
            self.known(name, self.project.variants, "variant", "resources.variants")

    def known(self, name: str, names: Mapping, what: str, place: str, remedy: str | None = None) -> None:
        if name not in names:
            raise UserError(
                f"{place}: unknown {what} {name!r}, {nearest(name, names)}", where=self.where, remedy=remedy
            )

    def dataset(self, name: str, place: str) -> None:
        self.known(
            name, self.project.datasets, "data set", place, "add a row to config/datasets.tsv or correct the name"
        )

    def names(self) -> None:
        """Names become folders, seeds too; and a study compares its variants with one of them."""
        config = self.config
        blocks = {block: getattr(config, block) for block in NAMED}
        blocks |= {"gaze.corpora": config.gaze.corpora, "pretraining.studies": config.pretraining.studies}
        for block, names in blocks.items():
            check_names(list(names), f"{self.where}: {block}")
        seeds = {"seeds": config.seeds, "pretraining.seeds": config.pretraining.seeds}
        studies = config.all_studies
        seeds |= {f"{place}.seeds": study.seeds for place, study in studies.items()}
        for block, chosen in seeds.items():
            check_names([str(seed) for seed in chosen], f"{self.where}: {block}")
        for place, study in studies.items():
            if study.baseline not in study.variants:
                raise UserError(f"{place}.baseline {study.baseline!r} is not among its variants", where=self.where)


def check_names(names: Sequence[str], where: str) -> None:
    """Names become folders and Snakemake targets: no separators, no repetition."""
    for name in names:
        if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", name):
            raise UserError(
                f"{name!r} cannot be a name",
                where=where,
                remedy="use letters, digits, hyphen, underscore and dot, beginning with a letter or digit",
            )
        if names.count(name) > 1:
            raise UserError(f"{name!r} stands there twice", where=where, remedy="rename one of the two")
