"""Fine-tuning: recipes and studies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from scriptorium.config import bodies, plug_in, study_checks
from scriptorium.errors import UserError
from scriptorium.reporting.spec import Protocol
from scriptorium.spec import Seed, Spec
from scriptorium.tasks.kind import kind_of
from scriptorium.tasks.spec import FinetuneSettings

if TYPE_CHECKING:
    from scriptorium.config.references import ReferenceChecks


class FinetuneRecipe(FinetuneSettings):
    """config/recipes/*.yaml with `stage: finetune`."""

    stage: Literal["finetune"]
    backbone: str = Field(description="backbone of config.yaml, or a pre-training variant: its model of the same seed")
    train: dict[str, Any] = Field(description="see TrainSpec")


class Study(Spec):
    """A comparison: variants on tasks against one baseline. One MLflow experiment each."""

    baseline: str = Field(description="the variant that all others are compared with")
    variants: tuple[str, ...] = Field(min_length=1, description="variants of ablations.tsv, baseline included")
    tasks: tuple[str, ...] = Field(min_length=1, description="tasks of this file")
    protocol: Protocol = Field(
        "ours",
        description="ours: nothing is chosen on what is reported; paper: all of train, the public dev set is reported, "
        "and the best epoch is chosen on it (docs/protocols.md)",
    )
    beside: str = Field(
        "",
        description="with protocol paper: a study of protocol ours with the same variants and tasks, which is set "
        "beside it: results/tables/protocols_<study>.tsv",
    )
    glue_submission: bool = Field(
        False,
        description="its models are kept and predict GLUE's test files: results/glue_submission/<study>/<variant>/",
    )
    seeds: tuple[Seed, ...] = Field((), description="empty: the seeds of this file")
    programme: str = Field("", description="paper whose target makes it as well, such as cogbert")
    on_request: bool = Field(False, description="made by its programme's target or by its path, not by default")
    figures: tuple[Literal["boundary", "dose", "feature_weights", "languages", "reading"], ...] = Field(
        (),
        description="boundary: the variants differ in it, draw the curve; dose: how far the fusion acts; "
        "feature_weights: table and map of alpha; "
        "languages: tasks in several languages, language by language; "
        "reading: eye-tracking tasks beside word length alone",
    )


def check(checks: ReferenceChecks) -> None:
    """Variants and tasks of each study."""
    for name, study in checks.config.studies.items():
        for task in study.tasks:
            checks.known(task, checks.config.tasks, "task", f"studies.{name}.tasks")
        study_checks.check(checks, name)
        for variant in study.variants:
            _check_variant(checks, f"studies.{name}", variant, study.tasks)


def _check_variant(checks: ReferenceChecks, place: str, variant: str, tasks: Sequence[str]) -> None:
    """A variant must have a backbone, and be one that can be fine-tuned on the tasks of its study."""
    recipe = checks.project.variant(variant, "finetune", f"{checks.where}: {place}.variants").recipe
    checks.known(recipe.backbone, checks.project.backbones, "backbone", f"variant {variant}, backbone")
    if recipe.plug_in:
        plug_in.check(checks, place, variant, tasks)
    bodies.check(checks, place, variant, tasks)
    for task in tasks if recipe.cognition or recipe.gaze_loss else ():
        if not kind_of(kind := checks.config.tasks[task].kind).takes_cognition:
            raise UserError(
                f"{place}: {variant} uses cognition, which {task}, a task of kind {kind}, cannot",
                where=checks.where,
                remedy="compare plain variants on such tasks, in a study of their own",
            )
