"""What indexes of other corpora know of a group of partitions, before duplicates within the run are looked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stages.base import NEUTRAL, Inputs, Part, Sink, Stage
from stages.columns import binary, matrix
from stages.dedup.components import I64, U64, halves
from stages.indexes.compact import agreement, check_bins, estimate, needed
from stages.indexes.index import shortened
from stages.signatures.lsh import Shape, band_keys, exact_keys

KNOWN = pa.schema(
    [
        pa.field("known", pa.binary(16)),  # id of the document in the index; null: none knows it
        # Jaccard similarity to it, estimated from compact signatures; 1 where the dedup keys are equal.
        pa.field("similarity", pa.float32()),
        pa.field("exact", pa.bool_(), nullable=False),
        pa.field("index", pa.string(), nullable=False),  # name of the index, '' where none knows it
        pa.field("reference", pa.string(), nullable=False),  # the id of the document as its file has it; '' = `known`
    ]
)
PENDING = 1 << 22  # pairs that are gathered before they are compared: 100 MB; does not show in the result
PAIRS = 1 << 17  # pairs compared at once: 100 MB of signatures; nor does this
SAME = 2.0  # score of a pair with the same dedup key: above any similarity


@dataclass
class _Group:
    """The n participants of some partitions, and the best match of each so far."""

    parts: list[Part]
    part: I64  # (n,): place in `parts`
    row: I64  # (n,)
    exact: npt.NDArray[np.uint8]  # (n, 16)
    compact: npt.NDArray[np.uint8]  # (n, bins / 2): zeros where there is no signature
    keys: U64  # (m,), sorted
    owners: I64  # (m,)
    score: npt.NDArray[np.float64] = field(init=False)  # (n,): similarity, or SAME; -1: nothing is known
    high: U64 = field(init=False)  # (n,): halves of the id of the match
    low: U64 = field(init=False)
    index: npt.NDArray[np.int32] = field(init=False)  # (n,): which index file
    match: I64 = field(init=False)  # (n,): row in it

    def __post_init__(self) -> None:
        n = len(self.part)
        self.score, self.index, self.match = np.full(n, -1.0), np.zeros(n, dtype=np.int32), np.zeros(n, dtype=np.int64)
        self.high, self.low = np.zeros(n, dtype=np.uint64), np.zeros(n, dtype=np.uint64)


@dataclass(frozen=True)
class Known(Stage):
    """A document is known if its dedup key is in an index, or if one that shares a key with it is clearly alike.

    Clearly: `errors` standard errors above `similarity`, by compact signatures; see `stages.indexes.compact` for what that proves.
    Whether it is known hangs on it and on each index alone, on nothing else of the run and on no other index: one index
    more never makes a known document unknown, and one taken away leaves no trace. The match named is the most alike, then
    the one with the lowest id, then that of the first index by name.

    Reads partitions, and index files as further parts that hold nothing but `index` and `index-keys`; these a row group at
    a time. In memory: 0.6 kB a participant of the group.
    """

    similarity: float = 0.8
    errors: float = 3.0
    bands: int = Shape().bands
    rows: int = Shape().rows
    bins: int = field(default=512, metadata=NEUTRAL)  # of a compact signature: shows in what is read

    name: ClassVar[str] = "known"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("minhash", "compact", "index", "index-keys")
    barrier: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not 0 < self.similarity <= 1:
            raise ValueError(f"known.similarity must be over 0 and at most 1, not {self.similarity}")
        if self.errors < 0:
            raise ValueError(f"known.errors must not be negative, as {self.errors} is")
        check_bins(self.bins, "known.bins")

    def outputs(self, inputs: Inputs) -> dict[str, pa.Schema]:
        return {part.id: KNOWN for part in inputs.parts if "minhash" in part.rows}

    def run(self, inputs: Inputs, sink: Sink) -> None:
        group = self._group(sorted((p for p in inputs.parts if "minhash" in p.rows), key=lambda part: part.id))
        files = sorted((p for p in inputs.parts if "index" in p.rows), key=lambda part: (part.source, part.id))
        for number, file in enumerate(files):
            for pairs in _gathered(group, file):
                self._compare(group, number, file, pairs)
        sink.count("participants", len(group.part))
        sink.count("known.exact", int((group.score == SAME).sum()))
        sink.count("known.near", int(((group.score >= 0) & (group.score < SAME)).sum()))
        for number, file in enumerate(files):
            sink.count(f"by.{file.source}", int(((group.score >= 0) & (group.index == number)).sum()))
        references = _references(group, files)
        for place, part in enumerate(group.parts):
            sink.write(_table(group, place, part.rows["minhash"].rows, files, references), to=part.id)

    def _group(self, parts: list[Part]) -> _Group:
        exacts, compacts = [np.empty((0, 16), dtype=np.uint8)], [np.empty((0, self.bins // 2), dtype=np.uint8)]
        keys, owners = [np.empty(0, dtype=np.uint64)], [np.empty(0, dtype=np.int64)]
        part_of, row = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
        count = 0
        for place, part in enumerate(parts):
            first = 0
            for batch in part.groups({"minhash": ("signature", "exact"), "compact": ("compact",)}):
                rows = np.flatnonzero(pc.is_valid(batch["minhash"]["exact"]).to_numpy())
                minhash, compact = batch["minhash"].take(rows), batch["compact"].take(rows)
                signed = pc.is_valid(minhash["signature"]).to_numpy()
                numbers = np.arange(count, count + len(rows))
                banded = band_keys(matrix(minhash["signature"].drop_null(), "<u4"), Shape(self.bands, self.rows))
                exact = np.ascontiguousarray(matrix(minhash["exact"], "u1"))
                keys += [banded.reshape(-1), exact_keys(exact.view("<u4"))]
                owners += [np.repeat(numbers[signed], self.bands), numbers]
                exacts.append(exact)
                compacts.append(_cells(compact["compact"]))
                part_of.append(np.full(len(rows), place))
                row.append(rows + first)
                count += len(rows)
                first += batch["minhash"].num_rows
        merged, merged_owners = shortened(np.concatenate(keys)), np.concatenate(owners)
        order = np.argsort(merged, kind="stable")
        return _Group(
            parts,
            np.concatenate(part_of),
            np.concatenate(row),
            np.concatenate(exacts),
            np.concatenate(compacts),
            merged[order],
            merged_owners[order],
        )

    def _compare(self, group: _Group, number: int, file: Part, pairs: I64) -> None:
        """Give each document of some pairs its best match among these, where that is better than the one it has."""
        rows, documents = pairs // len(group.part), pairs % len(group.part)
        wanted, place = np.unique(rows, return_inverse=True)
        old = file.rows["index"].take(wanted, ("id", "exact", "compact"))
        found = agreement(group.compact[documents], _cells(old["compact"])[place])
        score = np.where(found.alike >= needed(found, self.similarity, self.errors), estimate(found), -1.0)
        score[(group.exact[documents] == matrix(old["exact"], "u1")[place]).all(axis=1)] = SAME
        hit = np.flatnonzero(score >= 0)
        documents, score, rows = documents[hit], score[hit], rows[hit]
        high, low = (half[place[hit]] for half in halves(matrix(old["id"], "u1")))
        order = np.lexsort((rows, low, high, -score, documents))
        best = order[np.unique(documents[order], return_index=True)[1]]
        at, now = documents[best], best
        better = score[now] > group.score[at]
        equal = score[now] == group.score[at]
        lower = (high[now] < group.high[at]) | ((high[now] == group.high[at]) & (low[now] < group.low[at]))
        at, now = (array[better | (equal & lower)] for array in (at, now))
        group.score[at], group.high[at], group.low[at] = score[now], high[now], low[now]
        group.index[at], group.match[at] = number, rows[now]


def _cells(compact: pa.ChunkedArray) -> npt.NDArray[np.uint8]:
    """Compact signatures, shape (n, bins / 2), zeros where there is none."""
    there = pc.is_valid(compact).to_numpy()
    cells = np.zeros((len(there), compact.type.byte_width), dtype=np.uint8)
    cells[there] = matrix(compact.drop_null(), "u1")
    return cells


def _gathered(group: _Group, file: Part) -> Iterator[I64]:
    """The pairs that share a key, each as row in the index * n + document, ascending, by `PAIRS`."""
    waiting: list[I64] = []
    size = 0
    for pairs in _met(group, file):
        waiting.append(pairs)
        size += len(pairs)
        if size >= PENDING:  # a pair that is found again is compared again, which changes nothing
            yield from _cut(waiting)
            waiting, size = [], 0
    yield from _cut(waiting)


def _cut(waiting: Sequence[I64]) -> Iterator[I64]:
    pairs = np.unique(np.concatenate([np.empty(0, dtype=np.int64), *waiting]))
    for start in range(0, len(pairs), PAIRS):
        yield pairs[start : start + PAIRS]


def _met(group: _Group, file: Part) -> Iterator[I64]:
    """The same as they are found, in portions: a merge of the sorted keys of both sides, a row group at a time."""
    for table in file.rows["index-keys"].groups(("key", "row")):
        keys, rows = table["key"].to_numpy(), table["row"].to_numpy().astype(np.int64)
        if not len(keys):
            continue
        extent = slice(np.searchsorted(group.keys, keys[0], "left"), np.searchsorted(group.keys, keys[-1], "right"))
        own, owners = group.keys[extent], group.owners[extent]
        first = np.searchsorted(keys, own, "left")
        counts = np.searchsorted(keys, own, "right") - first
        met = np.flatnonzero(counts)
        first, counts, owners = first[met], counts[met], owners[met]
        # A key of many documents on both sides gives many pairs.
        cuts = np.searchsorted(np.cumsum(counts), np.arange(PENDING, counts.sum(), PENDING), "left")
        for some in np.split(np.arange(len(met)), cuts):
            n = counts[some]
            places = np.repeat(first[some] - np.cumsum(n) + n, n) + np.arange(n.sum())
            yield rows[places] * len(group.part) + np.repeat(owners[some], n)


def _references(group: _Group, files: Sequence[Part]) -> dict[tuple[int, int], str]:
    """(index file, row) -> what that file calls a document that was matched."""
    found: dict[tuple[int, int], str] = {}
    for number, file in enumerate(files):
        rows = np.unique(group.match[(group.score >= 0) & (group.index == number)])
        names = file.rows["index"].take(rows, ("reference",))["reference"].to_pylist()
        found |= {(number, row): name for row, name in zip(rows.tolist(), names, strict=True)}
    return found


def _table(
    group: _Group, place: int, rows: int, files: Sequence[Part], references: dict[tuple[int, int], str]
) -> pa.Table:
    """The sidecar of one partition."""
    mine = np.flatnonzero((group.part == place) & (group.score >= 0))
    at = group.row[mine]
    there = np.zeros(rows, dtype=np.bool_)
    there[at] = True
    ids, score = np.zeros((rows, 16), dtype=np.uint8), np.zeros(rows)
    halved = np.stack([group.high[mine], group.low[mine]], axis=1)
    ids[at], score[at] = halved.astype(">u8").view(np.uint8).reshape(len(mine), 16), group.score[mine]
    names, told = [""] * rows, [""] * rows
    for row, number, match in zip(at.tolist(), group.index[mine].tolist(), group.match[mine].tolist(), strict=True):
        names[row], told[row] = files[number].source, references[number, match]
    columns = [
        binary(ids, there),
        pa.array(np.minimum(score, 1.0).astype(np.float32), mask=~there),
        pa.array(score == SAME),
        pa.array(names, pa.string()),
        pa.array(told, pa.string()),
    ]
    return pa.table(columns, schema=KNOWN)
