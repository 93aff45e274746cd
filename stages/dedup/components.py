"""Which documents may be alike: shared keys join them into components. Nothing is verified and nothing dropped here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from filters.kernels import kernel
from stages.dedup.bands import PARTS, SHAPE
from stages.dedup.buckets import Buckets
from stages.dedup.forest import Forest, Numbers, roots, spanning
from stages.dedup.roster import Roster
from stages.parquet import Rows, open_checked
from stages.signatures.lsh import Shape

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

_LAST = (1 << 64) - 1
KEYS = 1 << 23  # of a key range, at most on average: about 400 MB while it is sorted


class Ids:
    """128-bit document ids in ascending order, equal ones side by side. 16 bytes a document."""

    def __init__(self, high: U64, low: U64) -> None:
        self.high, self.low = high, low

    def __len__(self) -> int:
        return len(self.high)

    def bytes(self, numbers: I64) -> npt.NDArray[np.uint8]:
        """The ids of these documents, shape (m, 16)."""
        pairs = np.stack([self.high[numbers], self.low[numbers]], axis=1)
        return pairs.astype(">u8").view(np.uint8).reshape(len(numbers), 16)


def halves(ids: npt.NDArray[np.uint8]) -> tuple[U64, U64]:
    """Upper and lower 64 bits of 16-byte hashes, shape (n, 16) -> (n,), (n,); they sort as the bytes do."""
    pairs = np.ascontiguousarray(ids).view(">u8").astype(np.uint64).reshape(len(ids), 2)
    return np.ascontiguousarray(pairs[:, 0]), np.ascontiguousarray(pairs[:, 1])


@dataclass(frozen=True, slots=True)
class _Run:
    """A band run and what leads from the numbers in it to those of the roster: both (its parts,)."""

    rows: Rows
    ends: I64  # number after the last document of each part, in the run
    shifts: I64  # what to add

    def between(self, low: int, high: int) -> tuple[U64, I64]:
        table = self.rows.between("key", low, high, ("key", "document"))
        documents = table["document"].to_numpy().astype(np.int64)
        if len(documents) and documents.max() >= self.ends[-1]:
            raise AssertionError(
                f"{self.rows.path}: document {documents.max()} of a run over {self.ends[-1]}: a run of other inputs"
            )
        return table["key"].to_numpy(), documents + self.shifts[np.searchsorted(self.ends, documents, "right")]


@dataclass(frozen=True, slots=True)
class BandRuns:
    """The band runs over all partitions of a roster."""

    roster: Roster
    runs: tuple[_Run, ...]
    ranges: int  # key ranges, a multiple of those that the row groups of the runs are cut at

    @classmethod
    def over(cls, roster: Roster, runs: Sequence[Rows], ranges: int) -> BandRuns:
        """AssertionError unless every partition is in exactly one of the runs. `ranges`: at least that many."""
        places = {part.id: index for index, part in enumerate(roster.parts)}
        found: list[_Run] = []
        seen: set[str] = set()
        for rows in runs:
            members = _parts(rows)
            for id in members:
                if id not in places or id in seen:
                    raise AssertionError(
                        f"{rows.path} is over partition {id}, which "
                        f"{'another run is over, too' if id in places else 'is not here'}: runs of other inputs"
                    )
                seen.add(id)
            which = np.array([places[id] for id in members], dtype=np.int64)
            ends = np.cumsum(roster.counts[which])
            found.append(_Run(rows, ends, roster.firsts[which] - (ends - roster.counts[which])))
        if missing := [part.id for part in roster.parts if part.id not in seen]:
            raise AssertionError(f"no band run is over partition {missing[0]}: one is missing ({len(runs)} given)")
        while sum(rows.rows for rows in runs) > ranges * KEYS:
            ranges *= 2
        return cls(roster, tuple(found), ranges)

    def shared(self) -> Iterator[tuple[U64, I64]]:
        """Per key range: the keys that occur more than once, sorted, and the document of each occurrence, (m,), (m,)."""
        width = (_LAST + 1) // self.ranges
        for start in range(self.ranges if self.runs else 0):
            high = _LAST if start == self.ranges - 1 else (start + 1) * width - 1
            pairs = [run.between(start * width, high) for run in self.runs]
            keys = np.concatenate([keys for keys, _ in pairs])
            documents = np.concatenate([documents for _, documents in pairs])
            del pairs
            order = np.argsort(keys)
            keys = keys[order]
            same = keys[1:] == keys[:-1]
            shared = np.append(same, False) | np.insert(same, 0, False) if len(keys) else np.empty(0, dtype=np.bool_)
            yield keys[shared], documents[order[shared]]

    @property
    def shape(self) -> Shape:
        """Of the bands that the runs hold; no band where there is no run."""
        shapes = {_metadata(run.rows).get(SHAPE, b"") for run in self.runs}
        if len(shapes) > 1:
            raise AssertionError(f"band runs of several shapes: {sorted(shapes)}")
        return Shape(*map(int, shapes.pop().split())) if shapes else Shape(0, 0)

    def forests(self, buckets: Buckets) -> Iterator[Forest]:
        """One for each key range, over the numbers of the roster. `buckets` gets to see every shared key."""
        small = len(self.roster) < 1 << 31
        for keys, documents in self.shared():
            buckets.add(keys, documents)
            yield spanning(*_stars(keys, documents.astype(np.int32) if small else documents))


def _parts(run: Rows) -> list[str]:
    return _metadata(run).get(PARTS, b"").decode().split()


def _metadata(run: Rows) -> dict[bytes, bytes]:
    with open_checked(run.path) as file:
        return file.schema_arrow.metadata or {}


@kernel
def _stars(keys: U64, documents: Numbers) -> tuple[Numbers, Numbers]:
    """Every document of a run of equal keys with the first of it: n - 1 edges for a key of n documents."""
    one, other = np.empty_like(documents), np.empty_like(documents)
    first = edges = 0
    for i in range(1, len(keys)):
        if keys[i] != keys[first]:
            first = i
        else:
            one[edges], other[edges] = documents[first], documents[i]
            edges += 1
    return one[:edges], other[:edges]


def components(runs: BandRuns, buckets: Buckets) -> Numbers:
    """Smallest document number of the component of every document, shape (n,).

    Documents are joined when they share a key of any run. Which documents are together depends neither on the order
    of runs and ranges nor on the partitioning; the number of the smallest does on the latter.
    """
    return roots(len(runs.roster), runs.forests(buckets))
