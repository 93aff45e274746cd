"""Text: a read-only view of one document. What several filters ask for is computed at most once.

Counts come from one pass in NumPy (UTF-32 -> class table -> bincount); lines, sentences and n-grams from compiled passes
over the code points. The plain twins of all of them stand in the tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from filters import counting, sentences
from filters.chars import CLASS_OF, LETTERS, Char
from filters.counting import NGrams
from filters.layout import Layout, layout

T = TypeVar("T")

_SPOKEN = np.isin(np.arange(len(Char)), (*LETTERS, Char.DIGIT))


@dataclass(frozen=True, eq=False)
class Text:
    """A document as filters see it. Any `str`: empty, of one character a million times, with lone surrogates."""

    text: str
    _once: dict[object, Any] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def example(cls, written: str) -> Text:
        """The view that an example line of a filter's docstring stands for."""
        return cls(written)

    @staticmethod
    def resources() -> Mapping[str, str]:
        """What values depend on besides the source: name -> sha256."""
        return {}

    @cached_property
    def codes(self) -> NDArray[np.uint32]:
        """Code points, shape (characters,)."""
        return np.frombuffer(self.text.encode("utf-32-le", "surrogatepass"), np.uint32)

    @cached_property
    def classes(self) -> NDArray[np.uint8]:
        """`Char` of every code point, shape (characters,)."""
        return CLASS_OF[self.codes]

    @cached_property
    def counts(self) -> tuple[int, ...]:
        """Characters of each class, indexed by `Char`."""
        return tuple(np.bincount(self.classes, minlength=len(Char)).tolist())

    @cached_property
    def lines(self) -> list[str]:
        """Lines without the white space around them, none empty."""
        return [line for line in map(str.strip, self.text.split("\n")) if line]

    @cached_property
    def layout(self) -> Layout:
        """The same lines as positions, and what stands in each."""
        return layout(self.codes, self.classes)

    @cached_property
    def sentences(self) -> list[str]:
        """Sentences as `filters.sentences` finds them."""
        return [self.text[start:end] for start, end in self.spans.tolist()]

    @cached_property
    def spans(self) -> NDArray[np.int64]:
        """(start, end) of each sentence, shape (sentences, 2)."""
        return sentences.spans(self.codes)

    def count(self, *classes: Char) -> int:
        """Characters of the given classes."""
        return sum(self.counts[c] for c in classes)

    def share(self, *classes: Char, of: tuple[Char, ...]) -> float:
        """Characters of `classes` among those of the classes `of`; 0 where there are none of these."""
        whole = self.count(*of)
        return self.count(*classes) / whole if whole else 0.0

    def ngrams(self, n: int) -> NGrams:
        """Character n-grams over letters and digits alone: rulers (＝＝＝＝), leaders and indents repeat nothing."""
        return self.once(("ngrams", n), lambda: counting.ngrams(self._spoken, n))

    def once(self, key: object, compute: Callable[[], T]) -> T:
        """What `compute` gives, computed at the first call with `key`."""
        if key not in self._once:
            self._once[key] = compute()
        return self._once[key]  # type: ignore[no-any-return]

    @cached_property
    def _spoken(self) -> NDArray[np.uint32]:
        return self.codes[_SPOKEN[self.classes]]
