"""The formats of eye-tracking data that can be read, by name, and the options of each. Nothing heavy is imported.

Every reader is a module of this package, of the same name, with `read(artifact, options, ledger)`; gaze/rows.py says
what it gives. To add one: that module, a class of options here where it has any, and its name in OPTIONS.
"""

from __future__ import annotations

from typing import ClassVar, Literal, Union

from pydantic import Field

from scriptorium.spec import Spec

Unit = Literal["ms", "s", "samples500", "samples250"]
Disagreement = Literal["error", "majority"]


class ReaderOptions(Spec):
    """Of a reader without options of its own, whose source has no durations or none in a known unit."""

    memory_mb: ClassVar[int] = 2000  # that a job needs for the published files; no setting, so not in a specification


class DurationOptions(ReaderOptions):
    """Of a reader whose source has durations."""

    duration_unit: Unit = Field(
        "ms", description="unit of the source's durations: milliseconds, seconds, or samples at 500 or 250 Hz"
    )


class OnestopOptions(DurationOptions):
    """OneStop's interest-area reports."""

    disagreement: Literal["error", "majority"] = Field(
        "majority", description="participants of a paragraph who have other words: refused, or left out of it"
    )


class ZucoOptions(DurationOptions):
    """ZuCo's MATLAB files."""

    memory_mb: ClassVar[int] = 16000  # the files hold EEG beside the gaze, and MATLAB 5 cannot be read in part

    # docs/papers/cogbert.md section 9.1
    duration_unit: Unit = Field("samples500", description="unit of the source's durations")
    tasks: str = Field("", description='which tasks, such as "SR NR"; empty: all')


class GecoOptions(DurationOptions):
    """GECO's workbooks."""

    memory_mb: ClassVar[int] = 8000  # a workbook has a million rows

    disagreement: Literal["error", "majority"] = Field(
        "error", description="participants of a page who have other words: refused, or left out of it"
    )
    blanks: str = Field(
        "_", description='what stands for a blank inside a word, such as said" ...he; empty: such a word is refused'
    )


class ProvoOptions(DurationOptions):
    """Provo's table."""

    disagreement: Literal["error", "majority"] = Field(
        "error", description="participants of a text who have other words: refused, or left out of it"
    )


class Cmcl2021Options(DurationOptions):
    """Files of the shared task CMCL 2021."""

    duration_unit: Unit = Field(
        "samples500", description="unit of the source's durations, once they are brought back from the scale of 0-100"
    )
    scaled: bool = Field(
        True,
        description="true: numbers are on the scales of 0-100 of the shared task, and are brought back to fixations, "
        "durations and shares; false: the file holds these already",
    )
    labelled: bool = Field(True, description="false: the test file, whose numbers are all 0 and mean nothing")


class Cmcl2022Options(ReaderOptions):
    """Files of the shared task CMCL 2022."""

    language: Literal["", "en", "de", "nl", "ru", "zh", "hi"] = Field("", description="which language; empty: all")


class MeansOptions(DurationOptions):
    """Exports of word means."""

    participants: int = Field(0, ge=0, description="how many the means are over; 0: not known")
    sentences_per_document: int = Field(
        1, ge=1, description="so many sentences with following numbers are one document, never split between folds"
    )
    blanks: str = Field("", description="what stands for a blank inside a word; empty: such a word is refused")


class EyelinkOptions(DurationOptions):
    """Interest-area reports of EyeLink's Data Viewer, from any laboratory."""

    participant: str = Field("RECORDING_SESSION_LABEL", description="column that says who read")
    document: str = Field("item", description="column, a variable of the experiment, that says which text was read")
    disagreement: Disagreement = Field(
        "error", description="participants of a text who have other words: refused, or left out of it"
    )


class CelerOptions(DurationOptions):
    """CELER's interest-area report."""

    memory_mb: ClassVar[int] = 6000

    texts: Literal["shared", "all"] = Field(
        "shared", description="shared: the sentences that all participants read; all: also those that one alone read"
    )
    disagreement: Disagreement = Field(
        "error", description="participants of a sentence who have other words: refused, or left out of it"
    )


class MecoOptions(DurationOptions):
    """MECO's joint data."""

    memory_mb: ClassVar[int] = 6000

    language: str = Field("", description="which language, by MECO's code, such as en or du; empty: all")
    disagreement: Disagreement = Field(
        "majority", description="participants of a text who have other words: refused, or left out of it"
    )


class EmtecOptions(DurationOptions):
    """EMTeC's reading measures."""

    disagreement: Disagreement = Field(
        "error", description="participants of a text who have other words: refused, or left out of it"
    )


OPTIONS: dict[str, type[ReaderOptions]] = {
    "onestop": OnestopOptions,
    "csv": DurationOptions,
    "zuco": ZucoOptions,
    "geco": GecoOptions,
    "provo": ProvoOptions,
    "cmcl2021": Cmcl2021Options,
    "cmcl2022": Cmcl2022Options,
    "means": MeansOptions,
    "eyelink": EyelinkOptions,
    "celer": CelerOptions,
    "meco": MecoOptions,
    "emtec": EmtecOptions,
    "natural_stories": DurationOptions,
    "text": ReaderOptions,
}
GazeReader = Literal[tuple(OPTIONS)]
AnyOptions = Union[tuple(OPTIONS.values())]  # noqa: UP007 -- the operator cannot be spelled over a dictionary
