"""Which runs a configuration has, and what people call them. A run is named by its path below results/."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from scriptorium.config.claims import Claim
from scriptorium.config.project import Project
from scriptorium.config.schema import BitsPerByte, Crosslingual, PretrainRecipe
from scriptorium.errors import UserError, nearest
from scriptorium.tasks.kind import kind_of
from scriptorium.tasks.protocols import as_in_papers, without_protocol
from scriptorium.text.spec import PackPairsSpec, PackSpec, SidesSpec


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


def pack_spec(recipe: PretrainRecipe) -> PackSpec:
    """How a recipe's corpus is packed."""
    return PackSpec(**recipe.shared(PackSpec))


def pack_pairs_spec(recipe: PretrainRecipe) -> PackPairsSpec:
    """How a recipe's corpus and its pairs are packed."""
    return PackPairsSpec(block_length=recipe.block_length, sides=recipe.sides or SidesSpec())


def packing_name(recipe: PretrainRecipe) -> str:
    """<corpus>-<tokenizer>-<block length>, and what differs from the default packing, such as -fairseq.

    With pairs, these follow the corpus: <corpus>-<parallel>-<tokenizer>-<block length>.
    """
    spec = pack_pairs_spec(recipe) if recipe.parallel else pack_spec(recipe)
    changed = spec.model_dump(exclude_defaults=True, exclude={"block_length"})
    changed |= changed.pop("layout", {}) | changed.pop("sides", {})
    parts = [value if key in ("vocabulary", "name") else f"{key}_{value}".lower() for key, value in changed.items()]
    texts = [recipe.corpus, *([recipe.parallel] if recipe.parallel else [])]
    return "-".join([*texts, recipe.tokenizer, str(recipe.block_length), *parts])


def _not_asked(what: str, study: str, setting: str) -> UserError:
    """A table is wanted that a pre-training study ("": the default pre-training) does not ask for."""
    return UserError(
        f"{what} not asked for of {study or 'the default pre-training'}",
        where="config/config.yaml",
        remedy=f"set pretraining.{f'studies.{study}.' if study else ''}{setting}",
    )


def _tested(stage: str, folder: str, trained: list[Run], sets: Mapping[str, Iterable[str]]) -> list[Run]:
    """Runs of a stage on sets of texts: of what was pre-trained, and of the backbones that stand beside it in a set."""
    found = []
    for name, beside in sets.items():
        of = [(run.variant, run.seed, run.paper_table) for run in trained]
        of += [(backbone, 0, "") for backbone in beside]
        found += [
            Run(f"results/{folder}/{who}/{name}/seed{seed}", stage, trained[0].study, who, name, seed, table)
            for who, seed, table in of
        ]
    return found


def links_name(recipe: PretrainRecipe) -> str:
    """<packed pairs>-<dictionary>, and what differs from the default links, such as -stop_words_50."""
    changed = recipe.synonyms.model_dump(exclude_defaults=True, exclude={"dictionary"})
    parts = [f"{key}_{value}".lower() for key, value in changed.items()]
    return "-".join([packing_name(recipe), recipe.synonyms.dictionary, *parts])


