"""What is wrong in a study's file, told with its line and the nearest right name."""

import typing
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from semimetric.errors import StudyError, nearest_names
from semimetric.studies.yaml_lines import Lines, Path, present

MOST_TOLD = 10

_RIGHT = {
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be a mapping of keys to values",
    "model_type": "must be a mapping of keys to values",
    "model_attributes_type": "must be a mapping of keys to values",
}


def mistakes(error: ValidationError, model: type[BaseModel], content: Mapping[str, Any], where: Lines) -> StudyError:
    """Return the error that tells all that validation found, one line each."""
    told = list(dict.fromkeys(_told(dict(one), model, content, where) for one in error.errors()))
    more = [f"and {len(told) - MOST_TOLD} more"] if len(told) > MOST_TOLD else []
    return StudyError("\n".join([*told[:MOST_TOLD], *more]))


def spelled(path: Path) -> str:
    """Return a path of keys and list positions as people write it; positions count from 1.

    >>> spelled(("rows", 0, "alpha"))
    'rows.1.alpha'
    """
    return ".".join(str(part + 1) if isinstance(part, int) else str(part) for part in path)


def _told(one: dict[str, Any], model: type[BaseModel], content: Mapping[str, Any], where: Lines) -> str:
    path, kind = one["loc"], one["type"]
    there = present(content, path)
    if kind == "extra_forbidden":
        parent, key = there[:-1], str(there[-1])
        inside = f" in {spelled(parent)}" if parent else ""
        return f"{where(there)}: unknown key {key!r}{inside}: {nearest_names(key, _keys(model, parent))}"
    if kind == "missing":
        inside = f" in {spelled(path[:-1])}" if len(path) > 1 else ""
        return f"{where(path[:-1])}: the key {str(path[-1])!r} is missing{inside}"
    name = spelled(there) or "the study"
    if kind == "literal_error":
        choices = [choice.strip("'") for choice in one["ctx"]["expected"].replace(" or ", ", ").split(", ")]
        return f"{where(there)}: unknown {name} {one['input']!r}: {nearest_names(one['input'], choices)}"
    right = str(one["ctx"]["error"]) if kind == "value_error" else _RIGHT.get(kind, one["msg"])
    got = "" if isinstance(one["input"], (dict, BaseModel)) else f", got {one['input']!r}"
    return f"{where(there)}: {name} {right}{got}"


def _keys(model: type[BaseModel], path: Path) -> list[str]:
    """Return the keys that there may be at a path of the model."""
    models = [model]
    for part in path:
        if isinstance(part, int):
            continue  # of a list: its elements' models were found with it
        fields = [one.model_fields[part].annotation for one in models if part in one.model_fields]
        models = [found for annotation in fields for found in _models_in(annotation)] or models
    return [key for one in models for key in one.model_fields]


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in typing.get_args(annotation):
        yield from _models_in(argument)
