"""What a source file says to the interpreter: the modules that it imports, and a digest of its syntax tree.

Comments, formatting, docstrings and what is for type checkers alone count for nothing. Parsing the whole package takes
seconds, and the DAG is built often: so what was found is remembered, by the bytes of the file, beside the bytecode.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import json
import os
import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple

MEMORY = Path(__file__).parent / "__pycache__" / f"syntax-{sys.version_info.major}{sys.version_info.minor}.json"


class Source(NamedTuple):
    """imports: dotted names, also of what `from a import b` may name (a.b); tree: sha256 of the syntax tree."""

    imports: tuple[str, ...]
    tree: str


@cache
def source(path: Path) -> Source:
    """What a file says; from memory, if the same bytes were read before."""
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    known = _remembered()
    if digest not in known:
        known[digest] = _understood(content, path)
        _remember()
    return known[digest]


def _understood(content: bytes, path: Path) -> Source:
    tree = _without_what_does_not_run(ast.parse(content, filename=str(path)))
    return Source(_imports(tree), hashlib.sha256(ast.dump(tree).encode()).hexdigest())


def _without_what_does_not_run(tree: ast.Module) -> ast.Module:
    """The tree without docstrings and without `if TYPE_CHECKING:`."""
    for node in ast.walk(tree):
        if isinstance(body := getattr(node, "body", None), list):
            documented = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            first = 1 if documented and ast.get_docstring(node, clean=False) is not None else 0
            node.body = [each for each in body[first:] if not _for_type_checkers(each)]
    return tree


def _for_type_checkers(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING" and not node.orelse


def _imports(tree: ast.Module) -> tuple[str, ...]:
    """Everything that is imported anywhere, also inside functions."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return tuple(sorted(found))


@cache
def _remembered() -> dict[str, Source]:
    with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
        known = json.loads(MEMORY.read_text(encoding="utf-8"))
        return {digest: Source(tuple(imports), tree) for digest, (imports, tree) in known.items()}
    return {}


def _remember() -> None:
    """Write the memory at the end of the process, once; where that is not possible, the next one parses again."""
    if not getattr(_remember, "planned", False):
        import atexit

        _remember.planned = True
        atexit.register(_write)


def _write() -> None:
    temporary = MEMORY.with_suffix(f".{os.getpid()}.tmp")
    with contextlib.suppress(OSError):
        MEMORY.parent.mkdir(exist_ok=True)
        temporary.write_text(json.dumps(_remembered()), encoding="utf-8")
        temporary.replace(MEMORY)
