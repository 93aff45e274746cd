"""`[[measure]]` of a recipe: measures of its own (lists of phrases and of hosts, models), each with its bounds."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.errors import UsageError
from pipeline.recipe import checks
from stages.measure.judge import Bound
from stages.measure.own import FORMS, KINDS, PREFIX, TOKENS, Own
from stages.measure.own_hosts import OwnHosts

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,30}")
_HOSTS = "hosts"
_KEYS = ("name", "kind", "path", "label", "tokens", "form", "at_least", "at_most", "because")
_OF_MODELS = {"label": ("fasttext",), "tokens": ("fasttext", "kenlm"), "form": ("fasttext", "kenlm")}

Measure = Own | OwnHosts


class Measures(NamedTuple):
    stages: tuple[Measure, ...]
    bounds: tuple[Bound, ...]  # in code order; a measure without one is stored and judges nothing
    because: Mapping[str, str]


def measures(value: Any, folder: Path, where: str) -> Measures:
    if not isinstance(value, list):
        raise UsageError(f"{where}: write [[measure]], once for each, with name, kind and path")
    found = sorted((_measure(item, folder, f"{where} [[measure]] {i}") for i, item in enumerate(value, 1)), key=_code)
    codes = [own.code for own, _, _ in found]
    for code in codes:
        if codes.count(code) > 1:
            raise UsageError(f"{where}: two measures are called {code.removeprefix(PREFIX)!r}; give each its own name")
    bounds = tuple(bound for _, bound, _ in found if bound)
    return Measures(tuple(own for own, _, _ in found), bounds, {own.code: why for own, bound, why in found if bound})


def _code(found: tuple[Measure, Bound | None, str]) -> str:
    return found[0].code


def _measure(item: Any, folder: Path, where: str) -> tuple[Measure, Bound | None, str]:
    if not isinstance(item, dict):
        raise UsageError(f"{where}: must be a table with name, kind and path")
    checks.closed(item, _KEYS, where)
    name, kind = checks.text(item, "name", where), checks.text(item, "kind", where)
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{where}: name = {name!r}: up to 31 of a-z, 0-9, '_' and '-', beginning with one of the first two"
        )
    if kind not in (*KINDS, _HOSTS):
        raise UsageError(
            f"{where}: kind = {kind!r}{checks.nearest(kind, (*KINDS, _HOSTS))}; one of {', '.join((*KINDS, _HOSTS))}"
        )
    for key, kinds in _OF_MODELS.items():
        if key in item and kind not in kinds:
            raise UsageError(f"{where}: {key} is for kind = {' or '.join(map(repr, kinds))}")
    path = str(checks.resolve(folder, checks.text(item, "path", where)))
    own: Measure
    if kind == _HOSTS:
        own = OwnHosts(code=PREFIX + name, path=path)
    else:
        own = Own(
            code=PREFIX + name,
            kind=kind,  # type: ignore[arg-type]
            path=path,
            label=checks.text(item, "label", where) if "label" in item else "",
            tokens=_one_of(item, "tokens", TOKENS, where),  # type: ignore[arg-type]
            form=_one_of(item, "form", FORMS, where),  # type: ignore[arg-type]
        )
    low, high = (checks.number(item[key], f"{where} {key}") if key in item else None for key in ("at_least", "at_most"))
    if low is None and high is None:
        return own, None, ""
    return own, Bound(own.code, low, high), checks.text(item, "because", f"{where} (a bound must say why)")


def _one_of(item: Mapping[str, Any], key: str, known: Sequence[str], where: str) -> str:
    """The first where the key is absent."""
    value = str(item.get(key, known[0]))
    if value not in known:
        raise UsageError(f"{where}: {key} = {value!r}{checks.nearest(value, known)}; one of {', '.join(known)}")
    return value
