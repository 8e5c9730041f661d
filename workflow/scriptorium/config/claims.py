"""config/claims.yaml and config/published.tsv, read and checked: what papers claim, and the numbers they gave.

Nothing heavy is imported: this runs whenever the DAG is built.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field

from scriptorium.config.yaml_files import read_yaml
from scriptorium.errors import UserError, nearest
from scriptorium.reporting.spec import ClaimRow, Stage
from scriptorium.spec import Spec
from scriptorium.tasks.protocols import without_protocol

PUBLISHED = ("paper", "table", "system", "task", "metric", "value", "source", "note")


class Claim(Spec):
    """A paper's sentence as a comparison: variant a is better than variant b."""

    paper: str = Field(description="who claims it, as in published.tsv; `ours` for controls of our own")
    text: str = Field(description="the claim in words")
    a: str = Field("", description="variant of ablations.tsv that is claimed to be better")
    b: str = Field("", description="variant of ablations.tsv that it is compared with")
    of: Stage = Field("finetune", description="the stage whose runs are compared")
    metric: str = Field("", description="empty: the task's own, BLEU, accuracy, or word in context")
    tasks: tuple[str, ...] = Field(
        (), description="tasks, translations or sets of texts that it is claimed for; those configured are tested"
    )
    published: dict[str, str] = Field(default_factory=dict, description="a, b -> 'table / system' of published.tsv")
    untested: str = Field("", description="why it cannot be tested; instead of a, b and tasks")

    def model_post_init(self, _: Any) -> None:
        if bool(self.untested) == bool(self.a and self.b and self.tasks):
            raise ValueError("give either a, b and tasks, or untested")
        if unknown := set(self.published) - {"a", "b"}:
            raise ValueError(f"published has sides a and b, not {', '.join(sorted(unknown))}")


class Claims(Spec):
    """config/claims.yaml."""

    smallest_effect: float = Field(gt=0, description="smallest difference of interest, in the metric's own unit")
    tasks: tuple[str, ...] = Field(description="names of tasks, translations and sets that claims may use")
    claims: dict[str, Claim] = Field(description="claims by name")


def read_claims(path: Path, published: list[dict[str, str]], variants: Collection[str]) -> Claims:
    """Read and check the claims. Raises UserError naming claim and key, with the nearest valid name."""
    try:
        values = read_yaml(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError("file not found", where=path) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"not YAML: {error}", where=path) from None
    if not isinstance(values, Mapping):
        raise UserError("claims must be a YAML mapping", where=path)
    found = Claims.parse(values, where=str(path))
    for name, claim in found.claims.items():
        where = f"{path}, claim {name!r}"
        for side in filter(None, (claim.a, claim.b)):
            _known(side, variants, "variant", where)
        for task in claim.tasks:
            _known(task, found.tasks, "task", where)
        own = {f"{row['table']} / {row['system']}" for row in published if row["paper"] == claim.paper}
        for side, selector in claim.published.items():
            _known(selector, own, f"published row of {claim.paper}", f"{where}, published.{side}")
    return found


def rows(claims: Mapping[str, Claim], published: list[dict[str, str]], metrics: Mapping[str, str]) -> list[ClaimRow]:
    """One row per claim and task. metrics: what tables show of the configured tasks."""
    found = []
    for name, claim in claims.items():
        for task in claim.tasks or ("",):
            values = {side: _value(published, claim, claim.published.get(side), task) for side in "ab"}
            found.append(
                ClaimRow(
                    claim=f"{name}/{task}" if task else name,
                    paper=claim.paper,
                    of=claim.of,
                    task=task,
                    a=claim.a,
                    b=claim.b,
                    metric=claim.metric or (metrics.get(task) if claim.of == "finetune" else "") or "",
                    published_a=values["a"],
                    published_b=values["b"],
                )
            )
    return found


def check_published(rows: list[dict[str, str]], path: Path) -> list[dict[str, str]]:
    """The rows, whose values must be numbers or empty. Raises UserError with the line."""
    for number, row in enumerate(rows, start=2):
        try:
            float(row["value"] or 0)
        except ValueError:
            raise UserError(
                f"value {row['value']!r} is not a number",
                where=f"{path}, line {number}",
                remedy="leave the cell empty where nothing was published",
            ) from None
    return rows


def _value(published: list[dict[str, str]], claim: Claim, selector: str | None, task: str) -> float | None:
    """The published value of a side on a task; None if there is none. Percentages become shares of 1, as ours are."""
    for row in published:
        same = row["paper"] == claim.paper and f"{row['table']} / {row['system']}" == selector
        if same and row["task"] == without_protocol(task) and row["value"]:
            return round(float(row["value"]) / (100 if row["metric"].endswith("%") else 1), 10)
    return None


def _known(name: str, names: Collection[str], what: str, where: str) -> None:
    if name not in names:
        raise UserError(f"unknown {what} {name!r}, {nearest(name, names)}", where=where, remedy="correct the name")
