"""Digest of a stage's own code: its import closure inside this package, compared as syntax trees.

Snakemake does not see changes in imported modules, and reruns `script:` jobs after a fresh clone because only
mtimes count. A digest over the *trees* (no comments, no formatting, no docstrings) handed over as a param makes
both right: editing a function reruns exactly the stages that can reach it.
"""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent

# Modules that record, check or print, but cannot change a byte of a result. They may change without a rerun.
BOOKKEEPING = frozenset(
    f"scriptorium.{name}" for name in ("digest", "errors", "exclusive", "ledger", "manifest", "stage")
)


@cache
def code_digest(module: str) -> str:
    """16 hex digits over the syntax trees of `module` (dotted name) and everything of ours that it imports."""
    total = hashlib.sha256()
    for name in closure(module):
        total.update(name.encode() + b"\0" + _tree_digest(_file(name)) + b"\0")
    return total.hexdigest()[:16]


@cache
def closure(module: str) -> tuple[str, ...]:
    """Sorted dotted names of the package's modules that `module` reaches, itself included, bookkeeping left out."""
    seen: set[str] = set()
    todo = [module]
    while todo:
        name = todo.pop()
        if name in seen or name in BOOKKEEPING or _file(name) is None:
            continue
        seen.add(name)
        todo += _imports(name)
    return tuple(sorted(seen))


@cache
def _parse(path: Path) -> ast.Module:
    """Syntax tree without docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body
            if body and isinstance(body[0], ast.Expr) and isinstance(getattr(body[0].value, "value", None), str):
                node.body = body[1:]
    return tree


@cache
def _imports(name: str) -> tuple[str, ...]:
    """Names of this package that a module imports anywhere, also inside functions."""
    found: set[str] = set()
    for node in ast.walk(_parse(_file(name))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    ours = {n for n in found if n.split(".")[0] == "scriptorium"}
    # importing a.b.c runs a and a.b as well
    parents = {".".join(n.split(".")[:i]) for n in ours for i in range(1, n.count(".") + 1)}
    return tuple(sorted(ours | parents))


@cache
def _file(name: str) -> Path | None:
    base = PACKAGE.joinpath(*name.split(".")[1:])
    for candidate in (base.with_suffix(".py"), base / "__init__.py"):
        if candidate.is_file() and (base != PACKAGE or candidate.name == "__init__.py"):
            return candidate
    return None


@cache
def _tree_digest(path: Path) -> bytes:
    return hashlib.sha256(ast.dump(_parse(path)).encode()).digest()
