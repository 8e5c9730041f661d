"""What a picture of an objective is of."""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field, SerializeAsAny

from scriptorium.objectives.spec import OBJECTIVES, ObjectiveSpec
from scriptorium.objectives.spec.base import PAIRS, TWO_SIDED
from scriptorium.spec import Seed, Spec

TEXT = "The monk copied the book. The candle burned low."
CONTINUED = "The monk copied the book.", "The candle burned low."
TRANSLATED = "The monk copied the book.", "Der Mönch schrieb das Buch ab."
TEXTS = {PAIRS: CONTINUED, TWO_SIDED: TRANSLATED}
RATE = 0.3  # at the usual 15 % a sentence has one hidden word
RATES = {"t5": {"corruption": {"rate": 0.45}}, "glm": {"blanks": {"rate": 0.45}}}  # two spans
# the other kinds of blanks of glm, beside the pictures that have the name of their objective
KINDS_OF_BLANKS = {"glm-sentences": {"rate": 0.45, "sentences": 1.0}, "glm-ends": {"rate": 0.45, "ends": 1.0}}
SEED = 8  # with which every objective shows most of what it does


class ShowSpec(Spec):
    """One picture."""

    objective: SerializeAsAny[ObjectiveSpec]
    texts: tuple[str, ...] = Field(
        min_length=1,
        max_length=2,
        description="the sentence, and what stands beside it: its translation, what follows it, or another document",
    )
    seed: Seed = Field(0, description="of what is hidden")

    @classmethod
    def of(cls, objective: dict[str, Any], texts: tuple[str, ...] = (), seed: int = 0) -> Self:
        """The picture of an objective's settings; without texts that of sentences of ours.

        Raises UserError: no such objective, or no such settings.
        """
        chosen = ObjectiveSpec.parse(objective, where="objective")
        return cls.parse(
            {"objective": chosen, "texts": texts or TEXTS.get(chosen.layouts[0], (TEXT,)), "seed": seed}, where="show"
        )

    @classmethod
    def examples(cls) -> dict[str, Self]:
        """Every objective by its name, and what may be told apart of one, on sentences of ours: the pictures of
        docs/objectives.md."""
        found = {name: {"name": name, **(RATES.get(name) or _rates(kind))} for name, kind in OBJECTIVES.items()}
        found |= {name: {"name": "glm", "blanks": blanks} for name, blanks in KINDS_OF_BLANKS.items()}
        return {name: cls.of(objective, seed=SEED) for name, objective in found.items()}


def _rates(settings: type[Spec]) -> dict[str, Any]:
    """RATE for every setting of the name `rate`, in blocks as well."""
    blocks = {name: field.annotation for name, field in settings.model_fields.items()}
    inner = {name: _rates(each) for name, each in blocks.items() if isinstance(each, type) and issubclass(each, Spec)}
    return {name: rates for name, rates in inner.items() if rates} | ({"rate": RATE} if "rate" in blocks else {})
