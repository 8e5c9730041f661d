"""Expands the configuration into runs: for every target path, its specification and its inputs.

The rules ask this module and nothing else; `track` and `audit` ask it which runs there should be and what to call
them. A run is named by its path below results/, so that every path is a target a user can type.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from scriptorium import claims
from scriptorium.config import SPLITS
from scriptorium.digest import code_digest
from scriptorium.errors import UserError, nearest
from scriptorium.project import Project
from scriptorium.spec import TrainSpec
from scriptorium.stages.attention_maps import AttentionMapsSpec
from scriptorium.stages.bench_cogbert import BenchCogbertSpec
from scriptorium.stages.finetune import FinetuneSpec
from scriptorium.stages.gaze_baselines import GazeBaselineSpec
from scriptorium.stages.pack import PackSpec
from scriptorium.stages.prepare_corpus import CorpusSpec
from scriptorium.stages.prepare_gaze import GazeCorpusSpec
from scriptorium.stages.prepare_task import TaskDataSpec
from scriptorium.stages.pretrain import PretrainSpec
from scriptorium.stages.score import ScoreSpec
from scriptorium.stages.significance import SignificanceSpec
from scriptorium.stages.tabulate_boundary import TabulateBoundarySpec
from scriptorium.stages.tabulate_claims import TabulateClaimsSpec
from scriptorium.stages.tabulate_corpora import TabulateCorporaSpec
from scriptorium.stages.tabulate_finetune import TabulateFinetuneSpec
from scriptorium.stages.tabulate_gaze import TabulateGazeSpec
from scriptorium.stages.tabulate_pretrain import TabulatePretrainSpec
from scriptorium.stages.tabulate_reading import TabulateReadingSpec
from scriptorium.stages.tabulate_weights import TabulateWeightsSpec
from scriptorium.stages.train_regressor import RegressorSpec


@dataclass(frozen=True)
class Run:
    """One expected run: its directory, and what people call it in tables and in MLflow."""

    path: str
    stage: str
    study: str
    variant: str
    task: str = ""
    seed: int | None = None
    paper_table: str = ""

    @property
    def manifest(self) -> str:
        return f"{self.path}/manifest.json"

    @property
    def name(self) -> str:
        parts = (self.variant, self.task, "" if self.seed is None else f"seed{self.seed}")
        return " · ".join(part for part in parts if part)


class Runs:
    """The runs of a project."""

    def __init__(self, project: Project):
        self.project, self.config = project, project.config

    def check_directories(self) -> None:
        """Raises UserError if a directory that jobs write to cannot be written."""
        for name in ("results", "resources", "logs", "benchmarks"):
            path = Path(name)
            while not path.exists():
                path = path.absolute().parent
            if not path.is_dir() or not os.access(path, os.W_OK | os.X_OK):
                raise UserError(
                    "this directory cannot be written",
                    where=path.absolute(),
                    remedy="correct its permissions, or run elsewhere with `snakemake --directory`",
                )

    # --- which runs -------------------------------------------------------------------------------------------

    @cached_property
    def finetuning(self) -> list[Run]:
        """Of all studies, also of those made on request, and the runs that lend others their encoder."""
        runs: dict[str, Run] = {}
        for name, study in self.config.studies.items():
            for variant in study.variants:
                for task in study.tasks:
                    for seed in self.config.seeds:
                        run = self._finetune_run(name, variant, task, seed)
                        runs.setdefault(run.path, run)
        for lent in self._lent:
            run = self._finetune_run("backbones", *lent)
            runs.setdefault(run.path, run)
        return list(runs.values())

    def _finetune_run(self, study: str, variant: str, task: str, seed: int) -> Run:
        table = self.project.variants[variant].paper_table
        return Run(f"results/finetune/{variant}/{task}/seed{seed}", "finetune", study, variant, task, seed, table)

    @cached_property
    def pretraining(self) -> list[Run]:
        return [
            Run(f"results/pretrain/{name}/seed{seed}", "pretrain", "pretraining", name, "", seed,
                self.project.variants[name].paper_table)
            for name in self.config.pretraining.recipes
            for seed in self.config.pretraining.seeds
        ]  # fmt: skip

    @cached_property
    def permuted(self) -> list[Run]:
        """MPNet's pre-training programme: its rows of ablations.tsv, beside what is trained anyway. On request."""
        named = [name for name, variant in self.project.variants.items()
                 if variant.recipe.stage == "pretrain" and variant.paper == "MPNet"]  # fmt: skip
        return [
            Run(f"results/pretrain/{name}/seed{seed}", "pretrain", "mpnet", name, "", seed,
                self.project.variants[name].paper_table)
            for name in named if name not in self.config.pretraining.recipes
            for seed in self.config.pretraining.seeds
        ]  # fmt: skip

    @cached_property
    def regressors(self) -> list[Run]:
        return [
            Run(f"results/gaze/regressor/{name}/seed{seed}", "train_regressor", "gaze", name, "n_fix", seed,
                self.project.variants[name].paper_table)
            for name in self.config.gaze.regressors
            for seed in self.config.seeds
        ]  # fmt: skip

    def study(self, name: str) -> list[Run]:
        """Fine-tuning runs that the tables of a study need."""
        study = self.config.studies[name]
        wanted = {(v, t) for v in study.variants for t in study.tasks}
        return [run for run in self.finetuning if (run.variant, run.task) in wanted]

    def programme(self, name: str) -> list[str]:
        """Studies that a paper's target makes."""
        return [study for study, entry in self.config.studies.items() if entry.programme == name]

    def default_studies(self) -> list[str]:
        return [study for study, entry in self.config.studies.items() if not entry.on_request]

    def fused(self, study: str) -> list[Run]:
        """The runs of a study whose variants have cognition."""
        return [run for run in self.study(study) if self.project.variants[run.variant].recipe.cognition]

    def reading(self, study: str) -> list[Run]:
        """The runs of a study on eye-tracking measures."""
        return [run for run in self.study(study) if self.config.tasks[run.task].kind == "gaze"]

    def reading_data(self, study: str) -> list[str]:
        return list(dict.fromkeys(f"results/data/{run.task}/manifest.json" for run in self.reading(study)))

    def figures(self, studies: Iterable[str]) -> list[str]:
        """Tables of studies, and the figures that they ask for beside the usual one."""
        chosen = {name: self.config.studies[name] for name in studies}
        return [f"results/tables/finetune_{name}.tsv" for name in chosen] + [
            f"results/tables/{kind}_{name}.tsv" for name, study in chosen.items() for kind in study.figures
        ]

    def claimed(self) -> list[Run]:
        """Configured fine-tuning runs that a claim compares: of its two variants, where both are there."""
        there = {(run.variant, run.task) for run in self.finetuning}
        wanted = set()
        for claim in self.project.claims.claims.values():
            for task in claim.tasks:
                pair = {(claim.a, task), (claim.b, task)}
                wanted |= pair if pair <= there else set()
        return [run for run in self.finetuning if (run.variant, run.task) in wanted]

    def all(self) -> Iterator[Run]:
        """Every run that the configuration knows, and so has a name for."""
        yield from self.regressors
        yield from self.pretraining
        yield from self.permuted
        yield from self.finetuning

    def expected(self) -> Iterator[Run]:
        """What the default target makes."""
        yield from self.regressors
        yield from self.pretraining
        yield from self.finetuned_in(self.default_studies())

    def finetuned_in(self, studies: Iterable[str]) -> list[Run]:
        """Fine-tuning runs of these studies, each once."""
        wanted = {run.path for study in studies for run in self.study(study)}
        return [run for run in self.finetuning if run.path in wanted]

    # --- what a run is ----------------------------------------------------------------------------------------

    def fetch(self, dataset: str) -> str:
        return self._known(dataset, self.project.datasets, "data set").canonical()

    def gaze_corpus(self, corpus: str) -> str:
        entry = self._known(corpus, self.config.gaze.corpora, "gaze corpus")
        return GazeCorpusSpec(corpus=corpus, reader=entry.reader, options=entry.options).canonical()

    def task_data(self, task: str) -> str:
        entry = self._known(task, self.config.tasks, "task")
        limits = {split: entry.limits[split] for split in SPLITS if split in entry.limits}
        return TaskDataSpec(
            task=task, reader=entry.reader, options=entry.options, kind=entry.kind, labels=entry.labels,
            limits=limits, split_seed=entry.split_seed, validation_share=entry.validation_share,
        ).canonical()  # fmt: skip

    def corpus(self, corpus: str) -> str:
        entry = self._known(corpus, self.config.corpora, "corpus")
        return CorpusSpec(corpus=corpus, **dict(entry)).canonical()

    def annotate(self) -> str:
        return self.config.annotation.canonical()

    def regressor(self, variant: str, seed: int) -> str:
        recipe = self.project.variant(variant, "regressor", "results path").recipe
        return RegressorSpec(**recipe.settings(), seed=seed).canonical()

    def gaze_baselines(self) -> str:
        recipe = self.project.variants[self.config.gaze.scores_from].recipe
        return GazeBaselineSpec(folds=recipe.folds).canonical()

    def predictor(self) -> str:
        return self._block("predictor").settings.canonical()

    def cmcl2021(self) -> str:
        return self._block("cmcl2021").settings.canonical()

    def score(self) -> str:
        return ScoreSpec().canonical()

    def finetune(self, variant: str, task: str, seed: int) -> str:
        recipe = self.project.variant(variant, "finetune", "results path").recipe
        entry = self._known(task, self.config.tasks, "task")
        return FinetuneSpec(
            kind=entry.kind, labels=entry.labels, max_length=entry.max_length,
            train=TrainSpec.parse(recipe.train, where=f"variant {variant!r}: train"), cognition=recipe.cognition,
            gaze_loss=recipe.gaze_loss,
            reinitialise=recipe.reinitialise, seed=seed, save_model=(variant, task, seed) in self._drawn | self._lent,
        ).canonical()  # fmt: skip

    def pack(self, variant: str) -> str:
        recipe = self._pretrain_recipe(variant)
        return PackSpec(block_length=recipe.block_length, vocabulary=recipe.vocabulary).canonical()

    def pretrain(self, variant: str, seed: int) -> str:
        recipe = self._pretrain_recipe(variant)
        train = TrainSpec.parse(recipe.train, where=f"variant {variant!r}: train")
        return PretrainSpec(model=recipe.model, objective=recipe.objective, train=train, seed=seed).canonical()

    def significance(self) -> str:
        return SignificanceSpec(pipeline=self.config.annotation.pipeline).canonical()

    def tabulate_corpora(self) -> str:
        return TabulateCorporaSpec().canonical()

    def tabulate_gaze(self) -> str:
        return TabulateGazeSpec().canonical()

    def tabulate_finetune(self, study: str) -> str:
        entry = self._known(study, self.config.studies, "study")
        return TabulateFinetuneSpec(study=study, baseline=entry.baseline, metrics=self._metrics(study)).canonical()

    def tabulate_boundary(self, study: str) -> str:
        return TabulateBoundarySpec(study=study, metrics=self._metrics(study)).canonical()

    def tabulate_weights(self, study: str) -> str:
        return TabulateWeightsSpec(study=study).canonical()

    def tabulate_reading(self, study: str) -> str:
        return TabulateReadingSpec(study=study).canonical()

    def bench_cogbert(self) -> str:
        return BenchCogbertSpec(pipeline=self.config.annotation.pipeline).canonical()

    def _metrics(self, study: str) -> dict[str, str]:
        """The metric that tables show, for the tasks that name one."""
        tasks = self._known(study, self.config.studies, "study").tasks
        chosen = {task: self.config.tasks[task].metric for task in tasks}
        return {task: metric for task, metric in chosen.items() if metric}

    def tabulate_claims(self) -> str:
        metrics = {name: task.metric for name, task in self.config.tasks.items() if task.metric}
        rows = claims.rows(self.project.claims, self.project.published, metrics)
        effect = self.project.claims.smallest_effect
        return TabulateClaimsSpec(claims=tuple(rows), smallest_effect=effect).canonical()

    def tabulate_pretrain(self) -> str:
        return TabulatePretrainSpec().canonical()

    def attention_maps(self) -> str:
        sentences = self.config.attention.sentences if self.config.attention else 1
        return AttentionMapsSpec(sentences=sentences).canonical()

    # --- what a run reads -------------------------------------------------------------------------------------

    def backbone(self, name: str) -> str:
        """Manifest of a backbone's directory."""
        entry = self._known(name, self.config.backbones, "backbone")
        if entry.dataset:
            return f"resources/{entry.dataset}/manifest.json"
        if entry.finetuned:
            return f"results/finetune/{entry.finetuned}/{entry.task}/seed{entry.seed}/manifest.json"
        return f"results/pretrain/{entry.pretrained}/seed{entry.seed}/manifest.json"

    def finetune_backbone(self, variant: str) -> str:
        return self.backbone(self.project.variant(variant, "finetune", "results path").recipe.backbone)

    def finetune_annotations(self, variant: str, task: str) -> list[str]:
        """Manifest of the task's scored words, for variants with cognition or a gaze loss."""
        recipe = self.project.variant(variant, "finetune", "results path").recipe
        needed = recipe.cognition or recipe.gaze_loss
        return [f"results/annotations/{task}/manifest.json"] if needed else []

    def gaze_words(self, variant: str) -> list[str]:
        corpora = self.project.variant(variant, "regressor", "results path").recipe.corpora
        return [f"results/gaze/corpora/{corpus}/manifest.json" for corpus in corpora]

    def gaze_excluded(self, variant: str) -> list[str]:
        """Gaze corpora whose texts a regressor must not be trained on."""
        corpora = self.project.variant(variant, "regressor", "results path").recipe.exclude
        return [f"results/gaze/corpora/{corpus}/manifest.json" for corpus in corpora]

    def gaze_corpora(self) -> list[str]:
        return [f"results/gaze/corpora/{corpus}/manifest.json" for corpus in self.config.gaze.corpora]

    def gaze_features(self, variant: str) -> list[str]:
        corpora = self.project.variant(variant, "regressor", "results path").recipe.corpora
        return [f"results/annotations/features/{corpus}/manifest.json" for corpus in corpora]

    def predictor_words(self) -> list[str]:
        return [f"results/gaze/corpora/{corpus}/manifest.json" for corpus in self._block("predictor").corpora]

    def predictor_backbone(self) -> str:
        return self.backbone(self._block("predictor").backbone)

    predictor_manifest = "results/gaze/predictor/manifest.json"

    def has_cmcl2021(self) -> bool:
        """Is the table of the shared task asked for, and are its data there? They are the user's own to bring."""
        block = self.config.gaze.cmcl2021
        return bool(block) and all(Path(path).exists() for path in self.own_file(block.dataset))

    def cmcl2021_source(self) -> str:
        return f"resources/{self._block('cmcl2021').dataset}/manifest.json"

    def cmcl2021_backbone(self) -> str:
        return self.backbone(self._block("cmcl2021").backbone)

    def _block(self, name: str):
        """A block below `gaze` that need not be there. Raises UserError if it is not."""
        if (block := getattr(self.config.gaze, name)) is None:
            raise UserError(f"gaze.{name} is not configured", where="config/config.yaml",
                            remedy=f"add a block gaze.{name}; config/README.md shows one")  # fmt: skip
        return block

    def regressor_embeddings(self, variant: str) -> str:
        return self.backbone(self.project.variant(variant, "regressor", "results path").recipe.embeddings)

    def corpus_sources(self, corpus: str) -> list[str]:
        entry = self._known(corpus, self.config.corpora, "corpus")
        return [f"resources/{name}/manifest.json" for name in dict.fromkeys(s.dataset for s in entry.sources)]

    def annotated_data(self, dataset: str) -> str:
        """Manifest of what is annotated under this name: a gaze corpus or a task."""
        if dataset in self.config.gaze.corpora:
            return f"results/gaze/corpora/{dataset}/manifest.json"
        self._known(dataset, self.config.tasks | self.config.gaze.corpora, "task or gaze corpus")
        return f"results/data/{dataset}/manifest.json"

    def scoring_regressor(self) -> str:
        return f"results/gaze/regressor/{self.config.gaze.scores_from}/seed{self.config.seeds[0]}/manifest.json"

    def pack_corpus(self, variant: str) -> str:
        return f"results/data/corpora/{self._pretrain_recipe(variant).corpus}/manifest.json"

    def pack_tokenizer(self, variant: str) -> str:
        return self.backbone(self._pretrain_recipe(variant).tokenizer)

    def own_file(self, dataset: str) -> list[str]:
        """A catalogue entry's file of the user's own, or all files of their folder; nothing for what is downloaded."""
        entry = self._known(dataset, self.project.datasets, "data set")
        if entry.source != "file":
            return []
        path = Path(entry.location).expanduser()
        # a folder's own modification time says nothing about an edited file in it
        return sorted(str(file) for file in path.rglob("*") if file.is_file()) if path.is_dir() else [str(path)]

    def task_source(self, task: str) -> str:
        return f"resources/{self._known(task, self.config.tasks, 'task').dataset}/manifest.json"

    def gaze_source(self, corpus: str) -> str:
        return f"resources/{self._known(corpus, self.config.gaze.corpora, 'gaze corpus').dataset}/manifest.json"

    def attention_runs(self) -> list[Run]:
        """The fine-tuned models whose attention is drawn: the first seed of every variant of the study."""
        return [run for run in self.finetuning if (run.variant, run.task, run.seed) in self._drawn]

    def attention_words(self) -> list[str]:
        attention = self.config.attention
        return [f"results/gaze/corpora/{attention.corpus}/manifest.json"] if attention else []

    def attention_annotations(self) -> list[str]:
        attention = self.config.attention
        return [f"results/annotations/{attention.corpus}/manifest.json"] if attention else []

    @cached_property
    def _drawn(self) -> set[tuple[str, str, int]]:
        attention = self.config.attention
        if attention is None:
            return set()
        variants = self.config.studies[attention.study].variants
        return {(variant, attention.task, self.config.seeds[0]) for variant in variants}

    @cached_property
    def _lent(self) -> set[tuple[str, str, int]]:
        """Fine-tuned models that are another variant's backbone, where one uses it."""
        used = {
            self.project.variants[name].recipe.backbone
            for study in self.config.studies.values() for name in study.variants
        }  # fmt: skip
        entries = [self.config.backbones[name] for name in used if name in self.config.backbones]
        return {(entry.finetuned, entry.task, entry.seed) for entry in entries if entry.finetuned}

    def _pretrain_recipe(self, variant: str):
        return self.project.variant(variant, "pretrain", "results path").recipe

    @staticmethod
    def _known(name: str, names: dict, what: str):
        if name not in names:
            raise UserError(f"unknown {what} {name!r}, {nearest(name, names)}", where="target path")
        return names[name]


def code(stage: str) -> str:
    """Code digest of a stage, by its module's name."""
    return code_digest(f"scriptorium.stages.{stage}")
