"""Which documents may be alike: shared keys join them into components. Nothing is verified and nothing dropped here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from filters.kernels import kernel
from stages.columns import matrix
from stages.parquet import Rows

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

_LAST = (1 << 64) - 1


class Ids:
    """128-bit document ids in ascending order, equal ones side by side. 16 bytes a document."""

    def __init__(self, high: U64, low: U64) -> None:
        self.high, self.low = high, low

    def __len__(self) -> int:
        return len(self.high)

    def find(self, ids: npt.NDArray[np.uint8]) -> I64:
        """Number of the first document with each id, shape (m,); ids is (m, 16). AssertionError for an unknown one."""
        high, low = halves(ids)
        out = np.empty(len(ids), dtype=np.int64)
        _find(self.high, self.low, high, low, out)
        if len(out) and out.min() < 0:
            unknown = ids[int(out.argmin())].tobytes().hex()
            raise AssertionError(f"band runs name document {unknown}, which no partition holds: runs of other inputs")
        return out

    def bytes(self, numbers: I64) -> npt.NDArray[np.uint8]:
        """The ids of these documents, shape (m, 16)."""
        pairs = np.stack([self.high[numbers], self.low[numbers]], axis=1)
        return pairs.astype(">u8").view(np.uint8).reshape(len(numbers), 16)


def halves(ids: npt.NDArray[np.uint8]) -> tuple[U64, U64]:
    """Upper and lower 64 bits of 16-byte hashes, shape (n, 16) -> (n,), (n,); they sort as the bytes do."""
    pairs = np.ascontiguousarray(ids).view(">u8").astype(np.uint64).reshape(len(ids), 2)
    return np.ascontiguousarray(pairs[:, 0]), np.ascontiguousarray(pairs[:, 1])


@kernel
def _find(high: U64, low: U64, wanted_high: U64, wanted_low: U64, out: I64) -> None:
    for i in range(len(out)):
        h, l = wanted_high[i], wanted_low[i]  # noqa: E741
        start, end = 0, len(high)
        while start < end:
            middle = (start + end) // 2
            if high[middle] < h or (high[middle] == h and low[middle] < l):
                start = middle + 1
            else:
                end = middle
        out[i] = start if start < len(high) and high[start] == h and low[start] == l else -1


@kernel
def _root(parent: I64, i: int) -> int:
    while parent[i] != i:
        parent[i] = parent[parent[i]]  # path halving
        i = parent[i]
    return i


@kernel
def _join(parent: I64, keys: U64, documents: I64) -> None:
    """Star edges: every document of a run of equal keys is linked to its first. The smaller number becomes the root."""
    first = 0
    for i in range(1, len(keys)):
        if keys[i] != keys[first]:
            first = i
            continue
        one, other = _root(parent, documents[first]), _root(parent, documents[i])
        parent[max(one, other)] = min(one, other)


@kernel
def _flatten(parent: I64) -> None:
    # Parents never have larger numbers than their children, so one ascending pass reaches every root.
    for i in range(len(parent)):
        parent[i] = parent[parent[i]]


def components(ids: Ids, runs: Sequence[Rows], ranges: int) -> I64:
    """Smallest document number of the component of every document, shape (n,).

    Documents are joined when they share a key of any run, or their id. Neither the order of runs and ranges nor the
    partitioning shows in the result: the root of a component is its smallest member.
    """
    parent = np.arange(len(ids), dtype=np.int64)
    again = np.flatnonzero((ids.high[1:] == ids.high[:-1]) & (ids.low[1:] == ids.low[:-1])) + 1
    parent[again] = again - 1
    for keys, documents in shared_keys(ids, runs, ranges):
        _join(parent, keys, documents)
    _flatten(parent)
    return parent


def shared_keys(ids: Ids, runs: Sequence[Rows], ranges: int) -> Iterator[tuple[U64, I64]]:
    """Per key range: the keys that occur more than once, sorted, and the document of each occurrence, (m,) and (m,)."""
    width = (_LAST + 1) // ranges
    for start in range(ranges):
        high = _LAST if start == ranges - 1 else (start + 1) * width - 1
        tables = [run.between("key", start * width, high, ("key", "id")) for run in runs]
        if not tables:
            return
        keys = np.concatenate([table["key"].to_numpy() for table in tables])
        names = np.concatenate([matrix(table["id"], "u1") for table in tables])
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        # Most keys occur once: they are sorted out before the documents are looked up, which costs a cache miss or two.
        same = keys[1:] == keys[:-1]
        shared = np.append(same, False) | np.insert(same, 0, False) if len(keys) else np.empty(0, dtype=np.bool_)
        yield keys[shared], ids.find(names[order[shared]])
