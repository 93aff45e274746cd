"""Fetches of one address: which of them stays, whatever the others say."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stages.dedup.components import I64
from stages.dedup.participants import Documents

F32 = npt.NDArray[np.float32]

PAIRS = 1 << 16  # compared at once: 60 MB at 112 permutations; does not show in the result


def winners(documents: Documents, places: I64, least: float) -> I64:
    """The document that stays for the address of each, shape (n,): the first by `places`; itself where it has none.

    With `least` over 0 a fetch goes only if it is so like the one that stays, by signature. One that cannot be
    measured, as the text is too short, then stays.
    """
    high, low = documents.address
    who = np.flatnonzero(high | low)
    order = np.lexsort((places[who], low[who], high[who]))
    who = who[order]
    new = np.ones(len(who), dtype=np.bool_)
    new[1:] = (high[who[1:]] != high[who[:-1]]) | (low[who[1:]] != low[who[:-1]])
    winner = np.arange(len(documents))
    winner[who] = who[np.maximum.accumulate(np.where(new, np.arange(len(who)), 0))]
    if least > 0:
        others = np.flatnonzero(winner != np.arange(len(documents)))
        unlike = others[~(estimates(documents, others, winner[others]) >= least)]
        winner[unlike] = unlike
    return winner


def estimates(documents: Documents, one: I64, other: I64) -> F32:
    """Share of equal minima of each pair (m,), (m,): its Jaccard similarity, give or take sqrt(J (1 - J) / permutations).

    1 where the dedup keys are equal; NaN where they are not and a text is too short for a signature.
    """
    high, low = documents.exact
    same = (high[one] == high[other]) & (low[one] == low[other])
    out = np.where(same, np.float32(1), np.float32(np.nan)).astype(np.float32)
    pairs = np.flatnonzero(documents.signed[one] & documents.signed[other] & ~same)
    for first in range(0, len(pairs), PAIRS):
        some = pairs[first : first + PAIRS]
        equal = documents.signature[one[some]] == documents.signature[other[some]]
        out[some] = equal.mean(axis=1, dtype=np.float64)
    return out
