"""Labelled tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from scriptorium.engine.spec import TrainSpec
from scriptorium.errors import UserError
from scriptorium.evaluation import xtreme
from scriptorium.tasks.kind import kind_of
from scriptorium.tasks.spec import TaskData, TaskInput, XtremeTask

if TYPE_CHECKING:
    from scriptorium.config.references import ReferenceChecks


class Task(TaskData, TaskInput):
    """A labelled task."""

    dataset: str = Field(description="name in config/datasets.tsv")
    xtreme: XtremeTask | None = Field(
        None, description="which of XTREME's tasks it is: its score enters XTREME's average (docs/xtreme.md)"
    )
    train: dict[str, Any] = Field(
        default_factory=dict, description="what differs from the recipe's train on this task, for every variant alike"
    )
    metric: str | None = Field(
        None,
        description="what tables show, such as test/mcc; empty: that of the kind (docs/tasks.md)",
    )


def check(checks: ReferenceChecks) -> None:
    """Data, labels and metric of each."""
    for name, task in checks.config.tasks.items():
        checks.dataset(task.dataset, f"tasks.{name}.dataset")
        if task.train:
            length = {} if {"epochs", "max_steps"} & task.train.keys() else {"epochs": 1}
            TrainSpec.parse({**length, **task.train}, where=f"{checks.where}: tasks.{name}.train")
        kind = kind_of(task.kind)
        if fault := kind.labels_fault(task.labels):
            raise UserError(f"tasks.{name}.labels: {fault}", where=checks.where)
        if task.metric:
            checks.known(task.metric, dict.fromkeys(kind.shown(task.labels)), "metric", f"tasks.{name}.metric")
        if task.best_by:
            known = {shown.removeprefix("test/"): None for shown in kind.shown(task.labels)}
            checks.known(task.best_by, known, "metric", f"tasks.{name}.best_by")
        if task.scale and task.kind != "regression":
            raise UserError(
                f"tasks.{name}.scale: a task of kind {task.kind} has no numbers to scale",
                where=checks.where,
                remedy="leave it out",
            )
        if task.languages and not kind.takes_languages:
            raise UserError(
                f"tasks.{name}.languages: a task of kind {task.kind} cannot have them yet",
                where=checks.where,
                remedy="make a task of each language",
            )
        if task.translations:
            if task.translations.dataset:
                checks.dataset(task.translations.dataset, f"tasks.{name}.translations.dataset")
            if not kind.plugged_head:
                raise UserError(
                    f"tasks.{name}.translations: plug-in fine-tuning cannot read a task of kind {task.kind} yet",
                    where=checks.where,
                    remedy="leave translations out",
                )
        if task.xtreme:
            _xtreme(checks, name)
        if len(set(task.labels)) < len(task.labels):
            raise UserError(f"tasks.{name}.labels: a label stands there twice", where=checks.where)
    for name in checks.config.tasks.keys() & checks.config.gaze.corpora.keys():
        raise UserError(
            f"{name!r} names both a task and a gaze corpus, but annotations need one name each", where=checks.where
        )


def _xtreme(checks: ReferenceChecks, name: str) -> None:
    """What is called one of XTREME's tasks is of its kind and languages, and is scored as it is there."""
    task, wanted = checks.config.tasks[name], xtreme.TASKS[checks.config.tasks[name].xtreme]
    place = f"tasks.{name}.xtreme: {task.xtreme}"
    if not task.languages or task.kind != wanted.kind:
        raise UserError(f"{place} is of kind {wanted.kind} and has languages", where=checks.where)
    for code in task.languages.test:
        checks.known(code, dict.fromkeys(wanted.languages), f"language of {task.xtreme}", place)
    if task.answers.scorer != wanted.scorer:
        raise UserError(
            f"{place} is scored otherwise",
            where=checks.where,
            remedy=f"set answers: {{scorer: {wanted.scorer}}}",
        )
