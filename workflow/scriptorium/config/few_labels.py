"""A task with few labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from scriptorium.config.evaluations import asking, check_block
from scriptorium.errors import UserError
from scriptorium.few_labels.spec import ProbeSettings

if TYPE_CHECKING:
    from scriptorium.config.references import ReferenceChecks


class FewLabels(ProbeSettings):
    """How much labelled text a pre-trained encoder saves: a task with few labels (results/tables/few_labels.tsv)."""

    task: str = Field(description="task of kind classification, which the corpus of pre-training excludes")
    study: str | None = Field(
        None, description="fine-tuning study whose tasks have `labelled`; its variants stand in few_labels.tsv as well"
    )


def check(checks: ReferenceChecks) -> None:
    """The task, and that pre-training has not read it."""
    check_block(checks, "few_labels")
    config = checks.config
    if config.few_labels is None:
        return
    task = config.few_labels.task
    checks.known(task, config.tasks, "task", "few_labels.task")
    if (kind := config.tasks[task].kind) != "classification":
        raise UserError(f"few_labels.task: {task} is of kind {kind}, not classification", where=checks.where)
    if study := config.few_labels.study:
        checks.known(study, config.studies, "study", "few_labels.study")
        for name in config.studies[study].tasks:
            if name in config.tasks and config.tasks[name].labelled is None:
                raise UserError(
                    f"few_labels.study: task {name} of study {study} does not say how many examples are labelled",
                    where=checks.where,
                    remedy=f"set tasks.{name}.labelled",
                )
    for place, variants, _ in asking(config, "few_labels"):
        for variant in variants:
            corpus = checks.project.variants[variant].recipe.corpus
            if task not in config.corpora[corpus].exclude:
                raise UserError(
                    f"{place}: {variant} is trained on {corpus!r}, which may hold texts of {task}",
                    where=checks.where,
                    remedy=f"set exclude: [{task}] in corpora.{corpus}",
                )
