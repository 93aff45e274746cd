"""The `extract` stage for Parquet files: only the named columns, some rows at a time.

Damage costs the rest of its row group: which bytes are which row's is known there only to the page, and pages of different
columns hold different rows.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stages.base import InputError, SourceFile
from stages.readers.tables import Cells, ExtractTable, Loss, no_column, place_of

BATCH_BYTES, BATCH_ROWS = 8 << 20, 1000  # of all columns, of which the named ones are read at once
READ_AHEAD = 1 << 20  # bytes of a column read at once; without it pyarrow reads all that a row group has of it

_MAGIC, _ENCRYPTED = b"PAR1", b"PARE"
_SHORTEST = 12  # bytes: magic, length of the footer, magic


@dataclass(frozen=True)
class ExtractParquet(ExtractTable):
    """Rows of a Parquet file as documents; see `ExtractTable`. `offset`: the row from 0.

    Texts are strings or UTF-8 bytes, in any encoding of Arrow; a date may be a timestamp too. A row with invalid UTF-8 in its
    text is lost, null is an empty text.
    """

    version: ClassVar[int] = 2
    needs_all: ClassVar[bool] = True
    libraries: ClassVar[tuple[str, ...]] = ("pyarrow",)

    def cells(self, file: SourceFile) -> Iterator[Cells | Loss]:
        with _opened(file) as table:
            _check_columns(table.schema_arrow, self.columns, place_of(file))
            first = 0
            for group in range(table.num_row_groups):
                rows = table.metadata.row_group(group).num_rows
                yield from self._group(table, group, first, first + rows, place_of(file))
                first += rows

    def _group(self, table: pq.ParquetFile, group: int, row: int, end: int, place: str) -> Iterator[Cells | Loss]:
        error = "it ends early"
        try:
            for batch in table.iter_batches(
                batch_size=_batch_rows(table, group),
                row_groups=[group],
                columns=list(self.columns.values()),
                use_threads=False,
            ):
                yield from _cells(batch, self.columns, row)
                row += batch.num_rows
        except (OSError, pa.ArrowException) as raised:
            error = " ".join(str(raised).split())[:200]
            if "crypt" in error.lower():
                raise InputError(
                    f"{place}: a column is encrypted ({error}): write the file without encryption"
                ) from raised
        if row < end:
            yield Loss(f"rows {row} to {end - 1}", f"row group {group} is damaged: {error}")


def _batch_rows(table: pq.ParquetFile, group: int) -> int:
    """How many rows of a group are some `BATCH_BYTES`."""
    of = table.metadata.row_group(group)  # nothing of its columns: on damage there pyarrow 26 ends the process
    rows, size = int(of.num_rows), int(of.total_byte_size)
    return max(1, min(BATCH_ROWS, BATCH_BYTES * rows // max(size, 1)))


def _cells(batch: pa.RecordBatch, columns: Mapping[str, str], first: int) -> Iterator[Cells | Loss]:
    values = {role: _values(_reach(batch, column)) for role, column in columns.items()}
    texts = values.pop("text")
    for at, text in enumerate(texts):
        others = {role: _decoded(cells[at]) for role, cells in values.items()}
        try:
            yield Cells(first + at, None if text is None else text.decode(), **others)
        except UnicodeDecodeError as error:
            yield Loss(f"row {first + at}", f"invalid UTF-8 at byte {error.start} of the text")


def _reach(batch: pa.RecordBatch, column: str) -> pa.Array:
    if batch.schema.get_field_index(column) >= 0:
        return batch.column(column)
    outer, *inner = column.split(".")
    return pc.struct_field(batch.column(outer), inner)


def _values(column: pa.Array) -> list[Any]:
    """Cells as Python values: texts as bytes, because Arrow believes any file that its strings are UTF-8; times as texts."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if _is_text(column.type):
        column = column.cast(pa.large_binary())
    elif pa.types.is_timestamp(column.type):  # to a time without a zone, as names of zones need a database of them
        column = _iso(column.cast(pa.int64()).cast(pa.timestamp(column.type.unit)))
    elif pa.types.is_date(column.type):
        column = _iso(column.cast(pa.timestamp("s")))
    return list(column.to_pylist())


