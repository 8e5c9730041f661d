"""The readers of labelled data, by name, and what may be set for each. A reader is a module of this package.

A new one is a file beside this one with `read(spec, artifact, ledger) -> DataFrame` (see tasks/preparing.py) and a
name in OPTIONS, with a class of its own if anything may be set.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Union

from pydantic import Field

from scriptorium.gaze.spec import GazeFormat
from scriptorium.named import ModuleOf
from scriptorium.spec import Spec

SKIP_BROKEN = "leave out rows that cannot be read instead of refusing them, with a note of how many"


class ReaderOptions(Spec):
    """A reader without options."""

    reveals: ClassVar[str] = ""  # what features can be given of the answers, where the kind of task has no such
    gives: ClassVar[dict[str, str]] = {}  # kind of task -> what the reader gives for it
    languages: ClassVar[Literal["never", "maybe", "always"]] = "never"  # whether a task names those of the files
    parallel: ClassVar[bool] = False  # rows of one id are translations of one another
    # What the source's dev set is. reported: test, since the labels of the source's own test are not public; beside:
    # validation, if the files bring one, beside test; none: there is no such split.
    dev: ClassVar[Literal["reported", "beside", "none"]] = "none"

    def kinds(self) -> dict[str, str]:
        """The kinds of task that can be had with these options, each with what is given for it."""
        return self.gives


class ClassesOptions(ReaderOptions):
    """A reader of texts with classes, without options."""

    gives: ClassVar = {"classification": "classes"}


class TableOptions(ReaderOptions):
    """The user's own table: no options."""

    dev: ClassVar = "beside"
    gives: ClassVar = {"classification": "a label per text", "regression": "a label per text"}


class VaderOptions(ReaderOptions):
    """Sentences rated from -4 to 4."""

    gives: ClassVar = {"classification": "a label per text", "regression": "a label per text"}
    domain: Literal["movie", "amazon", "nyt", "tweets"] = Field("movie", description="where the sentences are from")
    threshold: float = Field(
        0.5,
        ge=0,
        description="for classes: a mean rating of at least this is positive, of at most minus this negative; "
        "sentences between them are left out (ours)",
    )


class GlueOptions(ReaderOptions):
    """A task of GLUE."""

    dev: ClassVar = "reported"
    task: Literal["cola", "sst2", "mrpc", "stsb", "qqp", "mnli", "qnli", "rte", "wnli"] = Field(
        description="which of GLUE's tasks"
    )
    part: Literal["matched", "mismatched"] = Field("matched", description="MNLI: which dev split is our test")
    skip_broken: bool = Field(False, description=SKIP_BROKEN)

    def kinds(self) -> dict[str, str]:
        return {"regression": "numbers"} if self.task == "stsb" else {"classification": "classes"}


class ConllOptions(ReaderOptions):
    """Words with tags, one per line."""

    dev: ClassVar = "beside"
    gives: ClassVar = {"tagging": "a tag per word"}
    task: Literal["chunking", "ner"] = Field(description="the column of the tag: the third, or the last")
    language: str = Field("", description="a word such as esp: only files that have it in their name; empty: all")


class EyeTrackingOptions(ReaderOptions):
    """Measures of words, one word per row."""

    gives: ClassVar = {"gaze": "eye-tracking measures per word"}
    skip_broken: bool = Field(False, description=SKIP_BROKEN)


class GazeCorpusOptions(GazeFormat, ReaderOptions):
    """Any gaze corpus as a task."""

    gives: ClassVar = {"gaze": "eye-tracking measures per word"}


class TaggedOptions(ReaderOptions):
    """Words with tags in files by language."""

    dev: ClassVar = "beside"
    gives: ClassVar = {"tagging": "a tag per word"}
    languages: ClassVar = "always"


class TextPairsOptions(ReaderOptions):
    """Pairs of texts with a class in files by language."""

    dev: ClassVar = "beside"
    gives: ClassVar = {"classification": "classes"}
    languages: ClassVar = "always"
    parallel: ClassVar = True
    task: Literal["xnli", "pawsx"] = Field(description="what the classes are")


class SquadOptions(ReaderOptions):
    """Questions on passages."""

    dev: ClassVar = "reported"
    gives: ClassVar = {"question_answering": "a span of a passage"}
    languages: ClassVar = "maybe"
    parallel: ClassVar = True
    version: Literal["1.1", "2.0"] = Field("1.1", description="1.1: every question has an answer; 2.0: some have none")
    unnamed: str = Field(
        "", description="with languages: the language of files whose names tell none, such as en for SQuAD's"
    )


class ChoicesOptions(ReaderOptions):
    """A reader of multiple choice, without options."""

    dev: ClassVar = "beside"
    gives: ClassVar = {"multiple_choice": "one of several options"}


class CopaOptions(ChoicesOptions):
    """COPA and XCOPA, without options."""

    dev: ClassVar = "reported"


class MarkedWordsOptions(ReaderOptions):
    """Texts made of the data set's words, one of which is marked: positive control."""

    gives: ClassVar = {"classification": "classes"}
    reveals: ClassVar = "marks"
    examples: int = Field(2000, gt=0, description="how many texts")
    words: int = Field(8, gt=1, multiple_of=2, description="words of a text, half of them short, half of them long")
    vocabulary: int = Field(40, gt=0, description="different short words and different long words")

    def model_post_init(self, _: Any) -> None:
        if self.words > 2 * self.vocabulary:
            raise ValueError("options.words is more than twice options.vocabulary, and no word is in a text twice")


OPTIONS: dict[str, type[ReaderOptions]] = {
    "vader": VaderOptions,
    "tatoeba_paraphrase": ClassesOptions,
    "bbc_topics": ClassesOptions,
    "tsv": TableOptions,
    "glue": GlueOptions,
    "imdb": ClassesOptions,
    "conll": ConllOptions,
    "eye_tracking": EyeTrackingOptions,
    "gaze_corpus": GazeCorpusOptions,
    "tagged": TaggedOptions,
    "text_pairs": TextPairsOptions,
    "squad": SquadOptions,
    "race": ChoicesOptions,
    "copa": CopaOptions,
    "choices": ChoicesOptions,
    "marked_words": MarkedWordsOptions,
}
TaskReader = Annotated[Literal[tuple(OPTIONS)], ModuleOf("scriptorium.tasks.readers")]
AnyOptions = Union[tuple(dict.fromkeys(OPTIONS.values()))]  # noqa: UP007 -- computed from the table
