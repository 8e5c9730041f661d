"""What the cross-lingual bench times. Nothing heavy is imported."""

from __future__ import annotations

from pydantic import Field

from scriptorium.spec import Spec


class StepShape(Spec):
    """A bilingual step of VECO or of VECO 2.0."""

    layers: int = Field(6, gt=0, description="transformer layers")
    width: int = Field(256, gt=0, description="hidden size; the feed-forward part is four times as wide")
    heads: int = Field(4, gt=0, description="attention heads")
    pieces: int = Field(250_002, gt=100, description="size of the vocabulary")
    blocks: int = Field(4, gt=0, description="blocks per step")
    length: int = Field(64, gt=8, description="tokens on each side of a block")

    @property
    def name(self) -> str:
        return f"{self.layers} x {self.width}, {self.pieces} pieces, {self.blocks} x 2 x {self.length} tokens"


class ContrastShape(Spec):
    """Steps of VECO 2.0, and the search for synonyms in the pairs that they read."""

    step: StepShape = Field(
        StepShape(pieces=8000, blocks=16), description="a step; so many pieces are learned from the pairs, at most"
    )
    queue: int = Field(65_536, gt=0, description="vectors of each side in the long queue")
    pairs: int = Field(40_000, gt=1, description="pairs of the corpus that are packed and linked, at most")


class TranslationShape(Spec):
    """A search for translations."""

    layers: int = Field(6, gt=0, description="encoder layers, and decoder layers")
    width: int = Field(256, gt=0, description="hidden size; the feed-forward part is four times as wide")
    heads: int = Field(4, gt=0, description="attention heads")
    pieces: int = Field(16_000, gt=100, description="size of the vocabulary")
    texts: int = Field(16, gt=0, description="texts in a batch")
    length: int = Field(20, gt=0, description="tokens of a text, and tokens generated for it")
    beams: int = Field(5, gt=0, description="beams")

    @property
    def name(self) -> str:
        shape = f"{self.layers} + {self.layers} x {self.width}, {self.pieces} pieces"
        return f"{shape}, {self.texts} x {self.length} tokens, {self.beams} beams"


class SearchShape(Spec):
    """A search for the nearest texts, both ways."""

    texts: int = Field(16_000, gt=0, description="texts on each side; the whole product takes 4 texts^2 bytes, twice")
    width: int = Field(384, gt=0, description="numbers of a vector")

    @property
    def name(self) -> str:
        return f"{self.texts} x {self.texts} vectors of {self.width}"