def _iso(times: pa.Array) -> pa.Array:
    return pc.strftime(times, format="%Y-%m-%dT%H:%M:%SZ")


def _decoded(cell: Any) -> Any:
    if isinstance(cell, uuid.UUID):
        return str(cell)
    return cell.decode(errors="replace") if isinstance(cell, bytes) else cell


def _is_text(kind: pa.DataType) -> bool:
    types = pa.types
    return any(
        is_kind(kind)
        for is_kind in (
            types.is_string,
            types.is_large_string,
            types.is_string_view,
            types.is_binary,
            types.is_large_binary,
            types.is_binary_view,
        )
    )


def _check_columns(schema: pa.Schema, columns: Mapping[str, str], place: str) -> None:
    """InputError for a column that is missing, or that holds what its role cannot be."""
    leaves = list(_leaves(schema))
    names, kinds = [name for name, _ in leaves], dict(leaves)
    for role, column in columns.items():
        if column not in kinds:
            raise no_column(place, role, column, "the file", kinds)
        if names.count(column) > 1:
            raise InputError(
                f"{place}: column {column!r} ({role}_column in the recipe) is there twice: rename one of them"
            )
        kind = kinds[column].value_type if pa.types.is_dictionary(kinds[column]) else kinds[column]
        if not _fits(role, kind):
            raise InputError(
                f"{place}: column {column!r} ({role}_column in the recipe) holds {kind}, which is no {role}"
            )


def _fits(role: str, kind: pa.DataType) -> bool:
    types = pa.types
    if types.is_null(kind) or _is_text(kind):
        return True
    if role == "id":
        return types.is_integer(kind) or types.is_floating(kind) or isinstance(kind, pa.UuidType)
    numbers = types.is_integer(kind) or types.is_floating(kind)
    return role == "date" and (numbers or types.is_timestamp(kind) or types.is_date(kind))


def _leaves(fields: Iterable[pa.Field], before: str = "") -> Iterator[tuple[str, pa.DataType]]:
    """Columns by the names that a recipe has to write, with their types."""
    for field in fields:
        if pa.types.is_struct(field.type):
            yield from _leaves(field.type.fields, f"{before}{field.name}.")
        else:
            yield before + field.name, field.type


@contextmanager
def _opened(file: SourceFile) -> Iterator[pq.ParquetFile]:
    """InputError for what cannot be read as Parquet."""
    place = place_of(file)
    try:
        with open(file.path, "rb") as raw:
            head, size = raw.read(len(_MAGIC)), raw.seek(0, 2)
            raw.seek(max(0, size - len(_MAGIC)))
            tail = raw.read()
    except OSError as error:
        raise InputError(f"{place}: {error.strerror}: give a Parquet file") from error
    if not size:
        raise InputError(f"{place}: the file is empty (zero bytes): fetch it again or take it out of the recipe")
    if _ENCRYPTED in (head, tail):
        raise InputError(f"{place}: the file is encrypted: write it without encryption")
    if head != _MAGIC:
        raise InputError(f"{place}: not a Parquet file (it begins with {head!r}); of JSON lines the kind is 'jsonl'")
    if file.head:
        raise InputError(
            f"{place}: only its first {size} bytes were fetched, and Parquet is read from its end: fetch all of it"
        )
    if tail != _MAGIC or size < _SHORTEST:
        raise InputError(f"{place}: the file is cut: the index at its end is missing: fetch it again")
    try:
        table = pq.ParquetFile(file.path, buffer_size=READ_AHEAD, page_checksum_verification=True)
        list(_leaves(table.schema_arrow))  # names are decoded only now
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"{place}: the index at the end of the file cannot be read ({reason}): fetch it again"
        ) from error
    with table:
        yield table
