"""What a run reads: the manifests and files that are a stage's inputs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from scriptorium import own_data
from scriptorium.config import translation as translators
from scriptorium.errors import UserError
from scriptorium.runs.configured import ConfiguredRuns, links_name, packing_name
from scriptorium.text.parallel.spec import ParallelSource
from scriptorium.text.spec import CorpusSource


class InputFiles(ConfiguredRuns):
    """Paths, as the rules need them."""

    def backbone(self, name: str, seed: int = 0) -> str:
        """Manifest of a backbone's directory; `seed` is that of the run which asks, for paired seeds."""
        entry = self._known(name, self.project.backbones, "backbone")
        if entry.format:
            return f"results/backbones/{name}/manifest.json"
        if entry.dataset:
            return f"resources/{entry.dataset}/manifest.json"
        if entry.finetuned:
            return f"results/finetune/{entry.finetuned}/{entry.task}/seed{entry.seed}/manifest.json"
        own = seed if entry.seed == "paired" else entry.seed
        return f"results/pretrain/{entry.pretrained}/seed{own}/manifest.json"

    def converted(self, backbone: str) -> str:
        """Manifest of the data set that a backbone of another format is made of."""
        return f"resources/{self._known(backbone, self.project.backbones, 'backbone').dataset}/manifest.json"

    def finetune_backbone(self, variant: str, seed: int) -> str:
        return self.backbone(self.project.variant(variant, "finetune", "results path").recipe.backbone, seed)

    def finetune_annotations(self, variant: str, task: str) -> list[str]:
        """Manifest of the task's scored words, for variants with cognition or a gaze loss."""
        recipe = self.project.variant(variant, "finetune", "results path").recipe
        needed = recipe.cognition or recipe.gaze_loss
        if recipe.cognition and recipe.cognition.features == "revealed":
            return [f"results/annotations/revealed/{task}/manifest.json"]
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

    def left_out_words(self) -> list[str]:
        return [f"results/gaze/corpora/{corpus}/manifest.json" for corpus in self._block("left_out").corpora]

    def left_out_surprisal(self) -> list[str]:
        """Manifests of the corpora's surprisal, in their order; none where no language model is named."""
        block = self._block("left_out")
        return [f"results/gaze/surprisal/{corpus}/manifest.json" for corpus in block.corpora if block.surprisal]

    def surprisal_model(self) -> str:
        """Manifest of the causal language model. Raises UserError where none is named."""
        if (name := self._block("left_out").surprisal) is None:
            raise UserError(
                "no causal language model is named",
                where="config/config.yaml, gaze.left_out.surprisal",
                remedy="name a backbone that is one; docs/gaze.md says how",
            )
        return self.backbone(name)

    predictor_manifest = "results/gaze/predictor/manifest.json"

    def has_cmcl2021(self) -> bool:
        """Is the table of the shared task asked for, and are its data there? They are the user's own to bring."""
        block = self.config.gaze.cmcl2021
        if block is None:
            return False
        entry = self.project.datasets[block.dataset]
        return entry.source != "file" or own_data.place(entry.location, self.config.data_root).exists()

    def cmcl2021_source(self) -> str:
        return f"resources/{self._block('cmcl2021').dataset}/manifest.json"

    def cmcl2021_backbone(self) -> str:
        return self.backbone(self._block("cmcl2021").backbone)

    def regressor_embeddings(self, variant: str) -> str:
        return self.backbone(self.project.variant(variant, "regressor", "results path").recipe.embeddings)

    def corpus_sources(self, corpus: str) -> list[str]:
        return _kept(self._known(corpus, self.config.corpora, "corpus").sources)

    def parallel_sources(self, parallel: str) -> list[str]:
        return _kept(self._known(parallel, self.config.parallel, "corpus of pairs").sources)

    def corpus_exclude(self, corpus: str) -> list[str]:
        """Manifests of the tasks whose texts a corpus leaves out."""
        folders = {task: "generation/" for task in self.config.generation}
        names = self.config.corpora[corpus].exclude
        return [f"results/data/{folders.get(task, '')}{task}/manifest.json" for task in names]

    def annotated_data(self, dataset: str) -> str:
        """Manifest of what is annotated under this name: a gaze corpus or a task."""
        if dataset in self.config.gaze.corpora:
            return f"results/gaze/corpora/{dataset}/manifest.json"
        self._known(dataset, self.config.tasks | self.config.gaze.corpora, "task or gaze corpus")
        return f"results/data/{dataset}/manifest.json"

    def scoring_regressor(self) -> str:
        return f"results/gaze/regressor/{self.config.gaze.scores_from}/seed{self.config.seeds[0]}/manifest.json"

    def pack_corpus(self, blocks: str) -> str:
        recipe = self._known(blocks, self.packings, "packed corpus")
        return f"results/data/corpora/{recipe.corpus}/manifest.json"

    def pack_tokenizer(self, blocks: str) -> str:
        return self._tokenizer(self._known(blocks, self.packings, "packed corpus").tokenizer)

    def pack_pairs_corpus(self, blocks: str) -> str:
        recipe = self._known(blocks, self.pair_packings, "packed corpus with pairs")
        return f"results/data/corpora/{recipe.corpus}/manifest.json"

    def pack_pairs_parallel(self, blocks: str) -> str:
        recipe = self._known(blocks, self.pair_packings, "packed corpus with pairs")
        return f"results/data/parallel/{recipe.parallel}/manifest.json"

    def pack_pairs_tokenizer(self, blocks: str) -> str:
        return self._tokenizer(self._known(blocks, self.pair_packings, "packed corpus with pairs").tokenizer)

    def _tokenizer(self, name: str) -> str:
        """Manifest of a backbone, or of a vocabulary of our own."""
        if name in self.config.vocabularies:
            return f"results/data/vocabularies/{name}/manifest.json"
        return self.backbone(name)

    def vocabulary_corpora(self, name: str) -> list[str]:
        """Manifests of the running text and of the pairs that it is learned from."""
        return self._corpora(self._known(name, self.config.vocabularies, "vocabulary").corpora)

    def _corpora(self, names: Iterable[str]) -> list[str]:
        """Manifests of corpora of running text or of pairs."""
        folders = {corpus: "parallel" if corpus in self.config.parallel else "corpora" for corpus in names}
        return [f"results/data/{folder}/{corpus}/manifest.json" for corpus, folder in folders.items()]

    def vocabulary_backbone(self, name: str) -> list[str]:
        """Manifest of the backbone whose pieces are kept; none for a vocabulary that is learned."""
        backbone = self._known(name, self.config.vocabularies, "vocabulary").backbone
        return [self.backbone(backbone)] if backbone else []

    def pretrain_blocks(self, variant: str) -> str:
        recipe = self._pretrain_recipe(variant)
        folder = "packed_pairs" if recipe.parallel else "packed"
        return f"results/data/{folder}/{packing_name(recipe)}/manifest.json"

    def pretrain_links(self, variant: str) -> list[str]:
        """Manifest of the links between words that a run reads, if it does."""
        recipe = self._pretrain_recipe(variant)
        return [f"results/data/links/{links_name(recipe)}/manifest.json"] if recipe.objective.linked else []

    def links_blocks(self, links: str) -> str:
        recipe = self._known(links, self.linkings, "links of words")
        return f"results/data/packed_pairs/{packing_name(recipe)}/manifest.json"

    def links_dictionary(self, links: str) -> str:
        recipe = self._known(links, self.linkings, "links of words")
        return f"results/data/dictionaries/{recipe.synonyms.dictionary}/manifest.json"

    def dictionary_sources(self, dictionary: str) -> list[str]:
        sources = self._known(dictionary, self.config.dictionaries, "dictionary").sources
        return [f"resources/{name}/manifest.json" for name in dict.fromkeys(source.dataset for source in sources)]

    def crosslingual_parallel(self) -> str:
        return f"results/data/parallel/{self._crosslingual().parallel}/manifest.json"

    def crosslingual_dictionary(self) -> str:
        return f"results/data/dictionaries/{self._crosslingual().dictionary}/manifest.json"

    def pairs_source(self, pairs: str) -> str:
        """Manifest of the data set or of the corpus that minimal pairs are made of."""
        entry = self._known(pairs, self.config.minimal_pairs, "set of minimal pairs")
        return (
            f"resources/{entry.dataset}/manifest.json"
            if entry.dataset
            else f"results/data/corpora/{entry.corpus}/manifest.json"
        )

    def pairs_data(self, of_study: str) -> list[str]:
        """Manifests of the sets of pairs that a table shows."""
        names = dict.fromkeys(run.task for run in self.pairs_of(of_study))
        return [f"results/data/minimal_pairs/{name}/manifest.json" for name in names]

    def texts_corpus(self) -> str:
        """Manifest of the corpus whose held-out sentences are scored for bits per byte."""
        return f"results/data/corpora/{self._bits_per_byte().corpus}/manifest.json"

    def retrieval_source(self, collection: str) -> str:
        """Manifest of the data set or of the corpus of pairs that a retrieval set is read from."""
        entry = self._known(collection, self.config.retrieval, "retrieval set")
        return (
            f"resources/{entry.dataset}/manifest.json"
            if entry.dataset
            else f"results/data/parallel/{entry.parallel}/manifest.json"
        )

    def retrieval_trained_on(self, collection: str) -> list[str]:
        """Manifests of the corpora whose texts a retrieval set leaves out."""
        return self._corpora(self._known(collection, self.config.retrieval, "retrieval set").without)

    def alignments_source(self, alignments: str) -> str:
        """Manifest of the data set that gold alignments are read from."""
        return f"resources/{self._known(alignments, self.config.alignments, 'gold alignments').dataset}/manifest.json"

    def vectors_start(self, variant: str, seed: int) -> list[str]:
        """Manifest of the model that a pre-training run began with; none for a new one and for a backbone."""
        recipe = self.project.variants[variant].recipe if variant in self.project.variants else None
        return self.pretrain_start(variant, seed) if recipe and recipe.stage == "pretrain" else []

    def vectors_parallel(self, collection: str) -> list[str]:
        """Manifest of the pairs of a set of translations; none if it has gold alignments."""
        return self._of_vectors(collection, "parallel", "parallel")

    def vectors_dictionary(self, collection: str) -> list[str]:
        return self._of_vectors(collection, "dictionary", "dictionaries")

    def vectors_alignments(self, collection: str) -> list[str]:
        """Manifest of the gold alignments of a set of translations, if it has them."""
        return self._of_vectors(collection, "alignments", "alignments")

    def _of_vectors(self, collection: str, key: str, folder: str) -> list[str]:
        name = getattr(self._known(collection, self.config.vectors, "set of translations"), key)
        return [f"results/data/{folder}/{name}/manifest.json"] if name else []

    def translate_backbone(self, variant: str, translation: str, seed: int) -> str:
        """Manifest of what a translation run begins with; of step two, the run of step one."""
        name = self.project.variant(variant, "translate", "results path").recipe.backbone
        if translators.step_one(self.project, variant):
            return f"results/translate/{name}/{translation}/seed{seed}/manifest.json"
        return self.backbone(name, seed)

    def translate_vocabulary(self, variant: str) -> list[str]:
        """Manifest of the source's own vocabulary, for a variant that has a new encoder of the source."""
        encoder = self.project.variant(variant, "translate", "results path").recipe.source_encoder
        return [f"results/data/vocabularies/{encoder.vocabulary}/manifest.json"] if encoder else []

    def translate_pairs(self, translation: str) -> str:
        entry = self._known(translation, self.config.translation, "translation")
        return f"results/data/parallel/{entry.parallel}/manifest.json"

    def translate_test(self, translation: str) -> list[str]:
        """Manifest of another corpus of pairs that is the test set, if there is one."""
        test = self._known(translation, self.config.translation, "translation").test
        return [f"results/data/parallel/{test}/manifest.json"] if test else []

    def generation_source(self, generation: str) -> str:
        """Manifest of the data set or of the corpus of pairs that a generation task is read from."""
        entry = self._known(generation, self.config.generation, "generation task")
        return (
            f"resources/{entry.dataset}/manifest.json"
            if entry.dataset
            else f"results/data/parallel/{entry.parallel}/manifest.json"
        )

    def generation_like(self, generation: str) -> list[str]:
        """Manifest of the labelled task whose split a generation task takes over, if there is one."""
        like = self._known(generation, self.config.generation, "generation task").splits
        return [f"results/data/{like}/manifest.json"] if like else []

    def generate_backbone(self, variant: str, seed: int) -> str:
        return self.backbone(self.project.variant(variant, "generate", "results path").recipe.backbone, seed)

    def bench_blocks(self) -> str:
        return self.pretrain_blocks(self._bench_variant())

    def bench_corpus(self) -> str:
        recipe = self._pretrain_recipe(self._bench_variant())
        return f"results/data/corpora/{recipe.corpus}/manifest.json"

    def bench_parallel(self) -> str:
        return f"results/data/parallel/{self._bench_pairs()}/manifest.json"

    def bench_dictionary(self) -> str:
        """The first dictionary in languages of these pairs."""
        corpus = self._bench_pairs()
        wanted = {source.sides for source in self.config.parallel[corpus].sources}
        for name, dictionary in self.config.dictionaries.items():
            if wanted & {"-".join(sorted(source.languages)) for source in dictionary.sources}:
                return f"results/data/dictionaries/{name}/manifest.json"
        raise UserError(
            f"the bench links the words of parallel {corpus}, but no dictionary is in {', '.join(sorted(wanted))}",
            where="config.yaml",
            remedy="add one to dictionaries; docs/crosslingual_measures.md shows how",
        )

    def _bench_pairs(self) -> str:
        """The first corpus of pairs."""
        for name in self.config.parallel:
            return name
        raise UserError(
            "the bench needs pairs of texts, but no corpus of pairs is configured",
            where="config.yaml",
            remedy="add one to parallel; docs/crosslingual.md shows how",
        )

    def _bench_variant(self) -> str:
        """The first pre-training recipe on packed blocks: the bench cuts and joins these."""
        for variant in self.config.pretraining.recipes:
            recipe = self._pretrain_recipe(variant)
            if recipe.layout is None and recipe.parallel is None:
                return variant
        raise UserError(
            "the bench needs packed blocks, but pretraining.recipes has no recipe that packs",
            where="config.yaml",
            remedy="add bert-mlm to pretraining.recipes",
        )

    def pretrain_start(self, variant: str, seed: int) -> list[str]:
        """Manifest of the model that a run begins with; none for a new one."""
        start = self._pretrain_recipe(variant).start
        return [self.backbone(start, seed)] if start else []

    def own_place(self, dataset: str) -> list[str]:
        """A catalogue entry's file or folder of the user's own; nothing for what is downloaded."""
        entry = self._known(dataset, self.project.datasets, "data set")
        if entry.source != "file":
            return []
        return [str(own_data.find(self.project.catalogue[dataset], self.config.data_root))]

    def own_files(self, dataset: str) -> list[str]:
        """That file, or all files of that folder, whose own modification time says nothing about an edited file."""
        files = []
        for path in map(Path, self.own_place(dataset)):
            files += sorted(str(file) for file in path.rglob("*") if file.is_file()) if path.is_dir() else [str(path)]
        return files

    def claimed_manifests(self, of: str, stage: str) -> list[str]:
        """Of the runs that claims compare: those of a programme (`_<name>`), or all ("")."""
        return [run.manifest for run in self.claimed(of.removeprefix("_"), stage)]

    def task_source(self, task: str) -> str:
        return f"resources/{self._known(task, self.config.tasks, 'task').dataset}/manifest.json"

    def submission_sources(self, study: str) -> list[str]:
        """Manifests of the raw data of a study's tasks, in their order."""
        return [self.task_source(task) for task in self._known(study, self.config.studies, "study").tasks]

    def task_translations(self, task: str) -> list[str]:
        """Manifest of the data set of files of translations, if the task names one."""
        given = self._known(task, self.config.tasks, "task").translations
        return [f"resources/{given.dataset}/manifest.json"] if given and given.dataset else []

    def gaze_source(self, corpus: str) -> str:
        return f"resources/{self._known(corpus, self.config.gaze.corpora, 'gaze corpus').dataset}/manifest.json"

    def attention_words(self) -> list[str]:
        attention = self.config.attention
        return [f"results/gaze/corpora/{attention.corpus}/manifest.json"] if attention else []

    def attention_annotations(self) -> list[str]:
        attention = self.config.attention
        return [f"results/annotations/{attention.corpus}/manifest.json"] if attention else []


def _kept(sources: Iterable[CorpusSource | ParallelSource]) -> list[str]:
    """Manifests of the data sets that are not streamed, each once."""
    kept = dict.fromkeys(source.dataset for source in sources if not source.stream)
    return [f"resources/{name}/manifest.json" for name in kept]
