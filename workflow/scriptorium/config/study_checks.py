"""What a study of fine-tuning asks for beside its table must be possible: protocols, GLUE's test files, languages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scriptorium.errors import UserError
from scriptorium.tasks.protocols import without_protocol

if TYPE_CHECKING:
    from scriptorium.config.references import ReferenceChecks


def check(checks: ReferenceChecks, name: str) -> None:
    """Raises UserError naming the study, the key and the remedy."""
    study = checks.config.studies[name]
    if "languages" in study.figures:
        _languages(checks, name)
    if study.beside:
        _beside_ours(checks, name)
    if study.glue_submission:
        _glue_submission(checks, name)


def _languages(checks: ReferenceChecks, name: str) -> None:
    """A figure of languages is drawn of tasks that have them."""
    for task in checks.config.studies[name].tasks:
        if not checks.config.tasks[task].languages:
            raise UserError(
                f"studies.{name}.figures: languages, but task {task} has none",
                where=checks.where,
                remedy="take it out of figures, or the task out of the study",
            )


def _beside_ours(checks: ReferenceChecks, name: str) -> None:
    """A study of protocol paper stands beside one of protocol ours that has its variants, tasks and seeds."""
    study = checks.config.studies[name]
    checks.known(study.beside, checks.config.studies, "study", f"studies.{name}.beside")
    other = checks.config.studies[study.beside]
    if (study.protocol, other.protocol) != ("paper", "ours"):
        raise UserError(
            f"studies.{name}.beside: {name} is of protocol {study.protocol} and {study.beside} of {other.protocol}",
            where=checks.where,
            remedy="set beside a study of protocol paper, and name one of protocol ours",
        )
    wanted = {"variants": study.variants, "tasks": tuple(map(without_protocol, study.tasks))}
    for key, names in wanted.items():
        if missing := [own for own in names if own not in getattr(other, key)]:
            raise UserError(
                f"studies.{name}.beside: {study.beside} lacks the {key} {', '.join(missing)}",
                where=checks.where,
                remedy=f"add them to studies.{study.beside}.{key}, or take them out of studies.{name}.{key}",
            )


def _glue_submission(checks: ReferenceChecks, name: str) -> None:
    """GLUE's test files are predicted by plain models, each of a task of its own."""
    study, place = checks.config.studies[name], f"studies.{name}.glue_submission"
    entries = {task: checks.config.tasks[task] for task in study.tasks}
    if other := [task for task, entry in entries.items() if entry.reader != "glue"]:
        raise UserError(
            f"{place}: {', '.join(other)} of this study is no task of GLUE",
            where=checks.where,
            remedy="make a study of GLUE's tasks alone",
        )
    named = [entry.options.task for entry in entries.values()]
    if twice := next((task for task in named if named.count(task) > 1), ""):
        raise UserError(
            f"{place}: two tasks of this study are GLUE's {twice}, whose test file is predicted once",
            where=checks.where,
            remedy="take one of them out",
        )
    for variant in study.variants:
        recipe = checks.project.variant(variant, "finetune", f"{checks.where}: {place}").recipe
        if recipe.cognition:
            raise UserError(
                f"{place}: {variant} reads annotated words, and test files are not annotated",
                where=checks.where,
                remedy="take variants without cognition",
            )
