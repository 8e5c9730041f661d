"""How a variant's backbone is fine-tuned: known before any job, from its pre-training objective or from the recipe."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from scriptorium.errors import UserError
from scriptorium.tasks.body import body_of
from scriptorium.tasks.spec import BodySpec

if TYPE_CHECKING:
    from scriptorium.config.finetuning import FinetuneRecipe
    from scriptorium.config.project import Project
    from scriptorium.config.references import ReferenceChecks


def of_run(project: Project, recipe: FinetuneRecipe, task: str) -> BodySpec | None:
    """The body that a recipe's runs on a task have; None: an encoder. Raises UserError for a kind that it cannot do."""
    given = recipe.body or BodySpec()
    name = given.name or of_backbone(project, recipe.backbone)
    if not name:
        return None
    _check_kind(name, task, project.config.tasks[task].kind, f"results path: backbone {recipe.backbone!r}", "")
    spec = BodySpec(name=name, prefix=given.prefix.replace("{task}", task))
    return spec if body_of(spec).takes_prefix else spec.model_copy(update={"prefix": ""})


def of_backbone(project: Project, name: str) -> str | None:
    """The body of a backbone, empty for an encoder; None: it is a data set, which tells only when the run begins."""
    backbone = project.backbones.get(name)
    if backbone is None:  # of a variant that no study has: its run says so
        return None
    if backbone.finetuned:
        recipe = project.variants[backbone.finetuned].recipe
        return recipe.body.name if recipe.body and recipe.body.name else of_backbone(project, recipe.backbone)
    if backbone.pretrained:
        return project.variants[backbone.pretrained].recipe.objective.body
    return None


def check(checks: ReferenceChecks, place: str, variant: str, tasks: Iterable[str]) -> None:
    """Raises UserError for a variant of a study whose body does not fit its backbone or one of its tasks."""
    project, recipe = checks.project, checks.project.variants[variant].recipe
    known, given = of_backbone(project, recipe.backbone), recipe.body
    if given:
        _check_given(checks, f"{place}: {variant}, body", recipe.backbone, known, given)
    name = (given and given.name) or known
    if not name:
        return
    if other := next((key for key in ("cognition", "gaze_loss", "plug_in") if getattr(recipe, key) is not None), ""):
        raise UserError(
            f"{place}: {variant} uses {other}, which {recipe.backbone!r}, a model that writes text, cannot",
            where=checks.where,
            remedy="take a backbone with an encoder alone",
        )
    for task in tasks:
        _check_kind(name, task, checks.config.tasks[task].kind, f"{place}: {variant}", checks.where)


def _check_kind(name: str, task: str, kind: str, place: str, where: str) -> None:
    """Raises UserError for a kind of task that a body cannot do."""
    body = body_of(BodySpec(name=name))
    if not body.takes(kind):
        raise UserError(
            f"{place} has body {name}, which cannot be used on {task}, a task of kind {kind}",
            where=where,
            remedy=body.refused,
        )


def _check_given(checks: ReferenceChecks, place: str, backbone: str, known: str | None, given: BodySpec) -> None:
    """Raises UserError for a block `body` that its backbone contradicts, or that says too little or too much."""
    if known == "":
        raise UserError(
            f"{place}: {backbone!r} is pre-trained as an encoder", where=checks.where, remedy="leave body out"
        )
    if known and given.name not in (known, None):
        raise UserError(
            f"{place}.name: {given.name}, but {backbone!r} is pre-trained for {known}",
            where=checks.where,
            remedy="leave body.name out",
        )
    if not (name := given.name or known):
        raise UserError(
            f"{place}.name: {backbone!r} is a data set, so its recipe must say how it is fine-tuned",
            where=checks.where,
            remedy="set body: {name: bart}, causal or t5, or leave body out for an encoder",
        )
    if "prefix" in given.model_fields_set and not body_of(BodySpec(name=name)).takes_prefix:
        raise UserError(f"{place}.prefix: {name} reads no prefix", where=checks.where, remedy="leave body.prefix out")
