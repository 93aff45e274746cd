"""Hosts: what each gave, what of it was kept, and what most of the rest was left out for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from stages.base import MAIN, Inputs, Sink, Stage
from stages.measure.judge import ERROR, UNWRITTEN

FATES = pa.schema(
    [
        pa.field("host", pa.string(), nullable=False),  # '' of documents without one
        pa.field("fate", pa.string(), nullable=False),  # '' = in the release, else the first reason it is not
        pa.field("documents", pa.int64(), nullable=False),
        pa.field("tokens", pa.int64(), nullable=False),  # of what is in the release, by the first tokenizer
    ]
)
HOSTS = pa.schema(
    [
        pa.field("source", pa.string(), nullable=False),
        pa.field("host", pa.string(), nullable=False),
        pa.field("documents", pa.int64(), nullable=False),  # extracted, rejects included
        pa.field("kept", pa.int64(), nullable=False),  # in the release
        pa.field("tokens", pa.int64(), nullable=False),  # of what was kept, by the first tokenizer
        pa.field("keep_rate", pa.float64(), nullable=False),  # kept / documents
        pa.field("duplicates", pa.int64(), nullable=False),  # dropped for a kept document
        pa.field("rejected", pa.int64(), nullable=False),  # by extraction and filters
        pa.field("left_out", pa.int64(), nullable=False),  # for another reason: a cap, a removal, too little left
        pa.field("main_reason", pa.string(), nullable=False),  # the most frequent of all that is not in the release
        pa.field("main_reason_documents", pa.int64(), nullable=False),
    ]
)
ORDER = [("tokens", "descending"), ("documents", "descending"), ("source", "ascending"), ("host", "ascending")]
PENDING = 1 << 20  # rows that are summed up at once


@dataclass(frozen=True)
class Hosts(Stage):
    """Documents and tokens of one partition, by host and fate."""

    after: tuple[str, ...] = ()  # keys of LEFT_OUT sidecars, in the order in which they speak
    column: str = "n_tok_qwen"  # of the release rows: tokens by the first tokenizer

    name: ClassVar[str] = "hosts"
    version: ClassVar[int] = 2
    needs: ClassVar[tuple[str, ...]] = ("extract", "verdict", "dedup", "write")

    @property
    def requires(self) -> tuple[str, ...]:
        return (*self.needs, *self.after)

    def outputs(self, inputs: Inputs) -> dict[str, pa.Schema]:
        return {MAIN: FATES}

    def run(self, inputs: Inputs, sink: Sink) -> None:
        columns = {
            "extract": ("host",),
            "verdict": ("keep", "reason"),
            "dedup": ("keep", "level"),
        }
        columns |= dict.fromkeys(self.after, ("keep", "reason"))
        pending: list[pa.Table] = []
        for batch in inputs.part.groups(columns):
            fate = batch["verdict"]["reason"]
            level = pc.binary_join_element_wise("dedup", batch["dedup"]["level"], ".")
            level = pc.if_else(pc.equal(level, "dedup."), f"dedup.{ERROR}", level)
            fate = pc.if_else(batch["verdict"]["keep"], pc.if_else(batch["dedup"]["keep"], "", level), fate)
            for key in self.after:
                fate = pc.if_else(
                    pc.and_(pc.equal(fate, ""), pc.invert(batch[key]["keep"])), batch[key]["reason"], fate
                )
            # Whom nothing leaves out is written, or could not be: each written row takes one of these back.
            table = _fates(batch["extract"]["host"], pc.if_else(pc.equal(fate, ""), UNWRITTEN, fate), documents=1)
            pending = [_summed([*pending, table], ["host", "fate"])]
        for rows in inputs.part.rows["write"].groups(["host", self.column]):
            written, other = (pa.array([fate] * len(rows), pa.string()) for fate in ("", UNWRITTEN))
            tables = (
                _fates(rows["host"], written, documents=1, tokens=rows[self.column]),
                _fates(rows["host"], other, documents=-1),
            )
            pending = [_summed([*pending, *tables], ["host", "fate"])]
        if pending:
            some = pending[0].filter(pc.greater(pending[0]["documents"], 0))
            sink.write(some.sort_by([("host", "ascending"), ("fate", "ascending")]))


def _fates(
    host: pa.ChunkedArray, fate: pa.Array, documents: int = 0, tokens: pa.ChunkedArray | None = None
) -> pa.Table:
    counts = pa.array([documents] * len(host), pa.int64())
    size = pa.array([0] * len(host), pa.int64()) if tokens is None else tokens.cast(pa.int64())
    return pa.table([host, fate, counts, size], names=FATES.names)


@dataclass(frozen=True)
class HostTable(Stage):
    """One row a source and host over all partitions, those with the most kept tokens first."""

    name: ClassVar[str] = "host-table"
    version: ClassVar[int] = 2
    needs: ClassVar[tuple[str, ...]] = ("hosts",)
    barrier: ClassVar[bool] = True

    def outputs(self, inputs: Inputs) -> dict[str, pa.Schema]:
        return {MAIN: HOSTS}

    def run(self, inputs: Inputs, sink: Sink) -> None:
        keys = ["source", "host", "fate"]
        pending, waiting = [FATES.empty_table().append_column("source", pa.array([], pa.string()))], 0
        for table in _parts(inputs):
            pending.append(table)
            waiting += table.num_rows
            if waiting > PENDING:
                pending, waiting = [_summed(pending, keys)], 0
        table = _hosts(_summed(pending, keys))
        sink.count("hosts", table.num_rows)
        sink.count("documents", pc.sum(table["documents"]).as_py() or 0)
        sink.count("written", pc.sum(table["kept"]).as_py() or 0)
        sink.write(table)


def _parts(inputs: Inputs) -> Iterator[pa.Table]:
    for part in sorted(inputs.parts, key=lambda part: part.id):
        for table in part.rows["hosts"].groups():
            yield table.append_column("source", pa.array([part.source] * table.num_rows, pa.string()))


def _summed(tables: list[pa.Table], keys: list[str]) -> pa.Table:
    summed = (
        pa.concat_tables(tables).group_by(keys, use_threads=False).aggregate([("documents", "sum"), ("tokens", "sum")])
    )
    return summed.rename_columns([*keys, "documents", "tokens"])


def _hosts(fates: pa.Table) -> pa.Table:
    """One row a source and host, from one a source, host and fate."""
    fate, documents = fates["fate"], fates["documents"]
    kept = pc.equal(fate, "")
    duplicate = pc.starts_with(fate, "dedup.")
    left_out = pc.match_substring_regex(fate, r"^(?:cap|removed|template|write)\.")
    rejected = pc.invert(pc.or_(kept, pc.or_(duplicate, left_out)))
    zero = pa.scalar(0, pa.int64())
    wide = fates.select(["source", "host", "documents"])
    wide = wide.append_column("tokens", fates["tokens"])
    for name, mask in (("kept", kept), ("duplicates", duplicate), ("left_out", left_out), ("rejected", rejected)):
        wide = wide.append_column(name, pc.if_else(mask, documents, zero))
    counts = ["documents", "tokens", "kept", "duplicates", "left_out", "rejected"]
    hosts = wide.group_by(["source", "host"], use_threads=False).aggregate([(name, "sum") for name in counts])
    hosts = hosts.rename_columns(["source", "host", *counts])
    lost = fates.filter(pc.invert(kept)).sort_by(
        [("source", "ascending"), ("host", "ascending"), ("documents", "descending"), ("fate", "ascending")]
    )
    first: dict[tuple[str, str], tuple[str, int]] = {}
    columns = (lost[name].to_pylist() for name in ("source", "host", "fate", "documents"))
    for source, host, reason, n in zip(*columns, strict=True):
        first.setdefault((source, host), (reason, n))
    names = zip(hosts["source"].to_pylist(), hosts["host"].to_pylist(), strict=True)
    reasons = [first.get(name, ("", 0)) for name in names]
    hosts = hosts.append_column("main_reason", pa.array([reason for reason, _ in reasons], pa.string()))
    hosts = hosts.append_column("main_reason_documents", pa.array([n for _, n in reasons], pa.int64()))
    rate = pc.divide(hosts["kept"].cast(pa.float64()), hosts["documents"].cast(pa.float64()))
    return hosts.append_column("keep_rate", rate).sort_by(ORDER)
