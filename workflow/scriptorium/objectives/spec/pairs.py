"""Settings of VECO and VECO 2.0, which read pairs of texts."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from scriptorium.engine.spec import MixtureSpec
from scriptorium.models.veco2.spec import SequenceSpec, TokenSpec
from scriptorium.objectives.spec.base import MODULE, TWO_SIDED, HiddenTokensSpec
from scriptorium.spec import Spec


class TextsOfPairsSpec(Spec):
    """What VECO and VECO 2.0 do alike with the texts of a pair; the defaults are ours."""

    tlm_positions: Literal["continued", "restarted"] = Field(
        "continued", description="positions of the second side in the joined text"
    )
    whole_words: bool = Field(False, description="words are chosen, not pieces; one that would exceed the count is not")


class PairsOfTextsSpec(HiddenTokensSpec):
    """What VECO and VECO 2.0 share: masked tokens of blocks of two sides."""

    layouts: ClassVar[tuple[str, ...]] = (TWO_SIDED,)

    rate: float = Field(0.15, gt=0, lt=1, description="share of the tokens of monolingual blocks that are predicted")
    bilingual_rate: float = Field(0.25, gt=0, lt=1, description="the same of bilingual blocks")
    document_attention: bool = Field(True, description="a pair sees no other pair of its block: always true")
    mixture: MixtureSpec = MixtureSpec()

    def model_post_init(self, context: object) -> None:
        super().model_post_init(context)
        if not self.document_attention:
            raise ValueError(f"document_attention: a pair never sees another one in {self.name}; leave it on")


class VecoWeights(Spec):
    """Weights of VECO's terms; a term without weight is not computed."""

    mlm: float = Field(1.0, ge=0, description="masked tokens from their own side, without cross-attention")
    ca: float = Field(1.0, ge=0, description="the same with cross-attention to the other side; 0: a model without any")
    tlm: float = Field(1.0, ge=0, description="bilingual blocks: the same from both sides as one text (ours: 1)")


class PairedSpec(TextsOfPairsSpec):
    """What the paper leaves open, or we could not find (docs/papers/veco.md section 10); all defaults are ours."""

    weights: VecoWeights = VecoWeights()
    predicted_by: Literal["both", "one"] = Field(
        "both", description="both: each of the two streams predicts every masked token; one: each token by one of them"
    )
    cross_gradient: bool = Field(True, description="the term of the cross-attention trains the other side's states too")
    cross_start: Literal["new", "copied"] = Field(
        "new",
        description="of the cross-attention, training from a checkpoint that has none: new, or copied from its "
        "self-attention",
    )


class VecoSpec(PairsOfTextsSpec):
    """veco."""

    name: Annotated[Literal["veco"], MODULE] = Field(
        "veco", description="pairs of texts: masked language models of each side, across both, and of both joined"
    )
    paired: PairedSpec = PairedSpec()

    def model_post_init(self, context: object) -> None:
        super().model_post_init(context)
        weights = self.paired.weights
        if not (weights.mlm or weights.ca or weights.tlm):
            raise ValueError("paired.weights: all three are 0, so there is nothing to train")
        if self.paired.predicted_by == "one" and not (weights.mlm and weights.ca):
            raise ValueError("paired.predicted_by: one needs both streams; give paired.weights mlm and ca more than 0")


class ContrastWeights(Spec):
    """Weights of VECO 2.0's terms (ours: 1 each); a term without weight is not computed."""

    mlm: float = Field(1.0, ge=0, description="MMLM: masked tokens from their own side")
    tlm: float = Field(1.0, ge=0, description="bilingual blocks: masked tokens from both sides as one text")
    sequence: float = Field(1.0, ge=0, description="bilingual blocks: contrast between sentences")
    token: float = Field(1.0, ge=0, description="bilingual blocks: contrast between words that a dictionary links")


class ContrastedSpec(TextsOfPairsSpec):
    """What could not be found of VECO 2.0: nearly everything (docs/papers/veco.md section 5); all defaults are ours."""

    weights: ContrastWeights = ContrastWeights()
    reads: Literal["masked", "clean"] = Field(
        "masked",
        description="what the contrasts read: MMLM's corrupted texts in its own pass, or the texts as they are",
    )
    sequence: SequenceSpec = SequenceSpec()
    token: TokenSpec = TokenSpec()


class Veco2Spec(PairsOfTextsSpec):
    """veco2, a reconstruction."""

    name: Annotated[Literal["veco2"], MODULE] = Field(
        "veco2", description="pairs of texts: MMLM, TLM, contrast between sentences and between words (reconstructed)"
    )
    paired: ContrastedSpec = ContrastedSpec()

    def model_post_init(self, context: object) -> None:
        super().model_post_init(context)
        weights = self.paired.weights
        if not (weights.mlm or weights.tlm or weights.sequence or weights.token):
            raise ValueError("paired.weights: all four are 0, so there is nothing to train")

    @property
    def linked(self) -> bool:
        return self.paired.weights.token > 0

    def check_layers(self, layers: int) -> None:
        for name in ("sequence", "token"):
            layer = getattr(self.paired, name).layer
            if layer is not None and layer > layers:
                raise ValueError(f"paired.{name}.layer: {layer} of an encoder of {layers} layers")

    def check_batch(self, examples: int) -> None:
        queue = self.paired.sequence.queue
        if 0 < queue < examples:
            raise ValueError(
                f"paired.sequence.queue: {queue} texts are fewer than a batch has, at least {examples}; it would hold "
                "no earlier one"
            )
