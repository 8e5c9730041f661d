"""Languages as files name them: by two letters or by one of the three-letter codes."""

from __future__ import annotations

import langcodes


def short(code: str) -> str:
    """The two letters of a language, where it has them: eng and ENG are en, ger and deu are de. Others stay."""
    try:
        return langcodes.Language.get(code.lower()).language or code
    except langcodes.LanguageTagError:
        return code
