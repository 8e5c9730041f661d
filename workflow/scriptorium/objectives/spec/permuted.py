"""Settings of what predicts in a permuted order: XLNet, MPNet and its ablations."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from scriptorium.objectives.spec.base import FULL_SENTENCES, MODULE, HiddenTokensSpec
from scriptorium.spec import Spec


class SpansSpec(Spec):
    """How xlnet chooses what it predicts (docs/papers/objectives.md section 4)."""

    longest: int = Field(5, ge=1, description="tokens of the longest span; a span of n has weight 1/n")
    most: float = Field(85 / 512, gt=0, lt=1, description="largest share of a block that is predicted")


class XlnetSpec(HiddenTokensSpec):
    """xlnet."""

    likelihood: ClassVar[str] = "permuted"

    name: Annotated[Literal["xlnet"], MODULE] = Field(
        "xlnet", description="permuted language model of XLNet's encoder, in two streams"
    )
    rate: float = Field(1 / 6, gt=0, lt=1, description="a span of n predicted tokens has a context of n / rate tokens")
    mask: float = Field(0.0, ge=0, le=1, description="always 0: the content stream reads the true tokens")
    random: float = Field(0.0, ge=0, le=1, description="always 0")
    spans: SpansSpec = SpansSpec()

    def model_post_init(self, context: object) -> None:
        super().model_post_init(context)
        if self.mask or self.random:
            raise ValueError("mask, random: xlnet replaces no token; set both to 0")


class PermutedSpec(Spec):
    """What MPNet and its ablations add (docs/papers/mpnet.md sections 2 to 4)."""

    whole_words: bool = Field(True, description="words are permuted, not pieces; needs a WordPiece vocabulary")
    relative: bool = Field(True, description="bias by relative position, beside the absolute positions")
    mask_rows: float = Field(
        0.0,
        ge=0,
        description="mpnet: weight of a masked language model's loss on the mask rows, which the encoder computes "
        "anyway (the original's --return-mlm); 0: none",
    )
    faithful: bool = Field(
        False,
        description="as the original: specials and padding are predicted too, random tokens from all of the vocabulary "
        "but its first four, Xavier's query, key and value, weight decay on all parameters",
    )


class PermutedBlocksSpec(HiddenTokensSpec):
    """What MPNet and its ablations share."""

    permuted: PermutedSpec = PermutedSpec()

    def check_layout(self, layout: str) -> None:
        super().check_layout(layout)
        if layout == FULL_SENTENCES and not self.document_attention and not self.permuted.faithful:
            raise ValueError(
                f"{self.name} would attend to the padding of layout {FULL_SENTENCES}: leave document_attention on, or "
                "set permuted.faithful, which does so on purpose"
            )


class MpnetSpec(PermutedBlocksSpec):
    """mpnet."""

    name: Annotated[Literal["mpnet"], MODULE] = Field(
        "mpnet", description="masked and permuted pre-training on MPNet's encoder, in two streams"
    )


class WithoutMaskRowsSpec(PermutedBlocksSpec):
    """What MPNet's ablations share: no mask rows beside the predictions."""

    def model_post_init(self, context: object) -> None:
        super().model_post_init(context)
        if self.permuted.mask_rows:
            raise ValueError(f"permuted.mask_rows: {self.name} has no mask rows beside its predictions")


class PlmSpec(WithoutMaskRowsSpec):
    """plm."""

    likelihood: ClassVar[str] = "unseen"

    name: Annotated[Literal["plm"], MODULE] = Field("plm", description="MPNet without position compensation")


class MlmPermutedSpec(WithoutMaskRowsSpec):
    """mlm-permuted."""

    name: Annotated[Literal["mlm-permuted"], MODULE] = Field("mlm-permuted", description="MPNet without permutation")
