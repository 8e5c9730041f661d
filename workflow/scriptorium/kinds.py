"""The kinds of labelled tasks, and the settings that belong to one kind alone. See docs/tasks.md."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from scriptorium.spec import Spec

Kind = Literal["classification", "regression", "tagging", "gaze", "question_answering", "multiple_choice"]
KIND = "what is predicted: a class or number per text, a tag or measures per word, a span of a passage, one of options"
LABELS = (
    "classes, tags or measures in the order of their numbers; for multiple_choice the parts whose accuracy is told "
    "apart; empty for regression and question_answering"
)
PLAIN_ONLY = ("question_answering", "multiple_choice")  # no cognition, no gaze loss
OPTION_LENGTH = 128  # RoBERTa's recipe for RACE (papers/mpnet_and_zoo 5)


class AnswerSpec(Spec):
    """Question answering: windows over long passages, and how an answer is read off (papers/mpnet_and_zoo 5)."""

    stride: int = Field(128, gt=0, description="pieces between the beginnings of two windows over one passage")
    question_length: int = Field(64, gt=0, description="longest question in pieces; the rest is cut")
    answer_length: int = Field(30, gt=0, description="longest answer in pieces")
    n_best: int = Field(20, gt=0, description="beginnings, and ends, that are tried in a window")
