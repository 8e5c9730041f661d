"""Readers of labelled data, one file per family, and `prepare`, which turns any of them into a task of three splits."""

from scriptorium.data.tasks.baselines import overlap_baseline
from scriptorium.data.tasks.preparing import READERS, prepare

__all__ = ["READERS", "overlap_baseline", "prepare"]
