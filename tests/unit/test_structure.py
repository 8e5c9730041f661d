"""The structure of the package, computed from its syntax trees: no circles, layers, light specifications."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from functools import cache
from pathlib import Path
from typing import get_args, get_origin

import pytest
from pydantic import BaseModel

from scriptorium import digest
from scriptorium.named import ModuleOf
from scriptorium.runs import Runs
from scriptorium.runs.folders import FOLDERS, wildcards_of

PACKAGE = digest.PACKAGE
RULES = PACKAGE.parent / "rules"
MODULES = sorted(
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in PACKAGE.rglob("*.py")
)


@cache
def imports(module: str) -> frozenset[str]:
    """Modules of the package that a module imports when it runs: at the top, and inside functions."""
    found: set[str] = set()
    for node in running(ast.parse(file_of(module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inside = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else node.module for name in inside}
    return frozenset(found & set(MODULES)) - {module}


def running(tree: ast.AST):
    """All nodes but those that are for type checkers alone."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.If) and getattr(child.test, "id", "") == "TYPE_CHECKING":
            continue
        yield child
        yield from running(child)


def file_of(module: str) -> Path:
    return digest._file(module) or PACKAGE / "__init__.py"


def circles() -> list[list[str]]:
    """Strongly connected groups of more than one module (Tarjan)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found = []

    def visit(module: str) -> None:
        index[module] = low[module] = len(index)
        stack.append(module)
        for other in imports(module):
            if other not in index:
                visit(other)
                low[module] = min(low[module], low[other])
            elif other in stack:
                low[module] = min(low[module], index[other])
        if low[module] == index[module]:
            group = [stack.pop()]
            while group[-1] != module:
                group.append(stack.pop())
            if len(group) > 1:
                found.append(sorted(group))

    for module in MODULES:
        if module not in index:
            visit(module)
    return found


def test_there_is_no_import_circle():
    assert circles() == []


def test_the_search_for_circles_finds_one(monkeypatch):
    here = {"a": frozenset({"b"}), "b": frozenset({"c"}), "c": frozenset({"a"}), "d": frozenset({"a"})}
    monkeypatch.setitem(globals(), "MODULES", list(here))
    monkeypatch.setitem(globals(), "imports", here.get)
    assert circles() == [["a", "b", "c"]]


def test_nothing_below_the_stages_imports_a_stage():
    """Above them are only the runs, which expand the configuration, and what reads runs: tracking and verification."""
    users = {m for m in MODULES if any(other.startswith("scriptorium.stages.") for other in imports(m))}
    assert {m for m in users if not m.startswith(("scriptorium.stages", "scriptorium.runs"))} == set()


def test_a_specification_imports_nothing_heavy_and_is_used_for_its_classes_alone():
    """It is no part of any code digest, so nothing that can change a result may be taken from it."""
    taken = []
    for module in MODULES:
        if _specifies(module) and module != "scriptorium.spec":
            assert all(
                _specifies(o) or o.rpartition(".")[2] in ("errors", "masked", "named", "modes") for o in imports(module)
            )
        light = module.startswith(("scriptorium.config", "scriptorium.runs")) or _specifies(module)
        for node in () if light else running(ast.parse(file_of(module).read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and _specifies(node.module or ""):
                source = importlib.import_module(node.module)
                taken += [(module, node.module, a.name, getattr(source, a.name)) for a in node.names]
    wrong = [
        (who, where, name) for who, where, name, value in taken if where != "scriptorium.spec" if not _is_type(value)
    ]
    assert wrong == []


def _specifies(module: str) -> bool:
    return "spec" in module.split(".")


def _is_type(value: object) -> bool:
    return (inspect.isclass(value) and issubclass(value, BaseModel)) or get_origin(value) is not None


# what a stage is about whatever its specification says, and so imports itself
ITS_SUBJECT = {
    "benchmark_cmcl2021": {"scriptorium.gaze.readers.cmcl2021"},
    "bench_crosslingual": {"scriptorium.objectives.veco", "scriptorium.objectives.veco2"},
    "predict_glue": {"scriptorium.tasks.readers.glue"},
    "bench_pretrain": {f"scriptorium.objectives.{name}" for name in ("bart", "bert", "mpnet", "t5")},
}


def named_modules() -> set[str]:
    """All modules that a specification may name."""
    from scriptorium.alignments.readers.spec import READERS as ALIGNMENTS
    from scriptorium.gaze.readers.spec import OPTIONS as GAZE
    from scriptorium.generation.readers.spec import OPTIONS as GENERATION
    from scriptorium.generation.spec import Body
    from scriptorium.minimal_pairs.readers.spec import READERS as PAIRS
    from scriptorium.objectives.spec import OBJECTIVES
    from scriptorium.retrieval.readers.spec import READERS as RETRIEVAL
    from scriptorium.tasks.readers.spec import OPTIONS as TASKS
    from scriptorium.tasks.spec import BodySpec, Kind, PlugInSpec
    from scriptorium.text.corpora.readers.spec import READERS
    from scriptorium.text.dictionaries.readers.spec import READERS as DICTIONARIES
    from scriptorium.text.parallel.readers.spec import READERS as PARALLEL
    from scriptorium.translation.spec import TranslateSpec

    names = {
        "scriptorium.alignments.readers": ALIGNMENTS,
        "scriptorium.gaze.readers": GAZE,
        "scriptorium.generation.bodies": get_args(get_args(Body)[0]),
        "scriptorium.generation.readers": GENERATION,
        "scriptorium.minimal_pairs.likelihoods": {each.likelihood for each in OBJECTIVES.values()},
        "scriptorium.minimal_pairs.readers": PAIRS,
        "scriptorium.models.architectures": {e.architecture for e in OBJECTIVES.values() if e.architecture},
        "scriptorium.models.plug_in": get_args(PlugInSpec.model_fields["encoder"].annotation),
        "scriptorium.objectives": OBJECTIVES,
        "scriptorium.retrieval.readers": RETRIEVAL,
        "scriptorium.tasks.readers": TASKS,
        "scriptorium.tasks.bodies": get_args(get_args(BodySpec.model_fields["name"].annotation)[0]),
        "scriptorium.tasks.kinds": get_args(get_args(Kind)[0]),
        "scriptorium.text.corpora.readers": READERS,
        "scriptorium.text.dictionaries.readers": DICTIONARIES,
        "scriptorium.text.parallel.readers": PARALLEL,
        "scriptorium.translation.bodies": get_args(TranslateSpec.model_fields["body"].annotation),
    }
    return {ModuleOf(package).module(name) for package, found in names.items() for name in found}


def test_every_name_is_a_module_and_every_module_has_its_name():
    named = named_modules()
    assert named <= set(MODULES)
    formats = [m for m in MODULES if any(f".{name}." in m for name in ("readers", "kinds", "bodies", "plug_in"))]
    assert {m for m in formats if not m.endswith(".spec")} <= named


@pytest.mark.parametrize("stage", FOLDERS)
def test_what_a_specification_names_is_imported_by_no_stage(stage):
    """Otherwise all readers, kinds or objectives would be part of every digest, used or not."""
    closure = set(digest.closure(f"scriptorium.stages.{stage}"))
    assert closure & named_modules() == ITS_SUBJECT.get(stage, set())


def test_the_rules_write_to_the_folders_that_are_known():
    found = {}
    for path in RULES.glob("*.smk"):
        text = re.sub(r'"\s*"', "", path.read_text(encoding="utf-8"))
        for stage, folder in re.findall(r"scriptorium\.stages\.(\w+) .*?--out (\S+)", text):
            found[stage] = re.sub(r"wildcards\.|:q", "", folder).strip('"')
    assert found == FOLDERS


def test_every_stage_has_a_method_that_takes_the_wildcards_of_its_folder():
    for stage, folder in FOLDERS.items():
        arguments = list(inspect.signature(getattr(Runs, stage)).parameters)[1:]
        assert sorted(arguments) == sorted(re.findall(r"\{(\w+)\}", folder)), stage


def test_a_folder_tells_its_wildcards():
    assert wildcards_of("finetune", "results/finetune/a.b/c-d/seed12") == {
        "variant": "a.b",
        "task": "c-d",
        "seed": "12",
    }
    assert wildcards_of("finetune", "results/finetune/a/b/c/seed12") is None
    assert wildcards_of("tabulate_claims", "results/runs/tables/claims") == {"of": ""}
    assert wildcards_of("tabulate_claims", "results/runs/tables/claims_mpnet") == {"of": "_mpnet"}
    assert wildcards_of("unknown", "results/x") is None
