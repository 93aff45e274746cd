"""What occurs more than once: n-grams of code points, and weighted keys such as the hashes of lines.

A 64-bit hash stands for what it was made of. Two different n-grams among a million share one with a probability of
3e-8, and would shift a share by 1e-6.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from filters.kernels import kernel

_BASE = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio, odd (Knuth, TAOCP 3, 6.4)
_MIX = np.uint64(0xFF51AFD7ED558CCD)  # first multiplier of MurmurHash3's 64-bit finaliser


class NGrams(NamedTuple):
    """Integer counts of the n-grams of a text.

    total: n-grams in the text, overlaps included
    distinct: different ones among them
    top: occurrences of the most frequent one
    """

    total: int
    distinct: int
    top: int


def ngrams(codes: NDArray[np.uint32], n: int) -> NGrams:
    """Counts of the n-grams of `codes`. O(len(codes))."""
    total = len(codes) - n + 1
    if total <= 0:
        return NGrams(0, 0, 0)
    return NGrams(total, *_count(_hashes(codes, n)))


def repeated(keys: NDArray[np.uint64], weights: NDArray[np.int64]) -> tuple[int, int]:
    """How many of `keys` stood before, and the sum of their weights."""
    return _repeated(keys, weights)


@kernel
def mix(hash: np.uint64) -> np.uint64:
    mixed = (hash ^ (hash >> np.uint64(33))) * _MIX
    mixed ^= mixed >> np.uint64(29)
    return mixed + np.uint64(mixed == 0)  # 0 marks a free place below


@kernel
def _hashes(codes: NDArray[np.uint32], n: int) -> NDArray[np.uint64]:
    """Polynomial hash of every window, rolled: the same time whatever n is."""
    out = np.empty(len(codes) - n + 1, np.uint64)
    leaving = np.uint64(1)
    hash = np.uint64(0)
    for i in range(n):
        leaving *= _BASE
        hash = hash * _BASE + np.uint64(codes[i])
    out[0] = mix(hash)
    for i in range(1, len(out)):
        hash = hash * _BASE + (np.uint64(codes[i + n - 1]) - np.uint64(codes[i - 1]) * leaving)
        out[i] = mix(hash)
    return out


@kernel
def _places(keys: int) -> int:
    size = 16
    while size < 2 * keys:
        size *= 2
    return size


@kernel
def _count(hashes: NDArray[np.uint64]) -> tuple[int, int]:
    """Distinct hashes, and how often the most frequent one stands."""
    size = _places(len(hashes))
    table = np.zeros(size, np.uint64)
    counts = np.zeros(size, np.int32)
    distinct = top = 0
    for hash in hashes:
        place = np.int64(hash & np.uint64(size - 1))
        while table[place] != 0 and table[place] != hash:
            place = (place + 1) & (size - 1)
        if table[place] == 0:
            table[place] = hash
            distinct += 1
        counts[place] += 1
        top = max(top, counts[place])
    return distinct, top


@kernel
def _repeated(keys: NDArray[np.uint64], weights: NDArray[np.int64]) -> tuple[int, int]:
    size = _places(len(keys))
    table = np.zeros(size, np.uint64)
    count = weight = 0
    for i in range(len(keys)):
        place = np.int64(keys[i] & np.uint64(size - 1))
        while table[place] != 0 and table[place] != keys[i]:
            place = (place + 1) & (size - 1)
        if table[place] == keys[i]:
            count += 1
            weight += weights[i]
        table[place] = keys[i]
    return count, weight
