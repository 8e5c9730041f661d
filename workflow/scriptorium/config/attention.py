"""Attention maps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from scriptorium.spec import Spec

if TYPE_CHECKING:
    from scriptorium.config.references import ReferenceChecks


class Attention(Spec):
    """Which attention maps are drawn."""

    study: str = Field(description="its baseline is drawn beside its other variants")
    task: str = Field(description="the task that the models were fine-tuned on")
    corpus: str = Field(description="gaze corpus that lends sentences and human fixation counts")
    sentences: int = Field(4, gt=0, le=20, description="how many sentences")


def check(checks: ReferenceChecks) -> None:
    """What is drawn."""
    if attention := checks.config.attention:
        checks.known(attention.study, checks.config.studies, "study", "attention.study")
        tasks = dict.fromkeys(checks.config.studies[attention.study].tasks)
        checks.known(attention.task, tasks, "task", "attention.task")
        checks.known(attention.corpus, checks.config.gaze.corpora, "gaze corpus", "attention.corpus")
