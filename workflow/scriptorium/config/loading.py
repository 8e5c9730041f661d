"""Reads the files below config/, and is the only place that knows them.

`load` turns config.yaml (already merged by Snakemake), recipes/*.yaml, ablations.tsv and datasets.tsv into one
checked `Project`. Nothing heavy is imported: this runs whenever the DAG is built.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from scriptorium.config.claims import PUBLISHED, check_published, read_claims
from scriptorium.config.gaze import RegressorRecipe
from scriptorium.config.project import Project
from scriptorium.config.protocols import under_protocols
from scriptorium.config.references import ReferenceChecks, check_names
from scriptorium.config.schema import NAMED, RECIPES, Config, Variant
from scriptorium.config.tracking import check_tracking
from scriptorium.config.yaml_files import read_yaml
from scriptorium.engine.spec import TrainSpec
from scriptorium.errors import UserError, nearest
from scriptorium.fetching.spec import FetchSpec
from scriptorium.spec import overlay


def load(config: Mapping[str, Any], root: Path = Path(), where: str = "config/config.yaml") -> Project:
    """Read and check the whole configuration. Raises UserError naming file, row or key, and the remedy."""
    parsed = under_protocols(Config.parse(without_null(config), where=where), where)
    catalogue = read_catalogue(root / "config/datasets.tsv")
    variants = read_variants(
        root / "config/ablations.tsv", root / "config/recipes", parsed.recipes, where, parsed.overrides
    )
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
    ReferenceChecks(project, where).check()
    check_tracking(parsed.tracking.uri, root, where)
    return project


def merged(sources: Iterable[str]) -> dict[str, Any]:
    """Files of configuration, or JSON texts, merged from left to right as Snakemake merges them. Raises UserError."""
    found: dict[str, Any] = {}
    for source in sources:
        is_text = source.lstrip().startswith("{")
        where = "--config" if is_text else source
        try:
            values = read_yaml(source if is_text else Path(source).read_text(encoding="utf-8")) or {}
        except FileNotFoundError:
            raise UserError("file not found", where=where, remedy="call this in the project's folder") from None
        except yaml.YAMLError as error:
            raise UserError(f"not YAML: {error}", where=where) from None
        found = overlay(found, values)
    return found


def without_null(config: Mapping[str, Any]) -> dict[str, Any]:
    """An overlay can only add keys; so a named entry that it sets to null is taken away."""
    blocks = {name: block for name in NAMED if isinstance(block := config.get(name), Mapping)}
    kept = {name: {key: value for key, value in block.items() if value is not None} for name, block in blocks.items()}
    if isinstance(pretraining := config.get("pretraining"), Mapping) and isinstance(
        block := pretraining.get("studies"), Mapping
    ):
        studies = {name: value for name, value in block.items() if value is not None}
        kept["pretraining"] = {**pretraining, "studies": studies}
    return {**config, **kept}


def read_catalogue(path: Path) -> dict[str, dict[str, str]]:
    rows = read_tsv(path, required=("name", "source", "location", "sha256", "members"))
    check_names([row["name"] for row in rows], f"{path}, column name")
    return {row["name"]: row for row in rows}


def read_variants(
    path: Path,
    recipes: Path,
    instead: Mapping[str, str] | None = None,
    where: str = "",
    more: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Variant]:
    """config/ablations.tsv: each row is a recipe plus an overlay of changes.

    instead: recipe -> the one to read; more: variant -> changes that go over those of its row.
    """
    instead, more = instead or {}, more or {}
    variants: dict[str, Variant] = {}
    rows = read_tsv(path, required=("variant", "recipe", "overrides"))
    named = [row["recipe"] for row in rows]
    for name, other in instead.items():
        if name not in named:
            raise UserError(f"recipes.{name}: no variant has this recipe, {nearest(name, named)}", where=where)
        if not (recipes / f"{other}.yaml").is_file():
            there = [file.stem for file in recipes.glob("*.yaml")]
            raise UserError(f"recipes.{name}: unknown recipe {other!r}, {nearest(other, there)}", where=where)
    check_names([row["variant"] for row in rows], f"{path}, column variant")
    for name in more.keys() - {row["variant"] for row in rows}:
        raise UserError(
            f"overrides.{name}: unknown variant, {nearest(name, [row['variant'] for row in rows])}", where=where
        )
    for number, row in enumerate(rows, start=2):
        where, name = f"{path}, line {number}, variant {row['variant']!r}", instead.get(row["recipe"], row["recipe"])
        try:
            changes = read_yaml(row["overrides"] or "{}")
        except yaml.YAMLError as error:
            raise UserError(f"overrides are not a YAML mapping: {error}", where=where) from None
        if not isinstance(changes, dict):
            raise UserError("overrides must be a mapping such as {train: {lr: 1.0e-5}}", where=where)
        values = overlay(overlay(read_recipe(name, recipes), changes), more.get(row["variant"], {}))
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


@cache
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
        values = read_yaml(path.read_text(encoding="utf-8")) or {}
        parent = values.pop("extends", None)
    except (yaml.YAMLError, UnicodeDecodeError, AttributeError, TypeError) as error:
        raise UserError(f"a recipe must be a YAML mapping: {error}", where=path) from None
    return overlay(read_recipe(parent, folder, (*chain, name)), values) if parent else values


def read_tsv(path: Path, required: tuple[str, ...]) -> list[dict[str, str]]:
    """Rows of a tab-separated table with a header. Raises UserError for a missing file, column or a ragged row."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE, restkey="_more", restval="")
            rows = list(reader)
            columns = list(reader.fieldnames or [])
    except FileNotFoundError:
        raise UserError("file not found", where=path) from None
    except UnicodeDecodeError as error:
        raise UserError(
            f"not UTF-8 text: {error.reason} at byte {error.start}", where=path, remedy="save the table as UTF-8"
        ) from None
    if twice := [name for name in columns if columns.count(name) > 1 and name]:
        raise UserError(f"column {twice[0]!r} is named twice", where=path, remedy="take one of the two out")
    for name in required:
        if name not in columns:
            raise UserError(f"column {name!r} is missing, {nearest(name, columns)}", where=path)
    for number, row in enumerate(rows, start=2):
        if "_more" in row:
            raise UserError(
                f"line {number} has more cells than the header", where=path, remedy="separate cells by exactly one tab"
            )
    return rows


def _fetch_spec(row: Mapping[str, str], path: Path) -> FetchSpec:
    values = {key: row.get(key) or None for key in ("name", "source", "location", "revision", "sha256")}
    members = [m.strip() for m in (row.get("members") or "").split(";") if m.strip()]
    return FetchSpec.parse({**values, "members": members}, where=f"{path}, data set {row['name']!r}")
