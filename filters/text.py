"""Text: a read-only view of one document. What several filters ask for is computed at most once.

Counts come from one pass in NumPy (UTF-32 -> class table -> bincount), n-grams from one sort a length. The naive twins
of both stand in the tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from filters import sentences
from filters.chars import CLASS_OF, LETTERS, Char

# 2^64 / golden ratio, odd: spreads neighbouring code points (Knuth, TAOCP 3, 6.4).
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_SPOKEN = np.isin(np.arange(len(Char)), (*LETTERS, Char.DIGIT))


@dataclass(frozen=True, slots=True)
class NGrams:
    """Integer counts of the n-grams of a text.

    total: n-grams in the text, overlaps included
    distinct: different ones among them
    top: occurrences of the most frequent one
    """

    total: int
    distinct: int
    top: int


@dataclass(frozen=True, eq=False)
class Text:
    """A document as filters see it. Any `str`: empty, of one character a million times, with lone surrogates."""

    text: str
    _ngrams: dict[int, NGrams] = field(default_factory=dict, init=False, repr=False)

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
    def sentences(self) -> list[str]:
        """Sentences as `filters.sentences` finds them."""
        return sentences.split(self.text)

    def count(self, *classes: Char) -> int:
        """Characters of the given classes."""
        return sum(self.counts[c] for c in classes)

    def share(self, *classes: Char, of: tuple[Char, ...]) -> float:
        """Characters of `classes` among those of the classes `of`; 0 where there are none of these."""
        whole = self.count(*of)
        return self.count(*classes) / whole if whole else 0.0

    def ngrams(self, n: int) -> NGrams:
        """Character n-grams over letters and digits alone: rulers (＝＝＝＝), leaders and indents repeat nothing."""
        if n not in self._ngrams:
            self._ngrams[n] = _count_ngrams(self._spoken, n)
        return self._ngrams[n]

    @cached_property
    def _spoken(self) -> NDArray[np.uint64]:
        return self.codes[_SPOKEN[self.classes]].astype(np.uint64)


def _count_ngrams(codes: NDArray[np.uint64], n: int) -> NGrams:
    """One 64-bit hash an n-gram, sorted: equal ones lie side by side.

    Two different n-grams among a million share a hash with a probability of 3e-8, and would shift a share by 1e-6.
    """
    total = len(codes) - n + 1
    if total <= 0:
        return NGrams(0, 0, 0)
    hashes = np.zeros(total, np.uint64)
    for offset in range(n):
        hashes ^= codes[offset : offset + total]
        hashes *= _MULTIPLIER
    hashes.sort()
    changes = np.ones(total + 1, np.bool_)
    np.not_equal(hashes[1:], hashes[:-1], out=changes[1:-1])
    edges = np.flatnonzero(changes)
    return NGrams(total, len(edges) - 1, int((edges[1:] - edges[:-1]).max()))
