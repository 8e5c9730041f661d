"""How a run says which architecture of ours it reads."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from scriptorium.named import ModuleOf
from scriptorium.spec import Spec


def _transformers_own(value: object) -> bool:
    """Then it is left out of the run's specification, so it is the same run as before there was this field."""
    return value is None


class ReadsArchitecture(Spec):
    """What runs share that read a saved model."""

    architecture: Annotated[str | None, ModuleOf("scriptorium.models.architectures")] = Field(
        None, exclude_if=_transformers_own, description="of ours; empty: transformers knows the model"
    )
