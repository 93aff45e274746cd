"""Documents of any number that are never stored: made from their number when they are read, with known duplicates.

Document d stands at place v = (A d + B) mod N of a list of clusters, so that the members of a cluster are scattered over
all partitions. Shares of N, from the first place on: a giant of exact copies (1 %), a giant of near-duplicates (.5 %), a
giant of unlike pages of one template (1 %), clusters of four (24 %), and documents that are like no other.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from filters.kernels import kernel
from stages.base import Part
from stages.columns import binary
from stages.edits.edits import EDITS_TYPE
from stages.parquet import Rows

PERMUTATIONS, BAND = 112, 8
PART = 50_000  # documents in a partition
GROUP = 10_000
ALONE, COPIES, NEAR, TEMPLATE, CHAIN, UNCLEAR = range(6)  # kinds of clusters
COMMON = 90  # equal minima of an unclear pair: .80, and only the texts can tell

I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]


@kernel
def mixed(x: int) -> int:
    """A 64-bit hash: splitmix64's finaliser (Steele, Lea & Flood 2014)."""
    z = np.uint64(x) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0xD1B54A32D192ED03)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@kernel
def mix(x: U64, out: U64) -> None:
    for i in range(len(x)):
        out[i] = mixed(x[i])


def hashed(x: npt.NDArray[Any], salt: int) -> U64:
    out = np.empty(len(x), dtype=np.uint64)
    mix(x.astype(np.uint64) ^ np.uint64(salt << 40), out)
    return out


@kernel
def _sign(kind: I64, base: U64, own: U64, member: I64, out: npt.NDArray[np.uint32]) -> None:
    """Every minimum is that of the cluster (`base`) or nobody else's (`own`)."""
    for i in range(len(kind)):
        for p in range(out.shape[1]):
            band = p // BAND
            shared = kind[i] == COPIES or kind[i] == NEAR
            if kind[i] == TEMPLATE:
                shared = band == 0
            elif kind[i] == CHAIN:  # members j and j + 1 meet in band j + 1
                shared = (band == member[i] and member[i] > 0) or (band == member[i] + 1 and member[i] < 3)
            elif kind[i] == UNCLEAR:
                shared = p >= out.shape[1] - COMMON
            seed = base[i] if shared else own[i]
            out[i, p] = np.uint32(mixed(seed ^ (np.uint64(p + 1) << np.uint64(48))) >> np.uint64(32))
        if kind[i] == NEAR:  # 4 cells of its own in the upper half: two members agree in at least 104 of 112
            for k in range(4):
                p = 56 + int((own[i] >> np.uint64(8 * k)) % np.uint64(56))
                out[i, p] = np.uint32(mixed(own[i] ^ (np.uint64(p + 1) << np.uint64(48))))


