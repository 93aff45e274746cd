"""A filter is a measure with declared bounds. The author measures; the framework judges, explains and tests.

A filter is one function in a family file (see README.md). Importing refuses one that is not fully declared, so that
every threshold in the package has a source and every rule shows what it keeps and what it drops.
"""

from __future__ import annotations

import inspect
import math
import re
import sys
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from filters.examples import Example, parse
from filters.fingerprint import fingerprint
from filters.page import Page
from filters.text import Text
from filters.words import Words

View = Text | Page | Words
V = TypeVar("V", Text, Page, Words)

REGISTRY: dict[str, Filter] = {}  # code -> filter, in the order of import; `filters.FILTERS` is the sorted, full one

_CODE = re.compile(r"JA\d{3}")
# `misfire`: a text that ought to be kept and is dropped, a known mistake.
_KINDS = ("keep", "drop", "misfire")
_PACKAGE = Path(__file__).parent


class FilterError(Exception):
    """A filter that is not fully declared, or a measure that gave no number. One line: file, code, mend."""


class Verdict(NamedTuple):
    """One filter on one document."""

    code: str
    value: float
    keep: bool


@dataclass(frozen=True, slots=True)
class Filter:
    """A measure, its inclusive bounds (infinite where open) and where these come from."""

    code: str
    measure: Callable[[Any], float]
    at_least: float
    at_most: float
    source: str
    doc: str  # the docstring without its examples
    examples: tuple[Example, ...]
    view: type[Text] | type[Page] | type[Words]

    @property
    def name(self) -> str:
        return self.measure.__name__

    @property
    def family(self) -> str:
        """The name of the module that declares the filter."""
        return self.measure.__module__.rpartition(".")[2]

    def value(self, view: View) -> float:
        """What the measure says of a document; raises FilterError when that is nan or infinite."""
        value = float(self.measure(view))
        if not math.isfinite(value):
            raise FilterError(f"{self.code} {self.name}: measured {value}; a measure must be finite for any document")
        return value

    def judge(self, view: View) -> Verdict:
        value = self.value(view)
        return Verdict(self.code, value, self.at_least <= value <= self.at_most)

    def with_bounds(self, at_least: float | None = None, at_most: float | None = None) -> Filter:
        """The same filter with other bounds; None leaves a bound as it is, an infinite one opens it."""
        low = self.at_least if at_least is None else at_least
        high = self.at_most if at_most is None else at_most
        if not low <= high:
            raise FilterError(f"{self.code} {self.name}: at_least={low} and at_most={high} leave nothing to keep")
        return replace(self, at_least=low, at_most=high)

    def __reduce__(self) -> tuple[Callable[[str, float, float], Filter], tuple[str, float, float]]:
        return _restore, (self.code, self.at_least, self.at_most)


def _restore(code: str, at_least: float, at_most: float) -> Filter:
    return REGISTRY[code].with_bounds(at_least, at_most)


@dataclass(frozen=True)
class Family:
    """The filters of one file. They look at the same view of a document and are measured together."""

    name: str  # 'script'
    prefix: str  # 'JA1'
    view: type[Text] | type[Page] | type[Words]
    filters: tuple[Filter, ...]  # in code order

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the source that the family's values depend on, bounds and prose apart."""
        return fingerprint(self.name, _PACKAGE)

    def resources(self) -> Mapping[str, str]:
        """What the values depend on besides that source (dictionaries, the module's RESOURCES): name -> sha256."""
        return {**self.view.resources(), **getattr(sys.modules[f"filters.{self.name}"], "RESOURCES", {})}


def keep_if(
    *, code: str, source: str = "", at_least: float = -math.inf, at_most: float = math.inf
) -> Callable[[Callable[[V], float]], Filter]:
    """Register the decorated measure as the filter `code`: keep a document if `at_least <= value <= at_most`.

    source: where the bounds come from, and what was measured if they were moved.
    Raises FilterError, naming file and code, when the declaration is not complete.
    """

    def register(measure: Callable[[V], float]) -> Filter:
        declared = _declare(measure, code, source, at_least, at_most)
        REGISTRY[code] = declared
        return declared

    return register


def _declare(measure: Callable[..., float], code: str, source: str, at_least: float, at_most: float) -> Filter:
    where = f"{Path(inspect.getfile(measure)).name}: {code} {measure.__name__}"
    if not _CODE.fullmatch(code):
        raise FilterError(f"{where}: a code is JA and three digits, like JA101")
    if code in REGISTRY:
        raise FilterError(f"{where}: {code} is taken by {REGISTRY[code].name} in {REGISTRY[code].family}.py")
    if not source.strip():
        raise FilterError(f"{where}: needs source=, where its bounds come from")
    if math.isinf(at_least) and math.isinf(at_most):
        raise FilterError(f"{where}: needs at_least= or at_most=")
    if not at_least <= at_most:
        raise FilterError(f"{where}: at_least={at_least} and at_most={at_most} leave nothing to keep")
    prose, examples = parse(inspect.cleandoc(measure.__doc__ or ""), _KINDS)
    if not prose:
        raise FilterError(f"{where}: needs a docstring that says what it drops (never run Python with -OO)")
    missing = [kind for kind in ("keep", "drop") if kind not in {e.kind for e in examples}]
    if missing:
        raise FilterError(f"{where}: needs a '{missing[0]}:' example in its docstring")
    declared = Filter(code, measure, at_least, at_most, source, prose, examples, _view(measure, where))
    _check_family(declared, where)
    return declared


def _view(measure: Callable[..., float], where: str) -> Any:
    parameters = list(inspect.signature(measure).parameters)
    hints = typing.get_type_hints(measure)
    view = hints.get(parameters[0]) if len(parameters) == 1 else None
    if view not in (Text, Page, Words):
        raise FilterError(f"{where}: takes one argument, annotated Text, Page or Words")
    return view


def _check_family(new: Filter, where: str) -> None:
    """One file, one digit, one view: that is what lets a family be measured, and measured again, on its own."""
    for other in REGISTRY.values():
        same_file, same_digit = other.family == new.family, other.code[:3] == new.code[:3]
        if same_file and not same_digit:
            raise FilterError(f"{where}: the other filters of this file are {other.code[:3]}xx; use such a code")
        if same_digit and not same_file:
            raise FilterError(f"{where}: {other.code[:3]}xx belongs to {other.family}.py; take a free digit")
        if same_file and other.view is not new.view:
            raise FilterError(
                f"{where}: looks at {new.view.__name__}, the other filters of this file at {other.view.__name__}; "
                "give it a file of its own"
            )
