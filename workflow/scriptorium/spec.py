"""Run specifications: frozen, strict, and one canonical JSON text for each.

A stage is a pure function of (spec, inputs, code). The spec holds every *science* setting of a run and nothing
else: threads, devices, workers and paths never enter it, so they never enter the content key either.
"""

from __future__ import annotations

import hashlib
import json
import re
import types
import typing
from collections.abc import Mapping
from typing import Any, Self, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError

from scriptorium.errors import UserError, nearest


class Spec(BaseModel):
    """Base of every specification and configuration block: frozen, and unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    @classmethod
    def parse(cls, values: Mapping[str, Any], where: str = "spec") -> Self:
        """Validate plain values. Raises UserError that names the key and the nearest valid one."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise UserError("; ".join(_explain(cls, e) for e in error.errors()), where=where) from None

    @classmethod
    def from_json(cls, text: str) -> Self:
        return cls.parse(json.loads(text))

    def shared(self, other: type[Spec]) -> dict[str, Any]:
        """The fields that it has in common with `other`, by name: what a configuration block hands on to a run."""
        return {name: getattr(self, name) for name in other.model_fields if name in type(self).model_fields}

    def canonical(self) -> str:
        """The canonical JSON text: sorted keys, no blanks, defaults filled in."""
        return canonical_json(self.model_dump(mode="json"))


def canonical_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def content_key(stage: str, spec: str, inputs: Mapping[str, str], code: str) -> str:
    """Identity of a run: 16 hex digits of sha256 over (stage, canonical spec, input digests by name, code digest)."""
    payload = canonical_json({"stage": stage, "spec": spec, "inputs": dict(inputs), "code": code})
    return hashlib.sha256(payload.encode()).hexdigest()[:16]


def overlay(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Deep merge: mappings merge key by key, everything else is replaced."""
    merged = dict(base)
    for key, value in changes.items():
        if isinstance(value, Mapping) and isinstance(merged.get(key), Mapping):
            merged[key] = overlay(merged[key], value)
        else:
            merged[key] = value
    return merged


def _explain(root: type[BaseModel], error: Mapping[str, Any]) -> str:
    """One pydantic error as a sentence; for an unknown key, with the nearest valid name at that place."""
    path = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        model = _model_at(root, error["loc"][:-1])
        hint = nearest(str(error["loc"][-1]), model.model_fields) if model else ""
        return f"unknown key {path!r}, {hint}"
    if error["type"] == "missing":
        return f"key {path!r} is missing"
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "literal_error":
        close = nearest(str(error["input"]), re.findall("'([^']*)'", error["ctx"]["expected"]))
        message += f", {close}" if close.startswith("did you mean") else ""
    return f"{path}: {message} (got {error['input']!r})" if path else message


def _model_at(model: Any, location: tuple) -> type[BaseModel] | None:
    """The model class that a pydantic error location points into, through dicts, lists and optionals."""
    for part in location:
        if isinstance(model, type) and issubclass(model, BaseModel):
            field = model.model_fields.get(str(part))
            model = field.annotation if field else None
        else:
            origin = get_origin(model)
            args = get_args(model)
            model = args[-1] if origin is dict else args[0] if origin in (list, tuple) else None
        if get_origin(model) in (typing.Union, types.UnionType):
            model = next((a for a in get_args(model) if a is not type(None)), None)
    return model if isinstance(model, type) and issubclass(model, BaseModel) else None
