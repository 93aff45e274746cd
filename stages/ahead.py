"""What goes before texts are compared: older fetches of one address, and what an index of other corpora knows already."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stages.columns import matrix
from stages.components import I64, halves
from stages.participants import Documents

F32 = npt.NDArray[np.float32]

PAIRS = 1 << 18  # signatures of pairs read at once: 235 MB at 112 permutations; does not show in the result


@dataclass(frozen=True)
class Ahead:
    """Documents that leave before texts are compared, so that none of them becomes a keeper."""

    winner: I64  # (n,): the document that stays for its address, or itself
    known: I64  # (m,): documents that an index knows and that are no older fetches, ascending
    known_id: npt.NDArray[np.uint8]  # (m, 16): of the document in the index
    known_similarity: F32  # (m,)

    @property
    def stays(self) -> npt.NDArray[np.bool_]:
        """(n,): takes part in what follows."""
        stays: npt.NDArray[np.bool_] = self.winner == np.arange(len(self.winner))
        stays[self.known] = False
        return stays


def ahead(documents: Documents, url_order: Sequence[str] | None, least: float, *, known: bool) -> Ahead:
    """`url_order`: keeper order among the fetches of one address, None where that level is off. An older fetch goes only
    if it is at least `least` like the one that stays, by signature. `known`: the parts hold what indexes know."""
    n = len(documents)
    winner = np.arange(n)
    if url_order is not None:
        winner = _newest(documents, documents.places(url_order))
        older = np.flatnonzero(winner != np.arange(n))
        if least > 0:
            alike = estimates(documents, older, winner[older])
            unlike = older[~(alike >= least)]
            winner[unlike] = unlike
    numbers, ids, similarity = _known(documents) if known else _NOBODY
    first = winner[numbers] == numbers
    return Ahead(winner, numbers[first], ids[first], similarity[first])


def estimates(documents: Documents, one: I64, other: I64) -> F32:
    """Share of equal minima of each pair: its Jaccard similarity with a standard error of sqrt(J (1 - J) / permutations).

    1 where the dedup keys are equal, NaN where a text is too short for a signature and they are not.
    """
    out = np.full(len(one), np.nan, dtype=np.float32)
    high, low = documents.exact
    same = (high[one] == high[other]) & (low[one] == low[other])
    out[same] = 1.0
    pairs = np.flatnonzero(documents.signed[one] & documents.signed[other] & ~same)
    for first in range(0, len(pairs), PAIRS):
        some = pairs[first : first + PAIRS]
        out[some] = (documents.signatures(one[some]) == documents.signatures(other[some])).mean(axis=1)
    return out


def _newest(documents: Documents, places: I64) -> I64:
    """First document by place of those with the same address, shape (n,); itself where it has none."""
    found = [np.empty((0, 16), dtype=np.uint8)]
    numbers = [np.empty(0, dtype=np.int64)]
    for who, table in columns(documents, "address", ("address",)):
        there = pc.is_valid(table["address"])
        found.append(matrix(table["address"].filter(there), "u1"))
        numbers.append(who[there.to_numpy()])
    who = np.concatenate(numbers)
    high, low = halves(np.concatenate(found))
    order = np.lexsort((places[who], low, high))
    who, high, low = who[order], high[order], low[order]
    new = np.ones(len(who), dtype=np.bool_)
    new[1:] = (high[1:] != high[:-1]) | (low[1:] != low[:-1])
    winner = np.arange(len(documents))
    winner[who] = who[np.maximum.accumulate(np.where(new, np.arange(len(who)), 0))]
    return winner


_NOBODY = (np.empty(0, dtype=np.int64), np.empty((0, 16), dtype=np.uint8), np.empty(0, dtype=np.float32))


def _known(documents: Documents) -> tuple[I64, npt.NDArray[np.uint8], F32]:
    found = [_NOBODY]
    for who, table in columns(documents, "known", ("known", "similarity")):
        there = pc.is_valid(table["known"])
        hit = table.filter(there)
        found.append((who[there.to_numpy()], matrix(hit["known"], "u1"), hit["similarity"].to_numpy()))
    numbers, ids, similarity = (np.concatenate(arrays) for arrays in zip(*found, strict=True))
    order = np.argsort(numbers)
    return numbers[order], ids[order], similarity[order].astype(np.float32)


def columns(documents: Documents, stage: str, names: Sequence[str]) -> Iterator[tuple[I64, pa.Table]]:
    """The numbers of each partition's documents and their rows of a sidecar, partition by partition."""
    for part, numbers in by_part(documents):
        rows = documents.parts[part].rows[stage].take(documents.row[numbers].astype(np.int64), names)
        yield numbers, rows


def by_part(documents: Documents) -> Iterator[tuple[int, I64]]:
    """Every partition, also an empty one, with the numbers of its documents by row."""
    ordered = np.lexsort((documents.row, documents.part))
    bounds = np.searchsorted(documents.part[ordered], np.arange(len(documents.parts) + 1))
    for part, (start, end) in enumerate(pairwise(bounds.tolist())):
        yield part, ordered[start:end]