class ConfiguredRuns:
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

    @cached_property
    def finetuning(self) -> list[Run]:
        """Of all studies, also of those made on request, and the runs that lend others their encoder."""
        runs: dict[str, Run] = {}
        for name, study in self.config.studies.items():
            for variant in study.variants:
                for task in study.tasks:
                    for seed in study.seeds or self.config.seeds:
                        run = self._run("finetune", f"finetune/{variant}/{task}", name, variant, task, seed)
                        runs.setdefault(run.path, run)
        for variant, task, seed in self._lent:
            run = self._run("finetune", f"finetune/{variant}/{task}", "backbones", variant, task, seed)
            runs.setdefault(run.path, run)
        return list(runs.values())

    def _run(self, stage: str, folder: str, study: str, variant: str, task: str, seed: int) -> Run:
        table = self.project.variants[variant].paper_table
        return Run(f"results/{folder}/seed{seed}", stage, study, variant, task, seed, table)

    def _pretraining_runs(self, study: str, names: Iterable[str], seeds: Iterable[int]) -> list[Run]:
        return [self._run("pretrain", f"pretrain/{name}", study, name, "", seed) for name in names for seed in seeds]

    @cached_property
    def pretraining(self) -> list[Run]:
        """What the default target pre-trains."""
        return self._pretraining_runs("pretraining", self.config.pretraining.recipes, self.config.pretraining.seeds)

    def pretraining_study(self, name: str) -> list[Run]:
        """The runs of a comparison of pre-training variants."""
        study = self._known(name, self.config.pretraining.studies, "pre-training study")
        return self._pretraining_runs(name, study.variants, study.seeds or self.config.pretraining.seeds)

    def pairs_of(self, of_study: str) -> list[Run]:
        """Runs on minimal pairs of a pre-training study (`_<name>`), or of what the default target pre-trains ("")."""
        if study := of_study.removeprefix("_"):
            trained, sets = self.pretraining_study(study), self.config.pretraining.studies[study].minimal_pairs
        else:
            trained, sets = self.pretraining, self.config.pretraining.minimal_pairs
        if not (trained and sets):
            raise UserError(
                f"no minimal pairs are asked for of {study or 'the default pre-training'}",
                where="config/config.yaml",
                remedy=f"set pretraining.{f'studies.{study}.' if study else ''}minimal_pairs",
            )
        return [
            self._run("score_pairs", f"minimal_pairs/{run.variant}/{pairs}", run.study, run.variant, pairs, run.seed)
            for run in trained
            for pairs in sets
        ]

    def texts_of(self, of_study: str) -> list[Run]:
        """Runs on held-out text, for bits per byte, of a pre-training study (`_<name>`)."""
        study = of_study.removeprefix("_")
        trained = self.pretraining_study(study)
        if not self.config.pretraining.studies[study].bits_per_byte:
            raise _not_asked("bits per byte are", study, "bits_per_byte: true")
        return [
            self._run("score_texts", f"bits_per_byte/{run.variant}", run.study, run.variant, "held-out", run.seed)
            for run in trained
        ]

    def retrieval_of(self, of_study: str) -> list[Run]:
        """Runs on retrieval sets of a pre-training study (`_<name>`), or of what the default target pre-trains (""),
        and of the backbones that stand beside these."""
        study = of_study.removeprefix("_")
        trained = self.pretraining_study(study) if study else self.pretraining
        asked = self.config.pretraining.studies[study] if study else self.config.pretraining
        if not (trained and asked.retrieval):
            raise _not_asked("retrieval is", study, "retrieval")
        sets = {name: self.config.retrieval[name].beside for name in asked.retrieval}
        return _tested("retrieve", "retrieval", trained, sets)

    def vectors_of(self, of_study: str) -> list[Run]:
        """Measures on vectors of a pre-training study (`_<name>`), and of the backbones that stand beside it."""
        study = of_study.removeprefix("_")
        trained = self.pretraining_study(study)
        asked = self.config.pretraining.studies[study].vectors
        if not asked:
            raise _not_asked("measures on vectors are", study, "vectors")
        return _tested(
            "measure_vectors", "vectors", trained, {name: self.config.vectors[name].beside for name in asked}
        )

    def probes_of(self, of_study: str) -> list[Run]:
        """Probes with few labels of a pre-training study (`_<name>`), or of what the default target pre-trains ("")."""
        study, block = of_study.removeprefix("_"), self.config.few_labels
        trained = self.pretraining_study(study) if study else self.pretraining
        asked = self.config.pretraining.studies[study] if study else self.config.pretraining
        if block is None or not (trained and asked.few_labels):
            raise _not_asked("few labels are", study, "few_labels: true")
        return [
            self._run("probe", f"probe/{run.variant}/{block.task}", run.study, run.variant, block.task, run.seed)
            for run in trained
        ]

    def crosslingual_of(self, of_study: str) -> list[Run]:
        """Cross-lingual measures of a pre-training study (`_<name>`)."""
        study = of_study.removeprefix("_")
        trained = self.pretraining_study(study)
        if not self.config.pretraining.studies[study].crosslingual:
            raise _not_asked("cross-lingual measures are", study, "crosslingual: true")
        return [
            self._run("measure_crosslingual", f"crosslingual/{run.variant}", run.study, run.variant, "", run.seed)
            for run in trained
        ]

    def few_finetuned(self, of_study: str) -> list[Run]:
        """Fine-tuning runs with few labels, which stand in the table beside the default's probes."""
        block = self.config.few_labels
        return self.study(block.study) if block and block.study and not of_study else []

    def pretraining_programme(self, name: str) -> list[str]:
        """Pre-training studies that a paper's target makes."""
        return [study for study, entry in self.config.pretraining.studies.items() if entry.programme == name]

    def translation_study(self, name: str) -> list[Run]:
        """The runs of a comparison of translation variants."""
        study = self._known(name, self.config.translation_studies, "translation study")
        return [
            self._run("translate", f"translate/{variant}/{translation}", name, variant, translation, seed)
            for translation in study.translations
            for variant in study.variants
            for seed in study.seeds or self.config.pretraining.seeds
        ]

    def generation_study(self, name: str) -> list[Run]:
        """The runs of a comparison of variants that write."""
        study = self._known(name, self.config.generation_studies, "generation study")
        return [
            self._run("generate", f"generate/{variant}/{task}", name, variant, task, seed)
            for task in study.generation
            for variant in study.variants
            for seed in study.seeds or self.config.pretraining.seeds
        ]

    @cached_property
    def regressors(self) -> list[Run]:
        return [
            self._run("train_regressor", f"gaze/regressor/{name}", "gaze", name, "n_fix", seed)
            for name in self.config.gaze.regressors
            for seed in self.config.seeds
        ]

    def study(self, name: str) -> list[Run]:
        """Fine-tuning runs that the tables of a study need."""
        study = self.config.studies[name]
        wanted = {(v, t) for v in study.variants for t in study.tasks}
        return [run for run in self.finetuning if (run.variant, run.task) in wanted]

    def beside_ours(self, name: str) -> list[Run]:
        """The runs under protocol ours that stand beside those of a study of protocol paper."""
        study = self._known(name, self.config.studies, "study")
        if not study.beside:
            raise UserError(
                f"study {name} has no study of protocol ours beside it",
                where="target path",
                remedy=f"set studies.{name}.protocol: paper, and beside: <a study with the same variants and tasks>",
            )
        tasks = set(map(without_protocol, study.tasks))
        return [run for run in self.study(study.beside) if run.variant in study.variants and run.task in tasks]

    def submissions(self) -> list[str]:
        """Manifests of GLUE's test files, predicted by every variant of the studies that ask for them."""
        found = [
            f"results/glue_submission/{name}/{variant}/manifest.json"
            for name, study in self.config.studies.items()
            if study.glue_submission
            for variant in study.variants
        ]
        if not found:
            raise UserError(
                "no study predicts GLUE's test files",
                where="config/config.yaml",
                remedy="set glue_submission: true in a study on tasks of GLUE (docs/protocols.md)",
            )
        return found

    def submitted(self, name: str, variant: str) -> list[Run]:
        """The runs of a variant whose models predict GLUE's test files."""
        study = self._known(name, self.config.studies, "study")
        if not study.glue_submission:
            raise UserError(
                f"study {name} does not predict GLUE's test files",
                where="target path",
                remedy=f"set studies.{name}.glue_submission: true",
            )
        self._known(variant, dict.fromkeys(study.variants), f"variant of study {name}")
        return [run for run in self.study(name) if run.variant == variant]

    def programme(self, name: str) -> list[str]:
        """Studies that a paper's target makes."""
        return [study for study, entry in self.config.studies.items() if entry.programme == name]

    def default_studies(self) -> list[str]:
        return [study for study, entry in self.config.studies.items() if not entry.on_request]

    def fused(self, study: str) -> list[Run]:
        """The runs of a study whose variants have cognition."""
        return [run for run in self.study(study) if self.project.variants[run.variant].recipe.cognition]

    def reading(self, study: str) -> list[Run]:
        """The runs of a study on tasks of a kind that the figure `reading` can show."""
        return [run for run in self.study(study) if "reading" in kind_of(self.config.tasks[run.task].kind).figures]

    def reading_data(self, study: str) -> list[str]:
        return list(dict.fromkeys(f"results/data/{run.task}/manifest.json" for run in self.reading(study)))

    def claimed(self, programme: str = "", stage: str = "finetune") -> list[Run]:
        """Configured runs of a stage that a claim compares: of its two variants, where both are there.

        With a programme, only its own studies and claims count.
        """
        configured = self._claimable(stage, programme)
        there = {(run.variant, run.task) for run in configured}
        wanted = set()
        for claim in self.claims(programme).values():
            for task in claim.tasks if claim.of == stage else ():
                pair = {(claim.a, task), (claim.b, task)}
                wanted |= pair if pair <= there else set()
        return [run for run in configured if (run.variant, run.task) in wanted]

    def _claimable(self, stage: str, programme: str) -> list[Run]:
        """All configured runs of a stage, or those of the studies of a programme, each once."""
        if stage == "finetune":
            return self.finetuned_in(self.programme(programme)) if programme else self.finetuning
        compared = {
            "translate": (self.config.translation_studies, self.translation_study),
            "generate": (self.config.generation_studies, self.generation_study),
        }
        if stage in compared:
            studies, of = compared[stage]
            found = [of(name) for name, entry in studies.items() if programme in ("", entry.programme)]
        else:
            known = {
                "retrieve": ("retrieval", self.retrieval_of),
                "measure_vectors": ("vectors", self.vectors_of),
                "probe": ("few_labels", self.probes_of),
                "score_pairs": ("minimal_pairs", self.pairs_of),
                "score_texts": ("bits_per_byte", self.texts_of),
            }
            evaluation, of = known[stage]
            own = {f"_{name}" for name in self.pretraining_programme(programme)}
            found = [of(name) for name in self._with(evaluation) if not programme or name in own]
        return list({run.path: run for runs in found for run in runs}.values())

    def claims(self, programme: str = "") -> dict[str, Claim]:
        """The claims by name; with a programme, those about its variants, and of its paper those never tested. Of a
        programme that is no paper, those whose two variants its studies compare."""
        papers = {name: variant.paper.lower() for name, variant in self.project.variants.items()}
        found = self.project.claims.claims
        if programme and programme not in papers.values():
            own = self._variants_of(programme)
            return {name: claim for name, claim in found.items() if {claim.a, claim.b} <= own}
        return {
            name: claim.model_copy(update={"tasks": self._trained_on(claim)})
            for name, claim in found.items()
            if not programme or papers.get(claim.a, claim.paper.lower()) == programme
        }

    def _trained_on(self, claim: Claim) -> tuple[str, ...]:
        """A claim's tasks under the protocols that studies have them in."""
        studied = {task for study in self.config.studies.values() for task in study.tasks}
        found = []
        for task in claim.tasks:
            both = [name for name in (task, as_in_papers(task)) if claim.of == "finetune" and name in studied]
            found += both or [task]
        return tuple(found)

    def _variants_of(self, programme: str) -> set[str]:
        """The variants of all studies of a programme, whatever their stage."""
        config = self.config
        blocks = (config.studies, config.pretraining.studies, config.translation_studies, config.generation_studies)
        studies = (study for block in blocks for study in block.values())
        return {name for study in studies if study.programme == programme for name in study.variants}

    def all(self) -> Iterator[Run]:
        """Every run that the configuration knows, and so has a name for."""
        yield from self.regressors
        pretraining = {
            run.path: run for name in self.config.pretraining.studies for run in self.pretraining_study(name)
        }
        pretraining |= {run.path: run for run in self.pretraining}  # which are named after the default's experiment
        yield from pretraining.values()
        zero_shot = {run.path: run for name in self._with("minimal_pairs") for run in self.pairs_of(name)}
        texts = {run.path: run for name in self._with("bits_per_byte") for run in self.texts_of(name)}
        probes = {run.path: run for name in self._with("few_labels") for run in self.probes_of(name)}
        asked = {run.path: run for name in self._with("crosslingual") for run in self.crosslingual_of(name)}
        retrieval = {run.path: run for name in self._with("retrieval") for run in self.retrieval_of(name)}
        vectors = {run.path: run for name in self._with("vectors") for run in self.vectors_of(name)}
        yield from (zero_shot | texts | probes | asked | retrieval | vectors).values()
        written = [self.translation_study(name) for name in self.config.translation_studies]
        written += [self.generation_study(name) for name in self.config.generation_studies]
        yield from {run.path: run for runs in written for run in runs}.values()
        yield from self.finetuning

    def _with(self, evaluation: str) -> list[str]:
        """For `pairs_of` and its like: the studies that ask for it, and last the default, which names the runs."""
        pretraining = self.config.pretraining
        studies = [f"_{name}" for name, study in pretraining.studies.items() if getattr(study, evaluation)]
        return [*studies, *([""] if self.pretraining and getattr(pretraining, evaluation, False) else [])]

    def finetuned_in(self, studies: Iterable[str]) -> list[Run]:
        """Fine-tuning runs of these studies, each once."""
        wanted = {run.path for study in studies for run in self.study(study)}
        return [run for run in self.finetuning if run.path in wanted]

    def attention_runs(self) -> list[Run]:
        """The fine-tuned models whose attention is drawn: the first seed of every variant of the study."""
        return [run for run in self.finetuning if (run.variant, run.task, run.seed) in self._drawn]

    def _crosslingual(self) -> Crosslingual:
        """Raises UserError where it is not configured."""
        if self.config.crosslingual is None:
            raise UserError(
                "crosslingual is not configured",
                where="config/config.yaml",
                remedy="add a block crosslingual; config/README.md shows one",
            )
        return self.config.crosslingual

    def _bits_per_byte(self) -> BitsPerByte:
        """Raises UserError where it is not configured."""
        if self.config.bits_per_byte is None:
            raise UserError(
                "bits_per_byte is not configured",
                where="config/config.yaml",
                remedy="add a block bits_per_byte; config/README.md shows one",
            )
        return self.config.bits_per_byte

    def _block(self, name: str):
        """A block below `gaze` that need not be there. Raises UserError if it is not."""
        if (block := getattr(self.config.gaze, name)) is None:
            raise UserError(
                f"gaze.{name} is not configured",
                where="config/config.yaml",
                remedy=f"add a block gaze.{name}; config/README.md shows one",
            )
        return block

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
            for study in self.config.studies.values()
            for name in study.variants
        }
        entries = [self.config.backbones[name] for name in used if name in self.config.backbones]
        return {(entry.finetuned, entry.task, entry.seed) for entry in entries if entry.finetuned}

    @cached_property
    def _submitted(self) -> set[tuple[str, str, int]]:
        """Fine-tuned models that predict GLUE's test files."""
        studies = {name: study for name, study in self.config.studies.items() if study.glue_submission}
        runs = [run for name, study in studies.items() for own in study.variants for run in self.submitted(name, own)]
        return {(run.variant, run.task, run.seed) for run in runs}

    @cached_property
    def packings(self) -> dict[str, PretrainRecipe]:
        """Packed corpora by name, each with a recipe that reads it. Recipes that pack alike share one."""
        return {name: recipe for name, recipe in self._packings.items() if not recipe.parallel}

    @cached_property
    def pair_packings(self) -> dict[str, PretrainRecipe]:
        """The same of recipes with pairs."""
        return {name: recipe for name, recipe in self._packings.items() if recipe.parallel}

    @cached_property
    def linkings(self) -> dict[str, PretrainRecipe]:
        """Links between words of packed pairs by name, each with a recipe that reads them."""
        return {links_name(recipe): recipe for recipe in reversed(self._pretrain_recipes) if recipe.objective.linked}

    @cached_property
    def _packings(self) -> dict[str, PretrainRecipe]:
        return {packing_name(recipe): recipe for recipe in reversed(self._pretrain_recipes)}

    @cached_property
    def _pretrain_recipes(self) -> list[PretrainRecipe]:
        return [variant.recipe for variant in self.project.variants.values() if variant.recipe.stage == "pretrain"]

    def _pretrain_recipe(self, variant: str) -> PretrainRecipe:
        return self.project.variant(variant, "pretrain", "results path").recipe

    @staticmethod
    def _known(name: str, names: dict, what: str):
        if name not in names:
            raise UserError(f"unknown {what} {name!r}, {nearest(name, names)}", where="target path")
        return names[name]
