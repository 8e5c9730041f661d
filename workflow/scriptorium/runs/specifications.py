"""What a run is: for every stage, the specification that the configuration asks for."""

from __future__ import annotations

from collections.abc import Iterable

from scriptorium.alignments.spec import AlignmentsSpec
from scriptorium.bits_per_byte.spec import ScoreTextsSpec, TextsSettings
from scriptorium.config import bodies, claims
from scriptorium.config import translation as translators
from scriptorium.config.generation import body_of
from scriptorium.crosslingual.spec import CrosslingualSettings, MeasureCrosslingualSpec
from scriptorium.engine.spec import TrainSpec
from scriptorium.errors import UserError
from scriptorium.fetching.spec import ConvertSpec
from scriptorium.few_labels.spec import ProbeSettings, ProbeSpec
from scriptorium.gaze.spec import GazeCorpusSpec, GazeLeftOutSpec, RegressorSpec, SurprisalSpec
from scriptorium.generation.spec import GenerateSpec, GenerationDataSpec, Lengths, Scored, Words, WritingSettings
from scriptorium.minimal_pairs.spec import PairsSpec, ScorePairsSpec
from scriptorium.objectives.spec import PretrainSettings, PretrainSpec
from scriptorium.reporting.spec import TaskInLanguages, TaskInTables
from scriptorium.retrieval.spec import CollectionSpec, RetrieveSpec, SearchSettings
from scriptorium.runs.configured import ConfiguredRuns, pack_pairs_spec, pack_spec
from scriptorium.runs.folders import made_in
from scriptorium.spec import Spec, overlay
from scriptorium.stages.attention_maps import AttentionMapsSpec
from scriptorium.stages.bench_cogbert import BenchCogbertSpec
from scriptorium.stages.bench_crosslingual import BenchCrosslingualSpec
from scriptorium.stages.bench_pretrain import BenchPretrainSpec
from scriptorium.stages.check_statistics import CheckStatisticsSpec
from scriptorium.stages.compare_pretrain import ComparePretrainSpec
from scriptorium.stages.gaze_baselines import GazeBaselineSpec
from scriptorium.stages.predict_glue import GlueTask, PredictGlueSpec
from scriptorium.stages.reveal import RevealSpec
from scriptorium.stages.score import ScoreSpec
from scriptorium.stages.significance import SignificanceSpec
from scriptorium.stages.tabulate_boundary import TabulateBoundarySpec
from scriptorium.stages.tabulate_claims import TabulateClaimsSpec
from scriptorium.stages.tabulate_corpora import TabulateCorporaSpec
from scriptorium.stages.tabulate_crosslingual import TabulateCrosslingualSpec
from scriptorium.stages.tabulate_dose import TabulateDoseSpec
from scriptorium.stages.tabulate_few_labels import TabulateFewLabelsSpec
from scriptorium.stages.tabulate_finetune import TabulateFinetuneSpec
from scriptorium.stages.tabulate_gaze import TabulateGazeSpec
from scriptorium.stages.tabulate_generation import TabulateGenerationSpec
from scriptorium.stages.tabulate_languages import TabulateLanguagesSpec
from scriptorium.stages.tabulate_pairs import TabulatePairsSpec
from scriptorium.stages.tabulate_pretrain import TabulatePretrainSpec
from scriptorium.stages.tabulate_protocols import TabulateProtocolsSpec
from scriptorium.stages.tabulate_reading import TabulateReadingSpec
from scriptorium.stages.tabulate_retrieval import TabulateRetrievalSpec
from scriptorium.stages.tabulate_texts import TabulateTextsSpec
from scriptorium.stages.tabulate_translation import TabulateTranslationSpec
from scriptorium.stages.tabulate_vectors import TabulateVectorsSpec
from scriptorium.stages.tabulate_weights import TabulateWeightsSpec
from scriptorium.tasks.kind import kind_of
from scriptorium.tasks.protocols import without_protocol
from scriptorium.tasks.spec import FinetuneSettings, FinetuneSpec, KindOfTask, TaskDataSpec, TaskInput
from scriptorium.text.dictionaries.spec import DictionarySpec
from scriptorium.text.parallel.spec import ParallelSource, ParallelSpec
from scriptorium.text.spec import CorpusSource, CorpusSpec, StreamSpec, VocabularySpec
from scriptorium.text.synonyms.spec import LinkSettings
from scriptorium.translation.spec import Direction, TranslateSettings, TranslateSpec
from scriptorium.vectors.spec import MeasureVectorsSpec, VectorsSettings


