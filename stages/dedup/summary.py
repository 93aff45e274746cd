"""What a dedup did, in some dozen rows: who lost most, what repeats most, which keys are hot, each with an example.

Facts alone. Which of them is a reason to stop, the recipe says (`pipeline.recipe.alarms`), so another bound recomputes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stages.columns import matrix
from stages.dedup.buckets import Bucket, Buckets
from stages.dedup.components import I64, BandRuns
from stages.dedup.host_losses import HostLosses
from stages.dedup.outcome import Outcome
from stages.dedup.participants import Documents
from stages.dedup.roster import Roster
from stages.signatures.lsh import address_keys, band_keys, exact_keys, id_keys

SUMMARY = "summary"  # output of `dedup` beside those of the partitions
SCHEMA = pa.schema(
    [
        # source, host: who lost how much. component: documents suspected together. keeper: documents that one stands
        # for. text: documents with one dedup key. bucket: documents under the same band keys.
        pa.field("kind", pa.string(), nullable=False),
        pa.field("name", pa.string(), nullable=False),  # of the source or host, else ''
        pa.field("documents", pa.int64(), nullable=False),
        pa.field("lost", pa.int64(), nullable=False),  # of these, to another document; of sources and hosts
        pa.field("example", pa.string(), nullable=False),  # id of one of them; where some are lost, of one lost
        pa.field("url", pa.string(), nullable=False),  # its address
        pa.field("keeper", pa.string(), nullable=False),  # id of who most of a source was lost to, one of a host
        pa.field("keeper_url", pa.string(), nullable=False),
        pa.field("times", pa.int64(), nullable=False),  # documents of a source that were lost to `keeper`
        pa.field("keys", pa.list_(pa.string()), nullable=False),  # of a bucket: which of the example's keys
    ]
)
MOST = 10  # components, keepers and texts

Place = tuple[int, int]  # partition of the roster, row


class _Large(NamedTuple):
    """A set of documents; they sort as they are listed: the larger first, then by the id of the example."""

    size: int  # negative
    id: bytes
    example: Place


class _Lost(NamedTuple):
    documents: int
    example: tuple[bytes, Place]  # the lowest id
    most: tuple[int, bytes, Place]  # -times, id and place of the keeper that took the most


class Summary:
    """Gathers over blocks and partitions; neither how documents are spread over blocks nor their order shows."""

    def __init__(self, roster: Roster, scratch: Path) -> None:
        self._roster = roster
        self.hosts = HostLosses(scratch)
        self._sources: dict[str, _Lost] = {}
        self._large: dict[str, list[_Large]] = {"component": [], "keeper": [], "text": []}

    def add(self, documents: Documents, roots: I64, outcome: Outcome) -> None:
        for kind, first in (("component", roots), ("keeper", outcome.keeper), ("text", outcome.same)):
            self._large[kind] = sorted({*self._large[kind], *_largest(documents, first)})[:MOST]
        names = sorted({part.source for part in documents.parts})
        source = np.array([names.index(part.source) for part in documents.parts])[documents.part]
        for index in np.unique(source[outcome.dropped]).tolist():
            lost = np.flatnonzero(outcome.dropped & (source == index))
            keepers, times = np.unique(outcome.keeper[lost], return_counts=True)
            keeper = int(keepers[times.argmax()])  # documents are in the order of their ids
            example = _id(documents, int(lost[0])), _place(documents, int(lost[0]))
            most = -int(times.max()), _id(documents, keeper), _place(documents, keeper)
            before = self._sources.get(names[index], _Lost(0, example, most))
            self._sources[names[index]] = _Lost(
                before.documents + len(lost), min(before.example, example), min(before.most, most)
            )

    def table(self, runs: BandRuns, buckets: Buckets) -> pa.Table:
        rows = [*self._of_sources(), *self._of_hosts()]
        for kind, found in self._large.items():
            rows += [self._row(kind, -each.size, each.example) for each in found]
        for bucket in buckets.largest():
            part, row = self._located(bucket.first)
            keys = self._names(bucket, part, row, runs)
            rows.append(self._row("bucket", bucket.size, (part, row)) | {"keys": keys})
        return pa.Table.from_pylist(rows, schema=SCHEMA)

    def _of_sources(self) -> Iterator[dict[str, Any]]:
        parts = list(zip(self._roster.parts, self._roster.counts.tolist(), strict=True))
        for source in sorted({part.source for part, _ in parts}):
            total = sum(n for part, n in parts if part.source == source)
            lost = self._sources.get(source)
            if lost is None:
                yield self._row("source", total) | {"name": source}
                continue
            times, _, keeper = lost.most
            row = self._row("source", total, lost.example[1], keeper)
            yield row | {"name": source, "lost": lost.documents, "times": -times}

    def _of_hosts(self) -> Iterator[dict[str, Any]]:
        for loss in self.hosts.worst():
            row = self._row("host", loss.documents, loss.example, loss.keeper)
            yield row | {"name": self._cell("extract", loss.example, "host"), "lost": loss.lost}

    def _row(
        self, kind: str, documents: int, example: Place | None = None, keeper: Place | None = None
    ) -> dict[str, Any]:
        return {
            "kind": kind,
            "name": "",
            "documents": documents,
            "lost": 0,
            "example": self._cell("extract", example, "id").hex() if example else "",
            "url": self._cell("extract", example, "url") if example else "",
            "keeper": self._cell("extract", keeper, "id").hex() if keeper else "",
            "keeper_url": self._cell("extract", keeper, "url") if keeper else "",
            "times": 0,
            "keys": [],
        }

    def _cell(self, stage: str, place: Place, column: str) -> Any:
        part, row = place
        return self._roster.parts[part].rows[stage].take(np.array([row]), (column,))[column][0].as_py()

    def _located(self, number: int) -> Place:
        part = int(np.searchsorted(self._roster.firsts, number, "right")) - 1
        return part, int(self._roster.rows(part)[number - self._roster.firsts[part]])

    def _names(self, bucket: Bucket, part: int, row: int, runs: BandRuns) -> list[str]:
        """What the keys of a bucket are of its first document: 'band 0', ..., 'exact', 'id', 'url'."""
        stages = self._roster.parts[part].rows
        minhash = stages["minhash"].take(np.array([row]), ("signature", "exact"))
        keys = {"exact": exact_keys(matrix(minhash["exact"], "<u4"))}
        keys["id"] = id_keys(matrix(stages["extract"].take(np.array([row]), ("id",))["id"], "<u4"))
        if "address" in stages:
            address = stages["address"].take(np.array([row]), ("address",))["address"]
            keys["url"] = address_keys(matrix(address.drop_null(), "<u4"))
        banded = band_keys(matrix(minhash["signature"].drop_null(), "<u4"), runs.shape).T
        keys = {**{f"band {band}": of_band for band, of_band in enumerate(banded)}, **keys}
        return [name for name, found in keys.items() if np.isin(found, bucket.keys).any()]


def _largest(documents: Documents, first: npt.NDArray[Any]) -> list[_Large]:
    """The largest sets of a block, of which `first`, shape (n,), names one document each."""
    sizes = np.bincount(first)
    many = np.flatnonzero(sizes > 1)
    many = many[np.argsort(-sizes[many], kind="stable")][:MOST].tolist()
    return [_Large(-int(sizes[one]), _id(documents, one), _place(documents, one)) for one in many]


def _id(documents: Documents, number: int) -> bytes:
    return documents.ids.bytes(np.array([number])).tobytes()


def _place(documents: Documents, number: int) -> Place:
    return int(documents.part[number]), int(documents.row[number])
