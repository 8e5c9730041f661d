"""Settings of the masked language models: BERT's, with next-sentence prediction, and RoBERTa's."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from scriptorium.objectives.spec.base import MODULE, PAIRS, HiddenTokensSpec
from scriptorium.spec import Spec


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


class MaskedSpec(HiddenTokensSpec):
    """What the masked language models of BERT's kind share."""

    masking: MaskingSpec = MaskingSpec()


class BertSpec(MaskedSpec):
    """bert."""

    name: Annotated[Literal["bert"], MODULE] = Field("bert", description="masked language model of BERT's encoder")


class BertNspSpec(MaskedSpec):
    """bert-nsp."""

    layouts: ClassVar[tuple[str, ...]] = (PAIRS,)

    name: Annotated[Literal["bert-nsp"], MODULE] = Field(
        "bert-nsp", description="masked language model and next-sentence prediction on BERT's encoder"
    )
    document_attention: bool = Field(False, description="both sentences of a pair are seen: always false")

    def model_post_init(self, context: object) -> None:
        super().model_post_init(context)
        if self.document_attention:
            raise ValueError("document_attention: both sentences of a pair are seen in bert-nsp; set it to false")


class RobertaSpec(MaskedSpec):
    """roberta."""

    name: Annotated[Literal["roberta"], MODULE] = Field(
        "roberta", description="masked language model of RoBERTa's encoder"
    )
