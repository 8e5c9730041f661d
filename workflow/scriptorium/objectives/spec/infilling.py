"""Settings of blank infilling: GLM."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from scriptorium.objectives.corruption.spec import BlanksSpec
from scriptorium.objectives.spec.base import MODULE, GenerativeSpec, check_framed


class GlmSpec(GenerativeSpec):
    """glm."""

    likelihood: ClassVar[str] = "blanks"

    name: Annotated[Literal["glm"], MODULE] = Field(
        "glm", description="blanks of a text from left to right, in any order, on GPT-2's body"
    )
    blanks: BlanksSpec = BlanksSpec()

    def check_length(self, tokens: int, positions: int | None) -> None:
        self.blanks.check_length(tokens)
        check_framed(tokens, positions)
