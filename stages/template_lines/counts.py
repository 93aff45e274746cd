"""Lines of a group of partitions, counted by host and compacted into one sorted run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stages.base import MAIN, Inputs, Part, Sink, Stage
from stages.columns import matrix
from stages.edits.edits import edited
from stages.template_lines.keys import U64, Lines, lines_of
from stages.template_lines.rule import Rule, host_keys

RANGES = 64  # of line keys: where row groups end, so that runs are merged a range at a time
HOSTS_OUTPUT = "hosts"
RUN = pa.schema(
    [
        pa.field("key", pa.uint64(), nullable=False),
        pa.field("host", pa.uint64(), nullable=False),
        pa.field("documents", pa.int64(), nullable=False),
        pa.field("characters", pa.int32(), nullable=False),  # of the line's dedup key
        pa.field("first", pa.list_(pa.uint64()), nullable=False),  # lowest document ids, their upper 64 bits, ascending
    ]
)
HOSTS = pa.schema([pa.field("host", pa.uint64(), nullable=False), pa.field("documents", pa.int64(), nullable=False)])


class Kept(NamedTuple):
    """Documents of a row group that stay after dedup and have a host."""

    row: npt.NDArray[np.int64]  # (n,): in the row group
    id: U64  # (n,): upper half of the document id
    host: U64  # (n,)
    texts: list[str]  # edited


@dataclass(frozen=True)
class LineCounts(Stage):
    """One run: (line, host) -> documents that have the line, sorted by (key, host); and the documents of each host.

    Reads the edited text of what dedup keeps: counted before, a page that a host shows under a hundred addresses would
    make a template of each of its lines. Documents without a host take no part. In memory: 24 bytes a line of the group.
    """

    rule: Rule = Rule()  # noqa: RUF009 - frozen

    name: ClassVar[str] = "line-counts"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("extract", "edits", "dedup")
    barrier: ClassVar[bool] = True
    group_rows: ClassVar[int] = 1 << 30  # row groups end where `run` cuts them

    def params(self) -> dict[str, Any]:
        return self.rule.of_counting()

    def outputs(self, inputs: Inputs) -> dict[str, pa.Schema]:
        return {MAIN: RUN, HOSTS_OUTPUT: HOSTS}

    def run(self, inputs: Inputs, sink: Sink) -> None:
        keys, hosts, ids, characters = _empty(), _empty(), _empty(), np.empty(0, dtype=np.int32)
        found = [(keys, hosts, ids, characters)]
        owners = [_empty()]
        for part in sorted(inputs.parts, key=lambda part: part.id):
            for kept in kept_documents(part):
                owners.append(kept.host)
                found.append(self._count(kept))
        keys, hosts, ids, characters = (np.concatenate(arrays) for arrays in zip(*found, strict=True))
        del found
        order = np.lexsort((ids, hosts, keys))
        for table in self._runs(keys[order], hosts[order], ids[order], characters[order]):
            sink.write(table, cut=True)
        names, counts = np.unique(np.concatenate(owners), return_counts=True)
        sink.write(pa.table([names, counts.astype(np.int64)], schema=HOSTS), to=HOSTS_OUTPUT)
        sink.count("documents.counted", int(counts.sum()))
        sink.count("lines", len(keys))

    def _count(self, kept: Kept) -> tuple[U64, U64, U64, npt.NDArray[np.int32]]:
        lines = [self._distinct(lines_of(text, self.rule.mask_digits)) for text in kept.texts]
        sizes = [len(keys) for keys, _ in lines]
        return (
            np.concatenate([_empty(), *(keys for keys, _ in lines)]),
            np.repeat(kept.host, sizes),
            np.repeat(kept.id, sizes),
            np.concatenate([np.empty(0, dtype=np.int32), *(characters for _, characters in lines)]),
        )

    def _distinct(self, lines: Lines) -> tuple[U64, npt.NDArray[np.int32]]:
        long = lines.characters >= self.rule.shortest
        keys, first = np.unique(lines.key[long], return_index=True)
        return keys, lines.characters[long][first].astype(np.int32)

    def _runs(self, keys: U64, hosts: U64, ids: U64, characters: npt.NDArray[np.int32]) -> Iterator[pa.Table]:
        """Rows of each key range; the arrays are sorted by key, host and id."""
        new = np.ones(len(keys), dtype=np.bool_)
        new[1:] = (keys[1:] != keys[:-1]) | (hosts[1:] != hosts[:-1])
        starts = np.flatnonzero(new)
        sizes = np.diff(np.append(starts, len(keys)))
        for begin, end in key_ranges(keys[starts]):
            some, counts = starts[begin:end], sizes[begin:end]
            firsts = np.minimum(counts, self.rule.most_kept)
            offsets = np.append(0, np.cumsum(firsts))
            places = np.repeat(some - offsets[:-1], firsts) + np.arange(offsets[-1])
            listed = pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), pa.array(ids[places]))
            yield pa.table([keys[some], hosts[some], counts, characters[some], listed], schema=RUN)


def kept_documents(part: Part) -> Iterator[Kept]:
    """One a row group of `extract`, so that its rows can be told from its number."""
    columns = {"extract": ("id", "host", "text"), "edits": ("edits",), "dedup": ("keep",)}
    for batch in part.groups(columns):
        stays = pc.and_(batch["dedup"]["keep"], pc.not_equal(batch["extract"]["host"], ""))
        extract, edits = batch["extract"].filter(stays), batch["edits"].filter(stays)
        yield Kept(
            np.flatnonzero(stays.to_numpy()),
            np.ascontiguousarray(matrix(extract["id"], ">u8")[:, 0]).astype(np.uint64),
            host_keys(extract["host"].to_pylist()),
            edited(extract["text"], edits["edits"]),
        )


def key_ranges(keys: U64, count: int = RANGES) -> Iterator[tuple[int, int]]:
    """Where the rows of each of `count` equal ranges start and end in sorted keys, also of empty ones."""
    width = (1 << 64) // count
    firsts = np.array([i * width for i in range(count)], dtype=np.uint64)
    yield from pairwise([*np.searchsorted(keys, firsts).tolist(), len(keys)])


def _empty() -> U64:
    return np.empty(0, dtype=np.uint64)
