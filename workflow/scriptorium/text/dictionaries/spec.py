"""What may be configured of bilingual dictionaries."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from scriptorium.named import class_by
from scriptorium.spec import Spec
from scriptorium.text.dictionaries.readers.spec import READERS, Options, Reader
from scriptorium.text.languages.spec import Language


class DictionarySource(Spec):
    """One source of translations of words between two languages."""

    dataset: str = Field(description="catalogue name")
    languages: tuple[Language, Language] = Field(description="the two languages, as the files name them")
    reader: Reader = Field(description="how it is read, by a module of text/dictionaries/readers")
    options: Annotated[Options, class_by("reader", READERS)] = Field(
        default_factory=dict, validate_default=True, description="settings of that reader"
    )

    def model_post_init(self, _: object) -> None:
        if self.languages[0] == self.languages[1]:
            raise ValueError(f"languages: a dictionary needs two languages, not {self.languages[0]} twice")


class DictionarySettings(Spec):
    """What a dictionary is made of."""

    sources: tuple[DictionarySource, ...] = Field(min_length=1, description="where the translations come from")


class DictionarySpec(DictionarySettings):
    """The preparation of one dictionary."""

    dictionary: str = Field(description="name of the dictionary")
