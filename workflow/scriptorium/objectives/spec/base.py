"""What the settings of all objectives have in common, and what two large families of them do."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import get_annotations
from typing import Annotated, Any, ClassVar

from pydantic import Field, ValidationError, model_validator

from scriptorium.named import ModuleOf
from scriptorium.spec import Spec

MODULE = ModuleOf("scriptorium.objectives")
PACKED, FULL_SENTENCES, PAIRS = "packed", "full-sentences", "sentence-pairs"  # layouts of blocks (text/layouts.py)
TWO_SIDED = "two-sided"  # text/two_sided.py

OBJECTIVES: dict[str, type[ObjectiveSpec]] = {}  # by name: every class of settings joins by itself


class ObjectiveSpec(Spec):
    """The pre-training objective. What is parsed as one becomes the class of the objective that `name` names."""

    layouts: ClassVar[tuple[str, ...]] = (PACKED, FULL_SENTENCES)  # of the blocks that it takes
    likelihood: ClassVar[str] = "masked"  # how its models score a sentence: a module of minimal_pairs/likelihoods
    writes: ClassVar[str] = ""  # how its models write texts: a module of generation/bodies; empty: they do not
    relative: ClassVar[bool] = False  # positions are relative alone, so a text may be longer than model.max_positions
    body: ClassVar[str] = ""  # how its models are fine-tuned: a module of tasks/bodies; empty: as encoders
    architecture: ClassVar[str | None] = None  # what transformers must know to read them: of models/architectures

    name: Annotated[str, MODULE] = Field("bert", description="which objective, such as bert")

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        if "name" in get_annotations(cls):  # what a family shares has no name of its own
            OBJECTIVES[cls.model_fields["name"].default] = cls

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


class GenerativeSpec(ObjectiveSpec):
    """What objectives share whose models write text: nothing of it is replaced in place, and their head has no bias."""

    document_attention: bool = Field(True, description="attention stays inside a document of a packed block")


def check_framed(tokens: int, positions: int | None) -> None:
    """Raises ValueError where a text of a whole block, its [CLS] and [SEP] around it, has more than so many positions.

    A block of so many tokens begins with [CLS] itself.
    """
    if positions is not None and tokens >= positions:
        raise ValueError(
            f"a text of a whole block has {tokens + 1} positions with its [CLS] and [SEP], model.max_positions is "
            f"{positions}"
        )
