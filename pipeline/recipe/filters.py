"""`[filters]` of a recipe: a profile to start from, filters chosen and left out, bounds moved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from filters import FILTERS
from filters.profiles import names, profile
from pipeline.errors import UsageError
from pipeline.recipe import checks
from stages.measure.judge import Bound, bounds_for


class Chosen(NamedTuple):
    profile: str
    bounds: tuple[Bound, ...]  # in code order
    because: dict[str, str]  # code -> reason of a bound that differs from the filter's own


def chosen(table: Mapping[str, Any], where: str) -> Chosen:
    """Filters by code or code prefix and their bounds; what the table says comes after what its profile says."""
    checks.closed(table, ("profile", "select", "ignore", "bounds"), where)
    name = table.get("profile", "default")
    if name not in names():
        raise UsageError(
            f"{where} profile: there is no {name!r}{checks.nearest(str(name), names())}; see `seimai profiles`"
        )
    base = of_profile(name)
    codes = {bound.code for bound in base.bounds}
    if "select" in table:
        codes = _select(table["select"], where)
    codes -= _select(table.get("ignore", []), where)
    bounds = {bound.code: bound for bound in bounds_for(sorted(codes))}
    bounds.update((bound.code, bound) for bound in base.bounds if bound.code in codes)
    because = {code: reason for code, reason in base.because.items() if code in codes}
    _move(bounds, because, checks.table(table, "bounds", where), where)
    return Chosen(name, tuple(bounds.values()), because)


def of_profile(name: str) -> Chosen:
    """The filters of a profile alone."""
    named = profile(name)
    where = f"profile {name}"
    codes = _select(list(named.select), where) - _select(list(named.ignore), where)
    bounds = {bound.code: bound for bound in bounds_for(sorted(codes))}
    because: dict[str, str] = {}
    _move(bounds, because, named.bounds, where)
    return Chosen(name, tuple(bounds.values()), because)


def _move(bounds: dict[str, Bound], because: dict[str, str], changes: Mapping[str, Any], where: str) -> None:
    for code, change in changes.items():
        here = f"{where} bounds.{code}"
        if code not in FILTERS:
            raise UsageError(f"{here}: no such filter{checks.nearest(code, FILTERS)}; `seimai filters` lists them")
        if code not in bounds:
            raise UsageError(f"{here}: the filter is not selected; add {code!r} to select")
        if not isinstance(change, dict):
            raise UsageError(
                f"{here}: must be a table, e.g. [filters.bounds.{code}] with at_least or at_most, and because"
            )
        checks.closed(change, ("at_least", "at_most", "because"), here)
        because[code] = checks.text(change, "because", f"{here} (a moved bound must say why)")
        low, high = bounds[code].at_least, bounds[code].at_most
        if "at_least" in change:
            low = checks.number(change["at_least"], f"{here}.at_least")
        if "at_most" in change:
            high = checks.number(change["at_most"], f"{here}.at_most")
        bounds[code] = Bound(code, low, high)


def _select(prefixes: Any, where: str) -> set[str]:
    if not isinstance(prefixes, list):
        raise UsageError(f"{where}: select and ignore are lists of codes or code prefixes, e.g. ['JA1', 'JA203']")
    found: set[str] = set()
    for prefix in prefixes:
        codes = {code for code in FILTERS if code.startswith(str(prefix))}
        if not codes:
            raise UsageError(
                f"{where}: no filter is called {prefix!r}{checks.nearest(str(prefix), FILTERS)}; see `seimai filters`"
            )
        found |= codes
    return found
