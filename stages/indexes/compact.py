"""Compact signatures: what stands for a text in an index, so that a later one is compared with it without reading it.

One-permutation hashing (Li, Owen & Zhang, NIPS 2012) of b-bit minima (Li & König, WWW 2010): every n-gram hash falls into one
of K bins by its upper bits; a bin is kept as 4 bits of the least hash in it, 0 where it is empty. One pass over the hashes
whatever K is, so K = 512 (256 bytes) takes a third of the time of 112 permutations (448 bytes), and errs less than half as much.

Of two texts let N be the bins that either fills, E those that both fill, and M those that both fill alike. Unlike bins of E
agree in one of 15 values by chance, so J is estimated by (M - E/15) / (N (1 - 1/15)). Its standard error at .8 is at most
.020 with the 440 bins that 1,000 n-grams fill. `needed` asks for `errors` of them above the bound: at 3, of the pairs that
lie exactly on the bound at most 1 in 700 is taken for alike, and of those .05 below it none in 10**6. That is an estimate,
no proof; where the dedup keys are equal (128 bits), the texts are.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from filters.kernels import kernel
from stages.signatures.minhash_kernel import Hashes

U8 = npt.NDArray[np.uint8]
I64 = npt.NDArray[np.int64]
VALUES = 15  # of a filled bin
_EMPTY = np.uint64(0xFFFFFFFFFFFFFFFF)  # an n-gram with just this hash does not count
FEWEST = 64  # filled bins below which nothing is estimated: such texts are known by their dedup key alone


@kernel
def _pack(hashes: Hashes, shift: int, least: Hashes, packed: U8) -> None:
    least[:] = _EMPTY
    for hash in hashes:
        place = hash >> np.uint64(shift)
        least[place] = min(least[place], hash)  # without a branch: which hash is the least cannot be predicted
    for place in range(len(least)):
        if least[place] != _EMPTY:
            cell = np.uint8(1 + np.uint32(least[place] & np.uint64(0xFFFFFFFF)) % np.uint32(VALUES))
            packed[place >> 1] |= cell if place & 1 else cell << np.uint8(4)


def check_bins(bins: int, where: str) -> None:
    """ValueError unless so many bins make a signature."""
    if bins < FEWEST or bins & (bins - 1):
        raise ValueError(f"{where} must be a power of two from {FEWEST} on, not {bins}")


def compact(hashes: Hashes, bins: int) -> U8:
    """Compact signature of n-gram hashes (repeats do not matter), shape (bins / 2,). `bins` is a power of two over 1."""
    packed = np.zeros(bins // 2, dtype=np.uint8)
    _pack(hashes, 64 - (bins.bit_length() - 1), np.empty(bins, dtype=np.uint64), packed)
    return packed


@kernel
def _agree(one: U8, other: U8, alike: I64, both: I64, filled: I64) -> None:
    for pair in range(one.shape[0]):
        same = two = used = 0
        for i in range(one.shape[1]):
            a, b = one[pair, i], other[pair, i]
            for mask in (0xF0, 0x0F):
                left, right = a & mask, b & mask
                used += (left | right) != 0
                two += left != 0 and right != 0
                same += left != 0 and left == right
        alike[pair], both[pair], filled[pair] = same, two, used


class Agreement(NamedTuple):
    """M, E and N of m pairs, each of shape (m,)."""

    alike: I64
    both: I64
    filled: I64


def agreement(one: U8, other: U8) -> Agreement:
    """Of m pairs of signatures, each of shape (m, bins / 2)."""
    found = Agreement(*(np.empty(len(one), dtype=np.int64) for _ in Agreement._fields))
    _agree(one, other, *found)
    return found


def estimate(found: Agreement) -> npt.NDArray[np.float64]:
    """Jaccard similarity, 0 to 1, shape (m,)."""
    shares = (found.alike - found.both / VALUES) / (np.maximum(found.filled, 1) * (1 - 1 / VALUES))
    out: npt.NDArray[np.float64] = np.clip(shares, 0.0, 1.0)
    return out


def needed(found: Agreement, similarity: float, errors: float) -> npt.NDArray[np.float64]:
    """How many bins must agree for a pair to be clearly at least `similarity` alike; infinite under FEWEST. Shape (m,)."""
    filled = np.maximum(found.filled, 1)
    expected = similarity + np.maximum(found.both / filled - similarity, 0.0) / VALUES
    out = filled * expected + errors * np.sqrt(filled * expected * (1 - expected))
    # With few bins no number of them is that clear; then all must agree.
    return np.where(found.filled < FEWEST, np.inf, np.minimum(out, filled))


def clear(jaccard: float, filled: int, similarity: float, errors: float) -> float:
    """Share of the pairs of this Jaccard similarity that are clearly alike, by the normal approximation to M. For people."""
    expected = jaccard + (1 - jaccard) / VALUES
    bins = np.array([filled], dtype=np.int64)
    least = math.ceil(float(needed(Agreement(bins, bins, bins), similarity, errors)[0]))
    spread = math.sqrt(filled * expected * (1 - expected))
    if not spread:
        return 1.0
    return 0.5 * math.erfc((least - 0.5 - filled * expected) / spread / math.sqrt(2))
