"""A run, and what every subject's runs are named by. A run is named by its path below results/."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

from scriptorium.config.project import Project
from scriptorium.config.schema import Recipe
from scriptorium.errors import UserError, nearest
from scriptorium.generation.spec import GenerationStudy
from scriptorium.translation.spec import TranslationStudy


@dataclass(frozen=True)
class Run:
    """One expected run: its directory, and what people call it in tables and in MLflow."""

    path: str
    stage: str
    study: str
    variant: str
    task: str = ""
    seed: int | None = None
    paper_table: str = ""

    @property
    def manifest(self) -> str:
        return f"{self.path}/manifest.json"

    @property
    def name(self) -> str:
        parts = (self.variant, self.task, "" if self.seed is None else f"seed{self.seed}")
        return " · ".join(part for part in parts if part)


class ConfiguredRuns:
    """What the subjects' classes have in common: the project, and names that must be known."""

    def __init__(self, project: Project):
        self.project, self.config = project, project.config

    def check_directories(self) -> None:
        """Raises UserError if a directory that jobs write to cannot be written."""
        for name in ("results", "resources", "logs", "benchmarks"):
            path = Path(name)
            while not path.exists():
                path = path.absolute().parent
            if not path.is_dir() or not os.access(path, os.W_OK | os.X_OK):
                raise UserError(
                    "this directory cannot be written",
                    where=path.absolute(),
                    remedy="correct its permissions, or run elsewhere with `snakemake --directory`",
                )

    def _run(self, stage: str, folder: str, study: str, variant: str, task: str, seed: int) -> Run:
        table = self.project.variants[variant].paper_table
        return Run(f"results/{folder}/seed{seed}", stage, study, variant, task, seed, table)

    def _compared(
        self, stage: str, name: str, study: TranslationStudy | GenerationStudy, tasks: Iterable[str]
    ) -> list[Run]:
        """The runs of a study whose variants write, each from its own seed's model."""
        seeds = study.seeds or self.config.pretraining.seeds
        return [
            self._run(stage, f"{stage}/{variant}/{task}", name, variant, task, seed)
            for task in tasks
            for variant in study.variants
            for seed in seeds
        ]

    def _recipe(self, variant: str, stage: str) -> Recipe:
        """The recipe of a variant of that stage. Raises UserError."""
        return self.project.variant(variant, stage, "results path").recipe

    def _block(self, *keys: str) -> Any:
        """A block of config.yaml that need not be there, as ("gaze", "predictor"). Raises UserError if it is not."""
        if (found := reduce(getattr, keys, self.config)) is None:
            name = ".".join(keys)
            raise UserError(
                f"{name} is not configured",
                where="config/config.yaml",
                remedy=f"add a block {name}; config/README.md shows one",
            )
        return found

    @staticmethod
    def _known(name: str, names: dict, what: str):
        if name not in names:
            raise UserError(f"unknown {what} {name!r}, {nearest(name, names)}", where="target path")
        return names[name]
