"""Questions about held-out translations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from scriptorium.config.evaluations import asking, check_block
from scriptorium.crosslingual.positions import SPECIAL, positions_of
from scriptorium.crosslingual.spec import CrosslingualSettings
from scriptorium.errors import UserError

if TYPE_CHECKING:
    from scriptorium.config.references import ReferenceChecks


class Crosslingual(CrosslingualSettings):
    """What pre-trained models have learned of translations, without fine-tuning (crosslingual_<study>.tsv)."""

    parallel: str = Field(description="corpus of pairs of this file, whose held-out pairs are asked about")
    dictionary: str = Field(description="dictionary of this file, against which words are aligned")


def check(checks: ReferenceChecks) -> None:
    """The pairs and the dictionary, and that the models were trained on pairs, but not on these."""
    check_block(checks, "crosslingual")
    block = checks.config.crosslingual
    if block is None:
        return
    checks.known(block.parallel, checks.config.parallel, "corpus of pairs", "crosslingual.parallel")
    checks.known(block.dictionary, checks.config.dictionaries, "dictionary", "crosslingual.dictionary")
    for place, variants, _ in asking(checks.config, "crosslingual"):
        for variant in variants:
            _check_room(checks, place, variant)
            if (own := checks.project.variants[variant].recipe.parallel) != block.parallel:
                raise UserError(
                    f"{place}: the held-out pairs are those of {block.parallel!r}, but {variant} is trained on "
                    f"{own!r}, which may have them",
                    where=checks.where,
                    remedy=f"set crosslingual.parallel: {own}" if own else "take variants that are trained on pairs",
                )


def _check_room(checks: ReferenceChecks, place: str, variant: str) -> None:
    """Raises UserError for a model with fewer positions than two of the texts need; one that goes on from an encoder
    is asked when it is measured."""
    recipe, block = checks.project.variants[variant].recipe, checks.config.crosslingual
    paired = getattr(recipe.objective, "paired", None)
    if recipe.model is None or paired is None:
        return
    longest = block.longest + SPECIAL
    needed = positions_of(longest, longest, restarted=paired.tlm_positions == "restarted")
    if needed > recipe.model.max_positions:
        raise UserError(
            f"{place}: two texts of crosslingual.longest: {block.longest} pieces need {needed} positions, and "
            f"{variant} has {recipe.model.max_positions}",
            where=checks.where,
            remedy="lower crosslingual.longest, or raise model.max_positions of its recipe",
        )
