"""What hosts lose to duplicates: counted by partition, put aside by hash, so that memory does not grow with the hosts."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from filters.kernels import kernel
from stages.dedup.spill import Records, Spill

U64 = npt.NDArray[np.uint64]

LEAST = 100  # documents of a host that is looked at: a smaller one of copies is no sign of a mistake
MOST = 20  # hosts that are told of
BITS = 6  # of a hash: 64 buckets

_TALLY = np.dtype(
    [
        ("host", "<u8"),
        ("documents", "<i8"),
        ("lost", "<i8"),
        ("part", "<i4"),  # of one that was lost, -1 where none was
        ("row", "<i4"),
        ("keeper_part", "<i4"),  # of the document that stays for it
        ("keeper_row", "<i4"),
    ]
)


class Loss(NamedTuple):
    """A host that lost documents, with the place (partition, row) of one of them and of its keeper."""

    documents: int
    lost: int
    example: tuple[int, int]
    keeper: tuple[int, int]


class HostLosses:
    def __init__(self, scratch: Path) -> None:
        self._spill = Spill(scratch, "hosts", _TALLY, 1 << BITS)

    def add(self, part: int, hosts: U64, takes_part: npt.NDArray[np.bool_], settled: Records) -> None:
        """Hashes of the hosts of a partition's rows, 0 for none; which rows take part; what was settled of some."""
        who = np.flatnonzero(takes_part & (hosts != 0))
        unique, which = np.unique(hosts[who], return_inverse=True)
        lost = settled[(settled["level"] > 0) & (hosts[settled["row"]] != 0)]
        lost = lost[np.argsort(lost["row"], kind="stable")]
        of_lost = np.searchsorted(unique, hosts[lost["row"]])
        out = np.zeros(len(unique), dtype=_TALLY)
        out["host"], out["documents"] = unique, np.bincount(which, minlength=len(unique))
        out["lost"], out["part"] = np.bincount(of_lost, minlength=len(unique)), -1
        has, first = np.unique(of_lost, return_index=True)
        out["part"][has], out["row"][has] = part, lost["row"][first]
        for name in ("keeper_part", "keeper_row"):
            out[name][has] = lost[name][first]
        self._spill.add(out, (unique >> np.uint64(64 - BITS)).astype(np.int64))

    def worst(self) -> list[Loss]:
        """Those of at least LEAST documents that lost the largest shares, at most MOST; ties: the larger, then by hash."""
        found: list[tuple[float, int, int, Loss]] = []
        for bucket in range(1 << BITS):
            tallies = self._spill.take(bucket)
            tallies = tallies[np.lexsort((tallies["row"], tallies["part"], tallies["host"]))]
            starts = np.flatnonzero(np.append(True, tallies["host"][1:] != tallies["host"][:-1])[: len(tallies)])
            if not len(starts):
                continue
            documents, lost = (np.add.reduceat(tallies[name], starts) for name in ("documents", "lost"))
            ends = np.append(starts[1:], len(tallies))
            for one in np.flatnonzero((documents >= LEAST) & (lost > 0)).tolist():
                rows = tallies[starts[one] : ends[one]]
                row = rows[np.flatnonzero(rows["part"] >= 0)[0]]  # the first partition that lost one
                loss = Loss(
                    int(documents[one]),
                    int(lost[one]),
                    (int(row["part"]), int(row["row"])),
                    (int(row["keeper_part"]), int(row["keeper_row"])),
                )
                found.append((-loss.lost / loss.documents, -loss.documents, int(row["host"]), loss))
            found = sorted(found)[:MOST]
        return [loss for *_, loss in found]


def host_hashes(hosts: pa.ChunkedArray) -> U64:
    """64-bit FNV-1a hashes of strings, 0 for the empty one, shape (n,). Two hosts share one once in 2**64 pairs."""
    out = np.zeros(len(hosts), dtype=np.uint64)
    first = 0
    for chunk in (chunk for chunk in hosts.chunks if len(chunk)):
        array = chunk.cast(pa.large_string())
        offsets = np.frombuffer(array.buffers()[1], dtype=np.int64)[array.offset : array.offset + len(array) + 1]
        data = np.frombuffer(array.buffers()[2] or b"", dtype=np.uint8)
        _hash(offsets, data, out[first : first + len(array)])
        first += len(array)
    return out


@kernel
def _hash(offsets: npt.NDArray[np.int64], data: npt.NDArray[np.uint8], out: U64) -> None:
    for i in range(len(out)):
        if offsets[i] == offsets[i + 1]:
            continue
        hash = np.uint64(0xCBF29CE484222325)
        for j in range(offsets[i], offsets[i + 1]):
            hash = (hash ^ np.uint64(data[j])) * np.uint64(0x100000001B3)
        hash ^= hash >> np.uint64(32)
        hash *= np.uint64(0xD6E8FEB86659FD93)
        out[i] = max(hash ^ (hash >> np.uint64(32)), np.uint64(1))
