"""What may be configured of the tables. Nothing heavy is imported."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from scriptorium.spec import Spec
from scriptorium.tasks.spec import KindOfTask, XtremeTask

Protocol = Literal["ours", "paper"]  # of a fine-tuning study (docs/protocols.md)


class TaskInTables(KindOfTask):
    """A task as its tables show it: its kind says how metrics are made of predictions."""

    metric: str = Field(description="what is shown, such as test/f1")


class TaskInLanguages(TaskInTables):
    """A task in several languages."""

    train: tuple[str, ...] = Field(description="languages that it was trained in")
    xtreme: XtremeTask | None = Field(None, description="which of XTREME's tasks it is")


# whose runs a claim may compare
Stage = Literal[
    "finetune", "translate", "generate", "retrieve", "measure_vectors", "probe", "score_pairs", "score_texts"
]


class ClaimRow(Spec):
    """A claim on one task, with its published values resolved."""

    claim: str = Field(description="<name>/<task>, or <name> for one that cannot be tested")
    paper: str = Field(description="who claims it")
    of: Stage = Field("finetune", description="the stage whose runs are compared")
    metric: str = Field("", description="what is compared; empty for a task that is not configured")
    task: str = Field("", description="the task, the translation, or the set of texts")
    a: str = Field("", description="variant claimed to be better")
    b: str = Field("", description="variant compared with")
    published_a: float | None = Field(None, description="published value of a; percentages as shares of 1")
    published_b: float | None = Field(None, description="published value of b")
