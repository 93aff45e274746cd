"""The suspected documents in blocks of whole components, so that memory does not grow with their number.

Most documents share no key with another: they are kept, and nothing about them needs to be held. What the others are
decided by is read once, partition by partition, and put aside by block; a block is as large as memory allows, or one
component.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from filters.kernels import kernel
from stages.columns import matrix
from stages.dedup.buckets import Buckets
from stages.dedup.components import I64, U64, BandRuns, Ids, components, halves
from stages.dedup.forest import Numbers
from stages.dedup.participants import Documents, instants
from stages.dedup.roster import I32, Roster
from stages.dedup.spill import Records, Spill

DOCUMENTS = 1 << 19  # in a block, about: does not show in the result. 0.6 kB each, half of it for signatures


@dataclass(frozen=True, slots=True)
class Block:
    """Some components: their documents, and the number of the first document of the component of each, (n,)."""

    documents: Documents
    roots: I64
    keys: Callable[[], tuple[U64, I64]]  # shared keys of those in huge components, and whose: numbers in the roster


_KEY = np.dtype([("key", "<u8"), ("number", "<i8")])


class Blocks:
    """All components of more than one document. Those of more than `huge` come first: they are looked up together."""

    def __init__(self, roster: Roster, runs: BandRuns, huge: int, scratch: Path, *, addresses: bool = False) -> None:
        """`addresses`: the partitions hold those of their documents."""
        self._roster, self._columns = roster, _COLUMNS | (_ADDRESS if addresses else {})
        self.buckets = Buckets()
        parent = components(runs, self.buckets)
        sizes = np.zeros(len(parent), dtype=parent.dtype)
        _sizes(parent, sizes)
        self.components = int(np.count_nonzero(sizes > 1))
        self.largest = int(sizes.max(initial=0))
        self.sizes = histogram(sizes)  # of components, those of one document too
        many, self.count = _pack(sizes, DOCUMENTS, huge) if len(sizes) else (0, 0)
        self.suspected = np.zeros(len(roster.parts), dtype=np.int64)  # documents of each partition
        self._spill: Spill | None = None
        self._keys = self._of_huge(runs, parent, sizes, many, scratch)
        self._read(parent, sizes, scratch)

    def __iter__(self) -> Iterator[Block]:
        for number in range(self.count if self._spill else 0):
            assert self._spill is not None
            yield _block(self._roster, self._spill.take(number), functools.partial(self._keys_of, number))

    def _keys_of(self, block: int) -> tuple[U64, I64]:
        found = self._keys.take(block) if self._keys else np.empty(0, dtype=_KEY)
        return found["key"], found["number"]

    def _of_huge(self, runs: BandRuns, parent: Numbers, blocks: Numbers, many: int, scratch: Path) -> Spill | None:
        """Goes through the runs once more and puts aside the shared keys of the first `many` blocks, the huge ones."""
        if not many:
            return None
        spill = Spill(scratch, "keys", _KEY, many)
        for keys, documents in runs.shared():
            block = blocks[parent[documents]]
            inside = np.flatnonzero((block >= 0) & (block < many))
            records = np.empty(len(inside), dtype=_KEY)
            records["key"], records["number"] = keys[inside], documents[inside]
            spill.add(records, block[inside])
        return spill

    def _read(self, parent: Numbers, blocks: Numbers, scratch: Path) -> None:
        """Goes through the partitions once, and puts aside what their suspected documents are decided by."""
        roster = self._roster
        for index, part in enumerate(roster.parts):
            roots = parent[roster.firsts[index] : roster.firsts[index + 1]]
            block = blocks[roots]
            suspected = np.flatnonzero(block >= 0)
            self.suspected[index] = len(suspected)
            if not len(suspected):
                continue
            rows = roster.rows(index)[suspected]
            first = 0
            for batch in part.groups(self._columns):
                size = batch["extract"].num_rows
                inside = slice(*np.searchsorted(rows, [first, first + size]).tolist())
                if inside.start < inside.stop:
                    found = _records(batch, index, rows[inside], first)
                    found["number"] = roster.firsts[index] + suspected[inside]
                    found["root"] = roots[suspected[inside]]
                    if self._spill is None:
                        self._spill = Spill(scratch, "suspected", found.dtype, self.count)
                    self._spill.add(found, block[suspected[inside]])
                first += size


_COLUMNS = {"extract": ("id", "date"), "minhash": ("exact", "shingles", "characters", "signature")}
_ADDRESS = {"address": ("address",)}


def _type(permutations: int, *, addresses: bool) -> np.dtype[Any]:
    return np.dtype(
        [
            *([("address", "u1", (16,))] if addresses else []),
            ("number", "<i8"),
            ("root", "<i8"),
            ("instant", "<i8"),
            ("part", "<i4"),
            ("row", "<i4"),
            ("characters", "<i4"),
            ("signed", "?"),
            ("id", "u1", (16,)),
            ("exact", "u1", (16,)),
            ("signature", "<u4", (permutations,)),
        ]
    )


def _records(batch: dict[str, pa.Table], part: int, rows: I32, first: int) -> Records:
    """What is put aside of the documents in these rows of the partition; the batch begins with its row `first`."""
    wanted = pa.array(rows - np.int32(first))
    extract, minhash = batch["extract"].take(wanted), batch["minhash"].take(wanted)
    permutations = minhash["signature"].type.byte_width // 4
    out = np.zeros(len(rows), dtype=_type(permutations, addresses="address" in batch))
    out["instant"] = instants(extract["date"].to_pylist())
    out["part"], out["row"] = part, rows
    out["characters"] = minhash["characters"].to_numpy()
    out["signed"] = minhash["shingles"].to_numpy() > 0
    out["id"], out["exact"] = matrix(extract["id"], "u1"), matrix(minhash["exact"], "u1")
    out["signature"][out["signed"]] = matrix(minhash["signature"].drop_null(), "<u4")
    if "address" in batch:
        address = batch["address"]["address"].take(wanted)
        out["address"][pc.is_valid(address).to_numpy()] = matrix(address.drop_null(), "u1")
    return out


def _block(roster: Roster, records: Records, keys: Callable[[], tuple[U64, I64]]) -> Block:
    high, low = halves(records["id"])
    order = np.lexsort((records["row"], records["part"], low, high))
    records = records[order]
    hashed = "address" in (records.dtype.names or ())
    nowhere = np.zeros(len(records), dtype=np.uint64)
    documents = Documents(
        parts=roster.parts,
        ranks=np.array([part.rank for part in roster.parts], dtype=np.int64),
        ids=Ids(high[order], low[order]),
        exact=halves(records["exact"]),
        address=halves(records["address"]) if hashed else (nowhere, nowhere),
        number=records["number"].copy(),
        part=records["part"].copy(),
        row=records["row"].copy(),
        characters=records["characters"].copy(),
        instant=records["instant"].copy(),
        signed=records["signed"].copy(),
        signature=np.ascontiguousarray(records["signature"]),
    )
    _, firsts, which = np.unique(records["root"], return_index=True, return_inverse=True)
    return Block(documents, firsts[which], keys)


def histogram(sizes: Numbers) -> dict[int, int]:
    """How many of the sizes over 0 lie from each power of two to the next: that power -> how many, ascending."""
    counts = _exponents(sizes)
    return {1 << place: n for place, n in enumerate(counts.tolist()) if n}


@kernel
def _exponents(sizes: Numbers) -> I64:
    counts = np.zeros(64, np.int64)
    for size in sizes:
        place, left = -1, size
        while left > 0:
            left >>= 1
            place += 1
        if place >= 0:
            counts[place] += 1
    return counts


@kernel
def _sizes(parent: Numbers, sizes: Numbers) -> None:
    for i in range(len(parent)):
        sizes[parent[i]] += 1


@kernel
def _pack(sizes: Numbers, limit: int, huge: int) -> tuple[int, int]:
    """Size of the component at each root -> number of its block, -1 where there is none.

    Returns how many blocks hold components of more than `huge` documents, which come first and by themselves, and how
    many there are in all.
    """
    block = filled = many = 0
    for small in range(2):
        if small:
            many = block + (filled > 0)
            block, filled = many, 0
        for i in range(len(sizes)):
            size = sizes[i]
            if size < 2 or (small == 0 and size <= huge):
                continue
            if filled and filled + size > limit:
                block, filled = block + 1, 0
            filled += size
            sizes[i] = -block - 2
    for i in range(len(sizes)):
        sizes[i] = -sizes[i] - 2 if sizes[i] < -1 else -1
    return many, block + (filled > 0)
