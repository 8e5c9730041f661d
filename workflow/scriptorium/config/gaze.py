"""Stage 1 in config.yaml: gaze corpora, regressors, the predictor, corpora left out, the shared task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from scriptorium.errors import UserError
from scriptorium.gaze.spec import (
    BenchmarkCmcl2021Spec,
    GazeFormat,
    LeftOutSettings,
    RegressorSettings,
    TrainPredictorSpec,
)
from scriptorium.spec import Spec

if TYPE_CHECKING:
    from scriptorium.config.references import ReferenceChecks


class GazeCorpus(GazeFormat):
    """A gaze corpus: which data set, read how."""

    dataset: str = Field(description="name in config/datasets.tsv")
    language: str = Field(
        "en", pattern="^[a-z]{2,3}$", description="code of its language, for word frequencies and the spaCy pipeline"
    )


class Predictor(Spec):
    """The gaze predictor for any text (results/gaze/predictor)."""

    corpora: tuple[str, ...] = Field(min_length=1, description="gaze corpora of this file that it is trained on")
    backbone: str = Field(description="backbone of this file that is fine-tuned")
    settings: TrainPredictorSpec = Field(TrainPredictorSpec(), description="measures, folds, training")


class Cmcl2021(Spec):
    """The table of the CMCL 2021 shared task (results/tables/gaze_cmcl2021.tsv)."""

    dataset: str = Field(description="name in config/datasets.tsv, with train.csv and valid.csv")
    backbone: str = Field(description="backbone of this file that is fine-tuned")
    settings: BenchmarkCmcl2021Spec = Field(BenchmarkCmcl2021Spec(), description="folds, training, comparison")


class LeftOut(Spec):
    """Corpora left out in turn, and the predictor trained on all of them (results/tables/gaze_left_out.tsv)."""

    corpora: tuple[str, ...] = Field(min_length=3, description="gaze corpora of this file, each left out once")
    surprisal: str | None = Field(
        None, description="backbone of this file, a causal language model, whose surprisal is a feature; empty: none"
    )
    settings: LeftOutSettings = Field(LeftOutSettings(), description="measures, sample, line, boosting, intervals")


class Gaze(Spec):
    """Stage 1."""

    corpora: dict[str, GazeCorpus] = Field(description="name -> data set and reader")
    regressors: tuple[str, ...] = Field(min_length=1, description="variants of ablations.tsv to train")
    scores_from: str = Field(description="the variant whose scores enter stage 2")
    predictor: Predictor | None = Field(None, description="the gaze predictor for any text; empty: none")
    left_out: LeftOut | None = Field(None, description="corpora left out in turn; empty: none")
    cmcl2021: Cmcl2021 | None = Field(None, description="the shared task's table; empty: none")


class RegressorRecipe(RegressorSettings):
    """config/recipes/*.yaml with `stage: regressor`."""

    stage: Literal["regressor"]
    corpora: tuple[str, ...] = Field(min_length=1, description="gaze corpora of config.yaml")
    exclude: tuple[str, ...] = Field((), description="gaze corpora whose texts must not be trained on")
    embeddings: str = Field(description="backbone that lends word vectors: an encoder, or a text file such as GloVe")


def check(checks: ReferenceChecks) -> None:
    """Corpora, regressors, the predictor, the shared task."""
    for name, corpus in checks.config.gaze.corpora.items():
        checks.dataset(corpus.dataset, f"gaze.corpora.{name}.dataset")
    for name in (*checks.config.gaze.regressors, checks.config.gaze.scores_from):
        recipe = checks.project.variant(name, "regressor", f"{checks.where}: gaze").recipe
        checks.known(recipe.embeddings, checks.config.backbones, "backbone", f"variant {name}, embeddings")
        for corpus in recipe.corpora:
            checks.known(corpus, checks.config.gaze.corpora, "gaze corpus", f"variant {name}, corpora")
            _pipeline_reads(checks, corpus)
        for corpus in recipe.exclude:
            checks.known(corpus, checks.config.gaze.corpora, "gaze corpus", f"variant {name}, exclude")
    if checks.config.gaze.predictor:
        checks.known(
            checks.config.gaze.predictor.backbone, checks.config.backbones, "backbone", "gaze.predictor.backbone"
        )
        for corpus in checks.config.gaze.predictor.corpora:
            checks.known(corpus, checks.config.gaze.corpora, "gaze corpus", "gaze.predictor.corpora")
    if left_out := checks.config.gaze.left_out:
        from scriptorium.linguistics.surface import check_language  # asks the lists of frequencies themselves

        for corpus in left_out.corpora:
            checks.known(corpus, checks.config.gaze.corpora, "gaze corpus", "gaze.left_out.corpora")
            check_language(
                checks.config.gaze.corpora[corpus].language, f"{checks.where}: gaze.corpora.{corpus}.language"
            )
        if left_out.surprisal is not None:
            checks.known(left_out.surprisal, checks.config.backbones, "backbone", "gaze.left_out.surprisal")
    if checks.config.gaze.cmcl2021:
        checks.known(
            checks.config.gaze.cmcl2021.backbone, checks.config.backbones, "backbone", "gaze.cmcl2021.backbone"
        )
        checks.dataset(checks.config.gaze.cmcl2021.dataset, "gaze.cmcl2021.dataset")


def _pipeline_reads(checks: ReferenceChecks, corpus: str) -> None:
    """A spaCy pipeline begins with its language, and reads no other (xx: any)."""
    language = checks.config.gaze.corpora[corpus].language
    pipeline = checks.config.annotation.pipeline
    if pipeline[2:3] == "_" and pipeline[:2] not in (language, "xx"):
        raise UserError(
            f"gaze corpus {corpus!r} is in the language {language!r}, and the pipeline {pipeline!r} reads "
            f"{pipeline[:2]!r}",
            where=f"{checks.where}: gaze.corpora.{corpus}.language",
            remedy="name an installed pipeline of that language in annotation.pipeline, or train the regressor on "
            "other corpora (gaze.left_out needs no pipeline)",
        )
