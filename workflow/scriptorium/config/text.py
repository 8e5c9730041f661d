"""Running text, pairs of texts, dictionaries and gold alignments of words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pydantic import Field

from scriptorium.alignments.spec import AlignmentsSettings
from scriptorium.errors import UserError
from scriptorium.text.dictionaries.spec import DictionarySettings
from scriptorium.text.parallel.spec import ParallelSettings
from scriptorium.text.spec import CorpusSettings

if TYPE_CHECKING:
    from scriptorium.config.references import ReferenceChecks
    from scriptorium.text.parallel.spec import ParallelSource
    from scriptorium.text.spec import CorpusSource


class Corpus(CorpusSettings):
    """Running text for pre-training."""


class Parallel(ParallelSettings):
    """Pairs of texts in two languages."""


class Dictionary(DictionarySettings):
    """Translations of words."""


class Alignments(AlignmentsSettings):
    """Words that people have linked with those of a translation."""

    dataset: str = Field(description="name in config/datasets.tsv")


def check(checks: ReferenceChecks) -> None:
    """Where text, words and links of words come from."""
    for block, corpora in (("corpora", checks.config.corpora), ("parallel", checks.config.parallel)):
        for name, corpus in corpora.items():
            _sources(checks, corpus.sources, f"{block}.{name}.sources")
    for name, corpus in checks.config.corpora.items():
        for task in corpus.exclude:
            checks.known(task, checks.config.tasks | checks.config.generation, "task", f"corpora.{name}.exclude")
    for name in checks.config.corpora.keys() & checks.config.parallel.keys():
        raise UserError(
            f"{name!r} names both a corpus and a corpus of pairs, but a vocabulary may be learned from either",
            where=checks.where,
            remedy="rename one of the two",
        )
    for name, dictionary in checks.config.dictionaries.items():
        for source in dictionary.sources:
            checks.dataset(source.dataset, f"dictionaries.{name}.sources")
    for name, gold in checks.config.alignments.items():
        checks.dataset(gold.dataset, f"alignments.{name}.dataset")


def _sources(checks: ReferenceChecks, sources: Iterable[CorpusSource | ParallelSource], place: str) -> None:
    """Where text comes from."""
    for source in sources:
        checks.dataset(source.dataset, place)
        if source.stream and (found := checks.project.datasets[source.dataset].source) != "hub":
            raise UserError(
                f"{place}: {source.dataset} is of source {found}, and only data sets of source hub can be streamed",
                where=checks.where,
                remedy="leave out stream",
            )
