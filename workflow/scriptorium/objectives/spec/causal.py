"""Settings of causal language models."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from scriptorium.objectives.spec.base import MODULE, GenerativeSpec


class CausalSpec(GenerativeSpec):
    """What causal language models share."""

    likelihood: ClassVar[str] = "left_to_right"
    body: ClassVar[str] = "causal"
    writes: ClassVar[str] = "causal"

    restart: bool = Field(
        True, description="positions begin anew with every document; without document_attention they never do"
    )


class Gpt2Spec(CausalSpec):
    """gpt2."""

    name: Annotated[Literal["gpt2"], MODULE] = Field("gpt2", description="causal language model on GPT-2's body")


class LlamaSpec(CausalSpec):
    """llama."""

    name: Annotated[Literal["llama"], MODULE] = Field("llama", description="causal language model on LLaMA's body")
