"""What may be configured of minimal pairs: where they come from, and how a model scores them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from scriptorium.minimal_pairs.readers.spec import READERS, Options, Reader
from scriptorium.named import ModuleOf, class_by
from scriptorium.spec import Seed, Spec


class PairsSettings(Spec):
    """How pairs are read or made."""

    reader: Reader = Field(description="how pairs are read or made, by a module of minimal_pairs/readers")
    options: Annotated[Options, class_by("reader", READERS)] = Field(
        default_factory=dict, validate_default=True, description="settings of that reader"
    )


class PairsSpec(PairsSettings):
    """The preparation of one set of pairs."""

    pairs: str = Field(description="name of the set")


class ScorePairsSpec(Spec):
    """One model on one set of pairs."""

    likelihood: Annotated[str, ModuleOf("scriptorium.minimal_pairs.likelihoods")] = Field(
        description="how sentences are scored: a module of minimal_pairs/likelihoods, as the objective says"
    )
    per_token: bool = Field(False, description="a score is the mean over its sentence's tokens, as the set says")
    seed: Seed = Field(0, description="of the control with random weights")
