"""What good Japanese text is: filters, found by themselves.

Every module of this package is imported, in sorted order; each file that declares filters is a family. To add a filter is
to write one function in one file: nothing lists them.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType

from filters.base import REGISTRY, Family, Filter

_SCRIPTS = frozenset({"catalogue"})  # reads this registry, so it cannot be imported while that is made


def _discover() -> Mapping[str, Filter]:
    for module in sorted(module.name for module in pkgutil.iter_modules(__path__)):
        if module not in _SCRIPTS:
            importlib.import_module(f"{__name__}.{module}")
    return MappingProxyType(dict(sorted(REGISTRY.items())))


def _group(filters: Mapping[str, Filter]) -> Mapping[str, Family]:
    members: dict[str, list[Filter]] = {}
    for declared in filters.values():
        members.setdefault(declared.family, []).append(declared)
    families = {
        name: Family(name, declared[0].code[:3], declared[0].view, tuple(declared))
        for name, declared in members.items()
    }
    return MappingProxyType(families)


FILTERS: Mapping[str, Filter] = _discover()
"""Code -> filter, in code order."""

FAMILIES: Mapping[str, Family] = _group(FILTERS)
"""Module name -> family, in code order."""
