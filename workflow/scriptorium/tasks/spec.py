"""What may be configured of labelled tasks: their data, their kinds, a fine-tuning run. See docs/tasks.md."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from scriptorium.cognition.spec import CognitionSpec
from scriptorium.engine.spec import TrainSpec
from scriptorium.models.architectures.spec import ReadsArchitecture
from scriptorium.named import ModuleOf, class_by
from scriptorium.spec import Seed, Spec
from scriptorium.tasks.readers.spec import OPTIONS, AnyOptions, TaskReader
from scriptorium.text.languages.spec import Language


def _nothing(value: object) -> bool:
    """Whether a setting is left as it was before there was such a setting: then specifications do not name it."""
    return not value


Kind = Annotated[
    Literal["classification", "regression", "tagging", "gaze", "question_answering", "multiple_choice"],
    ModuleOf("scriptorium.tasks.kinds"),
]
KIND = "what is predicted: a class or number per text, a tag or measures per word, a span of a passage, one of options"
LABELS = (
    "classes, tags or measures in the order of their numbers; for multiple_choice the parts whose accuracy is told "
    "apart; empty for regression and question_answering"
)


class AnswerSpec(Spec):
    """Windows over long passages, and how an answer is read off (docs/papers/mpnet.md section 5)."""

    stride: int = Field(128, gt=0, description="pieces between the beginnings of two windows over one passage")
    question_length: int = Field(64, gt=0, description="longest question in pieces; the rest is cut")
    answer_length: int = Field(30, gt=0, description="longest answer in pieces")
    n_best: int = Field(20, gt=0, description="beginnings, and ends, that are tried in a window")
    scorer: Literal["squad", "squad1", "mlqa"] = Field(
        "squad",
        description="how answers are compared: squad, by SQuAD's scorer of version 2.0; squad1, by that of version 1.1 "
        "(XTREME's for XQuAD and TyDi QA); mlqa, by MLQA's own, which knows the language (docs/xtreme.md)",
    )


class KindOfTask(Spec):
    """What is predicted."""

    kind: Kind = Field("classification", description=KIND)
    labels: tuple[str, ...] = Field((), description=LABELS)


XtremeTask = Literal["xnli", "pawsx", "udpos", "panx", "xquad", "mlqa", "tydiqa"]


class TaskLanguages(Spec):
    """A task in several languages: trained on some, tested on each (docs/xtreme.md)."""

    train: tuple[Language, ...] = Field(
        min_length=1, description="languages of train and of validation; one alone: zero-shot transfer to the others"
    )
    test: tuple[Language, ...] = Field(min_length=1, description="languages that are tested, each by itself")

    def model_post_init(self, _: Any) -> None:
        for name in ("train", "test"):
            own = getattr(self, name)
            if len(set(own)) < len(own):
                raise ValueError(f"languages.{name}: a language stands there twice")

    @property
    def all(self) -> tuple[str, ...]:
        """Every language once, those of train first."""
        return tuple(dict.fromkeys((*self.train, *self.test)))


class TranslationsSpec(Spec):
    """A second text in another language for every text of a task, which plug-in fine-tuning reads (docs/veco.md)."""

    into: dict[Language, Language] = Field(
        min_length=1,
        description="for each language the one whose translation stands beside its texts; its own: the text itself",
    )
    dataset: str | None = Field(
        None,
        description="name in config/datasets.tsv: files of translations, such as XTREME's translate-train; empty: the "
        "task's own data, whose rows of one id are translations of one another",
    )
    train_only: bool = Field(
        False, description="validation and test have none: for variants that do without (plug_in.at_test: alone)"
    )


class TaskData(KindOfTask):
    """What a task's data are made of."""

    reader: TaskReader = Field(description="the format of the raw data")
    options: Annotated[AnyOptions, class_by("reader", OPTIONS)] = Field(
        default_factory=dict, validate_default=True, description="settings of that reader"
    )
    languages: TaskLanguages | None = Field(None, description="a task in several languages; empty: of one")
    translations: TranslationsSpec | None = Field(
        None, description="with languages: a translation beside every text, for plug-in fine-tuning; empty: none"
    )
    limits: dict[Literal["train", "validation", "test"], int] = Field(
        default_factory=dict,
        description="largest number of examples per split, and with `languages` per split and language; empty: all",
    )
    split_seed: Seed = Field(0, description="seed of the split, where the source brings none")
    validation_share: float = Field(
        0.1,
        ge=0,
        le=0.15,
        description="share of train that becomes validation, where the source has train and test; 0: no part of it, so "
        "the public dev set is both what is chosen on and what is reported (docs/protocols.md)",
    )

    def model_post_init(self, _: Any) -> None:
        given_for = self.options.kinds()
        if given_for and self.kind not in given_for:
            what, kinds = next(iter(given_for.values())), " or ".join(given_for)
            raise ValueError(f"reader {self.reader!r} gives {what}, kind: {kinds}, not {self.kind}; set kind: {kinds}")
        if self.languages and self.options.languages == "never":
            raise ValueError(f"languages: reader {self.reader!r} does not tell languages apart; leave languages out")
        if not self.languages and self.options.languages == "always":
            raise ValueError(
                f"reader {self.reader!r} reads files by language; set languages: {{train: [en], test: [en]}}"
            )
        if self.translations:
            self._check_translations(self.translations)

    def _check_translations(self, given: TranslationsSpec) -> None:
        if not self.languages:
            raise ValueError("translations: a task without languages has none; set languages")
        needed = self.languages.train if given.train_only else self.languages.all
        if missing := [own for own in needed if own not in given.into]:
            raise ValueError(f"translations.into: say what stands beside texts in {', '.join(missing)}")
        if surplus := [own for own in given.into if own not in needed]:
            raise ValueError(f"translations.into: the task needs none for texts in {', '.join(surplus)}; take it out")
        if given.dataset is None and not self.options.parallel:
            raise ValueError(
                f"translations: the texts of reader {self.reader!r} are not the same in all languages; give a dataset "
                "of translations"
            )


