"""Dedup as it is worded, for a few documents: everything is compared with everything, nothing is fast.

The rule, of DESIGN.md and `pipeline/README.md`: documents that the filters kept are suspects of one another when they share
a band of their signatures, their exact hash or their id; what suspicion joins is a component. In it documents are taken in
keeper order. Copies (the same dedup key) go where the first of them goes. Of the others each is compared with those that
stay so far, the most alike by signature first: clearly alike, it goes; clearly not, it does not; between the two the
exact Jaccard similarity of the n-grams decides, for so many texts at most. In a component of more documents than
`all_pairs` only those are compared that share a band, and under each band only the first `all_pairs` of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from stages.signatures.dedupkey import dedup_key
from stages.signatures.minhash_kernel import ngram_hashes, signature
from tests.dedup_corpus import Document


@dataclass(frozen=True, eq=False)
class Suspect:
    """A document that takes part, and where it is."""

    document: Document
    part: str
    row: int
    rank: int

    @cached_property
    def key(self) -> str:
        return dedup_key(self.text).tobytes().decode("utf-32-le")

    @cached_property
    def text(self) -> str:
        text = self.document.text
        for start, end, new in reversed(self.document.edits):
            text = text[:start] + new + text[end:]
        return text

    @property
    def exact(self) -> tuple[str, str]:
        """A text without a letter is known by itself."""
        return (self.key, "" if self.key else self.text)

    @property
    def place(self) -> tuple[bytes, str, int]:
        return self.document.id, self.part, self.row

    @cached_property
    def ngrams(self) -> frozenset[str]:
        return frozenset(self.key[i : i + 5] for i in range(len(self.key) - 4))

    @cached_property
    def signature(self) -> tuple[int, ...]:
        """As MinHash of datasketch has it (`tests/dedup/test_minhash.py`); () of a text without an n-gram."""
        return tuple(signature(ngram_hashes(dedup_key(self.text), 5), 112, 1).tolist()) if self.ngrams else ()

    def keys(self, bands: int, rows: int) -> set[object]:
        """What it is suspected by."""
        banded = {
            (band, self.signature[band * rows : (band + 1) * rows]) for band in range(bands if self.ngrams else 0)
        }
        return {*banded, ("exact", self.exact), ("id", self.document.id)}

    def agreeing(self, other: Suspect) -> int:
        return sum(one == two for one, two in zip(self.signature, other.signature, strict=True))

    def jaccard(self, other: Suspect) -> float:
        return len(self.ngrams & other.ngrams) / len(self.ngrams | other.ngrams)


@dataclass(frozen=True)
class Fate:
    """What the sidecar of a document says. `keeper` and `component` are ids."""

    keep: bool
    level: str
    keeper: bytes | None
    similarity: float | None
    cluster_size: int
    component: bytes | None


@dataclass(frozen=True)
class NaiveDedup:
    similarity: float = 0.8
    order: tuple[str, ...] = ("rank", "longest", "newest")
    all_pairs: int = 2000
    comparisons: int = 16
    bands: int = 14
    rows: int = 8

    def fates(self, suspects: Sequence[Suspect]) -> dict[tuple[str, int], Fate]:
        """(partition, row) -> fate, of all that take part."""
        keeper: dict[Suspect, tuple[Suspect, float]] = {}
        found: dict[tuple[str, int], Fate] = {}
        components = list(self._components(suspects))
        for component in components:
            first = self._first_of_copies(component)
            originals = [suspect for suspect in component if first[suspect] is suspect]
            keeper |= self._keepers(originals)
            keeper |= {suspect: keeper[first[suspect]] for suspect in component}
            for suspect in component:
                if keeper[suspect][0] is suspect and first[suspect] is not suspect:  # its original stays
                    keeper[suspect] = first[suspect], 1.0
        for component in components:
            smallest = min(component, key=lambda suspect: suspect.place).document.id
            first = self._first_of_copies(component)
            for suspect in component:
                by, alike = keeper[suspect]
                stays = by is suspect
                level = "" if stays else "exact" if by is first[suspect] else "near"
                size = sum(keeper[other][0] is suspect for other in component)
                found[suspect.part, suspect.row] = Fate(
                    stays, level, None if stays else by.document.id, None if stays else alike, size, smallest
                )
        return found

    def _components(self, suspects: Sequence[Suspect]) -> Iterator[list[Suspect]]:
        """In keeper order each."""
        left = sorted(suspects, key=self._in_order)
        while left:
            component, joined = [left.pop(0)], True
            while joined:
                joined = [s for s in left if any(self._suspected(s, other) for other in component)]
                component += joined
                left = [suspect for suspect in left if suspect not in joined]
            yield sorted(component, key=self._in_order)

    def _suspected(self, one: Suspect, other: Suspect) -> bool:
        return bool(one.keys(self.bands, self.rows) & other.keys(self.bands, self.rows))

    def _in_order(self, suspect: Suspect) -> tuple[object, ...]:
        size, date = len(suspect.text), int("".join(c for c in suspect.document.date[:19] if c.isdigit()) or 0)
        said: Mapping[str, Callable[[], int]] = {
            "rank": lambda: suspect.rank,
            "longest": lambda: -size,
            "shortest": lambda: size,
            "newest": lambda: -date,
            "oldest": lambda: date,
        }
        return (*(said[name]() for name in self.order), suspect.place)

    def _first_of_copies(self, component: Sequence[Suspect]) -> dict[Suspect, Suspect]:
        firsts: dict[tuple[str, str], Suspect] = {}
        return {suspect: firsts.setdefault(suspect.exact, suspect) for suspect in component}

    def _keepers(self, originals: Sequence[Suspect]) -> dict[Suspect, tuple[Suspect, float]]:
        """Of documents of a component no two of which are copies, in keeper order."""
        margin = 3 * math.sqrt(self.similarity * (1 - self.similarity) / 112)
        alike, unlike = math.ceil((self.similarity + margin) * 112), math.floor((self.similarity - margin) * 112)
        signed = [suspect for suspect in originals if suspect.ngrams]
        stay: list[Suspect] = []
        found: dict[Suspect, tuple[Suspect, float]] = {suspect: (suspect, 1.0) for suspect in originals}
        for suspect in signed:
            others = [other for other in stay if self._compared(suspect, other, signed)]
            likely = [(suspect.agreeing(other), other) for other in others if suspect.agreeing(other) > unlike]
            likely.sort(key=lambda pair: -pair[0])  # stable: among equals the first in keeper order
            for agreeing, other in likely[: self.comparisons]:
                measured = agreeing / 112 if agreeing >= alike else suspect.jaccard(other)
                if agreeing >= alike or measured >= self.similarity:
                    found[suspect] = other, measured
                    break
            else:
                stay.append(suspect)
        return found

    def _compared(self, suspect: Suspect, other: Suspect, signed: Sequence[Suspect]) -> bool:
        if len(signed) <= self.all_pairs:
            return True
        for shared in suspect.keys(self.bands, self.rows) & other.keys(self.bands, self.rows):
            under = [each for each in signed if shared in each.keys(self.bands, self.rows)]
            if other in under[: self.all_pairs]:
                return True
        return False


def taking_part(parts: Mapping[str, tuple[int, Sequence[Document]]]) -> list[Suspect]:
    """Partition -> (rank of its source, documents)."""
    return [
        Suspect(document, part, row, rank)
        for part, (rank, documents) in parts.items()
        for row, document in enumerate(documents)
        if document.keep
    ]


def close(one: float | None, other: float | None) -> bool:
    """Equal as the 32-bit numbers of the sidecar."""
    return (one is None and other is None) or (
        one is not None and other is not None and bool(np.float32(one) == np.float32(other))
    )
