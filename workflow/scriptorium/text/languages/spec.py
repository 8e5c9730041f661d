"""Names of languages: two letters (ISO 639-1), three where there are no two (ISO 639-3), and a region or a script."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from scriptorium.errors import nearest
from scriptorium.spec import Spec

CODES = (
    "aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo "
    "es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka "
    "kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng "
    "nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su "
    "sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu"
)
TWO_LETTERS = frozenset(CODES.split(" "))
TAG = re.compile(r"([a-z]{2,3})(-[A-Za-z0-9]{2,8})*")


def _known(code: str) -> str:
    found = TAG.fullmatch(code)
    if not found:
        raise ValueError("a language is two or three small letters, such as de, and what follows a hyphen: pt-BR")
    if len(found[1]) == 2 and found[1] not in TWO_LETTERS:
        raise ValueError(f"unknown language {code!r}, {nearest(code, TWO_LETTERS)}")
    return code


Language = Annotated[str, AfterValidator(_known)]


class OneLanguage(Spec):
    """A single language."""

    code: Language = Field(description="two or three small letters, such as de")

    @staticmethod
    def known(word: str) -> bool:
        """Whether a word is a language's two letters."""
        return word in TWO_LETTERS
