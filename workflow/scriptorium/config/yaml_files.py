"""YAML, fast: the configuration is read whenever the DAG is built."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from scriptorium.errors import UserError

# The C parser where PyYAML has it: ten times as fast
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MERGE = "<<"


def read_yaml(text: str) -> Any:
    """As yaml.safe_load; a key that stands twice in a mapping is an error (yaml.YAMLError), and not lost."""
    loader = LOADER(text)
    try:
        if (root := loader.get_single_node()) is None:
            return None
        if twice := _key_named_twice(root):
            raise yaml.YAMLError(twice)
        return loader.construct_document(root)
    finally:
        loader.dispose()


def _key_named_twice(root: yaml.Node) -> str | None:
    """A sentence about the first such key, or None. YAML would keep the last value of it without a word."""
    todo, seen = [root], set()
    while todo:
        node = todo.pop()
        if id(node) in seen or isinstance(node, yaml.ScalarNode):  # an alias is the node itself
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            todo += node.value
            continue
        lines: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if isinstance(key.value, str) and key.value != MERGE and key.value in lines:
                return f"the key {key.value!r} stands in line {lines[key.value]} and again in line {line}"
            lines[str(key.value)] = line
            todo.append(value)
    return None


def check_keys(path: Path) -> None:
    """Of a configuration file that Snakemake has read. Raises UserError for a key that stands twice."""
    try:
        root = yaml.compose(path.read_text(encoding="utf-8-sig"), Loader=LOADER)
    except (OSError, ValueError, yaml.YAMLError):  # Snakemake has read it, so it is in another form: JSON, a template
        return
    if root is not None and (twice := _key_named_twice(root)):
        raise UserError(f"{twice}: one of them would be lost", where=path, remedy="write both into one, or rename one")
