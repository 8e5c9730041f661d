"""Settings, commands and texts in the form and within the lengths that MLflow takes."""

from __future__ import annotations

import contextlib
import json
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from scriptorium.spec import canonical_json
from scriptorium.tracking.spelling import respell

MAX_PARAM, MAX_TAG = 6000, 8000  # characters: MLflow's limits


def flatten(values: Mapping[str, Any]) -> dict[str, str]:
    """Nested settings as MLflow params: dotted names, JSON for lists, long values cut with a remark."""
    leaves = list(leaves_of(values))
    dotted = Counter(".".join(keys) for keys, _ in leaves)
    flat = {}
    for keys, value in leaves:
        name = ".".join(keys)
        text = value if isinstance(value, str) else canonical_json(value)
        # {"a.b": 1, "a": {"b": 2}}: where the dots of names make two settings look like one, they show their keys
        flat[name if dotted[name] == 1 else canonical_json(keys)] = cut(storable(text), MAX_PARAM)
    return flat


def leaves_of(values: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The settings of nested ones, each with the keys that lead to it."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from leaves_of(value, (*above, key))
        else:
            yield (*above, key), value


def respelled_keys(values: Mapping[str, Any]) -> dict[str, Any]:
    return {respell(name): value for name, value in values.items()}


def readable(command: str) -> str:
    """A shell command on many short lines, JSON in it as well: a long line pushes MLflow's page out of the window."""
    text, inputs = "", 0
    for word in shlex.split(command):
        inputs = 0 if word.startswith("--") else inputs + ("=" in word)
        separator = " \\\n  " if word.startswith("--") else " \\\n    " if inputs > 1 else " "
        if word.startswith("{"):
            with contextlib.suppress(json.JSONDecodeError):
                word = json.dumps(json.loads(word), indent=1, ensure_ascii=False)
        text += (separator if text else "") + shlex.quote(word)
    return text


def cut(text: str, limit: int) -> str:
    remark = f" ... ({len(text)} characters; the whole is in spec.json and run.json)"
    return text if len(text) <= limit else text[: limit - len(remark)] + remark


def tag_texts(values: Mapping[str, Any]) -> dict[str, str]:
    texts = {k: str(v).lower() if isinstance(v, bool) else str(v) for k, v in values.items() if v not in (None, "")}
    return {respell(key): cut(storable(text), MAX_TAG) for key, text in texts.items()}


def storable(text: str) -> str:
    """A text that a database and a file can hold: half of a surrogate pair is written as `\\udXXX`."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def as_json(value: Any) -> str:
    return storable(json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)) + "\n"
