"""Run specifications: frozen, strict, and one canonical JSON text for each.

A stage is a pure function of (spec, inputs, code). The spec holds every *science* setting of a run and nothing
else: threads, devices, workers and paths never enter it, so they never enter the content key either.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from scriptorium.errors import UserError, nearest

Seed = Annotated[int, Field(ge=0, lt=2**32)]  # numpy's own generators take no other
UNKNOWN_KEYS = "unknown_keys"  # type of the error that Spec raises for them


class Spec(BaseModel):
    """Base of every specification and configuration block: frozen; unknown keys and infinite numbers are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=(), allow_inf_nan=False)

    @classmethod
    def parse(cls, values: Mapping[str, Any], where: str = "spec") -> Self:
        """Validate plain values. Raises UserError that names the key and the nearest valid one."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise UserError("; ".join(map(_explain, _causes(error))), where=where) from None

    @classmethod
    def from_json(cls, text: str) -> Self:
        return cls.parse(json.loads(text))

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_keys(cls, values: Any) -> Any:
        """With the nearest valid one, which only the class itself can say: it may have been chosen by a name."""
        unknown = [key for key in values if key not in cls.model_fields] if isinstance(values, Mapping) else []
        if unknown:
            hints = {str(key): nearest(str(key), cls.model_fields) for key in unknown}
            raise PydanticCustomError(UNKNOWN_KEYS, "unknown keys {hints}", {"hints": hints})
        return values

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


def _causes(error: ValidationError) -> list[Mapping[str, Any]]:
    """Without what only follows from a fault further inside: a list whose items are wrong counts as empty as well."""
    found = error.errors()

    def follows(one: Mapping[str, Any]) -> bool:
        place = one["loc"]
        return any(len(other["loc"]) > len(place) and other["loc"][: len(place)] == place for other in found)

    return [one for one in found if not follows(one)]


def _explain(error: Mapping[str, Any]) -> str:
    """One pydantic error as a sentence; an unknown key or word comes with the nearest valid one."""
    places, given, kind = [str(part) for part in error["loc"]], error["input"], error["type"]
    path = ".".join(places)
    if kind == UNKNOWN_KEYS:
        hints = error["ctx"]["hints"].items()
        return "; ".join(f"unknown key {'.'.join([*places, key])!r}, {hint}" for key, hint in hints)
    if kind == "missing":
        return f"key {path!r} is missing"
    if kind == "literal_error":
        valid = re.findall("'(.*?)'", error["ctx"]["expected"])
        return f"{path}: unknown value {given!r}, {nearest(str(given), valid)}"
    message = error["msg"].removeprefix("Value error, ")
    if not path or isinstance(given, Mapping):  # a whole block says nothing when it is printed
        return f"{path}: {message}" if path else message
    if kind == "string_type" and isinstance(given, bool | int | float):  # YAML's yes, no, on, off and numbers
        message += ": write it in quotation marks"
    return f"{path}: {message} (got {given!r})"
