"""The lines of a text by what they say: a hash of each one's dedup key, so that layout and width do not matter."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from filters.kernels import kernel
from stages.signatures.dedupkey import Codes, fold, folding

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

_BASE = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio, odd
_MIX = np.uint64(0xFF51AFD7ED558CCD)  # multipliers of MurmurHash3's 64-bit finaliser
_MIX_2 = np.uint64(0xC4CEB9FE1A85EC53)


class Lines(NamedTuple):
    """The m lines of a text: what lies between its line feeds. A line without a letter has no character and key 0."""

    start: I64  # (m,): code point where it begins
    end: I64  # (m,): and where it ends, before its line feed
    characters: I64  # (m,): of its dedup key
    key: U64  # (m,)


@kernel
def _keys(codes: Codes, starts: I64, ends: I64, table: Codes, composed: Codes, characters: I64, keys: U64) -> None:
    folded = np.empty(len(codes), np.uint32)
    for line in range(len(starts)):
        length = fold(codes[starts[line] : ends[line]], table, composed, folded)
        hash = np.uint64(length)
        for i in range(length):
            hash = hash * _BASE + np.uint64(folded[i])
        hash = (hash ^ (hash >> np.uint64(33))) * _MIX
        hash = (hash ^ (hash >> np.uint64(29))) * _MIX_2
        characters[line] = length
        keys[line] = (hash ^ (hash >> np.uint64(32))) if length else 0


def lines_of(text: str, mask_digits: bool = False) -> Lines:
    """All lines of `text`, the last one too when it is empty. Two lines of other keys share a hash once in 2**64."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint32, copy=False)
    ends = np.append(np.flatnonzero(codes == 10), len(codes)).astype(np.int64)
    starts = np.append(0, ends[:-1] + 1).astype(np.int64)
    characters, keys = np.empty(len(ends), dtype=np.int64), np.empty(len(ends), dtype=np.uint64)
    _keys(codes, starts, ends, *folding(mask_digits), characters, keys)
    return Lines(starts, ends, characters, keys)


def pair_key(lines: U64, hosts: U64) -> U64:
    """One key for a line on a host, shape (m,)."""
    mixed = (lines ^ (hosts * _BASE)) * _MIX
    out: U64 = mixed ^ (mixed >> np.uint64(32))
    return out
