"""Digest of a run's own code, compared as syntax trees: the stage's import closure inside this package, and that of the
modules which its specification names (named.py).

Snakemake does not see changes in imported modules, and reruns `script:` jobs after a fresh clone because only
mtimes count. A digest over the *trees* (no comments, no formatting, no docstrings) handed over as a param makes
both right: editing a function reruns exactly the runs that can reach it, and adding a module reruns nothing.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from scriptorium.syntax import source

PACKAGE = Path(__file__).resolve().parent

# Modules that record, check or print, but cannot change a byte of a result. They may change without a rerun.
_NAMES = (
    "digest",
    "errors",
    "exclusive",
    "explained",
    "finished",
    "job",
    "ledger",
    "manifest",
    "masked",
    "model_folders",
    "named",
    "stage",
    "syntax",
)
BOOKKEEPING = frozenset(f"scriptorium.{name}" for name in _NAMES)
# What a specification says, defaults included, is in its text and so in the run's key already. Modules and packages of
# this name hold fields, defaults and checks and nothing else (a test sees to it), so they may grow without a rerun.
SPECIFICATION = "spec"


@cache
def code_digest(*modules: str) -> str:
    """16 hex digits over the syntax trees of `modules` (dotted names) and everything of ours that they import."""
    total = hashlib.sha256()
    for name in closure(*modules):
        total.update(f"{name} {source(_file(name)).tree}\n".encode())
    return total.hexdigest()[:16]


@cache
def closure(*modules: str) -> tuple[str, ...]:
    """Sorted dotted names of the package's modules that `modules` reach, themselves included; bookkeeping and
    specifications left out.
    """
    seen: set[str] = set()
    todo = list(modules)
    while todo:
        name = todo.pop()
        left_out = name in BOOKKEEPING or SPECIFICATION in name.split(".")
        if name in seen or left_out or _file(name) is None:
            continue
        seen.add(name)
        todo += _imports(name)
    return tuple(sorted(seen))


@cache
def _imports(name: str) -> tuple[str, ...]:
    """Names of this package that a module imports anywhere."""
    ours = {found for found in source(_file(name)).imports if found.split(".")[0] == "scriptorium"}
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