@dataclass(frozen=True)
class World:
    size: int

    @property
    def giants(self) -> tuple[int, int, int, int]:
        """First places of: near-duplicates, one template, clusters of four, documents alone."""
        a, b = self.size // 100, self.size // 200
        return a, a + b, 2 * a + b, 2 * a + b + self.size * 24 // 400 * 4

    def _step(self) -> tuple[int, int]:
        step = int(self.size * 0.6180339887) | 1
        while math.gcd(step, self.size) != 1:
            step += 2
        return step, self.size // 3

    def places(self, documents: I64) -> I64:
        a, b = self._step()
        return (documents * a + b) % self.size

    def documents(self, places: I64) -> I64:
        a, b = self._step()
        inverse = pow(a, -1, self.size)
        # Python integers would not overflow; here the product is below 2**63 up to 3e9 documents.
        return (places - b) % self.size * inverse % self.size

    def clusters(self, places: I64) -> tuple[I64, I64, I64]:
        """(kind, cluster, member) of the documents at these places; the cluster is the first of its places."""
        near, template, fours, alone = self.giants
        four = fours + (places - fours) // 4 * 4
        dice = hashed(four, 1) % np.uint64(100)
        kind = np.select([dice < 40, dice < 90, dice < 98], [COPIES, NEAR, CHAIN], UNCLEAR)
        bounds = [places < near, places < template, places < fours, places < alone]
        kind = np.select(bounds, [np.full_like(kind, k) for k in (COPIES, NEAR, TEMPLATE)] + [kind], ALONE)
        cluster = np.select(bounds, [np.full_like(places, f) for f in (0, near, template)] + [four], places)
        # The two pairs of an unclear cluster have nothing to do with each other.
        pair = (kind == UNCLEAR) & (places - cluster >= 2)
        cluster = cluster + 2 * pair
        return kind, cluster, places - cluster

    def ids(self, documents: I64) -> npt.NDArray[np.uint8]:
        return np.stack([hashed(documents, 2), hashed(documents, 3)], axis=1).view(np.uint8).reshape(-1, 16)

    def characters(self, documents: I64) -> npt.NDArray[np.int32]:
        """Lengths, which decide who is kept; ties among every 50."""
        return (1000 + hashed(documents, 4) % np.uint64(50)).astype(np.int32)

    def parts(self) -> list[Part]:
        parts = []
        for number, start in enumerate(range(0, self.size, PART)):
            rows = Made("", "", min(PART, self.size - start), self, start)
            parts.append(Part(f"{number:08x}", "made", 0, {"extract": rows, "edits": rows, "minhash": rows}))
        return parts

    def text(self, document: int) -> str:
        """A text of 200 characters; the pairs of unclear signatures are .86 alike, or .74."""
        places = self.places(np.array([document]))
        kind, cluster, _ = self.clusters(places)
        if kind[0] != UNCLEAR:
            return _prose(200, int(hashed(places, 5)[0]))
        common = round(2 * self.alike(cluster)[0] * 196 / (1 + self.alike(cluster)[0])) + 4
        head = _prose(common, int(hashed(cluster, 6)[0]))
        return head + _prose(200 - common, int(hashed(places, 5)[0]))

    def alike(self, cluster: I64) -> npt.NDArray[np.float64]:
        """Jaccard similarity of the texts of an unclear pair."""
        return np.where(hashed(cluster, 7) % np.uint64(2) == 0, 0.86, 0.74)


def _prose(length: int, seed: int) -> str:
    return "".join(chr(0x4E00 + n) for n in random.Random(seed).choices(range(20000), k=length))


@dataclass(frozen=True, slots=True)
class Made(Rows):
    """The rows of a partition, of all stages that dedup reads, made when they are asked for."""

    world: World
    start: int

    seconds: ClassVar[dict[str, float]] = {"made": 0.0}  # spent on making them: what a real run reads from disk

    def groups(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        for first in range(self.start, self.start + self.rows, GROUP):
            yield self._table(np.arange(first, min(first + GROUP, self.start + self.rows)), columns or ())

    def take(self, rows: npt.NDArray[np.int64], columns: Sequence[str]) -> pa.Table:
        return self._table(rows + self.start, columns)

    def _table(self, documents: I64, columns: Sequence[str]) -> pa.Table:
        began = time.perf_counter()
        places = self.world.places(documents)
        kind, cluster, member = self.world.clusters(places)
        # COPIES differ in nothing, so their own seed is that of the cluster.
        base, own = hashed(cluster, 8), hashed(np.where(kind == COPIES, cluster, places), 9)
        made: Mapping[str, Any] = {
            "id": lambda: binary(self.world.ids(documents)),
            "date": lambda: pa.repeat("2024-01-01T00:00:00Z", len(documents)),
            "url": lambda: pa.array([f"https://h{d % self.hosts}.example.jp/{d}" for d in documents.tolist()]),
            "host": lambda: pa.array([f"h{d % self.hosts}.example.jp" for d in documents.tolist()]),
            "text": lambda: pa.array([self.world.text(d) for d in documents.tolist()], pa.large_string()),
            "edits": lambda: pa.array([[]] * len(documents), EDITS_TYPE),
            "exact": lambda: binary(np.stack([own, ~own], axis=1).view(np.uint8).reshape(-1, 16)),
            "shingles": lambda: pa.repeat(pa.scalar(996, pa.int32()), len(documents)),
            "characters": lambda: pa.array(self.world.characters(documents)),
            "signature": lambda: self._signatures(kind, base, own, member),
        }
        table = pa.table({column: made[column]() for column in columns})
        self.seconds["made"] += time.perf_counter() - began
        return table

    @property
    def hosts(self) -> int:
        return max(1, self.world.size // 60)

    @staticmethod
    def _signatures(kind: I64, base: U64, own: U64, member: I64) -> pa.Array:
        out = np.empty((len(kind), PERMUTATIONS), dtype=np.uint32)
        _sign(kind, base, own, member, out)
        return binary(out.view(np.uint8).reshape(len(kind), 4 * PERMUTATIONS))
