"""What is asked of pre-trained models as they are, without training them further.

A study of `pretraining.studies` asks for an evaluation by a setting of its own (`retrieval: [held-out]`), the default
pre-training by one of `pretraining`. The class of an evaluation says which runs follow, in a method marked `@asked_by`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from scriptorium.errors import UserError
from scriptorium.runs.configured import Run
from scriptorium.runs.pretraining import PretrainingRuns

EVALUATIONS: dict[str, Evaluation] = {}  # by the setting that asks for it


@dataclass(frozen=True)
class Evaluation:
    """The stage of an evaluation's runs, and the method of `Runs` that names them."""

    stage: str
    method: str


def asked_by(setting: str, stage: str) -> Callable[[Callable], Callable]:
    """Decorator of a method: `_<study>`, or "" for the default pre-training -> the runs that the setting asks for."""

    def known(method: Callable) -> Callable:
        EVALUATIONS[setting] = Evaluation(stage, method.__name__)
        return method

    return known


class EvaluationRuns(PretrainingRuns):
    """What the classes of the evaluations have in common."""

    def evaluated(self, setting: str, programme: str = "") -> list[Run]:
        """All runs of an evaluation, or those of a programme's studies, each once."""
        own = {f"_{name}" for name in self.pretraining_programme(programme)}
        of = getattr(self, EVALUATIONS[setting].method)
        asking = [name for name in self.asking(setting) if not programme or name in own]
        return list({run.path: run for name in asking for run in of(name)}.values())

    def asking(self, setting: str) -> list[str]:
        """The studies (`_<name>`) that ask for an evaluation, and last the default (""), which names the runs."""
        pretraining = self.config.pretraining
        studies = [f"_{name}" for name, study in pretraining.studies.items() if getattr(study, setting)]
        return [*studies, *([""] if self.pretraining and getattr(pretraining, setting, False) else [])]

    def _asked(self, of_study: str, setting: str) -> tuple[list[Run], Any]:
        """The models of a study or of the default, and what is asked of them. Raises UserError if nothing is."""
        name, pretraining = of_study.removeprefix("_"), self.config.pretraining
        trained = self.pretraining_study(name) if name else self.pretraining
        asking = pretraining.studies[name] if name else pretraining
        if trained and (asked := getattr(asking, setting, None)):
            return trained, asked
        fields = type(asking).model_fields
        value = ": true" if setting in fields and fields[setting].annotation is bool else ""
        place = (
            f"pretraining.{f'studies.{name}.' if name else ''}" if setting in fields else "pretraining.studies.<name>."
        )
        raise UserError(
            f"{setting} is not asked for of {name or 'the default pre-training'}",
            where="config/config.yaml",
            remedy=f"set {place}{setting}{value}",
        )

    def _on_sets(self, stage: str, folder: str, trained: list[Run], sets: Mapping[str, Iterable[str]]) -> list[Run]:
        """Runs on sets of texts: of what was pre-trained, and of the backbones that stand beside it in a set."""
        found = []
        for name, beside in sets.items():
            of = [(run.variant, run.seed, run.paper_table) for run in trained]
            of += [(backbone, 0, "") for backbone in beside]
            found += [
                Run(f"results/{folder}/{who}/{name}/seed{seed}", stage, trained[0].study, who, name, seed, table)
                for who, seed, table in of
            ]
        return found
