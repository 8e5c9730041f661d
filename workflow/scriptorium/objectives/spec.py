"""What may be said of pre-training: the objective and its settings, the encoder, a run. Nothing heavy is imported."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from scriptorium.engine.spec import TrainSpec
from scriptorium.models.spec import EncoderSpec
from scriptorium.spec import Spec


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


class MaskingSpec(Spec):
    """How bert, bert-nsp and roberta hide tokens (docs/papers/objectives.md section 1)."""

    whole_words: bool = Field(False, description="words are chosen, not pieces; one that would exceed the count is not")
    max_predictions: int | None = Field(
        None, ge=1, description="most predictions per block; BERT: 20 of 128, 77 of 512"
    )
    static_copies: int | None = Field(
        None, ge=1, description="static: so many maskings of every block, used epoch by epoch in turn; empty: dynamic"
    )
    faithful: bool = Field(
        False,
        description="as BERT's code: the count is a share of all tokens, everything but [CLS] and [SEP] may be "
        "predicted, random tokens from the whole vocabulary; ours: ordinary tokens only in all three",
    )


class SpansSpec(Spec):
    """How xlnet chooses what it predicts (docs/papers/objectives.md section 4)."""

    longest: int = Field(5, ge=1, description="tokens of the longest span; a span of n has weight 1/n")
    most: float = Field(85 / 512, gt=0, lt=1, description="largest share of a block that is predicted")


PERMUTED = ("mpnet", "plm", "mlm-permuted")
MASKED = ("bert", "bert-nsp", "roberta")
PAIRS = "sentence-pairs"  # the layout (stages/pack.py) of next-sentence prediction, and of nothing else


def check_layout(objective: ObjectiveSpec, layout: str) -> None:
    """Raises ValueError where blocks of this layout do not fit the objective."""
    if objective.name == "bert-nsp" and layout != PAIRS:
        raise ValueError(f"bert-nsp needs blocks of layout {PAIRS}, these are {layout}")
    if objective.name != "bert-nsp" and layout == PAIRS:
        raise ValueError(f"{objective.name} knows no pairs: layout {PAIRS} belongs to bert-nsp")
    padded_and_open = layout == "full-sentences" and not objective.document_attention
    if padded_and_open and objective.permuted is not None and not objective.permuted.faithful:
        raise ValueError(
            f"{objective.name} would attend to the padding of layout full-sentences: leave document_attention on, or "
            "set permuted.faithful, which does so on purpose"
        )


class ObjectiveSpec(Spec):
    """The pre-training objective."""

    name: Literal["bert", "bert-nsp", "roberta", "xlnet", "mpnet", "plm", "mlm-permuted"] = Field(
        "bert",
        description="bert: masked language model of BERT's encoder; bert-nsp: with next-sentence prediction; roberta: "
        "on RoBERTa's encoder; xlnet: permuted language model on XLNet's; the others run on MPNet's: mpnet, plm "
        "(without position compensation), mlm-permuted (without permutation)",
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
        description="settings of mpnet, plm and mlm-permuted",
    )
    masking: MaskingSpec | None = Field(None, description="settings of bert, bert-nsp and roberta; empty: ours")
    spans: SpansSpec | None = Field(None, description="settings of xlnet")

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, values: object) -> object:
        """The settings that belong to an objective, also where none is given."""
        name = values.get("name", "bert") if isinstance(values, dict) else None
        if name in PERMUTED:
            return {"permuted": {}, **values}
        if name == "bert-nsp":  # the second sentence may be of another document
            return {"document_attention": False, "masking": {}, **values}
        if name == "xlnet":  # a context of 6 n tokens per span of n; content rows hold the true tokens
            return {"rate": 1 / 6, "mask": 0.0, "random": 0.0, "spans": {}, **values}
        return values

    def model_post_init(self, _: object) -> None:
        for key, names in {"permuted": PERMUTED, "masking": MASKED, "spans": ("xlnet",)}.items():
            if getattr(self, key) is not None and self.name not in names:
                raise ValueError(f"{key}: {self.name} has no such settings; they belong to {', '.join(names)}")
        if self.name == "bert-nsp" and self.document_attention:
            raise ValueError("document_attention: both sentences of a pair are seen in bert-nsp; set it to false")
        if self.name == "xlnet" and (self.mask or self.random):
            raise ValueError("mask, random: xlnet replaces no token; set both to 0")
        if self.permuted is not None and self.permuted.mask_rows and self.name != "mpnet":
            raise ValueError(f"permuted.mask_rows: {self.name} has no mask rows beside its predictions")
        if self.mask + self.random > 1:
            raise ValueError(f"mask ({self.mask}) and random ({self.random}) add up to more than 1")


class PretrainSettings(Spec):
    """What a recipe says of pre-training, beside its text and the training settings."""

    model: EncoderSpec | None = Field(
        None, description="shape of a new encoder; empty: that of the model it starts from"
    )
    trains: Literal["all", "head"] = Field("all", description="head: the encoder stays as it is")
    objective: ObjectiveSpec


class PretrainSpec(PretrainSettings):
    """One pre-training run."""

    train: TrainSpec
    seed: int = Field(0, ge=0, description="of initialisation, dropout, order and masks")
