"""Every name in the configuration must lead somewhere, and names must be usable as folders and targets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from scriptorium.config import bodies, generation, plug_in, study_checks, translation
from scriptorium.engine.spec import TrainSpec
from scriptorium.errors import UserError, nearest
from scriptorium.evaluation import xtreme
from scriptorium.tasks.kind import kind_of

if TYPE_CHECKING:
    from scriptorium.config.project import Project
    from scriptorium.text.parallel.spec import ParallelSource
    from scriptorium.text.spec import CorpusSource


class ReferenceChecks:
    """The checks, one method per block of config.yaml. All raise UserError naming the key."""

    def __init__(self, project: Project, where: str):
        self.project, self.config, self.where = project, project.config, where

    def check(self) -> None:
        self.names(), self.gaze(), self.backbones(), self.tasks()
        self.corpora(), self.pretraining(), self.minimal_pairs(), self.bits_per_byte(), self.retrieval()
        self.few_labels(), self.crosslingual(), self.vectors()
        self.studies(), self.attention()
        translation.check(self), generation.check(self)
        for name in self.config.resources.variants:
            self.known(name, self.project.variants, "variant", "resources.variants")

    def known(self, name: str, names: Mapping, what: str, place: str, remedy: str | None = None) -> None:
        if name not in names:
            raise UserError(
                f"{place}: unknown {what} {name!r}, {nearest(name, names)}", where=self.where, remedy=remedy
            )

    def dataset(self, name: str, place: str) -> None:
        self.known(
            name, self.project.datasets, "data set", place, "add a row to config/datasets.tsv or correct the name"
        )

    def names(self) -> None:
        """Names become folders; seeds are named as well."""
        config = self.config
        blocks = {
            "gaze.corpora": config.gaze.corpora,
            "tasks": config.tasks,
            "backbones": config.backbones,
            "corpora": config.corpora,
            "parallel": config.parallel,
            "vocabularies": config.vocabularies,
            "minimal_pairs": config.minimal_pairs,
            "dictionaries": config.dictionaries,
            "retrieval": config.retrieval,
            "alignments": config.alignments,
            "vectors": config.vectors,
            "studies": config.studies,
            "translation": config.translation,
            "translation_studies": config.translation_studies,
            "generation": config.generation,
            "generation_studies": config.generation_studies,
        }
        for block, names in blocks.items():
            check_names(list(names), f"{self.where}: {block}")
        seeds = {"seeds": self.config.seeds, "pretraining.seeds": self.config.pretraining.seeds}
        seeds |= {f"studies.{name}.seeds": study.seeds for name, study in self.config.studies.items()}
        seeds |= {
            f"pretraining.studies.{name}.seeds": study.seeds for name, study in self.config.pretraining.studies.items()
        }
        for block in ("translation_studies", "generation_studies"):
            seeds |= {f"{block}.{name}.seeds": study.seeds for name, study in getattr(config, block).items()}
        for block, chosen in seeds.items():
            check_names([str(seed) for seed in chosen], f"{self.where}: {block}")

    def gaze(self) -> None:
        """Corpora, regressors, the predictor, the shared task."""
        for name, corpus in self.config.gaze.corpora.items():
            self.dataset(corpus.dataset, f"gaze.corpora.{name}.dataset")
        for name in (*self.config.gaze.regressors, self.config.gaze.scores_from):
            recipe = self.project.variant(name, "regressor", f"{self.where}: gaze").recipe
            self.known(recipe.embeddings, self.config.backbones, "backbone", f"variant {name}, embeddings")
            for corpus in recipe.corpora:
                self.known(corpus, self.config.gaze.corpora, "gaze corpus", f"variant {name}, corpora")
                self.pipeline_reads(corpus)
            for corpus in recipe.exclude:
                self.known(corpus, self.config.gaze.corpora, "gaze corpus", f"variant {name}, exclude")
        if self.config.gaze.predictor:
            self.known(
                self.config.gaze.predictor.backbone, self.config.backbones, "backbone", "gaze.predictor.backbone"
            )
            for corpus in self.config.gaze.predictor.corpora:
                self.known(corpus, self.config.gaze.corpora, "gaze corpus", "gaze.predictor.corpora")
        if left_out := self.config.gaze.left_out:
            from scriptorium.linguistics.surface import check_language  # asks the lists of frequencies themselves

            for corpus in left_out.corpora:
                self.known(corpus, self.config.gaze.corpora, "gaze corpus", "gaze.left_out.corpora")
                check_language(
                    self.config.gaze.corpora[corpus].language, f"{self.where}: gaze.corpora.{corpus}.language"
                )
            if left_out.surprisal is not None:
                self.known(left_out.surprisal, self.config.backbones, "backbone", "gaze.left_out.surprisal")
        if self.config.gaze.cmcl2021:
            self.known(self.config.gaze.cmcl2021.backbone, self.config.backbones, "backbone", "gaze.cmcl2021.backbone")
            self.dataset(self.config.gaze.cmcl2021.dataset, "gaze.cmcl2021.dataset")

    def pipeline_reads(self, corpus: str) -> None:
        """A spaCy pipeline begins with its language, and reads no other (xx: any)."""
        language = self.config.gaze.corpora[corpus].language
        pipeline = self.config.annotation.pipeline
        if pipeline[2:3] == "_" and pipeline[:2] not in (language, "xx"):
            raise UserError(
                f"gaze corpus {corpus!r} is in the language {language!r}, and the pipeline {pipeline!r} reads "
                f"{pipeline[:2]!r}",
                where=f"{self.where}: gaze.corpora.{corpus}.language",
                remedy="name an installed pipeline of that language in annotation.pipeline, or train the regressor on "
                "other corpora (gaze.left_out needs no pipeline)",
            )

    def backbones(self) -> None:
        """Where encoders come from."""
        for name, backbone in self.config.backbones.items():
            if backbone.dataset:
                self.dataset(backbone.dataset, f"backbones.{name}.dataset")
            elif backbone.pretrained:
                self.project.variant(backbone.pretrained, "pretrain", f"{self.where}: backbones.{name}.pretrained")
            else:
                recipe = self.project.variant(
                    backbone.finetuned, "finetune", f"{self.where}: backbones.{name}.finetuned"
                ).recipe
                self.known(backbone.task, self.config.tasks, "task", f"backbones.{name}.task")
                if recipe.backbone == name:
                    raise UserError(
                        f"backbones.{name}: {backbone.finetuned} itself starts from this backbone", where=self.where
                    )

    def tasks(self) -> None:
        """Data, labels and metric of each."""
        for name, task in self.config.tasks.items():
            self.dataset(task.dataset, f"tasks.{name}.dataset")
            if task.train:
                length = {} if {"epochs", "max_steps"} & task.train.keys() else {"epochs": 1}
                TrainSpec.parse({**length, **task.train}, where=f"{self.where}: tasks.{name}.train")
            kind = kind_of(task.kind)
            if fault := kind.labels_fault(task.labels):
                raise UserError(f"tasks.{name}.labels: {fault}", where=self.where)
            if task.metric:
                self.known(task.metric, dict.fromkeys(kind.shown(task.labels)), "metric", f"tasks.{name}.metric")
            if task.best_by:
                known = {shown.removeprefix("test/"): None for shown in kind.shown(task.labels)}
                self.known(task.best_by, known, "metric", f"tasks.{name}.best_by")
            if task.scale and task.kind != "regression":
                raise UserError(
                    f"tasks.{name}.scale: a task of kind {task.kind} has no numbers to scale",
                    where=self.where,
                    remedy="leave it out",
                )
            if task.languages and not kind.takes_languages:
                raise UserError(
                    f"tasks.{name}.languages: a task of kind {task.kind} cannot have them yet",
                    where=self.where,
                    remedy="make a task of each language",
                )
            if task.translations:
                if task.translations.dataset:
                    self.dataset(task.translations.dataset, f"tasks.{name}.translations.dataset")
                if not kind.takes_plug_in:
                    raise UserError(
                        f"tasks.{name}.translations: plug-in fine-tuning cannot read a task of kind {task.kind} yet",
                        where=self.where,
                        remedy="leave translations out",
                    )
            if task.xtreme:
                self.xtreme(name)
            if len(set(task.labels)) < len(task.labels):
                raise UserError(f"tasks.{name}.labels: a label stands there twice", where=self.where)
        for name in self.config.tasks.keys() & self.config.gaze.corpora.keys():
            raise UserError(
                f"{name!r} names both a task and a gaze corpus, but annotations need one name each", where=self.where
            )

    def xtreme(self, name: str) -> None:
        """What is called one of XTREME's tasks is of its kind and languages, and is scored as it is there."""
        task, wanted = self.config.tasks[name], xtreme.TASKS[self.config.tasks[name].xtreme]
        place = f"tasks.{name}.xtreme: {task.xtreme}"
        if not task.languages or task.kind != wanted.kind:
            raise UserError(f"{place} is of kind {wanted.kind} and has languages", where=self.where)
        for code in task.languages.test:
            self.known(code, dict.fromkeys(wanted.languages), f"language of {task.xtreme}", place)
        if task.answers.scorer != wanted.scorer:
            raise UserError(
                f"{place} is scored otherwise",
                where=self.where,
                remedy=f"set answers: {{scorer: {wanted.scorer}}}",
            )

    def corpora(self) -> None:
        """Running text, pairs, and vocabularies."""
        for block, corpora in (("corpora", self.config.corpora), ("parallel", self.config.parallel)):
            for name, corpus in corpora.items():
                self.sources(corpus.sources, f"{block}.{name}.sources")
        for name, corpus in self.config.corpora.items():
            for task in corpus.exclude:
                self.known(task, self.config.tasks | self.config.generation, "task", f"corpora.{name}.exclude")
        for name in self.config.corpora.keys() & self.config.parallel.keys():
            raise UserError(
                f"{name!r} names both a corpus and a corpus of pairs, but a vocabulary may be learned from either",
                where=self.where,
                remedy="rename one of the two",
            )
        for name, vocabulary in self.config.vocabularies.items():
            for corpus in vocabulary.corpora:
                self.known(corpus, self.config.corpora | self.config.parallel, "corpus", f"vocabularies.{name}.corpus")
            if vocabulary.backbone:
                self.known(vocabulary.backbone, self.config.backbones, "backbone", f"vocabularies.{name}.backbone")
            if name in self.config.backbones:
                raise UserError(
                    f"{name!r} names both a backbone and a vocabulary, but a recipe's tokenizer may be either",
                    where=self.where,
                    remedy="rename one of the two",
                )

    def sources(self, sources: Iterable[CorpusSource | ParallelSource], place: str) -> None:
        """Where text comes from."""
        for source in sources:
            self.dataset(source.dataset, place)
            if source.stream and (found := self.project.datasets[source.dataset].source) != "hub":
                raise UserError(
                    f"{place}: {source.dataset} is of source {found}, and only data sets of source hub can be streamed",
                    where=self.where,
                    remedy="leave out stream",
                )

    def pretraining(self) -> None:
        """Recipes and studies."""
        trained = {name: "pretraining.recipes" for name in self.config.pretraining.recipes}
        for name, study in self.config.pretraining.studies.items():
            check_names([name], f"{self.where}: pretraining.studies")
            if study.baseline not in study.variants:
                raise UserError(
                    f"pretraining.studies.{name}.baseline {study.baseline!r} is not among its variants",
                    where=self.where,
                )
            trained |= dict.fromkeys(study.variants, f"pretraining.studies.{name}.variants")
        for name, place in trained.items():
            recipe = self.project.variant(name, "pretrain", f"{self.where}: {place}").recipe
            self.known(recipe.corpus, self.config.corpora, "corpus", f"variant {name}, corpus")
            if recipe.parallel:
                self.known(recipe.parallel, self.config.parallel, "corpus of pairs", f"variant {name}, parallel")
                if not self.config.corpora[recipe.corpus].languages:
                    raise UserError(
                        f"variant {name}: the sources of corpus {recipe.corpus} name no language",
                        where=self.where,
                        remedy=f"give each source of corpora.{recipe.corpus} its own, such as `language: en`",
                    )
            if recipe.objective.linked:
                self.known(
                    recipe.synonyms.dictionary, self.config.dictionaries, "dictionary", f"variant {name}, synonyms"
                )
            if recipe.start:
                self.known(recipe.start, self.project.backbones, "backbone", f"variant {name}, start")
            self.known(
                recipe.tokenizer,
                self.config.backbones | self.config.vocabularies,
                "backbone or vocabulary",
                f"variant {name}, tokenizer",
            )

    def minimal_pairs(self) -> None:
        """Where they come from; and held-out sentences are scored by models of the same corpus only."""
        config = self.config
        for name, pairs in config.minimal_pairs.items():
            if pairs.dataset:
                self.dataset(pairs.dataset, f"minimal_pairs.{name}.dataset")
            else:
                self.known(pairs.corpus, config.corpora, "corpus", f"minimal_pairs.{name}.corpus")
        users = {"pretraining": (config.pretraining.recipes, config.pretraining.minimal_pairs)}
        users |= {
            f"pretraining.studies.{name}": (study.variants, study.minimal_pairs)
            for name, study in config.pretraining.studies.items()
        }
        for place, (variants, sets) in users.items():
            for name in sets:
                self.known(name, config.minimal_pairs, "set of minimal pairs", f"{place}.minimal_pairs")
                corpus = config.minimal_pairs[name].corpus
                for variant in variants:
                    own = self.project.variants[variant].recipe.corpus
                    if corpus and own != corpus:
                        raise UserError(
                            f"{place}.minimal_pairs: {name} holds held-out sentences of corpus {corpus!r}, but "
                            f"{variant} is trained on {own!r}, which may have them",
                            where=self.where,
                            remedy=f"add a set whose corpus is {own!r}",
                        )

    def bits_per_byte(self) -> None:
        """Held-out sentences are scored by models of the same corpus only."""
        block = self.config.bits_per_byte
        if block:
            self.known(block.corpus, self.config.corpora, "corpus", "bits_per_byte.corpus")
        for name, study in self.config.pretraining.studies.items():
            for variant in study.variants if study.bits_per_byte else ():
                place, own = f"pretraining.studies.{name}.bits_per_byte", self.project.variants[variant].recipe.corpus
                if block is None:
                    raise UserError(f"{place} needs a block bits_per_byte", where=self.where)
                if own != block.corpus:
                    raise UserError(
                        f"{place}: the sentences are held-out ones of corpus {block.corpus!r}, but {variant} is "
                        f"trained on {own!r}, which may have them",
                        where=self.where,
                        remedy=f"set bits_per_byte.corpus: {own}",
                    )

    def retrieval(self) -> None:
        """Where the texts come from; held-out pairs are for models that were trained on the same corpus of pairs."""
        config = self.config
        for name, entry in config.retrieval.items():
            place = f"retrieval.{name}"
            if entry.dataset:
                self.dataset(entry.dataset, f"{place}.dataset")
            else:
                self.known(entry.parallel, config.parallel, "corpus of pairs", f"{place}.parallel")
            for corpus in entry.without:
                self.known(corpus, config.corpora | config.parallel, "corpus", f"{place}.without")
            self.beside(entry.beside, place)
        users = {"pretraining": (config.pretraining.recipes, config.pretraining.retrieval)}
        users |= {
            f"pretraining.studies.{name}": (study.variants, study.retrieval)
            for name, study in config.pretraining.studies.items()
        }
        for place, (variants, sets) in users.items():
            for name in sets:
                self.known(name, config.retrieval, "retrieval set", f"{place}.retrieval")
                self.not_trained_on(config.retrieval[name].parallel, variants, f"{place}.retrieval: {name}")

    def vectors(self) -> None:
        """The same of sets whose vectors are measured."""
        config = self.config
        for name, gold in config.alignments.items():
            self.dataset(gold.dataset, f"alignments.{name}.dataset")
        for name, entry in config.vectors.items():
            place = f"vectors.{name}"
            if entry.alignments:
                self.known(entry.alignments, config.alignments, "gold alignments", f"{place}.alignments")
            else:
                self.known(entry.parallel, config.parallel, "corpus of pairs", f"{place}.parallel")
                self.known(entry.dictionary, config.dictionaries, "dictionary", f"{place}.dictionary")
                self.dictionary_covers(entry.dictionary, entry.parallel, f"{place}.dictionary")
            self.beside(entry.beside, place)
        for study, trained in config.pretraining.studies.items():
            for name in trained.vectors:
                place = f"pretraining.studies.{study}.vectors"
                self.known(name, config.vectors, "set of translations", place)
                self.not_trained_on(config.vectors[name].parallel, trained.variants, f"{place}: {name}")

    def dictionary_covers(self, dictionary: str, parallel: str, place: str) -> None:
        """A dictionary has two languages of a corpus of pairs; texts in others are not asked about."""
        known, given = (
            {"-".join(sorted(source.languages)) for source in entry.sources}
            for entry in (self.config.dictionaries[dictionary], self.config.parallel[parallel])
        )
        if not known & given:
            raise UserError(
                f"{place}: {dictionary} has words in {', '.join(sorted(known))}, and {parallel} has texts in "
                f"{', '.join(sorted(given))}",
                where=self.where,
                remedy=f"add a source with these languages to dictionaries.{dictionary}",
            )

    def beside(self, backbones: Sequence[str], place: str) -> None:
        """Encoders that are tested beside those of a study, each with one model."""
        for backbone in backbones:
            self.known(backbone, self.config.backbones, "backbone", f"{place}.beside")
            if backbone in self.project.variants or self.config.backbones[backbone].seed == "paired":
                raise UserError(
                    f"{place}.beside: {backbone} has a model for each seed; name it in a pre-training study",
                    where=self.where,
                )

    def not_trained_on(self, pairs: str | None, variants: Sequence[str], place: str) -> None:
        """Held-out pairs of a corpus are for models of that corpus, or of none."""
        for variant in variants:
            own = self.project.variants[variant].recipe.parallel
            if pairs and own not in (pairs, None):
                raise UserError(
                    f"{place} holds held-out pairs of {pairs!r}, but {variant} is trained on {own!r}, which may have "
                    "them",
                    where=self.where,
                    remedy=f"add a set whose parallel is {own!r}",
                )

    def few_labels(self) -> None:
        """The task, and that pre-training has not read it."""
        config, trained = self.config, self.config.pretraining
        users = {"pretraining": trained.recipes} if trained.few_labels else {}
        users |= {
            f"pretraining.studies.{n}": study.variants for n, study in trained.studies.items() if study.few_labels
        }
        if config.few_labels is None:
            if users:
                raise UserError(f"{next(iter(users))}.few_labels needs a block few_labels", where=self.where)
            return
        task = config.few_labels.task
        self.known(task, config.tasks, "task", "few_labels.task")
        if (kind := config.tasks[task].kind) != "classification":
            raise UserError(f"few_labels.task: {task} is of kind {kind}, not classification", where=self.where)
        if study := config.few_labels.study:
            self.known(study, config.studies, "study", "few_labels.study")
            for name in config.studies[study].tasks:
                if name in config.tasks and config.tasks[name].labelled is None:
                    raise UserError(
                        f"few_labels.study: task {name} of study {study} does not say how many examples are labelled",
                        where=self.where,
                        remedy=f"set tasks.{name}.labelled",
                    )
        for place, variants in users.items():
            for variant in variants:
                corpus = self.project.variants[variant].recipe.corpus
                if task not in config.corpora[corpus].exclude:
                    raise UserError(
                        f"{place}.few_labels: {variant} is trained on {corpus!r}, which may hold texts of {task}",
                        where=self.where,
                        remedy=f"set exclude: [{task}] in corpora.{corpus}",
                    )

    def crosslingual(self) -> None:
        """Where translations and words come from, and that the models were trained on pairs, but not on these."""
        config, block = self.config, self.config.crosslingual
        for name, dictionary in config.dictionaries.items():
            for source in dictionary.sources:
                self.dataset(source.dataset, f"dictionaries.{name}.sources")
        if block:
            self.known(block.parallel, config.parallel, "corpus of pairs", "crosslingual.parallel")
            self.known(block.dictionary, config.dictionaries, "dictionary", "crosslingual.dictionary")
        for name, study in config.pretraining.studies.items():
            for variant in study.variants if study.crosslingual else ():
                place, own = f"pretraining.studies.{name}.crosslingual", self.project.variants[variant].recipe.parallel
                if block is None:
                    raise UserError(f"{place} needs a block crosslingual", where=self.where)
                if own != block.parallel:
                    raise UserError(
                        f"{place}: the held-out pairs are those of {block.parallel!r}, but {variant} is trained on "
                        f"{own!r}, which may have them",
                        where=self.where,
                        remedy=f"set crosslingual.parallel: {own}"
                        if own
                        else "take variants that are trained on pairs",
                    )

    def studies(self) -> None:
        """Variants and tasks of each."""
        for name, study in self.config.studies.items():
            if study.baseline not in study.variants:
                raise UserError(
                    f"studies.{name}.baseline {study.baseline!r} is not among its variants", where=self.where
                )
            for task in study.tasks:
                self.known(task, self.config.tasks, "task", f"studies.{name}.tasks")
            study_checks.check(self, name)
            for variant in study.variants:
                recipe = self.project.variant(variant, "finetune", f"{self.where}: studies.{name}.variants").recipe
                self.known(recipe.backbone, self.project.backbones, "backbone", f"variant {variant}, backbone")
                if recipe.plug_in:
                    plug_in.check(self, f"studies.{name}", variant, study.tasks)
                bodies.check(self, f"studies.{name}", variant, study.tasks)
                plain = recipe.cognition is None and recipe.gaze_loss is None
                if "languages" in study.figures:
                    for task in study.tasks:
                        if not self.config.tasks[task].languages:
                            raise UserError(
                                f"studies.{name}.figures: languages, but task {task} has none",
                                where=self.where,
                                remedy="take it out of figures, or the task out of the study",
                            )
                for task in () if plain else study.tasks:
                    if not kind_of(kind := self.config.tasks[task].kind).takes_cognition:
                        raise UserError(
                            f"studies.{name}: {variant} uses cognition, which {task}, a task of kind {kind}, cannot",
                            where=self.where,
                            remedy="compare plain variants on such tasks, in a study of their own",
                        )

    def attention(self) -> None:
        """What is drawn."""
        if attention := self.config.attention:
            self.known(attention.study, self.config.studies, "study", "attention.study")
            tasks = dict.fromkeys(self.config.studies[attention.study].tasks)
            self.known(attention.task, tasks, "task", "attention.task")
            self.known(attention.corpus, self.config.gaze.corpora, "gaze corpus", "attention.corpus")


def check_names(names: Sequence[str], where: str) -> None:
    """Names become folders and Snakemake targets: no separators, no repetition."""
    for name in names:
        if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", name):
            raise UserError(
                f"{name!r} cannot be a name",
                where=where,
                remedy="use letters, digits, hyphen, underscore and dot, beginning with a letter or digit",
            )
        if names.count(name) > 1:
            raise UserError(f"{name!r} stands there twice", where=where, remedy="rename one of the two")
