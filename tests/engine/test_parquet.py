from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.parquet import Rows, Writer

SCHEMA = pa.schema([pa.field("n", pa.int64(), nullable=False), pa.field("text", pa.large_string(), nullable=False)])
TABLE = pa.table({"n": range(50), "text": [f"文書{n}" for n in range(50)]}, schema=SCHEMA)


def written(path: Path, cuts: list[int], rows: int) -> bytes:
    edges = [0, *sorted(cuts), TABLE.num_rows]
    with Writer(path, SCHEMA, rows) as writer:
        for start, end in pairwise(edges):
            writer.write(TABLE.slice(start, end - start))
    return path.read_bytes()


@settings(max_examples=40)
@given(st.lists(st.integers(0, 50), max_size=8), st.sampled_from([1, 7, 50, 1000]))
def test_bytes_do_not_depend_on_how_rows_were_chunked(tmp_path_factory, cuts: list[int], rows: int) -> None:
    folder = tmp_path_factory.mktemp("parquet")
    assert written(folder / "a", cuts, rows) == written(folder / "b", [], rows)


def test_row_groups_end_after_the_stated_rows_and_where_a_cut_says_so(tmp_path: Path) -> None:
    with Writer(tmp_path / "f", SCHEMA, 20) as writer:
        writer.write(TABLE.slice(0, 5), cut=True)
        writer.write(TABLE.slice(5))
    metadata = pq.ParquetFile(tmp_path / "f").metadata
    assert [metadata.row_group(g).num_rows for g in range(metadata.num_row_groups)] == [5, 20, 20, 5]
    assert writer.rows_written == 50
    assert pa.concat_tables(Rows(str(tmp_path / "f"), "", 50).groups(["n"]))["n"].to_pylist() == list(range(50))


def test_a_file_without_rows_is_a_readable_file(tmp_path: Path) -> None:
    Writer(tmp_path / "f", SCHEMA).close()
    assert pq.read_table(tmp_path / "f").schema.equals(SCHEMA)
    assert list(Rows(str(tmp_path / "f"), "", 0).groups()) == []
