"""What a pre-training recipe says of its encoder and its objective."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from scriptorium.spec import Spec


class EncoderSpec(Spec):
    """Shape of the encoder."""

    hidden_size: int = Field(128, gt=0, description="width d")
    layers: int = Field(4, gt=0, description="transformer layers")
    heads: int = Field(4, gt=0, description="attention heads; must divide hidden_size")
    intermediate_size: int = Field(512, gt=0, description="width of the feed-forward part")
    max_positions: int = Field(512, gt=0, description="longest input")
    dropout: float = Field(0.1, ge=0, lt=1, description="hidden and attention dropout")

    def model_post_init(self, _: object) -> None:
        if self.hidden_size % self.heads:
            raise ValueError(f"heads ({self.heads}) must divide hidden_size ({self.hidden_size})")


class PermutedSpec(Spec):
    """What MPNet and its ablations add (papers/mpnet_and_zoo sections 2 to 4)."""

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


class ObjectiveSpec(Spec):
    """The pre-training objective."""

    name: Literal["bert", "mpnet", "plm", "mlm-permuted"] = Field(
        "bert",
        description="bert: masked language model of BERT's encoder; the others run on MPNet's: mpnet, plm (without "
        "position compensation), mlm-permuted (without permutation)",
    )
    rate: float = Field(0.15, gt=0, lt=1, description="share of the tokens that are predicted")
    mask: float = Field(0.8, ge=0, le=1, description="of these, the share replaced by the mask symbol")
    random: float = Field(0.1, ge=0, le=1, description="of these, the share replaced by a random token")
    document_attention: bool = Field(True, description="attention stays inside a document of a packed block")
    frequency_bias: bool = Field(
        False,
        description="the output bias starts at the log frequencies of the training tokens (ours); BERT's starts at 0",
    )

    permuted: PermutedSpec | None = Field(
        None,
        exclude_if=lambda value: value is None,  # BERT's specification, and so its results, stay what they are
        description="settings of mpnet, plm and mlm-permuted",
    )

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, values: object) -> object:
        """MPNet's objectives have MPNet's settings, also where none is given."""
        if isinstance(values, dict) and values.get("name", "bert") != "bert":
            return {"permuted": {}, **values}
        return values

    def model_post_init(self, _: object) -> None:
        if self.name == "bert" and self.permuted is not None:
            raise ValueError("permuted: bert has no such settings; name mpnet, plm or mlm-permuted")
        if self.permuted is not None and self.permuted.mask_rows and self.name != "mpnet":
            raise ValueError(f"permuted.mask_rows: {self.name} has no mask rows beside its predictions")
        if self.mask + self.random > 1:
            raise ValueError(f"mask ({self.mask}) and random ({self.random}) add up to more than 1")
