"""Hot buckets: the keys that most documents share. A template is often seen here first."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from filters.kernels import kernel

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

MOST = 10  # sets of documents


class Bucket(NamedTuple):
    """A set of documents, and the keys that lead to all of them."""

    size: int
    first: int  # document with the smallest number
    keys: tuple[int, ...]  # ascending


class Buckets:
    """The largest buckets of all keys that were seen, for memory by their number alone.

    Neither the order of the calls nor how keys are spread over them shows in the result.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[int, int, int], list[int]] = {}  # (-size, first document, hash of the set) -> keys

    def add(self, keys: U64, documents: npt.NDArray[Any]) -> None:
        """Sorted keys (m,), every key of a bucket, and the document of each occurrence (m,)."""
        least = -max(self._found)[0] if len(self._found) >= MOST else 2
        sizes, firsts, sets, which = _large(keys, documents, least)
        for one in np.lexsort((which, sets, firsts, -sizes)):
            place, key = (-int(sizes[one]), int(firsts[one]), int(sets[one])), int(which[one])
            if len(self._found) >= MOST and place not in self._found:
                if place > (last := max(self._found)):
                    break
                del self._found[last]
            self._found.setdefault(place, []).append(key)

    def largest(self) -> list[Bucket]:
        """Largest first; of equal ones that with the smaller first document."""
        return [Bucket(-size, first, tuple(sorted(keys))) for (size, first, _), keys in sorted(self._found.items())]


@kernel
def _large(keys: U64, documents: npt.NDArray[Any], least: int) -> tuple[I64, I64, U64, U64]:
    """Size, smallest document, hash of all documents, and key of the buckets of at least `least` documents."""
    many = 0
    start = 0
    for i in range(1, len(keys) + 1):
        if i == len(keys) or keys[i] != keys[start]:
            many += i - start >= least
            start = i
    sizes, firsts = np.empty(many, np.int64), np.empty(many, np.int64)
    sets, which = np.zeros(many, np.uint64), np.empty(many, np.uint64)
    many = start = 0
    for i in range(1, len(keys) + 1):
        if i == len(keys) or keys[i] != keys[start]:
            if i - start >= least:
                sizes[many], firsts[many], which[many] = i - start, documents[start:i].min(), keys[start]
                for document in documents[start:i]:  # whatever their order
                    mixed = (np.uint64(document) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
                    mixed = (mixed ^ (mixed >> np.uint64(32))) * np.uint64(0xD6E8FEB86659FD93)
                    sets[many] += mixed ^ (mixed >> np.uint64(29))
                many += 1
            start = i
    return sizes, firsts, sets, which
