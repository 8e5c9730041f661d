"""XTREME's nine tasks, and how their scores become one number (docs/papers/veco.md section 4.5).

A task's score is the plain mean over its languages of accuracy, of F1, or of (F1 + exact match) / 2; the benchmark's is
the plain mean over tasks. Accuracy and F1 of tags are in classification.py and tagging.py (seqeval's rules, which make
one chunk of neighbouring words with the same part of speech), answers in answer_scorers.py; what retrieval needs is
here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from scriptorium.errors import UserError, nearest


@dataclass(frozen=True)
class XtremeTask:
    """metrics: those whose mean is the score of a language; languages: all that XTREME tests."""

    kind: str
    metrics: tuple[str, ...]
    languages: tuple[str, ...]
    scorer: str = "squad"  # of answers


def _task(kind: str, metrics: str, languages: str, scorer: str = "squad") -> XtremeTask:
    return XtremeTask(kind, tuple(metrics.split()), tuple(languages.split()), scorer)


TASKS: Mapping[str, XtremeTask] = {
    "xnli": _task("classification", "accuracy", "ar bg de el en es fr hi ru sw th tr ur vi zh"),
    "pawsx": _task("classification", "accuracy", "de en es fr ja ko zh"),
    "udpos": _task(
        "tagging",
        "f1",
        "af ar bg de el en es et eu fa fi fr he hi hu id it ja kk ko mr nl pt ru ta te th tl tr ur vi yo zh",
    ),
    "panx": _task(
        "tagging",
        "f1",
        "af ar bg bn de el en es et eu fa fi fr he hi hu id it ja jv ka kk ko ml mr ms my nl pt ru sw ta te th tl tr "
        "ur vi yo zh",
    ),
    "xquad": _task("question_answering", "f1 em", "ar de el en es hi ru th tr vi zh", "squad1"),
    "mlqa": _task("question_answering", "f1 em", "ar de en es hi vi zh", "mlqa"),
    "tydiqa": _task("question_answering", "f1 em", "ar bn en fi id ko ru sw te", "squad1"),
    "bucc2018": _task("retrieval", "f1", "de fr ru zh"),
    "tatoeba": _task(
        "retrieval",
        "accuracy",
        "af ar bg bn de el es et eu fa fi fr he hi hu id it ja jv ka kk ko ml mr nl pt ru sw ta te th tl tr ur vi zh",
    ),
}


def score_of_task(name: str, by_language: Mapping[str, Mapping[str, float]]) -> float:
    """A task's score: language -> metric -> value, as shares of 1. Only the languages that are given count."""
    metrics = TASKS[name].metrics
    if unknown := next((own for own in by_language if own not in TASKS[name].languages), None):
        raise UserError(f"{name} has no language {unknown!r}, {nearest(unknown, TASKS[name].languages)}")
    return mean([mean([values[metric] for metric in metrics]) for values in by_language.values()])


def average(scores: Mapping[str, float]) -> float:
    """The plain mean over tasks. It is XTREME's number with all nine alone."""
    if unknown := next((own for own in scores if own not in TASKS), None):
        raise UserError(f"XTREME has no task {unknown!r}, {nearest(unknown, TASKS)}")
    return mean(list(scores.values()))


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def retrieval_accuracy(right: Sequence[object], found: Sequence[object]) -> float:
    """Tatoeba: the share of sentences whose nearest neighbour is their translation."""
    return mean([float(a == b) for a, b in zip(right, found, strict=True)])


def mining_f1(right: Collection[tuple[str, str]], mined: Collection[tuple[str, str]]) -> float:
    """BUCC: F1 of mined pairs of sentences, each pair once; 0 where none is right."""
    right, mined = set(right), set(mined)
    hits = len(right & mined)
    return 2 * hits / (len(right) + len(mined)) if hits else 0.0
