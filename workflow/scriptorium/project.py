"""The project: everything below config/, read and checked. The only place that knows these files.

`load` turns config.yaml (already merged by Snakemake), recipes/*.yaml, ablations.tsv and datasets.tsv into one
checked `Project`; `runs/` expands that into the runs of the DAG. Nothing heavy is imported: this runs whenever
the DAG is built.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from scriptorium.claims import PUBLISHED, Claims, check_published, read_claims
from scriptorium.config import METRICS, RECIPES, Backbone, Config, RegressorRecipe, Variant
from scriptorium.errors import UserError, nearest
from scriptorium.kinds import PLAIN_ONLY
from scriptorium.spec import TrainSpec, overlay
from scriptorium.stages.fetch import FetchSpec

NAMED = ("backbones", "tasks", "corpora", "vocabularies", "studies")  # blocks of config.yaml whose entries have names


@dataclass(frozen=True)
class Project:
    """Everything below config/, read and checked."""

    config: Config
    variants: dict[str, Variant]
    datasets: dict[str, FetchSpec]
    catalogue: dict[str, dict[str, str]]  # all columns of datasets.tsv, for people
    published: list[dict[str, str]]  # rows of published.tsv
    claims: Claims

    @cached_property
    def backbones(self) -> dict[str, Backbone]:
        """Encoders by name: those of config.yaml, and every pre-training variant by its own name, seeds paired."""
        variants = [name for name, variant in self.variants.items() if variant.recipe.stage == "pretrain"]
        return {name: Backbone(pretrained=name, seed="paired") for name in variants} | self.config.backbones

    def variant(self, name: str, stage: str, where: str) -> Variant:
        """The variant `name`, which must have a recipe of `stage`. Raises UserError."""
        if name not in self.variants:
            raise UserError(
                f"unknown variant {name!r}, {nearest(name, self.variants)}",
                where=where,
                remedy="add a row to config/ablations.tsv or correct the name",
            )
        if (found := self.variants[name].recipe.stage) != stage:
            raise UserError(f"variant {name!r} has a {found} recipe, a {stage} recipe is needed here", where=where)
        return self.variants[name]


def load(config: Mapping[str, Any], root: Path = Path(), where: str = "config/config.yaml") -> Project:
    """Read and check the whole configuration. Raises UserError naming file, row or key, and the remedy."""
    parsed = Config.parse(without_null(config), where=where)
    catalogue = read_catalogue(root / "config/datasets.tsv")
    variants = read_variants(root / "config/ablations.tsv", root / "config/recipes", parsed.recipes, where)
    numbers = root / "config/published.tsv"
    published = check_published(read_tsv(numbers, required=PUBLISHED), numbers)
    project = Project(
        config=parsed,
        variants=variants,
        datasets={name: _fetch_spec(row, root / "config/datasets.tsv") for name, row in catalogue.items()},
        catalogue=catalogue,
        published=published,
        claims=read_claims(root / "config/claims.yaml", published, variants),
    )
    _check_references(project, where)
    if parsed.tracking.uri and "@" in parsed.tracking.uri:
        raise UserError(
            "tracking.uri must not hold a user name or password, since the configuration is shown in logs",
            where=where,
            remedy="set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD instead",
        )
    return project


def without_null(config: Mapping[str, Any]) -> dict[str, Any]:
    """An overlay can only add keys; so a named entry that it sets to null is taken away."""
    blocks = {name: block for name in NAMED if isinstance(block := config.get(name), Mapping)}
    kept = {name: {key: value for key, value in block.items() if value is not None} for name, block in blocks.items()}
    if isinstance(pretraining := config.get("pretraining"), Mapping) and "studies" in pretraining:
        studies = {name: value for name, value in (pretraining["studies"] or {}).items() if value is not None}
        kept["pretraining"] = {**pretraining, "studies": studies}
    return {**config, **kept}


def read_catalogue(path: Path) -> dict[str, dict[str, str]]:
    rows = read_tsv(path, required=("name", "source", "location", "sha256", "members"))
    _check_names([row["name"] for row in rows], f"{path}, column name")
    return {row["name"]: row for row in rows}


def read_variants(
    path: Path, recipes: Path, instead: Mapping[str, str] | None = None, where: str = ""
) -> dict[str, Variant]:
    """config/ablations.tsv: each row is a recipe plus an overlay of changes. instead: recipe -> the one to read."""
    instead = instead or {}
    variants: dict[str, Variant] = {}
    rows = read_tsv(path, required=("variant", "recipe", "overrides"))
    named = [row["recipe"] for row in rows]
    for name, other in instead.items():
        if name not in named:
            raise UserError(f"recipes.{name}: no variant has this recipe, {nearest(name, named)}", where=where)
        if not (recipes / f"{other}.yaml").is_file():
            there = [file.stem for file in recipes.glob("*.yaml")]
            raise UserError(f"recipes.{name}: unknown recipe {other!r}, {nearest(other, there)}", where=where)
    _check_names([row["variant"] for row in rows], f"{path}, column variant")
    for number, row in enumerate(rows, start=2):
        where, name = f"{path}, line {number}, variant {row['variant']!r}", instead.get(row["recipe"], row["recipe"])
        try:
            changes = yaml.safe_load(row["overrides"] or "{}")
        except yaml.YAMLError as error:
            raise UserError(f"overrides are not a YAML mapping: {error}", where=where) from None
        if not isinstance(changes, dict):
            raise UserError("overrides must be a mapping such as {train: {lr: 1.0e-5}}", where=where)
        values = overlay(read_recipe(name, recipes), changes)
        stage = values.get("stage")
        if stage not in RECIPES:
            raise UserError(f"recipe {name!r} has stage {stage!r}, {nearest(str(stage), RECIPES)}", where=where)
        place = f"{where} (recipes/{name}.yaml)"
        recipe = RECIPES[stage].parse(values, where=place)
        if not isinstance(recipe, RegressorRecipe):
            TrainSpec.parse(recipe.train, where=f"{place}: train")
        texts = {key: row.get(key) or "" for key in ("paper", "paper_table", "description")}
        variants[row["variant"]] = Variant(name=row["variant"], recipe=recipe, **texts)
    return variants


def read_recipe(name: str, folder: Path, chain: tuple[str, ...] = ()) -> dict[str, Any]:
    """A recipe with its `extends` chain merged."""
    path = folder / f"{name}.yaml"
    if not path.is_file():
        names = [p.stem for p in folder.glob("*.yaml")]
        asking = folder / f"{chain[-1]}.yaml" if chain else folder.parent / "ablations.tsv"
        raise UserError(f"unknown recipe {name!r}, {nearest(name, names)}", where=asking)
    if name in chain:
        raise UserError(f"recipes extend one another in a circle: {' -> '.join((*chain, name))}", where=path)
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        parent = values.pop("extends", None)
    except (yaml.YAMLError, UnicodeDecodeError, AttributeError, TypeError) as error:
        raise UserError(f"a recipe must be a YAML mapping: {error}", where=path) from None
    return overlay(read_recipe(parent, folder, (*chain, name)), values) if parent else values


def read_tsv(path: Path, required: tuple[str, ...]) -> list[dict[str, str]]:
    """Rows of a tab-separated table with a header. Raises UserError for a missing file, column or a ragged row."""
    try:
        with path.open(encoding="utf-8", newline="") as handle:
            reader = csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE, restkey="_more", restval="")
            rows = list(reader)
            columns = reader.fieldnames or []
    except FileNotFoundError:
        raise UserError("file not found", where=path) from None
    except UnicodeDecodeError as error:
        raise UserError(
            f"not UTF-8 text: {error.reason} at byte {error.start}", where=path, remedy="save the table as UTF-8"
        ) from None
    for name in required:
        if name not in columns:
            raise UserError(f"column {name!r} is missing, {nearest(name, columns)}", where=path)
    for number, row in enumerate(rows, start=2):
        if "_more" in row:
            raise UserError(
                f"line {number} has more cells than the header", where=path, remedy="separate cells by exactly one tab"
            )
    return rows


def _check_names(names: Sequence[str], where: str) -> None:
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


def _fetch_spec(row: Mapping[str, str], path: Path) -> FetchSpec:
    values = {key: row.get(key) or None for key in ("name", "source", "location", "revision", "sha256")}
    members = [m.strip() for m in (row.get("members") or "").split(";") if m.strip()]
    return FetchSpec.parse({**values, "members": members}, where=f"{path}, data set {row['name']!r}")


def _check_references(project: Project, where: str) -> None:
    """Every name in the configuration must lead somewhere."""
    config = project.config

    def known(name: str, names: Mapping, what: str, place: str, remedy: str | None = None) -> None:
        if name not in names:
            raise UserError(f"{place}: unknown {what} {name!r}, {nearest(name, names)}", where=where, remedy=remedy)

    def dataset(name: str, place: str) -> None:
        known(name, project.datasets, "data set", place, "add a row to config/datasets.tsv or correct the name")

    for block, names in {"gaze.corpora": config.gaze.corpora, "tasks": config.tasks, "backbones": config.backbones,
                         "corpora": config.corpora, "vocabularies": config.vocabularies,
                         "studies": config.studies}.items():  # fmt: skip
        _check_names(list(names), f"{where}: {block}")
    seeds = {"seeds": config.seeds, "pretraining.seeds": config.pretraining.seeds}
    seeds |= {f"studies.{name}.seeds": study.seeds for name, study in config.studies.items()}
    seeds |= {f"pretraining.studies.{name}.seeds": study.seeds for name, study in config.pretraining.studies.items()}
    for block, chosen in seeds.items():
        _check_names([str(seed) for seed in chosen], f"{where}: {block}")
    for name, corpus in config.gaze.corpora.items():
        dataset(corpus.dataset, f"gaze.corpora.{name}.dataset")
    for name in (*config.gaze.regressors, config.gaze.scores_from):
        recipe = project.variant(name, "regressor", f"{where}: gaze").recipe
        known(recipe.embeddings, config.backbones, "backbone", f"variant {name}, embeddings")
        for corpus in recipe.corpora:
            known(corpus, config.gaze.corpora, "gaze corpus", f"variant {name}, corpora")
        for corpus in recipe.exclude:
            known(corpus, config.gaze.corpora, "gaze corpus", f"variant {name}, exclude")
    if config.gaze.predictor:
        known(config.gaze.predictor.backbone, config.backbones, "backbone", "gaze.predictor.backbone")
        for corpus in config.gaze.predictor.corpora:
            known(corpus, config.gaze.corpora, "gaze corpus", "gaze.predictor.corpora")
    if config.gaze.cmcl2021:
        known(config.gaze.cmcl2021.backbone, config.backbones, "backbone", "gaze.cmcl2021.backbone")
        dataset(config.gaze.cmcl2021.dataset, "gaze.cmcl2021.dataset")
    for name, backbone in config.backbones.items():
        if backbone.dataset:
            dataset(backbone.dataset, f"backbones.{name}.dataset")
        elif backbone.pretrained:
            project.variant(backbone.pretrained, "pretrain", f"{where}: backbones.{name}.pretrained")
        else:
            recipe = project.variant(backbone.finetuned, "finetune", f"{where}: backbones.{name}.finetuned").recipe
            known(backbone.task, config.tasks, "task", f"backbones.{name}.task")
            if recipe.backbone == name:
                raise UserError(f"backbones.{name}: {backbone.finetuned} itself starts from this backbone", where=where)
    for name, task in config.tasks.items():
        dataset(task.dataset, f"tasks.{name}.dataset")
        if task.train:
            length = {} if {"epochs", "max_steps"} & task.train.keys() else {"epochs": 1}
            TrainSpec.parse({**length, **task.train}, where=f"{where}: tasks.{name}.train")
        if task.kind == "classification" and len(task.labels) < 2:
            raise UserError(f"tasks.{name}.labels: a classification task needs at least two labels", where=where)
        if task.kind in ("tagging", "gaze") and not task.labels:
            named = "tags" if task.kind == "tagging" else "measures"
            raise UserError(f"tasks.{name}.labels: a {task.kind} task needs its {named}", where=where)
        apart = {"gaze": "test/mae_", "multiple_choice": "test/accuracy_"}.get(task.kind)
        metrics = (*METRICS[task.kind], *(f"{apart}{label}" for label in task.labels if apart))
        if task.metric:
            known(task.metric, dict.fromkeys(metrics), "metric", f"tasks.{name}.metric")
        if len(set(task.labels)) < len(task.labels):
            raise UserError(f"tasks.{name}.labels: a label stands there twice", where=where)
    for name, corpus in config.corpora.items():
        for source in corpus.sources:
            dataset(source.dataset, f"corpora.{name}.sources")
            if source.stream and (found := project.datasets[source.dataset].source) != "hub":
                raise UserError(f"corpora.{name}.sources: {source.dataset} is of source {found}, and only data sets of "
                                "source hub can be streamed", where=where, remedy="leave out stream")  # fmt: skip
    for name, vocabulary in config.vocabularies.items():
        known(vocabulary.corpus, config.corpora, "corpus", f"vocabularies.{name}.corpus")
        if name in config.backbones:
            raise UserError(f"{name!r} names both a backbone and a vocabulary, but a recipe's tokenizer may be either",
                            where=where, remedy="rename one of the two")  # fmt: skip
    trained = {name: "pretraining.recipes" for name in config.pretraining.recipes}
    for name, study in config.pretraining.studies.items():
        _check_names([name], f"{where}: pretraining.studies")
        if study.baseline not in study.variants:
            raise UserError(
                f"pretraining.studies.{name}.baseline {study.baseline!r} is not among its variants", where=where
            )
        trained |= dict.fromkeys(study.variants, f"pretraining.studies.{name}.variants")
    for name, place in trained.items():
        recipe = project.variant(name, "pretrain", f"{where}: {place}").recipe
        known(recipe.corpus, config.corpora, "corpus", f"variant {name}, corpus")
        if recipe.start:
            known(recipe.start, project.backbones, "backbone", f"variant {name}, start")
        known(recipe.tokenizer, config.backbones | config.vocabularies, "backbone or vocabulary",
              f"variant {name}, tokenizer")  # fmt: skip
    for name in config.tasks.keys() & config.gaze.corpora.keys():
        raise UserError(
            f"{name!r} names both a task and a gaze corpus, but annotations need one name each", where=where
        )
    for name, study in config.studies.items():
        if study.baseline not in study.variants:
            raise UserError(f"studies.{name}.baseline {study.baseline!r} is not among its variants", where=where)
        for task in study.tasks:
            known(task, config.tasks, "task", f"studies.{name}.tasks")
        for variant in study.variants:
            recipe = project.variant(variant, "finetune", f"{where}: studies.{name}.variants").recipe
            known(recipe.backbone, project.backbones, "backbone", f"variant {variant}, backbone")
            plain = recipe.cognition is None and recipe.gaze_loss is None
            if odd := [task for task in study.tasks if config.tasks[task].kind in PLAIN_ONLY and not plain]:
                raise UserError(f"studies.{name}: {variant} uses cognition, which {odd[0]}, a task of kind "
                                f"{config.tasks[odd[0]].kind}, cannot", where=where,
                                remedy="compare plain variants on such tasks, in a study of their own")  # fmt: skip
    if config.attention:
        known(config.attention.study, config.studies, "study", "attention.study")
        known(config.attention.task, dict.fromkeys(config.studies[config.attention.study].tasks), "task",
              "attention.task")  # fmt: skip
        known(config.attention.corpus, config.gaze.corpora, "gaze corpus", "attention.corpus")
