"""Modules that a specification names: a reader, an objective, a kind of task.

A field says in which package its names are modules:

    reader: Annotated[Literal["glue", "tsv"], ModuleOf("scriptorium.tasks.readers")]

So a wrong name is refused while the DAG is built, the stage loads this one module when it runs, and its code digest
covers this one beside the stage's own imports: a module that no run names changes nothing for anybody.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from pydantic import BaseModel, BeforeValidator, ValidationInfo


@dataclass(frozen=True)
class ModuleOf:
    """Annotation of a field whose value is the name of a module of `package`."""

    package: str

    def module(self, name: str) -> str:
        """Dotted name of the module; names are written with hyphens where they read better so (bert-nsp)."""
        return f"{self.package}.{name.replace('-', '_')}"


def class_by(field: str, classes: Mapping[str, type[BaseModel]]) -> BeforeValidator:
    """Annotation of a block whose class is chosen by a name: that in `field`, which stands before it."""

    def chosen(given: Any, others: ValidationInfo) -> Any:
        if field not in others.data:  # an unknown name is refused by its own field, and alone
            return next(iter(classes.values())).model_construct()
        return classes[others.data[field]].model_validate(given)

    return BeforeValidator(chosen)


def load(package: str, name: str) -> ModuleType:
    """The module that a name stands for."""
    return importlib.import_module(ModuleOf(package).module(name))


def make_known(spec: BaseModel) -> None:
    """Import the architectures of ours that a specification names, so that transformers reads their models."""
    for name in modules_of(spec):
        if name.startswith("scriptorium.models.architectures."):
            importlib.import_module(name)


def modules_of(spec: BaseModel) -> tuple[str, ...]:
    """Dotted names of all modules that a specification names, sorted; blocks inside it included."""
    return tuple(sorted(set(_modules(spec))))


def _modules(value: Any) -> Iterator[str]:
    if isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            inside = getattr(value, name)
            for note in field.metadata:
                if isinstance(note, ModuleOf) and inside is not None:
                    yield note.module(inside)
            yield from _modules(inside)
    elif isinstance(value, tuple | list):
        for each in value:
            yield from _modules(each)
    elif isinstance(value, dict):
        yield from _modules(tuple(value.values()))
