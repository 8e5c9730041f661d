"""Settings of encoder-decoders: BART, T5 and the prefix language model."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from scriptorium.objectives.corruption.spec import NoiseSpec, SpanCorruptionSpec
from scriptorium.objectives.spec.base import MODULE, GenerativeSpec


class TextToTextSpec(GenerativeSpec):
    """What encoder-decoders share."""

    writes: ClassVar[str] = "seq2seq"


class BartSpec(TextToTextSpec):
    """bart."""

    likelihood: ClassVar[str] = "infilled"
    body: ClassVar[str] = "bart"

    name: Annotated[Literal["bart"], MODULE] = Field(
        "bart", description="the whole text from a corrupted one, on BART's encoder-decoder"
    )
    noise: NoiseSpec = NoiseSpec()

    def check_length(self, tokens: int, positions: int | None) -> None:
        self.noise.check_length(tokens)
        if positions is not None and tokens >= positions:
            raise ValueError(
                f"a text of a whole block has {tokens + 1} positions with its [CLS] and [SEP], model.max_positions is "
                f"{positions}"
            )


class T5Spec(TextToTextSpec):
    """t5."""

    likelihood: ClassVar[str] = "sentinel"
    relative: ClassVar[bool] = True
    body: ClassVar[str] = "t5"

    name: Annotated[Literal["t5"], MODULE] = Field(
        "t5", description="spans taken out of a text, on T5's encoder-decoder"
    )
    corruption: SpanCorruptionSpec = SpanCorruptionSpec()

    def check_length(self, tokens: int, positions: int | None) -> None:
        self.corruption.check_length(tokens)


class PrefixLmSpec(TextToTextSpec):
    """prefix-lm."""

    likelihood: ClassVar[str] = "prefix"
    relative: ClassVar[bool] = True
    body: ClassVar[str] = "t5"

    name: Annotated[Literal["prefix-lm"], MODULE] = Field(
        "prefix-lm", description="the rest of a text from its beginning, on T5's encoder-decoder"
    )
