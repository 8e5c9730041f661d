"""Settings of encoder-decoders: BART, T5, the prefix language model and MASS."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from scriptorium.objectives.corruption.spec import FragmentSpec, NoiseSpec, SpanCorruptionSpec
from scriptorium.objectives.spec.base import MODULE, GenerativeSpec, check_framed


class TextToTextSpec(GenerativeSpec):
    """What encoder-decoders share."""

    writes: ClassVar[str] = "seq2seq"


class OnBartSpec(TextToTextSpec):
    """What objectives on BART's body share."""

    body: ClassVar[str] = "bart"

    frequency_bias: bool = Field(
        False,
        description="the output bias, which is not trained, holds the log frequencies of the training tokens (ours); "
        "BART's holds 0",
    )


class BartSpec(OnBartSpec):
    """bart."""

    likelihood: ClassVar[str] = "infilled"

    name: Annotated[Literal["bart"], MODULE] = Field(
        "bart", description="the whole text from a corrupted one, on BART's encoder-decoder"
    )
    noise: NoiseSpec = NoiseSpec()

    def check_length(self, tokens: int, positions: int | None) -> None:
        self.noise.check_length(tokens)
        check_framed(tokens, positions)


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


class MassSpec(OnBartSpec):
    """mass."""

    likelihood: ClassVar[str] = "halves"

    name: Annotated[Literal["mass"], MODULE] = Field(
        "mass", description="a fragment of a text from the rest of it, on BART's encoder-decoder"
    )
    fragment: FragmentSpec = FragmentSpec()

    def check_length(self, tokens: int, positions: int | None) -> None:
        self.fragment.check_length(tokens)
        check_framed(tokens, positions)
