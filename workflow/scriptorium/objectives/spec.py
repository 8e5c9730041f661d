"""What may be configured of pre-training: the objective and its settings, the encoder, a run.

Every objective has one class of settings, found by its name in `OBJECTIVES`: its own defaults, its own block, its own
checks. An addition is a class here, its place in the tuple, and the module of its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, SerializeAsAny, ValidationError, model_validator

from scriptorium.engine.spec import MixtureSpec, TrainSpec
from scriptorium.models.spec import EncoderSpec
from scriptorium.models.veco2.spec import SequenceSpec, TokenSpec
from scriptorium.named import ModuleOf
from scriptorium.objectives.corruption.spec import NoiseSpec, SpanCorruptionSpec
from scriptorium.spec import Spec

MODULE = ModuleOf("scriptorium.objectives")
PACKED, FULL_SENTENCES, PAIRS = "packed", "full-sentences", "sentence-pairs"  # layouts of blocks (text/layouts.py)
TWO_SIDED = "two-sided"  # text/two_sided.py


class ObjectiveSpec(Spec):
    """The pre-training objective. What is parsed as one becomes the class of the objective that `name` names."""

    layouts: ClassVar[tuple[str, ...]] = (PACKED, FULL_SENTENCES)  # of the blocks that it takes
    likelihood: ClassVar[str] = "masked"  # how its models score a sentence: a module of minimal_pairs/likelihoods

    name: Annotated[str, MODULE] = Field("bert", description="which objective, such as bert")

    @model_validator(mode="wrap")
    @classmethod
    def _as_named(cls, values: Any, validate: Any) -> Any:
        if cls is not ObjectiveSpec or not isinstance(values, Mapping):
            return validate(values)
        name = values.get("name", "bert")
        if str(name) not in OBJECTIVES:
            expected = ", ".join(map(repr, OBJECTIVES))
            error = {"type": "literal_error", "loc": ("name",), "input": name, "ctx": {"expected": expected}}
            raise ValidationError.from_exception_data(cls.__name__, [error])
        owners = {key: [n for n, each in OBJECTIVES.items() if key in each.model_fields] for key in values}
        # a recipe that extends one of another objective takes the inherited block away: `masking: null`
        kept = {key: value for key, value in values.items() if value is not None or not owners[key]}
        for key in kept:
            if owners[key] and name not in owners[key]:
                raise ValueError(f"{key}: {name} has no such settings; they belong to {', '.join(owners[key])}")
        return OBJECTIVES[name].model_validate(kept)

    def check_layout(self, layout: str) -> None:
        """Raises ValueError where blocks of this layout do not fit the objective."""
        if layout not in self.layouts:
            wanted = " or ".join(self.layouts)
            raise ValueError(f"{self.name} needs blocks of layout {wanted}, these are {layout}")

    @property
    def linked(self) -> bool:
        """Whether it needs links between words of translations (text/synonyms)."""
        return False

    def check_layers(self, layers: int) -> None:
        """Raises ValueError where it asks for a layer that an encoder of so many has not."""

    def check_batch(self, examples: int) -> None:
        """Raises ValueError where batches of so many examples do not fit it."""

    def check_length(self, tokens: int, positions: int | None) -> None:
        """Raises ValueError where blocks of so many tokens do not fit the objective, or so many positions."""


class HiddenTokensSpec(ObjectiveSpec):
    """What objectives share that hide tokens of a block and predict them."""

    rate: float = Field(0.15, gt=0, lt=1, description="share of the tokens that are predicted")
    mask: float = Field(0.8, ge=0, le=1, description="of these, the share replaced by the mask symbol")
    random: float = Field(0.1, ge=0, le=1, description="of these, the share replaced by a random token")
    document_attention: bool = Field(True, description="attention stays inside a document of a packed block")
    frequency_bias: bool = Field(
        False,
        description="the output bias starts at the log frequencies of the training tokens (ours); BERT's starts at 0",
    )

    def model_post_init(self, _: object) -> None:
        if self.mask + self.random > 1:
            raise ValueError(f"mask ({self.mask}) and random ({self.random}) add up to more than 1")


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


class GenerativeSpec(ObjectiveSpec):
    """What objectives share whose models write text: nothing of it is replaced in place, and their head has no bias."""

    document_attention: bool = Field(True, description="attention stays inside a document of a packed block")


class CausalSpec(GenerativeSpec):
    """What causal language models share."""

    likelihood: ClassVar[str] = "left_to_right"

    restart: bool = Field(
        True, description="positions begin anew with every document; without document_attention they never do"
    )


class Gpt2Spec(CausalSpec):
    """gpt2."""

    name: Annotated[Literal["gpt2"], MODULE] = Field("gpt2", description="causal language model on GPT-2's body")


class LlamaSpec(CausalSpec):
    """llama."""

    name: Annotated[Literal["llama"], MODULE] = Field("llama", description="causal language model on LLaMA's body")


class TextToTextSpec(GenerativeSpec):
    """What encoder-decoders share."""


class BartSpec(TextToTextSpec):
    """bart."""

    likelihood: ClassVar[str] = "infilled"

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

    name: Annotated[Literal["t5"], MODULE] = Field(
        "t5", description="spans taken out of a text, on T5's encoder-decoder"
    )
    corruption: SpanCorruptionSpec = SpanCorruptionSpec()

    def check_length(self, tokens: int, positions: int | None) -> None:
        self.corruption.check_length(tokens)


class PrefixLmSpec(TextToTextSpec):
    """prefix-lm."""

    likelihood: ClassVar[str] = "prefix"

    name: Annotated[Literal["prefix-lm"], MODULE] = Field(
        "prefix-lm", description="the rest of a text from its beginning, on T5's encoder-decoder"
    )


ENCODERS = (BertSpec, BertNspSpec, RobertaSpec, XlnetSpec)
GENERATIVE = (Gpt2Spec, LlamaSpec, BartSpec, T5Spec, PrefixLmSpec)

OBJECTIVES: dict[str, type[ObjectiveSpec]] = {
    each.model_fields["name"].default: each
    for each in (*ENCODERS, *GENERATIVE, VecoSpec, Veco2Spec, MpnetSpec, PlmSpec, MlmPermutedSpec)
}


class PretrainSettings(Spec):
    """What a recipe says of pre-training, beside its text and the training settings."""

    model: EncoderSpec | None = Field(
        None, description="shape of a new encoder; empty: that of the model it starts from"
    )
    trains: Literal["all", "head"] = Field("all", description="head: the encoder stays as it is")
    objective: SerializeAsAny[ObjectiveSpec]


class PretrainSpec(PretrainSettings):
    """One pre-training run."""

    train: TrainSpec
    seed: int = Field(0, ge=0, description="of initialisation, dropout, order and masks")