class TaskDataSpec(TaskData):
    """The preparation of one task."""

    task: str = Field(description="name of the task")


class TaskInput(KindOfTask):
    """How an example becomes a model's input, and which of the weights on the way count."""

    max_length: int = Field(
        128, gt=2, description="longest input in word pieces; longer ones are cut and counted, or become windows"
    )
    labelled: int | None = Field(
        None, gt=0, description="train on so many examples only, drawn anew by each run's seed; empty: on all"
    )
    answers: AnswerSpec = Field(AnswerSpec(), description="question answering: windows, and how an answer is read off")
    option_length: int = Field(
        128,
        gt=0,
        description="multiple choice: longest question with an option, in pieces; 128 is RoBERTa's for RACE "
        "(docs/papers/mpnet.md section 5)",
    )
    best_by: str | None = Field(
        None,
        exclude_if=_nothing,
        description="metric of validation, such as accuracy: the weights of the evaluation where it was best count, "
        "the first of several; empty: the last weights do",
    )
    scale: float | None = Field(
        None,
        gt=0,
        exclude_if=_nothing,
        description="regression: the model learns label / scale, and its outputs are multiplied by it again; 5 is "
        "MPNet's for STS-B; empty: the labels as they are",
    )


class PlugInSpec(Spec):
    """VECO's plug-in fine-tuning (docs/papers/veco.md section 4.2). The paper leaves all of this open: it is ours."""

    encoder: Annotated[Literal["veco"], ModuleOf("scriptorium.models.plug_in")] = Field(
        "veco", description="whose two streams are read, with the heads on them"
    )
    at_test: Literal["translation", "alone"] = Field(
        "translation",
        description="of validation and test: translation, a text beside its own; alone, the text is its own other side",
    )
    predicts: Literal["x", "mean"] = Field(
        "x", description="x: from the text's own features; mean: the mean of its logits and its translation's"
    )
    translations: Literal["right", "shuffled"] = Field(
        "right", description="shuffled, a control: beside every text stands another text's translation"
    )

    def model_post_init(self, _: Any) -> None:
        if self.predicts == "mean" and (self.at_test, self.translations) != ("translation", "right"):
            raise ValueError("predicts: mean needs the text's own translation; leave at_test and translations as is")


class BodySpec(Spec):
    """How a model that writes text is fine-tuned (docs/tasks.md). The paper's way, where there is one."""

    name: Annotated[Literal["bart", "causal", "t5"] | None, ModuleOf("scriptorium.tasks.bodies")] = Field(
        None,
        description="bart: encoder and decoder read the text; causal: GPT-2 and LLaMA; t5: the label is written; "
        "empty: that of the backbone's pre-training objective",
    )
    prefix: str = Field(
        "{task}: ", description="t5: what stands before every text; {task} is the task's name (the form is ours)"
    )


class FinetuneSettings(Spec):
    """What a variant may change of fine-tuning, beside its encoder and the training settings."""

    cognition: CognitionSpec | None = Field(None, description="empty: the plain encoder")
    gaze_loss: float | None = Field(
        None, gt=0, description="weight of an auxiliary loss on the words' fixation counts (after Deng et al. 2024)"
    )
    plug_in: PlugInSpec | None = Field(
        None, description="VECO's plug-in: translations are read through the cross-attention; empty: plug-out"
    )
    body: BodySpec | None = Field(
        None,
        exclude_if=lambda given: given is None,  # so that runs of encoders say what they said before there were others
        description="a backbone that writes text: how it is used; empty: as its objective says, else an encoder",
    )
    reinitialise: bool = Field(False, description="control: keep the shape, throw the pre-trained weights away")
    decay_all: bool = Field(
        False,
        exclude_if=_nothing,
        description="weight decay falls on biases and norms as well, as in fairseq, which MPNet is fine-tuned with",
    )

    def model_post_init(self, _: Any) -> None:
        if self.body and (self.cognition or self.gaze_loss or self.plug_in):
            raise ValueError("body: it goes with none of cognition, gaze_loss and plug_in; take these out")
        if self.plug_in and (self.cognition or self.gaze_loss):
            raise ValueError("plug_in: it goes with neither cognition nor gaze_loss; take one of them out")


class FinetuneSpec(TaskInput, FinetuneSettings, ReadsArchitecture):
    """One fine-tuning run."""

    train: TrainSpec
    save_model: bool = Field(False, description="keep model/ and encoder/ (large)")
    seed: Seed = Field(0, description="of the new parameters, dropout, order and controls")

    def model_post_init(self, context: Any) -> None:
        super().model_post_init(context)
        if self.scale and self.gaze_loss:
            raise ValueError("scale: it replaces the loss that gaze_loss is added to; take one of them out")
        if self.body and self.body.name is None:
            raise ValueError("body.name: a run must name its body")
