"""Checks on the tables of a recipe: closed, typed, and every error names the place, the value and the mend."""

from __future__ import annotations

import dataclasses
import difflib
import glob
import math
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from pipeline.errors import UsageError


def closed(value: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    names = list(known)
    for key in value:
        if key not in names:
            raise UsageError(f"{where}: unknown key {key!r}{nearest(key, names)}")


def nearest(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    close = difflib.get_close_matches(name, names, 1, 0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(names)}"


def table(values: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    value = values.get(key, {})
    if not isinstance(value, dict):
        raise UsageError(f"{where}: {key} must be a table")
    return value


def text(values: Mapping[str, Any], key: str, where: str) -> str:
    value = values.get(key)
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"{where}: {key} is missing; it must be a text")
    return value


def texts(values: Mapping[str, Any], key: str, where: str, example: str) -> list[str]:
    value = values.get(key)
    if not isinstance(value, list) or not value or not all(isinstance(item, str) and item for item in value):
        raise UsageError(f"{where}: {key} must be a list of {example}")
    return value


def number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UsageError(f"{where} = {value!r}: must be a finite number; leave a bound out to open it")
    return float(value)


def parameters(cls: Callable[..., Any]) -> list[str]:
    return [f.name for f in dataclasses.fields(cls)]  # type: ignore[arg-type]


def typed(cls: Callable[..., Any], values: Mapping[str, Any], folder: Path, where: str) -> dict[str, Any]:
    """Arguments for a dataclass: known, of the annotated types, accepted by its own checks, paths made absolute."""
    closed(values, parameters(cls), where)
    hints = get_type_hints(cls)
    arguments = {}
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        if field.name not in values:
            continue
        value = values[field.name]
        try:
            argument = TypeAdapter(hints[field.name]).validate_python(value)
        except ValidationError as error:
            raise UsageError(f"{where}: {field.name} = {value!r}: {error.errors()[0]['msg']}") from None
        if field.metadata.get("path") and argument != field.default:  # the default names what is built in
            argument = _paths(argument, folder, f"{where}: {field.name}")
        arguments[field.name] = argument
    try:
        cls(**arguments)
    except ValueError as error:
        raise UsageError(f"{where}: {error}") from None
    return arguments


def resolve(folder: Path, path: str) -> Path:
    return Path(os.path.normpath(folder / os.path.expanduser(path)))


def _paths(value: str | tuple[str, ...], folder: Path, where: str) -> str | tuple[str, ...]:
    """Relative to the recipe's folder; of several, each may be a pattern."""
    if isinstance(value, str):
        return str(resolve(folder, value))
    found: list[str] = []
    for pattern in value:
        # The folder of the recipe is a place, not a pattern: only what the recipe itself says may have wildcards.
        matches = sorted(glob.glob(str(resolve(Path(glob.escape(str(folder))), pattern)), recursive=True))
        if not matches:
            raise UsageError(f"{where}: no file matches {pattern}")
        found += matches
    return tuple(found)
