"""Parquet as the pipeline writes and reads it: pinned settings, row groups cut by rows alone, so bytes are reproducible.

The same rows give the same bytes however they were chunked: pyarrow's bytes depend on write chunking, so rows are
buffered and every row group is written from one combined chunk.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stages.errors import InputError

ROWS = 1000  # rows in a row group of per-partition files; group k of a sidecar = group k of `extract`

# zstd 3: 275 MB/s at x3.9 against 101 MB/s at x4.3 for level 6. Dictionaries gain nothing on text and cost a third.
WRITER = {
    "compression": "zstd",
    "compression_level": 3,
    "use_dictionary": False,
    "write_statistics": True,
    "store_schema": True,
    "version": "2.6",
    "data_page_version": "1.0",
    "write_page_checksum": True,  # a flipped bit in committed work is found when it is read, not in the release
}

# Scheme of a path -> what opens it as a file to read at any place. Stages know of no network: a store adds its own.
OPENERS: dict[str, Callable[[str], Any]] = {}


class Writer:
    """Writes one Parquet file with row groups of exactly `rows` rows (the last may be shorter)."""

    def __init__(self, path: Path, schema: pa.Schema, rows: int = ROWS) -> None:
        self.schema = schema
        self.rows_written = 0
        self._rows = rows
        self._file = pq.ParquetWriter(str(path), schema, **WRITER)
        self._pending: list[pa.Table] = []
        self._waiting = 0

    def write(self, table: pa.Table, *, cut: bool = False) -> None:
        """Append rows; `table` must have the columns of the schema, in any order. `cut` ends the row group here."""
        table = table.select(self.schema.names).cast(self.schema)
        self._pending.append(table)
        self._waiting += table.num_rows
        if cut or self._waiting >= self._rows:
            self._flush(whole_groups_only=not cut)

    def close(self) -> None:
        self._flush(whole_groups_only=False)
        self._file.close()

    def _flush(self, *, whole_groups_only: bool) -> None:
        table = pa.concat_tables(self._pending) if self._pending else self.schema.empty_table()
        start = 0
        while table.num_rows - start >= self._rows or (not whole_groups_only and start < table.num_rows):
            group = table.slice(start, self._rows).combine_chunks()
            self._file.write_table(group, row_group_size=self._rows)
            start += group.num_rows
            self.rows_written += group.num_rows
        rest = table.slice(start)
        self._pending = [rest] if rest.num_rows else []
        self._waiting = rest.num_rows

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@contextlib.contextmanager
def open_checked(path: str) -> Iterator[pq.ParquetFile]:
    """Open a committed file so that every page is checked when it is read. InputError names a file that is damaged."""
    opener = OPENERS.get(path.partition("://")[0])
    try:
        with pq.ParquetFile(opener(path) if opener else path, page_checksum_verification=True) as file:
            yield file
    except FileNotFoundError:
        raise InputError(f"{path}: gone since it was committed; run again: it is made anew") from None
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(f"{path}: damaged ({' '.join(str(error).split())[:120]}); delete it and run again") from None


@dataclass(frozen=True, slots=True)
class Rows:
    """A committed Parquet file, read by row group."""

    path: str
    sha256: str
    rows: int

    def groups(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        with open_checked(self.path) as file:
            for group in range(file.num_row_groups):
                yield file.read_row_group(group, columns=None if columns is None else list(columns))

    def where(self, column: str, value: str) -> Iterator[pa.Table]:
        """The rows whose `column` (of texts) is `value`, reading only the row groups whose statistics allow any."""
        with open_checked(self.path) as file:
            index = file.schema_arrow.get_field_index(column)
            for group in range(file.num_row_groups):
                extent = file.metadata.row_group(group).column(index).statistics
                if extent.min <= value <= extent.max:
                    table = file.read_row_group(group)
                    yield table.filter(pc.equal(table[column], value))

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        with open_checked(self.path) as file:
            return file.read(columns=None if columns is None else list(columns))

    def take(self, rows: npt.NDArray[np.int64], columns: Sequence[str]) -> pa.Table:
        """The rows of these numbers (ascending), reading no row group without one of them."""
        with open_checked(self.path) as file:
            sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
            ends = np.cumsum(sizes, dtype=np.int64)
            tables = [file.schema_arrow.empty_table().select(list(columns))]
            first = 0
            for group, last in enumerate(np.searchsorted(rows, ends).tolist()):
                if last > first:
                    wanted = pa.array(rows[first:last] - (ends[group] - sizes[group]))
                    tables.append(file.read_row_group(group, columns=list(columns)).take(wanted))
                first = last
        return pa.concat_tables(tables)

    def between(self, column: str, low: int, high: int, columns: Sequence[str]) -> pa.Table:
        """The rows with low <= `column` <= high (integers), reading only the row groups whose statistics allow any."""
        with open_checked(self.path) as file:
            index = file.schema_arrow.get_field_index(column)
            tables = [file.schema_arrow.empty_table().select(list(columns))]
            for group in range(file.num_row_groups):
                extent = file.metadata.row_group(group).column(index).statistics
                if extent.min <= high and extent.max >= low:
                    table = file.read_row_group(group, columns=sorted({column, *columns}))
                    value = table[column]
                    bounds = pa.scalar(low, value.type), pa.scalar(high, value.type)
                    inside = pc.and_(pc.greater_equal(value, bounds[0]), pc.less_equal(value, bounds[1]))
                    tables.append(table.filter(inside).select(list(columns)))
        return pa.concat_tables(tables)
