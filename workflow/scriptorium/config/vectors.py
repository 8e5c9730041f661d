"""Sets of translations whose vectors are measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from scriptorium.config.evaluations import asking, check_beside, check_not_trained_on
from scriptorium.errors import UserError
from scriptorium.vectors.spec import VectorsSettings

if TYPE_CHECKING:
    from scriptorium.config.references import ReferenceChecks


class Vectors(VectorsSettings):
    """Translations whose vectors are measured: held-out pairs and a dictionary, or gold alignments."""

    parallel: str | None = Field(None, description="corpus of pairs of this file, whose held-out pairs are measured")
    dictionary: str | None = Field(None, description="with parallel: dictionary of this file, which links words")
    alignments: str | None = Field(None, description="gold alignments of this file, in place of these two")
    beside: tuple[str, ...] = Field(
        (), description="backbones of this file that are measured too and stand in every table of this set"
    )

    def model_post_init(self, context: Any) -> None:
        super().model_post_init(context)
        if (self.parallel is None) == (self.alignments is None):
            raise ValueError("give either parallel, with a dictionary, or alignments")
        if (self.parallel is None) != (self.dictionary is None):
            raise ValueError("parallel and dictionary belong together")


def check(checks: ReferenceChecks) -> None:
    """Where the texts come from; held-out pairs are for models that were trained on the same corpus of pairs."""
    config = checks.config
    for name, entry in config.vectors.items():
        place = f"vectors.{name}"
        if entry.alignments:
            checks.known(entry.alignments, config.alignments, "gold alignments", f"{place}.alignments")
        else:
            checks.known(entry.parallel, config.parallel, "corpus of pairs", f"{place}.parallel")
            checks.known(entry.dictionary, config.dictionaries, "dictionary", f"{place}.dictionary")
            _dictionary_covers(checks, entry.dictionary, entry.parallel, f"{place}.dictionary")
        check_beside(checks, entry.beside, place)
    for place, variants, sets in asking(config, "vectors"):
        for name in sets:
            checks.known(name, config.vectors, "set of translations", place)
            check_not_trained_on(checks, config.vectors[name].parallel, variants, f"{place}: {name}")


def _dictionary_covers(checks: ReferenceChecks, dictionary: str, parallel: str, place: str) -> None:
    """A dictionary has two languages of a corpus of pairs; texts in others are not asked about."""
    known, given = (
        {"-".join(sorted(source.languages)) for source in entry.sources}
        for entry in (checks.config.dictionaries[dictionary], checks.config.parallel[parallel])
    )
    if not known & given:
        raise UserError(
            f"{place}: {dictionary} has words in {', '.join(sorted(known))}, and {parallel} has texts in "
            f"{', '.join(sorted(given))}",
            where=checks.where,
            remedy=f"add a source with these languages to dictionaries.{dictionary}",
        )
