"""What the evaluations of pre-trained models have in common: who asks for them, and what their models may have read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from scriptorium.errors import UserError

if TYPE_CHECKING:
    from scriptorium.config.references import ReferenceChecks
    from scriptorium.config.schema import Config


def asking(config: Config, setting: str) -> Iterator[tuple[str, Sequence[str], Any]]:
    """Of the default pre-training and of each study that asks for it: the key, its variants, what is asked."""
    pretraining = config.pretraining
    blocks = [("pretraining", pretraining, pretraining.recipes)]
    blocks += [(f"pretraining.studies.{name}", study, study.variants) for name, study in pretraining.studies.items()]
    for place, block, variants in blocks:
        if asked := getattr(block, setting, None):
            yield f"{place}.{setting}", variants, asked


def check_block(checks: ReferenceChecks, setting: str) -> None:
    """An evaluation that is asked for needs its block."""
    for place, _, _ in asking(checks.config, setting):
        if getattr(checks.config, setting) is None:
            raise UserError(f"{place} needs a block {setting}", where=checks.where)


def check_beside(checks: ReferenceChecks, backbones: Sequence[str], place: str) -> None:
    """Encoders that are tested beside those of a study, each with one model."""
    for backbone in backbones:
        checks.known(backbone, checks.config.backbones, "backbone", f"{place}.beside")
        if backbone in checks.project.variants or checks.config.backbones[backbone].seed == "paired":
            raise UserError(
                f"{place}.beside: {backbone} has a model for each seed; name it in a pre-training study",
                where=checks.where,
            )


def check_held_out(checks: ReferenceChecks, corpus: str, variants: Sequence[str], place: str, remedy: str) -> None:
    """Held-out sentences of a corpus are for models of that corpus; `remedy` may name the other as {own}."""
    for variant in variants:
        if (own := checks.project.variants[variant].recipe.corpus) != corpus:
            raise UserError(
                f"{place} held-out sentences of corpus {corpus!r}, but {variant} is trained on {own!r}, which may have "
                "them",
                where=checks.where,
                remedy=remedy.format(own=own),
            )


def check_not_trained_on(checks: ReferenceChecks, pairs: str | None, variants: Sequence[str], place: str) -> None:
    """Held-out pairs of a corpus are for models of that corpus, or of none."""
    for variant in variants:
        own = checks.project.variants[variant].recipe.parallel
        if pairs and own not in (pairs, None):
            raise UserError(
                f"{place} holds held-out pairs of {pairs!r}, but {variant} is trained on {own!r}, which may have them",
                where=checks.where,
                remedy=f"add a set whose parallel is {own!r}",
            )
