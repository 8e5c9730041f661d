"""What may be configured of gold alignments."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from scriptorium.alignments.readers.spec import READERS, Options, Reader
from scriptorium.named import class_by
from scriptorium.spec import Spec
from scriptorium.text.languages.spec import Language


class AlignmentsSettings(Spec):
    """Which sentences, and how they are read."""

    languages: tuple[Language, Language] = Field(description="the two languages: a link i-j is from the first")
    reader: Reader = Field(description="how they are read, by a module of alignments/readers")
    options: Annotated[Options, class_by("reader", READERS)] = Field(
        default_factory=dict, validate_default=True, description="settings of that reader"
    )
    longest: int = Field(60, gt=1, description="words of the longer side: longer sentences are left out")

    def model_post_init(self, _: object) -> None:
        if self.languages[0] == self.languages[1]:
            raise ValueError(f"languages: an alignment needs two languages, not {self.languages[0]} twice")


class AlignmentsSpec(AlignmentsSettings):
    """The preparation of one set of gold alignments."""

    alignments: str = Field(description="name of the set")
