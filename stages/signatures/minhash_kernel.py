"""Character n-grams of a dedup key, their MinHash signature, and their exact Jaccard similarity.

The signature equals datasketch 2.0's `MinHash(num_perm, seed, scheme="affine32", hashfunc=int)` bit for bit when that
is fed the upper 32 bits of the same n-gram hashes, so its documented estimates and errors hold for ours.
"""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

from filters.kernels import kernel
from stages.signatures.dedupkey import Codes

Hashes = npt.NDArray[np.uint64]
Signature = npt.NDArray[np.uint32]

_BASE = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio, odd
_MIX = np.uint64(0xFF51AFD7ED558CCD)  # first multiplier of MurmurHash3's 64-bit finaliser
_BLOCK = 2048  # hashes worked on at once: 8 KiB, a quarter of a first-level cache, however long the text


@kernel
def _hashes(key: Codes, n: int) -> Hashes:
    """Polynomial hash of every window, rolled (4 cycles a character whatever n is), then mixed."""
    out = np.empty(max(len(key) - n + 1, 0), np.uint64)
    if len(out) == 0:
        return out
    leaving = np.uint64(1)
    hash = np.uint64(0)
    for i in range(n):
        leaving *= _BASE
        hash = hash * _BASE + np.uint64(key[i])
    out[0] = hash
    for i in range(1, len(out)):
        hash = hash * _BASE + (np.uint64(key[i + n - 1]) - np.uint64(key[i - 1]) * leaving)
        out[i] = hash
    for i in range(len(out)):
        mixed = (out[i] ^ (out[i] >> np.uint64(33))) * _MIX
        out[i] = mixed ^ (mixed >> np.uint64(29))
    return out


@kernel
def _sign(hashes: Hashes, a: Signature, b: Signature, out: Signature) -> None:
    out[:] = np.uint32(0xFFFFFFFF)
    block = np.empty(_BLOCK, np.uint32)
    for start in range(0, len(hashes), _BLOCK):
        size = min(_BLOCK, len(hashes) - start)
        for i in range(size):
            # MurmurHash3's 32-bit finaliser, which datasketch applies before the permutations.
            hash = np.uint32(hashes[start + i] >> np.uint64(32))
            hash = np.uint32((hash ^ (hash >> np.uint32(16))) * np.uint32(0x85EBCA6B))
            hash = np.uint32((hash ^ (hash >> np.uint32(13))) * np.uint32(0xC2B2AE35))
            block[i] = hash ^ (hash >> np.uint32(16))
        for p in range(len(a)):
            least, factor, term = out[p], a[p], b[p]
            for i in range(size):
                least = min(least, np.uint32(factor * block[i] + term))
            out[p] = least


@functools.cache
def permutations(count: int, seed: int) -> tuple[Signature, Signature]:
    """datasketch's own `a` and `b` of h -> a*h + b mod 2**32, shape (count,) each."""
    from datasketch import MinHash  # here: it imports SciPy, a second that a run with nothing to do should not pay

    a, b = MinHash(num_perm=count, seed=seed, scheme="affine32").permutations
    return np.ascontiguousarray(a, dtype=np.uint32), np.ascontiguousarray(b, dtype=np.uint32)


def ngram_hashes(key: Codes, n: int) -> Hashes:
    """64-bit hashes of all character n-grams in reading order, shape (max(len(key) - n + 1, 0),)."""
    return np.asarray(_hashes(key, n), dtype=np.uint64)


def signature(hashes: Hashes, count: int, seed: int) -> Signature:
    """MinHash signature of n-gram hashes (repeats do not matter), shape (count,). ValueError when there are none."""
    if len(hashes) == 0:
        raise ValueError("no n-gram, no signature: a text shorter than an n-gram gets an exact hash only")
    out = np.empty(count, dtype=np.uint32)
    _sign(hashes, *permutations(count, seed), out)
    return out


def distinct(hashes: Hashes) -> Hashes:
    """The distinct hashes, sorted. Among 2**64 values no two n-grams of a text are expected to share one."""
    hashes = np.sort(hashes)
    return hashes[np.append(True, hashes[1:] != hashes[:-1])] if len(hashes) else hashes


@kernel
def _common(one: Hashes, other: Hashes) -> int:
    i = j = common = 0
    while i < len(one) and j < len(other):
        common += one[i] == other[j]
        step = one[i] <= other[j]
        j += one[i] >= other[j]
        i += step
    return common


def jaccard(one: Hashes, other: Hashes) -> float:
    """Jaccard similarity of two sorted arrays of distinct hashes, 0 to 1; two empty sets are alike."""
    if len(one) == len(other) == 0:
        return 1.0
    common = int(_common(one, other))
    return common / (len(one) + len(other) - common)
