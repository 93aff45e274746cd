"""What a crawl adds to the indexes it was compared with, host by host."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from stages.base import MAIN, Inputs, Part, Sink, Stage

HOSTS = pa.schema(
    [
        pa.field("host", pa.string(), nullable=False),
        pa.field("documents", pa.int64(), nullable=False),  # in the release
        pa.field("characters", pa.int64(), nullable=False),
        pa.field("known", pa.int64(), nullable=False),  # documents that an index knows
        pa.field("known_characters", pa.int64(), nullable=False),
    ]
)
_SUMS = [(name, "sum") for name in HOSTS.names[1:]]


@dataclass(frozen=True)
class NewHosts(Stage):
    """All hosts, the one that adds most characters first. In memory: some hundred bytes a host."""

    name: ClassVar[str] = "new-hosts"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("extract", "minhash", "dedup", "write")
    barrier: ClassVar[bool] = True

    def outputs(self, inputs: Inputs) -> dict[str, pa.Schema]:
        return {MAIN: HOSTS}

    def run(self, inputs: Inputs, sink: Sink) -> None:
        found = [HOSTS.empty_table()]
        for part in inputs.parts:
            found += _of(part)
            if len(found) > 256:
                found = [_summed(found)]
        table = _summed(found)
        for name in HOSTS.names[1:]:
            sink.count(name, pc.sum(table[name]).as_py() or 0)
        sink.count("hosts", int(pc.sum(pc.greater(table["documents"], 0)).as_py() or 0))
        sink.write(table.sort_by([("characters", "descending"), ("host", "ascending")]))


def _summed(tables: list[pa.Table]) -> pa.Table:
    table = pa.concat_tables(tables).group_by("host").aggregate(_SUMS)
    return table.rename_columns({f"{name}_sum": name for name in HOSTS.names[1:]}).select(HOSTS.names).cast(HOSTS)


def _of(part: Part) -> Iterator[pa.Table]:
    for table in part.rows["write"].groups(("host", "characters")):
        yield _rows(table["host"], table["characters"], known=False)
    for batch in part.groups({"extract": ("host",), "minhash": ("characters",), "dedup": ("level",)}):
        known = pc.equal(batch["dedup"]["level"], "known")
        yield _rows(batch["extract"]["host"].filter(known), batch["minhash"]["characters"].filter(known), known=True)


def _rows(hosts: pa.ChunkedArray, characters: pa.ChunkedArray, *, known: bool) -> pa.Table:
    ones, none = pa.repeat(pa.scalar(1, pa.int64()), len(hosts)), pa.repeat(pa.scalar(0, pa.int64()), len(hosts))
    sizes = characters.cast(pa.int64())
    columns = [hosts, none, none, ones, sizes] if known else [hosts, ones, sizes, none, none]
    return pa.table(columns, schema=HOSTS)
