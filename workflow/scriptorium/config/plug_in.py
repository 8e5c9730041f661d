"""Plug-in fine-tuning needs translations of its tasks and an encoder with cross-attention: known before any job."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from scriptorium.errors import UserError

if TYPE_CHECKING:
    from scriptorium.config.project import Project
    from scriptorium.config.references import ReferenceChecks


def check(checks: ReferenceChecks, place: str, variant: str, tasks: Iterable[str]) -> None:
    """Raises UserError for a variant of a study with plug-in that cannot be fine-tuned on all of its tasks."""
    recipe = checks.project.variants[variant].recipe
    if not has_cross_attention(checks.project, recipe.backbone):
        raise UserError(
            f"{place}: {variant} is plugged in, but its backbone {recipe.backbone!r} has no cross-attention",
            where=checks.where,
            remedy="take a backbone that VECO pre-trained with objective.paired.weights.ca above 0",
        )
    for task in tasks:
        given = checks.config.tasks[task].translations
        if given is None:
            raise UserError(
                f"{place}: {variant} is plugged in and reads translations, but task {task} has none",
                where=checks.where,
                remedy=f"set tasks.{task}.translations (docs/xtreme.md), or compare {variant} in a study of its own",
            )
        if given.train_only and recipe.plug_in.at_test != "alone":
            raise UserError(
                f"{place}: {variant} reads translations at test time too, but task {task} has those of train alone",
                where=checks.where,
                remedy="set plug_in: {at_test: alone}, or give translations of validation and test",
            )


def has_cross_attention(project: Project, name: str) -> bool:
    """Whether an encoder may have one: surely not what was pre-trained, or fine-tuned plugged out, without it."""
    backbone = project.backbones[name]
    if backbone.finetuned:
        recipe = project.variants[backbone.finetuned].recipe
        return recipe.plug_in is not None and has_cross_attention(project, recipe.backbone)
    if backbone.pretrained:
        paired = getattr(project.variants[backbone.pretrained].recipe.objective, "paired", None)
        return paired is not None and paired.weights.ca > 0
    return True  # a data set: its configuration tells, when the run begins
