"""What a kind of personal data is: a finder of spans, a placeholder, and examples that are tested.

Masking is idempotent by three rules that every kind keeps:

- a placeholder holds nothing that a finder looks for, and its words count as no wording (a word behind `<` never does)
- a placeholder next to a candidate counts as the letters that stood there, so a mask never uncovers another
- "near" is counted in sentence and line ends, which no masked span holds, never in characters, which masks change
"""

from __future__ import annotations

import inspect
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from filters.examples import Example, parse
from stages.spans import Span

Finder = Callable[[str], Iterable[Span]]

REGISTRY: dict[str, Kind] = {}  # in the order in which kinds are masked; `stages.pii.pii.KINDS` is the full one
# misfire: masked and ought to stay; missed: stays and ought to be masked.
_KINDS = ("keep", "mask", "misfire", "missed")

DIGITS = "0-9０-９"
HYPHENS = "\\-‐‑‒–—―−－ー─﹣ｰ"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of personal data."""

    name: str
    placeholders: tuple[str, ...]
    default: bool
    doc: str  # the docstring without its examples
    examples: tuple[Example, ...]
    find: Finder


def kind(*placeholders: str, default: bool = False) -> Callable[[Finder], Kind]:
    """Register the decorated finder under its own name. Its docstring has a `keep:` and a `mask:` example at least."""

    def register(find: Finder) -> Kind:
        name = find.__name__
        doc, examples = parse(inspect.cleandoc(find.__doc__ or ""), _KINDS)
        for needed in ("keep", "mask"):
            if needed not in {example.kind for example in examples}:
                raise TypeError(f"PII kind {name}: needs a '{needed}:' example in its docstring")
        REGISTRY[name] = Kind(name, placeholders, default, doc, examples, find)
        return REGISTRY[name]

    return register


@dataclass(frozen=True)
class Wording:
    """Where in a text some words are, and how far a place is from them. Built in O(len(text)) on the first question."""

    text: str
    words: re.Pattern[str]

    def before(self, at: int, ends: int) -> bool:
        """Whether one of the words is before `at` with at most `ends` ends of lines or sentences between."""
        found = bisect_left(self._words, at)
        return bool(found) and self._ends_before(at) - self._ends_before(self._words[found - 1]) <= ends

    def behind(self, at: int) -> bool:
        """Whether one of the words is behind `at` in the same sentence and line."""
        found = bisect_left(self._words, at)
        return found < len(self._words) and self._ends_before(self._words[found]) == self._ends_before(at)

    def _ends_before(self, at: int) -> int:
        return bisect_right(self._ends, at)

    @cached_property
    def _words(self) -> list[int]:
        return [found.start() for found in self.words.finditer(self.text)]

    @cached_property
    def _ends(self) -> list[int]:
        return [found.start() for found in re.finditer("[。\n]", self.text)]
