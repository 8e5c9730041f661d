"""What may be configured of the ways to corrupt a whole text."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from scriptorium.spec import Spec


class NoiseSpec(Spec):
    """BART's noises (docs/papers/objectives.md section 2): of sentences, of tokens, rotation, in this order (ours).

    The default is BART's final one: text infilling and all sentences permuted.
    """

    permute_sentences: float = Field(1.0, ge=0, le=1, description="share of a text's sentences that change places")
    tokens: Literal["mask", "delete", "infill"] | None = Field(
        "infill",
        description="mask: each piece of the chosen words becomes the mask symbol; delete: it is gone; infill: spans "
        "of words become one mask symbol each; empty: none",
    )
    rate: float = Field(0.3, gt=0, lt=1, description="share of the words that are masked, deleted or in spans")
    span: float = Field(
        3.0, ge=0.5, description="infill: mean of the Poisson distribution of a span's words; none: a mask is inserted"
    )
    random: float = Field(0.0, ge=0, le=1, description="share of the mask symbols that are a random token instead")
    rotate: float = Field(0.0, ge=0, le=1, description="share of the texts that begin with a random token of theirs")
    whole_words: bool = Field(True, description="words are chosen, not pieces")

    def model_post_init(self, _: object) -> None:
        if not (self.permute_sentences or self.tokens or self.rotate):
            raise ValueError("noise: nothing is corrupted; set permute_sentences, tokens or rotate")

    def check_length(self, tokens: int) -> None:
        """Raises ValueError where a text of so many tokens is shorter than the noise."""
        if self.tokens:
            _check("noise", self.rate, self.span if self.tokens == "infill" else 0, tokens)


class SpanCorruptionSpec(Spec):
    """How t5 takes parts out of a text (docs/papers/objectives.md section 3)."""

    choice: Literal["spans", "tokens"] = Field(
        "spans",
        description="spans: of random lengths; tokens: each by itself, those next to each other being one span (the "
        "paper's baseline, i.i.d. denoising)",
    )
    rate: float = Field(0.15, gt=0, lt=1, description="share of the tokens that are taken out")
    span: float = Field(3.0, ge=1, description="mean length of a span; of choice spans")

    def check_length(self, tokens: int) -> None:
        """Raises ValueError where a text of so many tokens is shorter than the noise."""
        _check("corruption", self.rate, self.span if self.choice == "spans" else 0, tokens)


class BlanksSpec(Spec):
    """Which spans of a text glm makes blanks of (docs/papers/objectives.md section 5)."""

    rate: float = Field(0.15, gt=0, le=0.5, description="share of the tokens that are in blanks, at least")
    span: float = Field(3.0, gt=0, description="mean of the Poisson distribution of a span's tokens, without its 0")
    longest: int = Field(39, gt=0, description="tokens of the longest span")
    sentences: float = Field(
        0.0, ge=0, le=1, description="share of the texts whose blanks are whole sentences (the paper's 10B model: 0.3)"
    )
    ends: float = Field(
        0.0, ge=0, le=1, description="share of the texts of which one blank is all of the end (the 10B model: 0.2)"
    )
    shortest_end: float = Field(
        0.5, gt=0, le=1, description="such an end has from this share of the text to all of it (the 10B model: 0.25)"
    )

    def model_post_init(self, _: object) -> None:
        if (total := self.sentences + self.ends) > 1:
            raise ValueError(f"blanks: sentences and ends add up to {total:g}, more than 1")

    def longest_of(self, tokens: int) -> int:
        """The longest blank of a text of at most so many tokens."""
        return max(self.longest, tokens) if self.sentences or self.ends else self.longest

    def check_length(self, tokens: int) -> None:
        """Raises ValueError where a text of so many tokens is shorter than the noise."""
        _check("blanks", self.rate, self.span, tokens)


class FragmentSpec(Spec):
    """Which part of a text mass hides, and by what (docs/papers/objectives.md section 13)."""

    rate: float = Field(0.5, gt=0, lt=1, description="length of the fragment, as a share of the text's")
    first: float = Field(0.2, ge=0, le=1, description="share of the fragments that begin their text")
    last: float = Field(0.2, ge=0, le=1, description="share that end it; all others stand anywhere")
    mask: float = Field(0.8, ge=0, le=1, description="of the hidden tokens, the share replaced by the mask symbol")
    random: float = Field(0.1, ge=0, le=1, description="of these, the share replaced by a random token")

    def model_post_init(self, _: object) -> None:
        for one, other in (("first", "last"), ("mask", "random")):
            if (total := getattr(self, one) + getattr(self, other)) > 1:
                raise ValueError(f"fragment: {one} and {other} add up to {total:g}, more than 1")

    def check_length(self, tokens: int) -> None:
        """Raises ValueError where a text of so many tokens is shorter than the noise."""
        _check("fragment", self.rate, 0, tokens)


def _check(block: str, rate: float, span: float, tokens: int) -> None:
    hidden = rate * tokens
    if hidden < 1:
        raise ValueError(
            f"{block}.rate {rate:g} of {tokens} tokens is less than one: the text is shorter than its noise; raise the "
            "rate or block_length"
        )
    if span > hidden:
        raise ValueError(
            f"{block}.span {span:g} is longer than all that is hidden of {tokens} tokens, {hidden:g}: the text is "
            "shorter than its noise; lower the span, or raise the rate or block_length"
        )
