"""Attention maps of fine-tuned models beside human fixations."""

from __future__ import annotations

from functools import cached_property

from scriptorium.runs.configured import Run
from scriptorium.runs.finetuning import FinetuningRuns
from scriptorium.runs.folders import made_in
from scriptorium.spec import Spec
from scriptorium.stages.attention_maps import AttentionMapsSpec


class AttentionRuns(FinetuningRuns):
    """Attention maps of fine-tuned models beside human fixations."""

    def attention_runs(self) -> list[Run]:
        """The fine-tuned models whose attention is drawn: the first seed of every variant of the study."""
        return [run for run in self.finetuning if (run.variant, run.task, run.seed) in self._drawn]

    @made_in("results/runs/figures/attention")
    def attention_maps(self) -> Spec:
        sentences = self.config.attention.sentences if self.config.attention else 1
        return AttentionMapsSpec(sentences=sentences)

    def attention_words(self) -> list[str]:
        attention = self.config.attention
        return [f"results/gaze/corpora/{attention.corpus}/manifest.json"] if attention else []

    def attention_annotations(self) -> list[str]:
        attention = self.config.attention
        return [f"results/annotations/{attention.corpus}/manifest.json"] if attention else []

    def _kept_models(self) -> set[tuple[str, str, int]]:
        return super()._kept_models() | self._drawn

    @cached_property
    def _drawn(self) -> set[tuple[str, str, int]]:
        attention = self.config.attention
        if attention is None:
            return set()
        variants = self.config.studies[attention.study].variants
        return {(variant, attention.task, self.config.seeds[0]) for variant in variants}
