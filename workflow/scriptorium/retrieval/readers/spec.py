"""The readers of retrieval sets by name, each with what it says of its sets. Nothing heavy is imported.

A reader is a module of this package with `read(spec, artifact, ledger)`, which yields parts (retrieval/collection.py);
`artifact` is the manifest of a data set or, where the class says so, of a corpus of pairs.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from scriptorium.named import ModuleOf


class Searched:
    """A set in which every text has its translation on the other side: accuracy both ways."""

    of_parallel: ClassVar[bool] = False  # from the held-out pairs of a corpus of pairs, not from a data set
    mining: ClassVar[bool] = False  # few texts have a translation: which, is to be found; F1


class HeldOut(Searched):
    """The same, of held-out pairs."""

    of_parallel: ClassVar[bool] = True


class Mined(Searched):
    """A set of which few texts have a translation."""

    mining: ClassVar[bool] = True


READERS: dict[str, type[Searched]] = {"tatoeba": Searched, "pairs": HeldOut, "bucc": Mined}
Reader = Annotated[Literal[tuple(READERS)], ModuleOf("scriptorium.retrieval.readers")]
