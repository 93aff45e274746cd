"""What a dedup did, in some hundred rows: the sizes it met, and the sources, hosts and texts that lost or repeat most.

Facts alone. Which of them is a reason to stop, the recipe says (`pipeline.alarms`), so another bound recomputes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.ahead import by_part
from stages.components import I64, U64
from stages.participants import Documents

if TYPE_CHECKING:
    from stages.dedup import Outcome

SCHEMA = pa.schema(
    [
        # source, host: who lost how much. component, cluster: how many of a size (`name`: its least, a power of two).
        # largest: components. copies: dedup keys of several documents. bucket: band keys of huge components.
        pa.field("kind", pa.string(), nullable=False),
        pa.field("name", pa.string(), nullable=False),
        pa.field("documents", pa.int64(), nullable=False),
        pa.field("lost", pa.int64(), nullable=False),  # as duplicates of others of this run
        pa.field("known", pa.int64(), nullable=False),  # to an index
        pa.field("example", pa.string(), nullable=False),  # URL: of one of them
        pa.field("keeper", pa.string(), nullable=False),  # URL: of the document that most of `lost` went for
        pa.field("times", pa.int64(), nullable=False),  # so many of them
    ]
)
LEAST = 100  # documents of a host or source that is listed: a smaller one of copies is no sign of a mistake
MOST = 20  # rows of a kind


class Buckets:
    """The band keys that most documents share; ties by key."""

    def __init__(self) -> None:
        self.largest: list[tuple[int, int, int]] = []  # -documents, key, smallest document

    def add(self, keys: U64, numbers: I64) -> None:
        """Documents (m,) under keys (m,), of a key all at once."""
        unique, which, counts = np.unique(keys, return_inverse=True, return_counts=True)
        smallest = np.full(len(unique), np.iinfo(np.int64).max)
        np.minimum.at(smallest, which, numbers)
        most = np.argsort(-counts, kind="stable")[:MOST]
        found = zip((-counts[most]).tolist(), unique[most].tolist(), smallest[most].tolist(), strict=True)
        self.largest = sorted([*self.largest, *found])[:MOST]


def of(documents: Documents, roots: I64, outcome: Outcome) -> pa.Table:
    rows = [
        *_sources(documents, outcome),
        *_hosts(documents, outcome),
        *_sizes("component", np.bincount(roots)),
        *_sizes("cluster", np.bincount(outcome.keeper[~outcome.dropped_to_index], minlength=1)),
        *_groups("largest", documents, roots),
        *_copies(documents),
        *(_row("bucket", f"{key:016x}", -n, example=_url(documents, who)) for n, key, who in outcome.buckets.largest),
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _row(kind: str, name: str, documents: int, **more: Any) -> dict[str, Any]:
    return {"lost": 0, "known": 0, "example": "", "keeper": "", "times": 0, **more} | {
        "kind": kind,
        "name": name,
        "documents": documents,
    }


def _url(documents: Documents, number: int) -> str:
    part, row = documents.parts[documents.part[number]], documents.row[[number]].astype(np.int64)
    return str(part.rows["extract"].take(row, ("url",))["url"][0])


def _loss(kind: str, name: str, documents: Documents, who: I64, outcome: Outcome) -> dict[str, Any]:
    """Who of some documents was lost, and to whom most often."""
    to_index = int(outcome.dropped_to_index[who].sum())
    lost = who[outcome.dropped[who] & ~outcome.dropped_to_index[who]]
    if not len(lost):
        return _row(kind, name, len(who), known=to_index)
    keepers, times = np.unique(outcome.keeper[lost], return_counts=True)
    most = int(times.argmax())
    return _row(
        kind,
        name,
        len(who),
        lost=len(lost),
        known=to_index,
        example=_url(documents, int(lost[0])),
        keeper=_url(documents, int(keepers[most])),
        times=int(times[most]),
    )


def _sources(documents: Documents, outcome: Outcome) -> list[dict[str, Any]]:
    names = sorted({part.source for part in documents.parts})
    of_part = np.array([names.index(part.source) for part in documents.parts], dtype=np.int64)
    found = [np.flatnonzero(of_part[documents.part] == i) for i in range(len(names))]
    return [_loss("source", name, documents, who, outcome) for name, who in zip(names, found, strict=True)]


def _hosts(documents: Documents, outcome: Outcome) -> list[dict[str, Any]]:
    """The hosts that lost the largest shares. Memory is by hosts, not by documents."""
    tallies = [
        pa.table({"host": pa.array([], pa.string()), "all": pa.array([], pa.int64()), "lost": pa.array([], pa.int64())})
    ]
    for place, numbers in by_part(documents):
        extract = documents.parts[place].rows["extract"]
        hosts = extract.take(documents.row[numbers].astype(np.int64), ("host",))["host"]
        lost = pa.array(outcome.dropped[numbers].astype(np.int64))
        each = pa.table({"host": hosts, "lost": lost, "all": pa.array(np.ones(len(numbers), dtype=np.int64))})
        tallies.append(_tally(each))
        if len(tallies) > 64:
            tallies = [_tally(pa.concat_tables(tallies))]
    tally = _tally(pa.concat_tables(tallies))
    tally = tally.filter(pc.and_(pc.greater_equal(tally["all"], LEAST), pc.not_equal(tally["host"], "")))
    share = pc.divide(tally["lost"].cast(pa.float64()), tally["all"])
    ordered = tally.append_column("share", share).sort_by(
        [("share", "descending"), ("all", "descending"), ("host", "ascending")]
    )
    worst = ordered.filter(pc.greater(ordered["lost"], 0)).slice(0, MOST)["host"].to_pylist()
    found = _of_hosts(documents, worst)
    return [_loss("host", host, documents, who, outcome) for host, who in zip(worst, found, strict=True)]


def _tally(table: pa.Table) -> pa.Table:
    counted = table.group_by("host").aggregate([("all", "sum"), ("lost", "sum")])
    return counted.rename_columns({"all_sum": "all", "lost_sum": "lost"}).select(["host", "all", "lost"])


def _of_hosts(documents: Documents, hosts: list[str]) -> list[I64]:
    """The documents of each of these hosts, ascending."""
    found: list[list[I64]] = [[np.empty(0, dtype=np.int64)] for _ in hosts]
    wanted = pa.array(hosts, pa.string())
    for place, numbers in by_part(documents):
        extract = documents.parts[place].rows["extract"]
        which = pc.index_in(extract.take(documents.row[numbers].astype(np.int64), ("host",))["host"], wanted)
        which = pc.fill_null(which, -1).to_numpy()
        for i, of_host in enumerate(found):
            of_host.append(numbers[which == i])
    return [np.sort(np.concatenate(each)) for each in found]


def _sizes(kind: str, sizes: I64) -> list[dict[str, Any]]:
    """How many there are of each size, in powers of two."""
    exponents = np.bincount(np.frexp(sizes[sizes > 0].astype(np.float64))[1] - 1)
    return [_row(kind, str(1 << place), count) for place, count in enumerate(exponents.tolist()) if count]


def _groups(kind: str, documents: Documents, roots: I64) -> list[dict[str, Any]]:
    """The largest components."""
    sizes = np.bincount(roots)
    largest = np.argsort(-sizes, kind="stable")[:MOST]
    largest = largest[sizes[largest] > 1]
    ids = documents.ids.bytes(largest)
    return [
        _row(kind, id.tobytes().hex(), int(sizes[root]), example=_url(documents, root))
        for root, id in zip(largest.tolist(), ids, strict=True)
    ]


def _copies(documents: Documents) -> list[dict[str, Any]]:
    """The texts that most documents have."""
    high, low = documents.exact
    order = np.lexsort((np.arange(len(high)), low, high))
    new = np.ones(len(order), dtype=np.bool_)
    new[1:] = (high[order[1:]] != high[order[:-1]]) | (low[order[1:]] != low[order[:-1]])
    starts = np.flatnonzero(new)
    sizes = np.diff(np.append(starts, len(order)))
    largest = np.argsort(-sizes, kind="stable")[:MOST]
    largest = largest[sizes[largest] > 1]
    first = order[starts[largest]]
    return [
        _row("copies", f"{int(high[who]):016x}{int(low[who]):016x}", size, example=_url(documents, who))
        for who, size in zip(first.tolist(), sizes[largest].tolist(), strict=True)
    ]
