"""What may be configured of running text: corpora, vocabularies, and how text becomes blocks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from scriptorium.named import class_by
from scriptorium.spec import Seed, Spec
from scriptorium.text.corpora.readers.spec import READERS, Options, Reader
from scriptorium.text.languages.spec import Language


def _nothing(value: object) -> bool:
    """An empty field is left out of the run's specification, so it is the same run as before there was this field."""
    return value is None or value == ()


def _none_at_all(value: object) -> bool:
    """The same of a number that is 0."""
    return value == 0


class CorpusSource(Spec):
    """One source of a corpus."""

    dataset: str = Field(description="catalogue name")
    reader: Reader = Field(description="how it is read, by a module of text/corpora/readers")
    options: Annotated[Options, class_by("reader", READERS)] = Field(
        default_factory=dict, validate_default=True, description="settings of that reader"
    )
    stream: bool = Field(
        False,
        description="read a data set of the hub without keeping a copy of it; readers jsonl and parquet",
    )
    language: Language | None = Field(
        None, exclude_if=_nothing, description="such as en: what cross-lingual pre-training needs to know"
    )

    def model_post_init(self, _: object) -> None:
        if self.stream and not self.options.can_stream:
            able = " and ".join(name for name, options in READERS.items() if options.can_stream)
            raise ValueError(f"stream: true belongs to the readers {able}, not to {self.reader}")


class StreamSpec(Spec):
    """Files of a hub data set at one commit."""

    location: str = Field(pattern=r"^datasets/[\w.-]+/[\w.-]+$", description="datasets/owner/repository")
    revision: str = Field(pattern="^[0-9a-f]{40}$", description="the pinned commit: 40 hexadecimal digits")
    members: tuple[str, ...] = Field((), description="files or globs; empty: all")


class CorpusSettings(Spec):
    """What a pre-training corpus is made of."""

    sources: tuple[CorpusSource, ...] = Field(min_length=1, description="where the text comes from, in this order")
    validation_share: float = Field(0.02, gt=0, lt=1, description="share of the documents held out")
    split_seed: Seed = Field(0, description="seed of the split by document")
    exclude: tuple[str, ...] = Field((), description="tasks of this file whose texts, of all splits, are left out")

    def model_post_init(self, _: object) -> None:
        if self.languages and None in self.languages:
            missing = next(source.dataset for source in self.sources if source.language is None)
            raise ValueError(f"sources: {missing} names no language, but others do: name all or none")

    @property
    def languages(self) -> tuple[str | None, ...]:
        """Of the sources, if one names its own."""
        named = tuple(source.language for source in self.sources)
        return named if any(named) else ()


class CorpusSpec(CorpusSettings):
    """The preparation of one corpus."""

    corpus: str = Field(description="name of the corpus")
    streams: dict[str, StreamSpec] = Field(
        default_factory=dict,
        description="where streamed data sets lie, from the catalogue, by name",
    )


class LayoutSpec(Spec):
    """Blocks that are padded and not packed (text/layouts.py, text/sentence_pairs.py)."""

    name: Literal["full-sentences", "sentence-pairs"] = Field(
        description="full-sentences: RoBERTa's and MPNet's, whole sentences until a block is full; sentence-pairs: "
        "BERT's, two texts of which the second may be the continuation of the first"
    )
    sentences: Literal["rules", "lines"] = Field(
        "rules",
        description="rules: lines are split into sentences by punctuation, since a line of our corpora may be a whole "
        "paragraph; lines: each line is one",
    )
    copies: int = Field(10, ge=1, description="sentence-pairs: how often the text is made into pairs (BERT: 10)")
    short: float = Field(
        0.1, ge=0, le=1, description="sentence-pairs: share of documents with shorter pairs (BERT: 0.1)"
    )
    seed: Seed = Field(0, description="sentence-pairs: of the pairs")


class PackSpec(Spec):
    """How text becomes blocks."""

    block_length: int = Field(128, gt=8, description="tokens per block")
    vocabulary: Literal["fairseq"] | None = Field(
        None,
        description="fairseq: MPNet's symbols and their places in the vocabulary; empty: the tokenizer as it is",
    )
    layout: LayoutSpec | None = Field(None, description="how blocks are filled; empty: packed")


class SidesSpec(Spec):
    """How texts and their translations fill blocks of two sides (text/two_sided.py), in tokens with both specials."""

    longest: int | None = Field(
        None, gt=8, description="a translated text: a pair with a longer side is left out; empty: half a block"
    )
    segment: int | None = Field(
        None, gt=8, description="a segment of a document, of which two adjacent ones are a pair; empty: half a block"
    )
    shortest: int = Field(
        8, gt=2, description="shortest segment: what is left of a document and is shorter is left out"
    )


class PackPairsSpec(Spec):
    """How parallel text and documents become blocks of two sides."""

    block_length: int = Field(128, gt=16, multiple_of=2, description="tokens per block, half of them on each side")
    sides: SidesSpec = SidesSpec()

    def model_post_init(self, _: object) -> None:
        half = self.block_length // 2
        for name in ("longest", "segment"):
            if (value := getattr(self.sides, name)) and value > half:
                raise ValueError(f"sides.{name} {value} is more than half of block_length, {half}")


class VocabularySpec(Spec):
    """How a vocabulary is learned."""

    kind: Literal["wordpiece", "bpe", "unigram", "kept"] = Field(
        "wordpiece",
        description="wordpiece: BERT's; bpe: byte-level, as RoBERTa's; unigram: as XLM-R's; kept: not learned, but the "
        "pieces of a backbone's vocabulary that occur in the text",
    )
    size: int = Field(30_000, ge=300, description="pieces, special tokens included (mpnet: before its five symbols)")
    lower_case: bool = Field(True, description="upper and lower case are one; wordpiece drops accents with it")
    symbols: Literal["bert", "roberta", "mpnet"] = Field(
        "bert",
        description="special tokens and their places. bert: [PAD] [UNK] [CLS] [SEP] [MASK] first; roberta: <s> <pad> "
        "</s> <unk> first, <mask> last; mpnet: roberta's around BERT's pieces, wordpiece only",
    )
    documents: int | None = Field(None, gt=0, description="learn from so many documents, the first; empty: from all")
    sentinels: int = Field(
        0,
        ge=0,
        exclude_if=_none_at_all,
        description="so many <extra_id_0> ... behind the `size` pieces, which t5 puts in place of spans; T5: 100",
    )
    alpha: float | None = Field(
        None,
        ge=0,
        le=1,
        exclude_if=_nothing,
        description="languages share the text by n^alpha, n lines: common ones are thinned out; empty: all lines",
    )

    def model_post_init(self, _: object) -> None:
        if self.symbols == "mpnet" and self.kind != "wordpiece":
            raise ValueError("symbols: mpnet belongs to kind: wordpiece")
        if self.sentinels and self.kind == "kept":
            raise ValueError("sentinels: they belong to a vocabulary that is learned, not to kind: kept")