class Specifications(ConfiguredRuns):
    """One method per stage, named after it; its arguments are the wildcards of the rule and of the folder."""

    @made_in("resources/{dataset}")
    def fetch(self, dataset: str) -> Spec:
        return self._known(dataset, self.project.datasets, "data set")

    @made_in("results/backbones/{backbone}")
    def convert_backbone(self, backbone: str) -> Spec:
        entry = self._known(backbone, self.project.backbones, "backbone")
        if entry.format is None:
            raise UserError(
                f"backbone {backbone!r} is in Hugging Face's format, so there is nothing to convert",
                where="target path",
                remedy=f"its own place is {self.backbone(backbone)}",
            )
        return ConvertSpec(format=entry.format)

    @made_in("results/gaze/corpora/{corpus}")
    def prepare_gaze(self, corpus: str) -> Spec:
        entry = self._known(corpus, self.config.gaze.corpora, "gaze corpus")
        return GazeCorpusSpec(corpus=corpus, **entry.shared(GazeCorpusSpec))

    @made_in("results/data/{task}")
    def prepare_task(self, task: str) -> Spec:
        entry = self._known(task, self.config.tasks, "task")
        return TaskDataSpec(task=task, **entry.shared(TaskDataSpec))

    @made_in("results/data/corpora/{corpus}")
    def prepare_corpus(self, corpus: str) -> Spec:
        entry = self._known(corpus, self.config.corpora, "corpus")
        return CorpusSpec(corpus=corpus, **entry.shared(CorpusSpec), streams=self._streams(entry.sources))

    @made_in("results/data/parallel/{parallel}")
    def prepare_parallel(self, parallel: str) -> Spec:
        entry = self._known(parallel, self.config.parallel, "corpus of pairs")
        return ParallelSpec(parallel=parallel, **entry.shared(ParallelSpec), streams=self._streams(entry.sources))

    def _streams(self, sources: Iterable[CorpusSource | ParallelSource]) -> dict[str, StreamSpec]:
        """Where streamed data sets lie."""
        streams = {}
        for source in sources:
            if source.stream:
                facts = self.project.datasets[source.dataset].model_dump(include=set(StreamSpec.model_fields))
                streams[source.dataset] = StreamSpec.parse(facts, f"config/datasets.tsv, data set {source.dataset!r}")
        return streams

    @made_in("results/data/vocabularies/{vocabulary}")
    def train_vocabulary(self, vocabulary: str) -> Spec:
        entry = self._known(vocabulary, self.config.vocabularies, "vocabulary")
        return VocabularySpec(**entry.shared(VocabularySpec))

    @made_in("results/annotations/features/{dataset}")
    def annotate(self, dataset: str) -> Spec:
        return self.config.annotation

    @made_in("results/gaze/regressor/{variant}/seed{seed}")
    def train_regressor(self, variant: str, seed: str) -> Spec:
        recipe = self.project.variant(variant, "regressor", "results path").recipe
        return RegressorSpec(**recipe.shared(RegressorSpec), seed=int(seed))

    @made_in("results/gaze/baselines")
    def gaze_baselines(self) -> Spec:
        recipe = self.project.variants[self.config.gaze.scores_from].recipe
        return GazeBaselineSpec(folds=recipe.folds)

    @made_in("results/gaze/predictor")
    def train_predictor(self) -> Spec:
        return self._block("predictor").settings

    @made_in("results/gaze/left_out")
    def gaze_left_out(self) -> Spec:
        block = self._block("left_out")
        languages = {name: self.config.gaze.corpora[name].language for name in block.corpora}
        return GazeLeftOutSpec(**block.settings.model_dump(), languages=languages)

    @made_in("results/gaze/surprisal/{corpus}")
    def gaze_surprisal(self, corpus: str) -> Spec:
        self._known(corpus, self.config.gaze.corpora, "gaze corpus")
        return SurprisalSpec(corpus=corpus)

    @made_in("results/runs/tables/gaze_cmcl2021")
    def benchmark_cmcl2021(self) -> Spec:
        return self._block("cmcl2021").settings

    @made_in("results/annotations/{dataset}")
    def score(self, dataset: str) -> Spec:
        return ScoreSpec()

    @made_in("results/annotations/revealed/{task}")
    def reveal(self, task: str) -> Spec:
        entry = self._known(task, self.config.tasks, "task")
        if found := entry.options.reveals or kind_of(entry.kind).reveals:
            return RevealSpec(of=found)
        raise UserError(
            "its answers cannot be given as features of words",
            where=f"config/config.yaml, tasks.{task}",
            remedy="use cognition.features: revealed on tasks of kind gaze or with the reader marked_words alone",
        )

    @made_in("results/finetune/{variant}/{task}/seed{seed}")
    def finetune(self, variant: str, task: str, seed: str) -> Spec:
        recipe = self.project.variant(variant, "finetune", "results path").recipe
        entry = self._known(task, self.config.tasks, "task")
        train = TrainSpec.parse(overlay(recipe.train, entry.train), where=f"variant {variant!r} on {task!r}: train")
        return FinetuneSpec(
            **entry.shared(TaskInput),
            **recipe.shared(FinetuneSettings) | {"body": bodies.of_run(self.project, recipe, task)},
            train=train,
            save_model=(variant, task, int(seed)) in self._drawn | self._lent | self._submitted,
            seed=int(seed),
            architecture=self._architecture(recipe.backbone),
        )

    def _architecture(self, backbone: str) -> str | None:
        """What transformers must know to read a backbone: nothing, or an architecture of ours."""
        entry = self.project.backbones.get(backbone)
        return self._pretrain_recipe(entry.pretrained).objective.architecture if entry and entry.pretrained else None

    @made_in("results/data/packed/{blocks}")
    def pack(self, blocks: str) -> Spec:
        return pack_spec(self._known(blocks, self.packings, "packed corpus"))

    @made_in("results/data/packed_pairs/{blocks}")
    def pack_pairs(self, blocks: str) -> Spec:
        return pack_pairs_spec(self._known(blocks, self.pair_packings, "packed corpus with pairs"))

    @made_in("results/data/links/{links}")
    def link_words(self, links: str) -> Spec:
        synonyms = self._known(links, self.linkings, "links of words").synonyms
        return LinkSettings(**synonyms.shared(LinkSettings))

    @made_in("results/pretrain/{variant}/seed{seed}")
    def pretrain(self, variant: str, seed: str) -> Spec:
        recipe = self._pretrain_recipe(variant)
        train = TrainSpec.parse(recipe.train, where=f"variant {variant!r}: train")
        return PretrainSpec(**recipe.shared(PretrainSettings), train=train, seed=int(seed))

    @made_in("results/data/minimal_pairs/{pairs}")
    def prepare_pairs(self, pairs: str) -> Spec:
        entry = self._known(pairs, self.config.minimal_pairs, "set of minimal pairs")
        return PairsSpec(pairs=pairs, **entry.shared(PairsSpec))

    @made_in("results/minimal_pairs/{variant}/{pairs}/seed{seed}")
    def score_pairs(self, variant: str, pairs: str, seed: str) -> Spec:
        entry = self._known(pairs, self.config.minimal_pairs, "set of minimal pairs")
        likelihood = self._pretrain_recipe(variant).objective.likelihood
        return ScorePairsSpec(likelihood=likelihood, per_token=entry.options.per_token, seed=int(seed))

    @made_in("results/runs/tables/minimal_pairs{of_study}")
    def tabulate_pairs(self, of_study: str) -> Spec:
        self.pairs_of(of_study)
        return TabulatePairsSpec()

    @made_in("results/bits_per_byte/{variant}/seed{seed}")
    def score_texts(self, variant: str, seed: str) -> Spec:
        likelihood = self._pretrain_recipe(variant).objective.likelihood
        sentences = TextsSettings(**self._bits_per_byte().shared(TextsSettings))
        return ScoreTextsSpec(likelihood=likelihood, sentences=sentences, seed=int(seed))

    @made_in("results/runs/tables/bits_per_byte{of_study}")
    def tabulate_texts(self, of_study: str) -> Spec:
        self.texts_of(of_study)
        return TabulateTextsSpec(baseline=self.config.pretraining.studies[of_study.removeprefix("_")].baseline)

    @made_in("results/data/retrieval/{collection}")
    def prepare_retrieval(self, collection: str) -> Spec:
        entry = self._known(collection, self.config.retrieval, "retrieval set")
        return CollectionSpec(collection=collection, **entry.shared(CollectionSpec))

    @made_in("results/retrieval/{variant}/{collection}/seed{seed}")
    def retrieve(self, variant: str, collection: str, seed: str) -> Spec:
        self._known(variant, self.project.backbones, "pre-training variant or backbone")
        entry = self._known(collection, self.config.retrieval, "retrieval set")
        return RetrieveSpec(**entry.shared(SearchSettings), mining=entry.mining, seed=int(seed))

    @made_in("results/runs/tables/retrieval{of_study}")
    def tabulate_retrieval(self, of_study: str) -> Spec:
        self.retrieval_of(of_study)
        return TabulateRetrievalSpec()

    @made_in("results/data/alignments/{alignments}")
    def prepare_alignments(self, alignments: str) -> Spec:
        entry = self._known(alignments, self.config.alignments, "gold alignments")
        return AlignmentsSpec(alignments=alignments, **entry.shared(AlignmentsSpec))

    @made_in("results/vectors/{variant}/{collection}/seed{seed}")
    def measure_vectors(self, variant: str, collection: str, seed: str) -> Spec:
        self._known(variant, self.project.backbones, "pre-training variant or backbone")
        entry = self._known(collection, self.config.vectors, "set of translations")
        return MeasureVectorsSpec(**entry.shared(VectorsSettings), seed=int(seed))

    @made_in("results/runs/tables/vectors{of_study}")
    def tabulate_vectors(self, of_study: str) -> Spec:
        self.vectors_of(of_study)
        study = self.config.pretraining.studies[of_study.removeprefix("_")]
        layers = {name: self.config.vectors[name].layer for name in study.vectors}
        return TabulateVectorsSpec(baseline=study.baseline, layers=layers)

    @made_in("results/probe/{variant}/{task}/seed{seed}")
    def probe(self, variant: str, task: str, seed: str) -> Spec:
        recipe = self._pretrain_recipe(variant)
        block = self.config.few_labels
        if block is None or task != block.task:
            raise UserError(
                f"{task!r} is not the task of few_labels", where="target path", remedy="set few_labels.task"
            )
        return ProbeSpec(
            **block.shared(ProbeSettings),
            classes=self.config.tasks[task].labels,
            seed=int(seed),
            architecture=recipe.objective.architecture,
        )

    @made_in("results/runs/tables/few_labels{of_study}")
    def tabulate_few_labels(self, of_study: str) -> Spec:
        self.probes_of(of_study)
        runs = self.few_finetuned(of_study)
        if not runs:
            return TabulateFewLabelsSpec()
        labelled = {run.task: self.config.tasks[run.task].labelled for run in runs}
        return TabulateFewLabelsSpec(
            baseline=self.config.studies[self.config.few_labels.study].baseline, labelled=labelled
        )

    @made_in("results/data/dictionaries/{dictionary}")
    def prepare_dictionary(self, dictionary: str) -> Spec:
        entry = self._known(dictionary, self.config.dictionaries, "dictionary")
        return DictionarySpec(dictionary=dictionary, **entry.shared(DictionarySpec))

    @made_in("results/crosslingual/{variant}/seed{seed}")
    def measure_crosslingual(self, variant: str, seed: str) -> Spec:
        self._pretrain_recipe(variant)
        return MeasureCrosslingualSpec(**self._crosslingual().shared(CrosslingualSettings), seed=int(seed))

    @made_in("results/runs/tables/crosslingual{of_study}")
    def tabulate_crosslingual(self, of_study: str) -> Spec:
        self.crosslingual_of(of_study)
        entry = self.config.pretraining.studies[of_study.removeprefix("_")]
        return TabulateCrosslingualSpec(baseline=entry.baseline, candidates=self._crosslingual().candidates)

    @made_in("results/translate/{variant}/{translation}/seed{seed}")
    def translate(self, variant: str, translation: str, seed: str) -> Spec:
        recipe = self.project.variant(variant, "translate", "results path").recipe
        entry = self._known(translation, self.config.translation, "translation")
        train = TrainSpec.parse(recipe.train, where=f"variant {variant!r}: train")
        return TranslateSpec(
            **entry.shared(Direction),
            **recipe.shared(TranslateSettings),
            body=translators.body_of(self.project, variant),
            train=train,
            seed=int(seed),
        )

    @made_in("results/runs/tables/translation_{study}")
    def tabulate_translation(self, study: str) -> Spec:
        entry = self._known(study, self.config.translation_studies, "translation study")
        directions = {name: self.config.translation[name] for name in entry.translations}
        return TabulateTranslationSpec(
            study=study,
            baseline=entry.baseline,
            translations={name: Direction(**each.shared(Direction)) for name, each in directions.items()},
        )

    @made_in("results/data/generation/{generation}")
    def prepare_generation(self, generation: str) -> Spec:
        entry = self._known(generation, self.config.generation, "generation task")
        return GenerationDataSpec(generation=generation, **entry.shared(GenerationDataSpec))

    @made_in("results/generate/{variant}/{generation}/seed{seed}")
    def generate(self, variant: str, generation: str, seed: str) -> Spec:
        recipe = self.project.variant(variant, "generate", "results path").recipe
        entry = self._known(generation, self.config.generation, "generation task")
        return GenerateSpec(
            **entry.shared(Lengths),
            **entry.shared(Words),
            **recipe.shared(WritingSettings),
            body=body_of(self.project, variant),
            train=TrainSpec.parse(recipe.train, where=f"variant {variant!r}: train"),
            seed=int(seed),
        )

    @made_in("results/runs/tables/generate_{study}")
    def tabulate_generation(self, study: str) -> Spec:
        entry = self._known(study, self.config.generation_studies, "generation study")
        return TabulateGenerationSpec(
            study=study,
            baseline=entry.baseline,
            generation=self._scored(entry.generation),
            samples=entry.samples,
        )

    def _scored(self, tasks: Iterable[str]) -> dict[str, Scored]:
        return {name: Scored(**self.config.generation[name].shared(Scored)) for name in tasks}

    @made_in("results/runs/tables/significance")
    def significance(self) -> Spec:
        return SignificanceSpec(pipeline=self.config.annotation.pipeline)

    @made_in("results/runs/tables/gaze_corpora")
    def tabulate_corpora(self) -> Spec:
        return TabulateCorporaSpec()

    @made_in("results/runs/tables/gaze")
    def tabulate_gaze(self) -> Spec:
        return TabulateGazeSpec()

    @made_in("results/runs/tables/finetune_{study}")
    def tabulate_finetune(self, study: str) -> Spec:
        entry = self._known(study, self.config.studies, "study")
        return TabulateFinetuneSpec(
            study=study, baseline=entry.baseline, tasks=self._in_tables(entry.tasks), protocol=entry.protocol
        )

    @made_in("results/runs/tables/protocols_{study}")
    def tabulate_protocols(self, study: str) -> Spec:
        self.beside_ours(study)
        names = map(without_protocol, self.config.studies[study].tasks)
        return TabulateProtocolsSpec(study=study, tasks=self._in_tables(names))

    @made_in("results/glue_submission/{study}/{variant}")
    def predict_glue(self, study: str, variant: str) -> Spec:
        self.submitted(study, variant)
        entries = {name: self.config.tasks[name] for name in self.config.studies[study].tasks}
        return PredictGlueSpec(
            tasks={
                name: GlueTask(**task.shared(TaskInput), glue=task.options.task, metric=self._metric(name))
                for name, task in entries.items()
            }
        )

    @made_in("results/runs/tables/boundary_{study}")
    def tabulate_boundary(self, study: str) -> Spec:
        tasks = self._known(study, self.config.studies, "study").tasks
        return TabulateBoundarySpec(study=study, metrics={task: self._metric(task) for task in tasks})

    @made_in("results/runs/tables/dose_{study}")
    def tabulate_dose(self, study: str) -> Spec:
        entry = self._known(study, self.config.studies, "study")
        tasks = {name: self._validated(task) for name, task in self._in_tables(entry.tasks).items()}
        return TabulateDoseSpec(study=study, baseline=entry.baseline, tasks=tasks)

    @staticmethod
    def _validated(task: TaskInTables) -> TaskInTables:
        """The task with its metric on validation instead of test."""
        return task.model_copy(update={"metric": f"validation/{task.metric.removeprefix('test/')}"})

    @made_in("results/runs/tables/feature_weights_{study}")
    def tabulate_weights(self, study: str) -> Spec:
        return TabulateWeightsSpec(study=study)

    @made_in("results/runs/tables/reading_{study}")
    def tabulate_reading(self, study: str) -> Spec:
        return TabulateReadingSpec(study=study)

    @made_in("results/runs/tables/languages_{study}")
    def tabulate_languages(self, study: str) -> Spec:
        entry = self._known(study, self.config.studies, "study")
        tasks = {}
        for name, shown in self._in_tables(entry.tasks).items():
            task = self.config.tasks[name]
            if not task.languages:
                raise UserError(
                    f"task {name} of study {study} has no languages", where="target path", remedy="set its languages"
                )
            tasks[name] = TaskInLanguages(**shown.model_dump(), train=task.languages.train, xtreme=task.xtreme)
        return TabulateLanguagesSpec(study=study, baseline=entry.baseline, tasks=tasks)

    @made_in("results/runs/bench/cogbert")
    def bench_cogbert(self) -> Spec:
        return BenchCogbertSpec(pipeline=self.config.annotation.pipeline)

    @made_in("results/runs/bench/pretrain")
    def bench_pretrain(self) -> Spec:
        return BenchPretrainSpec()

    @made_in("results/runs/bench/crosslingual")
    def bench_crosslingual(self) -> Spec:
        return BenchCrosslingualSpec()

    def _metric(self, task: str) -> str:
        """The metric that tables show of a task: its own, else that of its kind."""
        entry = self.config.tasks[task]
        return entry.metric or f"test/{kind_of(entry.kind).default_metric}"

    def _in_tables(self, tasks: Iterable[str]) -> dict[str, TaskInTables]:
        entries = {task: self.config.tasks[task] for task in tasks}
        return {
            name: TaskInTables(**task.shared(KindOfTask), metric=self._metric(name)) for name, task in entries.items()
        }

    @made_in("results/runs/tables/claims{of}")
    def tabulate_claims(self, of: str) -> Spec:
        programme = of.removeprefix("_")
        metrics = {name: self._metric(name) for name in self.config.tasks}
        rows = claims.rows(self.claims(programme), self.project.published, metrics)
        effect = self.project.claims.smallest_effect
        tasks = self._in_tables(sorted({run.task for run in self.claimed(programme)}))
        names = sorted({run.task for run in self.claimed(programme, "translate")})
        translations = {name: Direction(**self.config.translation[name].shared(Direction)) for name in names}
        sets = sorted({run.task for run in self.claimed(programme, "measure_vectors")})
        return TabulateClaimsSpec(
            claims=tuple(rows),
            tasks=tasks,
            translations=translations,
            generation=self._scored(sorted({run.task for run in self.claimed(programme, "generate")})),
            layers={name: self.config.vectors[name].layer for name in sets},
            smallest_effect=effect,
        )

    @made_in("results/runs/tables/statistics_check")
    def check_statistics(self) -> Spec:
        return CheckStatisticsSpec()

    @made_in("results/runs/tables/pretrain")
    def tabulate_pretrain(self) -> Spec:
        return TabulatePretrainSpec()

    @made_in("results/runs/tables/pretrain_{study}")
    def compare_pretrain(self, study: str) -> Spec:
        entry = self._known(study, self.config.pretraining.studies, "pre-training study")
        return ComparePretrainSpec(study=study, baseline=entry.baseline)

    @made_in("results/runs/figures/attention")
    def attention_maps(self) -> Spec:
        sentences = self.config.attention.sentences if self.config.attention else 1
        return AttentionMapsSpec(sentences=sentences)
