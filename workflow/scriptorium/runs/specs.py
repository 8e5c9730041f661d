"""What a run is: for every stage, the specification (canonical JSON) that the configuration asks for."""

from __future__ import annotations

from scriptorium.config import claims
from scriptorium.config.schema import SPLITS
from scriptorium.engine.spec import TrainSpec
from scriptorium.gaze.spec import GazeCorpusSpec, RegressorSpec
from scriptorium.runs.names import Names, pack_spec
from scriptorium.spec import overlay
from scriptorium.stages.attention_maps import AttentionMapsSpec
from scriptorium.stages.bench_cogbert import BenchCogbertSpec
from scriptorium.stages.bench_pretrain import BenchPretrainSpec
from scriptorium.stages.compare_pretrain import ComparePretrainSpec
from scriptorium.stages.gaze_baselines import GazeBaselineSpec
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
from scriptorium.tasks.spec import FinetuneSpec, TaskDataSpec
from scriptorium.text.spec import CorpusSpec, StreamSpec, VocabularySpec


class Specs(Names):
    """One method per stage, named after it."""

    def fetch(self, dataset: str) -> str:
        return self._known(dataset, self.project.datasets, "data set").canonical()

    def gaze_corpus(self, corpus: str) -> str:
        entry = self._known(corpus, self.config.gaze.corpora, "gaze corpus")
        return GazeCorpusSpec(corpus=corpus, reader=entry.reader, options=entry.options).canonical()

    def task_data(self, task: str) -> str:
        entry = self._known(task, self.config.tasks, "task")
        limits = {split: entry.limits[split] for split in SPLITS if split in entry.limits}
        return TaskDataSpec(
            task=task,
            reader=entry.reader,
            options=entry.options,
            kind=entry.kind,
            labels=entry.labels,
            limits=limits,
            split_seed=entry.split_seed,
            validation_share=entry.validation_share,
        ).canonical()

    def corpus(self, corpus: str) -> str:
        entry = self._known(corpus, self.config.corpora, "corpus")
        streams = {}
        for source in entry.sources:
            if source.stream:
                facts = self.project.datasets[source.dataset].model_dump(include=set(StreamSpec.model_fields))
                streams[source.dataset] = StreamSpec.parse(facts, f"config/datasets.tsv, data set {source.dataset!r}")
        return CorpusSpec(corpus=corpus, **dict(entry), streams=streams).canonical()

    def vocabulary(self, name: str) -> str:
        entry = self._known(name, self.config.vocabularies, "vocabulary")
        return VocabularySpec(**entry.model_dump(exclude={"corpus"})).canonical()

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
        train = TrainSpec.parse(overlay(recipe.train, entry.train), where=f"variant {variant!r} on {task!r}: train")
        return FinetuneSpec(
            kind=entry.kind,
            labels=entry.labels,
            max_length=entry.max_length,
            train=train,
            cognition=recipe.cognition,
            answers=entry.answers,
            option_length=entry.option_length,
            gaze_loss=recipe.gaze_loss,
            reinitialise=recipe.reinitialise,
            seed=seed,
            save_model=(variant, task, seed) in self._drawn | self._lent,
        ).canonical()

    def pack(self, blocks: str) -> str:
        return pack_spec(self._known(blocks, self.packings, "packed corpus")).canonical()

    def pretrain(self, variant: str, seed: int) -> str:
        recipe = self._pretrain_recipe(variant)
        train = TrainSpec.parse(recipe.train, where=f"variant {variant!r}: train")
        return PretrainSpec(
            model=recipe.model, trains=recipe.trains, objective=recipe.objective, train=train, seed=seed
        ).canonical()

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

    def bench_pretrain(self) -> str:
        return BenchPretrainSpec().canonical()

    def _metrics(self, study: str) -> dict[str, str]:
        """The metric that tables show, for the tasks that name one."""
        tasks = self._known(study, self.config.studies, "study").tasks
        chosen = {task: self.config.tasks[task].metric for task in tasks}
        return {task: metric for task, metric in chosen.items() if metric}

    def tabulate_claims(self, programme: str = "") -> str:
        metrics = {name: task.metric for name, task in self.config.tasks.items() if task.metric}
        rows = claims.rows(self.claims(programme), self.project.published, metrics)
        effect = self.project.claims.smallest_effect
        return TabulateClaimsSpec(claims=tuple(rows), smallest_effect=effect).canonical()

    def tabulate_pretrain(self) -> str:
        return TabulatePretrainSpec().canonical()

    def compare_pretrain(self, study: str) -> str:
        entry = self._known(study, self.config.pretraining.studies, "pre-training study")
        return ComparePretrainSpec(study=study, baseline=entry.baseline).canonical()

    def attention_maps(self) -> str:
        sentences = self.config.attention.sentences if self.config.attention else 1
        return AttentionMapsSpec(sentences=sentences).canonical()
