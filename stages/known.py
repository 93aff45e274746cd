"""What indexes of other corpora know of a group of partitions, before duplicates within the run are looked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stages.base import NEUTRAL, Inputs, Part, Sink, Stage
from stages.columns import binary, matrix
from stages.compact import FEWEST, agreement, estimate, needed
from stages.components import I64, U64
from stages.line_counts import RANGES
from stages.lsh import Shape, band_keys, exact_keys
from stages.template_lines import LAST

KNOWN = pa.schema(
    [
        pa.field("known", pa.binary(16)),  # id of the document in the index; null: none knows it
        # Jaccard similarity to it, estimated from compact signatures; 1 where the dedup keys are equal.
        pa.field("similarity", pa.float32()),
        pa.field("exact", pa.bool_(), nullable=False),
        pa.field("index", pa.string(), nullable=False),  # name of the index, '' where none
        pa.field("reference", pa.string(), nullable=False),  # the id of the document as the index has it
    ]
)
CANDIDATES = 64  # documents of one file of an index that a key leads to, at most: the first in it
PAIRS = 1 << 18  # signatures of pairs compared at once: 128 MB; does not show in the result


@dataclass
class _Group:
    """The n participants of some partitions and what is known of them so far."""

    parts: list[Part]
    part: I64  # (n,): place in `parts`
    row: I64  # (n,)
    exact: npt.NDArray[np.uint8]  # (n, 16)
    compact: npt.NDArray[np.uint8]  # (n, bins / 2)
    signed: npt.NDArray[np.bool_]  # (n,)
    keys: U64  # (m,), sorted
    owners: I64  # (m,)
    best: npt.NDArray[np.float64] = field(init=False)  # (n,): 2 = the same dedup key, -1 = nothing is known
    told: dict[int, tuple[bytes, str, str]] = field(default_factory=dict)  # document -> id, index, reference

    def __post_init__(self) -> None:
        self.best = np.full(len(self.part), -1.0)


@dataclass(frozen=True)
class Known(Stage):
    """A document is known if its dedup key is in an index, or if one that shares a band is clearly alike.

    Clearly: `errors` standard errors above `similarity`, by compact signatures; see `stages.compact` for what that proves.
    Whether it is known hangs on it and on each index alone, on nothing else of the run and on no other index: one index
    more never makes a known document unknown, and one taken away leaves no trace. The keeper named is the most alike, then
    the one with the lowest id.
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
        if self.bins < FEWEST or self.bins & (self.bins - 1):
            raise ValueError(f"known.bins must be a power of two from {FEWEST} on, not {self.bins}")

    def outputs(self, inputs: Inputs) -> dict[str, pa.Schema]:
        return {part.id: KNOWN for part in inputs.parts if "minhash" in part.rows}

    def run(self, inputs: Inputs, sink: Sink) -> None:
        group = self._group(sorted((p for p in inputs.parts if "minhash" in p.rows), key=lambda part: part.id))
        for index in sorted((p for p in inputs.parts if "index" in p.rows), key=lambda part: part.id):
            self._look(group, index)
        sink.count("participants", len(group.part))
        sink.count("known.exact", int((group.best == 2).sum()))
        sink.count("known.near", int(((group.best >= 0) & (group.best < 2)).sum()))
        for place, part in enumerate(group.parts):
            sink.write(_table(group, place, part.rows["minhash"].rows), to=part.id)

    def _group(self, parts: list[Part]) -> _Group:
        exacts, compacts, signed, part_of, row = [], [], [], [], []
        keys, owners = [np.empty(0, dtype=np.uint64)], [np.empty(0, dtype=np.int64)]
        count = 0
        for place, part in enumerate(parts):
            first = 0
            for batch in part.groups({"minhash": ("signature", "exact"), "compact": ("compact",)}):
                rows = np.flatnonzero(pc.is_valid(batch["minhash"]["exact"]).to_numpy())
                minhash, compact = batch["minhash"].take(rows), batch["compact"].take(rows)
                there = pc.is_valid(minhash["signature"]).to_numpy()
                numbers = np.arange(count, count + len(rows))
                width = compact["compact"].type.byte_width
                cells = np.zeros((len(rows), width), dtype=np.uint8)
                cells[there] = matrix(compact["compact"].drop_null(), "u1")
                banded = band_keys(matrix(minhash["signature"].drop_null(), "<u4"), Shape(self.bands, self.rows))
                exact = matrix(minhash["exact"], "u1")
                keys += [banded.reshape(-1), exact_keys(np.ascontiguousarray(exact).view("<u4"))]
                owners += [np.repeat(numbers[there], self.bands), numbers]
                exacts.append(exact)
                compacts.append(cells)
                signed.append(there)
                part_of.append(np.full(len(rows), place))
                row.append(rows + first)
                count += len(rows)
                first += batch["minhash"].num_rows
        merged, merged_owners = np.concatenate(keys), np.concatenate(owners)
        order = np.argsort(merged, kind="stable")
        return _Group(
            parts,
            np.concatenate([np.empty(0, dtype=np.int64), *part_of]),
            np.concatenate([np.empty(0, dtype=np.int64), *row]),
            np.concatenate([np.empty((0, 16), dtype=np.uint8), *exacts]),
            np.concatenate(compacts) if compacts else np.empty((0, 0), dtype=np.uint8),
            np.concatenate([np.empty(0, dtype=np.bool_), *signed]),
            merged[order],
            merged_owners[order],
        )

    def _look(self, group: _Group, index: Part) -> None:
        """Compare with one file of an index. In memory: a range of its keys, and the pairs that share one."""
        pairs = [np.empty(0, dtype=np.int64)]
        total = index.rows["index"].rows
        width = (LAST + 1) // RANGES
        for start in range(RANGES):
            low, high = start * width, (start + 1) * width - 1
            bounds = np.searchsorted(group.keys, np.array([low, high], dtype=np.uint64), side="left")
            own = slice(int(bounds[0]), int(np.searchsorted(group.keys, np.uint64(high), side="right")))
            table = index.rows["index-keys"].between("key", low, high, ("key", "row"))
            keys, rows = table["key"].to_numpy(), table["row"].to_numpy().astype(np.int64)
            first = np.searchsorted(keys, group.keys[own], side="left")
            found = np.minimum(np.searchsorted(keys, group.keys[own], side="right") - first, CANDIDATES)
            owners = np.repeat(group.owners[own], found)
            places = np.repeat(first - np.append(0, np.cumsum(found)[:-1]), found) + np.arange(found.sum())
            pairs.append(np.unique(owners * total + rows[places]))
        met = np.unique(np.concatenate(pairs))
        for begin in range(0, len(met), PAIRS):
            some = met[begin : begin + PAIRS]
            self._compare(group, index, some // total, some % total)

    def _compare(self, group: _Group, index: Part, documents: I64, rows: I64) -> None:
        wanted, place = np.unique(rows, return_inverse=True)
        old = index.rows["index"].take(wanted, ("id", "reference", "exact", "compact"))
        exact = matrix(old["exact"], "u1")
        there = pc.is_valid(old["compact"]).to_numpy()
        cells = np.zeros((len(wanted), group.compact.shape[1]), dtype=np.uint8)
        cells[there] = matrix(old["compact"].drop_null(), "u1")
        alike, filled = agreement(group.compact[documents], cells[place])
        score = np.where(alike >= needed(filled, self.similarity, self.errors), estimate(alike, filled), -1.0)
        score[(group.exact[documents] == exact[place]).all(axis=1)] = 2.0
        hits = np.flatnonzero((score >= 0) & (score >= group.best[documents]))
        ids, references = old["id"].to_pylist(), old["reference"].to_pylist()
        for hit in hits.tolist():
            document, which = int(documents[hit]), int(place[hit])
            told = (ids[which], index.source, references[which])
            if score[hit] > group.best[document] or told < group.told[document]:
                group.best[document] = score[hit]
                group.told[document] = told


def _table(group: _Group, place: int, rows: int) -> pa.Table:
    """The sidecar of one partition."""
    mine = np.flatnonzero((group.part == place) & (group.best >= 0))
    at: Mapping[int, int] = dict(zip(group.row[mine].tolist(), mine.tolist(), strict=True))
    there = np.zeros(rows, dtype=np.bool_)
    there[group.row[mine]] = True
    ids = np.zeros((rows, 16), dtype=np.uint8)
    score = np.zeros(rows)
    names, references = [""] * rows, [""] * rows
    for row, document in at.items():
        id, names[row], references[row] = group.told[document]
        ids[row] = np.frombuffer(id, dtype=np.uint8)
        score[row] = group.best[document]
    columns = [
        binary(ids, there),
        pa.array(np.minimum(score, 1.0).astype(np.float32), mask=~there),
        pa.array(score == 2.0),
        pa.array(names, pa.string()),
        pa.array(references, pa.string()),
    ]
    return pa.table(columns, schema=KNOWN)
