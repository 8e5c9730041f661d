"""Settings of recurrent language models: ELMo's."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from scriptorium.objectives.spec.base import MODULE, GenerativeSpec


class ElmoSpec(GenerativeSpec):
    """elmo."""

    likelihood: ClassVar[str] = "both_directions"
    architecture: ClassVar[str | None] = "elmo"

    name: Annotated[Literal["elmo"], MODULE] = Field(
        "elmo", description="two LSTM language models, from left to right and from right to left"
    )
    document_attention: bool = Field(True, description="the state begins anew with every document of a packed block")
