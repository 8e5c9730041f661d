"""Readings of CogBERT's stage 2: `paper`, `released` and `fixed`, each a set of named flags.

docs/papers/cogbert.md section 10 lists where paper and released code differ and what is wrong in the code. Every
one of these points that concerns the model is a flag here; a mode is a preset, and a recipe may change single flags of
it. The points that concern data, stage 1 and the protocol are settings elsewhere (docs/cogbert.md has the whole list).
Nothing heavy is imported: the configuration is checked by these classes whenever the DAG is built.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from scriptorium.errors import UserError, nearest
from scriptorium.spec import Spec


class Flags(Spec):
    """How cognition enters attention; numbers are those of the defects in docs/papers/cogbert.md section 10."""

    fusion: Literal["add", "multiply"] = Field(description="20: the map is added to the logits, or multiplies them")
    squash: Literal["none", "half_tanh"] = Field(
        description="5.3 no. 3: the map as it is, or 0.5 + 0.5 tanh of it, which halves logits without any feature"
    )
    diagonal: Literal["own", "first_token"] = Field(
        description="3: every token's own word-level value, or token 0's alone"
    )
    syntax: Literal["own", "word_position"] = Field(
        description="4: Mod&Aux and Obj&Comp, or word position in the place of both, without their weights"
    )
    inclusive: bool = Field(description="5: one low layer more than `boundary` says")
    kernel: Literal[1, 3] = Field(
        description="6: width of the convolution over the maps; 1 is a weighted sum, 3 belongs to the older variant"
    )
    sampled: bool = Field(description="2: in training the weights are densities at a draw, not at the mean")
    weights_over: Literal["used", "all"] = Field(
        description="2: weights owned by and normalised over the features a layer uses, or all eight"
    )
    dead_network: bool = Field(description="19: keep the network of the unused squash, which never gets a gradient")
    last_layer: Literal["if_read", "always"] = Field(
        description="19: fuse into the last layer only if the head reads tokens, or always"
    )
    start: Literal["plain", "random"] = Field(
        description="mixing weights start at zero, so that the model is the plain one; or at torch's defaults"
    )
    shared_dropout: bool = Field(description="one dropout mask for both branches, or one each")


FIXED = Flags(
    fusion="add",
    squash="none",
    diagonal="own",
    syntax="own",
    inclusive=False,
    kernel=1,
    sampled=False,
    weights_over="used",
    dead_network=False,
    last_layer="if_read",
    start="plain",
    shared_dropout=True,
)
# The paper's text where it says anything, the released code's equations elsewhere. Dead weights are no account of
# the paper, so a layer owns what it uses.
PAPER = Flags(
    fusion="multiply",
    squash="half_tanh",
    diagonal="own",
    syntax="own",
    inclusive=False,
    kernel=1,
    sampled=True,
    weights_over="used",
    dead_network=False,
    last_layer="if_read",
    start="random",
    shared_dropout=False,
)
RELEASED = Flags(
    fusion="multiply",
    squash="half_tanh",
    diagonal="first_token",
    syntax="word_position",
    inclusive=True,
    kernel=1,
    sampled=False,
    weights_over="all",
    dead_network=True,
    last_layer="always",
    start="random",
    shared_dropout=False,
)
MODES = {"fixed": FIXED, "paper": PAPER, "released": RELEASED}


def resolved(mode: str, changes: Mapping[str, str | int | bool]) -> Flags:
    """The mode's flags with these changes. Raises UserError for an unknown mode, flag or value."""
    if mode not in MODES:
        raise UserError(f"unknown mode {mode!r}, {nearest(mode, MODES)}", where="cognition.mode")
    return Flags.parse({**MODES[mode].model_dump(), **changes}, where="cognition.flags")
