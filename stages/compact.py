"""Compact signatures: what stands for a text in an index, so that a later one is compared with it without reading it.

One-permutation hashing (Li, Owen & Zhang, NIPS 2012) of b-bit minima (Li & König, WWW 2010): every n-gram hash falls into one
of K bins by its upper bits; a bin is kept as 4 bits of the least hash in it, 0 where it is empty. One pass over the hashes
whatever K is, so K = 512 (256 bytes) costs a tenth of 112 permutations (448 bytes), and its error is half of theirs.

Of two texts let N be the bins that either fills and M those that both fill alike. Unlike bins agree in one of 15 values by
chance, so J is estimated by (M / N - 1/15) / (1 - 1/15), from below where one side is empty. Its standard error at .8 is at
most .020 with the 440 bins that 1,000 n-grams fill. `needed` asks for `errors` of them above the bound: at 3, of the pairs
that lie exactly on the bound at most 1 in 700 is taken for alike, and of those .05 below it none in 10**6. That is an
estimate, no proof; where the dedup keys are equal (128 bits), the texts are.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from filters.kernels import kernel
from stages.minhash_kernel import Hashes

U8 = npt.NDArray[np.uint8]
VALUES = 15  # of a filled bin
FEWEST = 64  # filled bins below which nothing is estimated: such texts are known by their dedup key alone


@kernel
def _fill(hashes: Hashes, shift: int, least: Hashes, filled: npt.NDArray[np.bool_]) -> None:
    for hash in hashes:
        place = hash >> np.uint64(shift)
        if not filled[place] or hash < least[place]:
            least[place] = hash
            filled[place] = True


def check_bins(bins: int, where: str) -> None:
    """ValueError unless so many bins make a signature."""
    if bins < FEWEST or bins & (bins - 1):
        raise ValueError(f"{where} must be a power of two from {FEWEST} on, not {bins}")


def compact(hashes: Hashes, bins: int) -> U8:
    """Compact signature of n-gram hashes (repeats do not matter), shape (bins / 2,). `bins` is a power of two over 1."""
    least, filled = np.zeros(bins, dtype=np.uint64), np.zeros(bins, dtype=np.bool_)
    _fill(hashes, 64 - (bins.bit_length() - 1), least, filled)
    cells = np.where(filled, 1 + (least & np.uint64(0xFFFFFFFF)) % np.uint64(VALUES), np.uint64(0)).astype(np.uint8)
    packed: U8 = (cells[0::2] << np.uint8(4) | cells[1::2]).astype(np.uint8)
    return packed


@kernel
def _agree(one: U8, other: U8, alike: npt.NDArray[np.int64], filled: npt.NDArray[np.int64]) -> None:
    for pair in range(one.shape[0]):
        same = used = 0
        for i in range(one.shape[1]):
            a, b = one[pair, i], other[pair, i]
            if (a | b) & 0xF0:
                used += 1
                same += (a & 0xF0) == (b & 0xF0)
            if (a | b) & 0x0F:
                used += 1
                same += (a & 0x0F) == (b & 0x0F)
        alike[pair], filled[pair] = same, used


def agreement(one: U8, other: U8) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """M and N of m pairs of signatures, each of shape (m, bins / 2) -> (m,), (m,)."""
    alike, filled = np.empty(len(one), dtype=np.int64), np.empty(len(one), dtype=np.int64)
    _agree(one, other, alike, filled)
    return alike, filled


def estimate(alike: npt.NDArray[np.int64], filled: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Jaccard similarity from M and N, 0 to 1, shape (m,)."""
    chance = 1 / VALUES
    shares = alike / np.maximum(filled, 1)
    out: npt.NDArray[np.float64] = np.clip((shares - chance) / (1 - chance), 0.0, 1.0)
    return out


def needed(filled: npt.NDArray[np.int64], similarity: float, errors: float) -> npt.NDArray[np.float64]:
    """How many bins must agree for a pair to be clearly at least `similarity` alike; infinite under FEWEST. Shape (m,)."""
    expected = similarity + (1 - similarity) / VALUES
    out = filled * expected + errors * math.sqrt(expected * (1 - expected)) * np.sqrt(filled)
    out[filled < FEWEST] = np.inf
    # With few bins no number of them is that clear; then all must agree.
    return np.minimum(out, np.where(filled < FEWEST, np.inf, filled))


def clear(jaccard: float, filled: int, similarity: float, errors: float) -> float:
    """Share of the pairs of this Jaccard similarity that are clearly alike, by the normal approximation to M. For people."""
    expected = jaccard + (1 - jaccard) / VALUES
    least = math.ceil(float(needed(np.array([filled], dtype=np.int64), similarity, errors)[0]))
    spread = math.sqrt(filled * expected * (1 - expected))
    if not spread:
        return 1.0
    return 0.5 * math.erfc((least - 0.5 - filled * expected) / spread / math.sqrt(2))
