"""Running text, pairs of texts, dictionaries and gold alignments of words."""

from __future__ import annotations

from collections.abc import Iterable

from scriptorium.alignments.spec import AlignmentsSpec
from scriptorium.runs.configured import ConfiguredRuns
from scriptorium.runs.folders import made_in
from scriptorium.spec import Spec
from scriptorium.text.dictionaries.spec import DictionarySpec
from scriptorium.text.parallel.spec import ParallelSource, ParallelSpec
from scriptorium.text.spec import CorpusSource, CorpusSpec, StreamSpec


class TextRuns(ConfiguredRuns):
    """Running text, pairs of texts, dictionaries and gold alignments of words."""

    @made_in("results/data/corpora/{corpus}")
    def prepare_corpus(self, corpus: str) -> Spec:
        entry = self._known(corpus, self.config.corpora, "corpus")
        return CorpusSpec(corpus=corpus, **entry.shared(CorpusSpec), streams=self._streams(entry.sources))

    def corpus_sources(self, corpus: str) -> list[str]:
        return _kept(self._known(corpus, self.config.corpora, "corpus").sources)

    def corpus_exclude(self, corpus: str) -> list[str]:
        """Manifests of the tasks whose texts a corpus leaves out."""
        folders = {task: "generation/" for task in self.config.generation}
        names = self.config.corpora[corpus].exclude
        return [f"results/data/{folders.get(task, '')}{task}/manifest.json" for task in names]

    @made_in("results/data/parallel/{parallel}")
    def prepare_parallel(self, parallel: str) -> Spec:
        entry = self._known(parallel, self.config.parallel, "corpus of pairs")
        return ParallelSpec(parallel=parallel, **entry.shared(ParallelSpec), streams=self._streams(entry.sources))

    def parallel_sources(self, parallel: str) -> list[str]:
        return _kept(self._known(parallel, self.config.parallel, "corpus of pairs").sources)

    def _streams(self, sources: Iterable[CorpusSource | ParallelSource]) -> dict[str, StreamSpec]:
        """Where streamed data sets lie."""
        streams = {}
        for source in sources:
            if source.stream:
                facts = self.project.datasets[source.dataset].model_dump(include=set(StreamSpec.model_fields))
                streams[source.dataset] = StreamSpec.parse(facts, f"config/datasets.tsv, data set {source.dataset!r}")
        return streams

    def _data_or_corpus(self, dataset: str | None, corpus: str | None) -> str:
        """Manifest of a data set where one is named, else of a corpus."""
        return f"resources/{dataset}/manifest.json" if dataset else self._corpora([corpus])[0]

    def _corpora(self, names: Iterable[str]) -> list[str]:
        """Manifests of corpora of running text or of pairs."""
        folders = {corpus: "parallel" if corpus in self.config.parallel else "corpora" for corpus in names}
        return [f"results/data/{folder}/{corpus}/manifest.json" for corpus, folder in folders.items()]

    @made_in("results/data/dictionaries/{dictionary}")
    def prepare_dictionary(self, dictionary: str) -> Spec:
        entry = self._known(dictionary, self.config.dictionaries, "dictionary")
        return DictionarySpec(dictionary=dictionary, **entry.shared(DictionarySpec))

    def dictionary_sources(self, dictionary: str) -> list[str]:
        sources = self._known(dictionary, self.config.dictionaries, "dictionary").sources
        return [f"resources/{name}/manifest.json" for name in dict.fromkeys(source.dataset for source in sources)]

    @made_in("results/data/alignments/{alignments}")
    def prepare_alignments(self, alignments: str) -> Spec:
        entry = self._known(alignments, self.config.alignments, "gold alignments")
        return AlignmentsSpec(alignments=alignments, **entry.shared(AlignmentsSpec))

    def alignments_source(self, alignments: str) -> str:
        """Manifest of the data set that gold alignments are read from."""
        return f"resources/{self._known(alignments, self.config.alignments, 'gold alignments').dataset}/manifest.json"


def _kept(sources: Iterable[CorpusSource | ParallelSource]) -> list[str]:
    """Manifests of the data sets that are not streamed, each once."""
    kept = dict.fromkeys(source.dataset for source in sources if not source.stream)
    return [f"resources/{name}/manifest.json" for name in kept]
