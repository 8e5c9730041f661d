"""What may be configured of links between synonyms in pairs of texts."""

from __future__ import annotations

from pydantic import Field

from scriptorium.spec import Spec


class LinkSettings(Spec):
    """How words of a text are compared with those of a dictionary; upper and lower case are always one (all ours)."""

    accents: bool = Field(True, description="accents tell words apart; false: é is e, in the dictionary as well")
    stop_words: int = Field(
        0, ge=0, description="so many of the most frequent words of each language in the train split are not linked"
    )
