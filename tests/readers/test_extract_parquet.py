"""Rows of Parquet as documents: the same as from JSONL, in whatever types they come; damaged, cut and encrypted files."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.base import InputError, Inputs, SourceFile
from stages.readers import parquet
from stages.readers.jsonl import ExtractJsonl
from stages.readers.parquet import ExtractParquet
from stages.readers.tables import ExtractTable, date_of
from tests.sinks import MemorySink, run

ROWS: list[dict[str, Any]] = [
    {
        "text": "一行目\r\n二行目",
        "id": "a",
        "meta": {"url": "https://例え.jp/1", "at": "2024-01-02", "by": {"license": "CC0-1.0"}},
    },
    {"text": "同じ", "id": "a", "meta": {"url": None, "at": None, "by": None}},
    {"text": "同じ", "id": None, "meta": None},
    {"text": "同じ", "id": None, "meta": {"url": " https://b.jp/ ", "at": "昨日", "by": {"license": " "}}},
    {"text": None, "id": "b", "meta": None},
    {"text": "\u3000\n", "id": "", "meta": None},
]
COLUMNS = {"id_column": "id", "url_column": "meta.url", "date_column": "meta.at", "license_column": "meta.by.license"}


def read(stage: ExtractTable, path: Path, head: bool = False) -> MemorySink:
    sink = run(stage, Inputs(file=SourceFile(str(path), "ab" * 32, path.stat().st_size, head=head)))
    counters = sink.counters
    assert counters["records"] == counters["rows"] + counters["quarantined"]
    assert (len(sink.rows()), len(sink.quarantined)) == (counters["rows"], counters["quarantined"])
    return sink


def extract(path: Path, table: pa.Table, *, writer: dict[str, Any] | None = None, **options: Any) -> MemorySink:
    pq.write_table(table, path, **(writer or {}))
    return read(ExtractParquet(**options), path)


@pytest.mark.parametrize("writer", [{}, {"row_group_size": 2}, {"data_page_version": "2.0", "compression": "zstd"}])
def test_the_same_table_as_jsonl_gives_the_same_rows(tmp_path: Path, writer: dict[str, Any]) -> None:
    lines = tmp_path / "a.jsonl"
    lines.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    from_lines = read(ExtractJsonl(**COLUMNS), lines)
    from_table = extract(tmp_path / "a.parquet", pa.Table.from_pylist(ROWS), writer=writer, **COLUMNS)
    assert from_table.rows() == from_lines.rows()
    assert (from_table.counters, from_table.reasons) == (from_lines.counters, from_lines.reasons)
    assert (from_table.counters["rows"], from_table.reasons["extract.empty"]) == (len(ROWS), 2)


@given(rows=st.lists(st.text(max_size=20), min_size=1, max_size=20), own=st.booleans())
def test_law_the_form_of_a_table_does_not_show(rows: list[str], own: bool, tmp_path_factory: Any) -> None:
    folder = tmp_path_factory.mktemp("law")
    table = [{"text": text, "key": text[:1]} for text in rows]
    options = {"id_column": "key"} if own else {}
    (folder / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in table))
    from_table = extract(folder / "a.parquet", pa.Table.from_pylist(table), **options).rows()
    assert from_table == read(ExtractJsonl(**options), folder / "a.jsonl").rows()
    assert len({row["id"] for row in from_table}) == len(rows)


@pytest.mark.parametrize(
    "kind",
    [
        pa.string(),
        pa.large_string(),
        pa.string_view(),
        pa.binary(),
        pa.large_binary(),
        pa.dictionary(pa.int32(), pa.string()),
        pa.dictionary(pa.int8(), pa.binary()),
    ],
    ids=str,
)
def test_text_in_any_type_of_column(tmp_path: Path, kind: pa.DataType) -> None:
    plain = pa.array(["吾輩は", None, "猫", "猫"])
    of = kind.value_type if pa.types.is_dictionary(kind) else kind
    column = plain.cast(of).dictionary_encode().cast(kind) if of != kind else plain.cast(kind)
    sink = extract(tmp_path / "a", pa.table({"text": column, "id": column}), id_column="id")
    assert [(row["text"], row["record"]) for row in sink.rows()] == [
        ("吾輩は", "吾輩は"),
        ("", ""),
        ("猫", "猫"),
        ("猫", "猫"),
    ]
    assert len({row["id"] for row in sink.rows()}) == 4


@pytest.mark.parametrize("kind", [pa.binary(), pa.string()])
def test_a_row_with_invalid_utf8_costs_itself(tmp_path: Path, kind: pa.DataType) -> None:
    raw = pa.array(["前".encode(), b"\xe7\x8c", "後".encode()])
    column = pa.Array.from_buffers(kind, 3, raw.buffers())  # Arrow does not look whether a string is UTF-8
    sink = extract(tmp_path / "a.parquet", pa.table({"text": column, "url": column}), url_column="url")
    assert [(row["offset"], row["text"]) for row in sink.rows()] == [(0, "前"), (2, "後")]
    (lost,) = sink.quarantined
    assert lost["where"] == "a.parquet row 1" and "invalid UTF-8 at byte 0" in lost["error"]


def test_ids_that_are_numbers(tmp_path: Path) -> None:
    for column in (pa.array([5, None], pa.int64()), pa.array(["5", None])):
        rows = extract(tmp_path / "a", pa.table({"text": ["a", "b"], "n": column}), id_column="n").rows()
        assert [row["record"] for row in rows] == ["5", ""]


MOMENT = datetime(2024, 1, 2, 3, 4, 5, 678000, UTC)


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([MOMENT, None], pa.timestamp("us", "Asia/Tokyo")), "2024-01-02T03:04:05Z"),
        (pa.array([1_704_164_645_678_901_234, None], pa.timestamp("ns")), "2024-01-02T03:04:05Z"),
        (pa.array([1_704_164_645, None], pa.timestamp("s")), "2024-01-02T03:04:05Z"),
        (pa.array([1_704_164_645_678, None], pa.int64()), "2024-01-02T03:04:05Z"),
        (pa.array([date(2024, 1, 2), None], pa.date32()), "2024-01-02T00:00:00Z"),
        (pa.array([date(1969, 12, 31), None], pa.date64()), "1969-12-31T00:00:00Z"),
        (pa.nulls(2), ""),
    ],
)
def test_times_of_any_type(tmp_path: Path, column: pa.Array, expected: str) -> None:
    rows = extract(tmp_path / "a", pa.table({"text": ["a", "b"], "at": column}), date_column="at").rows()
    assert [row["date"] for row in rows] == [expected, ""]


@pytest.mark.parametrize(
    ("cell", "date"),
    [
        ("2024-01-02", "2024-01-02T00:00:00Z"),
        ("2024-01-02 03:04:05", "2024-01-02T03:04:05Z"),
        ("2024-01-02T03:04:05Z", "2024-01-02T03:04:05Z"),
        ("2024-01-02T03:04:05.678+09:00", "2024-01-01T18:04:05Z"),
        ("2024-12-31T23:30-0100", "2025-01-01T00:30:00Z"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z"),
        ("2024/1/2", "2024-01-02T00:00:00Z"),
        ("2024年1月2日 03:04", "2024-01-02T03:04:00Z"),
        (1_704_164_645, "2024-01-02T03:04:05Z"),
        (1_704_164_645_678, "2024-01-02T03:04:05Z"),
        (1_704_164_645.9, "2024-01-02T03:04:05Z"),
        (1_704_164_645_678_901_234, "2024-01-02T03:04:05Z"),
        ("0001-01-01T00:00:00+23:00", ""),
        ("2024-02-30", ""),
        ("2024-13-01", ""),
        ("01/02/2024", ""),
        ("2024", ""),
        ("昨日", ""),
        (20_240_102, ""),
        (True, ""),
        (float("nan"), ""),
        (float("inf"), ""),
        (None, ""),
        ({"$date": 1}, ""),
    ],
)
def test_dates(cell: object, date: str) -> None:
    assert date_of(cell) == date


@given(st.one_of(st.text(), st.integers(), st.floats(), st.datetimes().map(str)))
def test_any_cell_is_a_date_or_none(cell: object) -> None:
    date = date_of(cell)
    assert date == "" or date_of(date) == date


@pytest.mark.parametrize(
    ("options", "nearest"), [({"text_column": "texts"}, "text"), ({"url_column": "meta.uri"}, "meta.url")]
)
def test_a_column_that_is_not_there(tmp_path: Path, options: dict[str, str], nearest: str) -> None:
    with pytest.raises(InputError) as error:
        extract(tmp_path / "a.parquet", pa.Table.from_pylist(ROWS), **options)
    message = str(error.value)
    for part in (*options, *options.values(), f"did you mean {nearest!r}?", "meta.by.license", "a.parquet"):
        assert part in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"text_column": "n"}, "holds int64, which is no text"),
        ({"text_column": "l"}, "holds list<"),
        ({"url_column": "n"}, "holds int64, which is no url"),
        ({"id_column": "b"}, "holds bool, which is no id"),
    ],
)
def test_a_column_that_cannot_be_it(tmp_path: Path, options: dict[str, str], told: str) -> None:
    table = pa.table({"text": ["a"], "n": [1], "l": [["a"]], "b": [True]})
    with pytest.raises(InputError, match=told):
        extract(tmp_path / "a", table, **options)


def test_a_column_that_is_there_twice(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="twice"):
        extract(tmp_path / "a", pa.table([["a"], ["b"]], names=["text", "text"]))


def page_of(path: Path, group: int, column: str) -> int:
    """Somewhere in the middle of the pages of a column."""
    of = pq.ParquetFile(path).metadata.row_group(group)
    chunk = next(c for c in map(of.column, range(of.num_columns)) if c.path_in_schema == column)
    return int(chunk.data_page_offset + chunk.total_compressed_size // 2)


@pytest.mark.parametrize("checksums", [True, False])
@pytest.mark.parametrize("column", ["text", "id"])
def test_damage_costs_the_rest_of_its_row_group(tmp_path: Path, column: str, checksums: bool) -> None:
    path = tmp_path / "a.parquet"
    table = pa.table({"text": [f"本文{n}" * 20 for n in range(300)], "id": [f"{n:032}" for n in range(300)]})
    pq.write_table(table, path, row_group_size=100, compression="zstd", write_page_checksum=checksums)
    data, at = bytearray(path.read_bytes()), page_of(path, 1, column)
    data[at - 20 : at + 20] = b"\xff" * 40
    path.write_bytes(data)
    sink = read(ExtractParquet(id_column="id"), path)
    assert [row["record"] for row in sink.rows()] == table["id"].to_pylist()[:100] + table["id"].to_pylist()[200:]
    (lost,) = sink.quarantined
    assert lost["where"] == "a.parquet rows 100 to 199" and "row group 1 is damaged" in lost["error"]
    assert read(ExtractParquet(), path).counters["quarantined"] == (column == "text")  # what is not read is not missed


def test_rows_before_a_damaged_page_survive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "BATCH_ROWS", 10)
    path = tmp_path / "a.parquet"
    table = pa.table({"text": [f"本文{n}" * 20 for n in range(300)]})
    pages = {"data_page_size": 1000, "write_batch_size": 10, "use_dictionary": False, "compression": "none"}
    pq.write_table(table, path, write_page_checksum=True, **pages)
    data = bytearray(path.read_bytes())
    data[data.index("本文155本文".encode()) + 6] ^= 1  # 1 becomes 0: only a checksum can tell
    path.write_bytes(data)
    sink = read(ExtractParquet(), path)
    found = [row["text"] for row in sink.rows()]
    assert found == table["text"].to_pylist()[: len(found)] and 100 <= len(found) < 200
    assert sink.quarantined[0]["where"] == f"a.parquet rows {len(found)} to 299"


def test_batches_do_not_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = pa.table({"text": [f"本文{n}" * n for n in range(50)]})
    whole = extract(tmp_path / "a", table).rows()
    monkeypatch.setattr(parquet, "BATCH_BYTES", 500)
    assert extract(tmp_path / "a", table).rows() == whole


def test_every_unusable_file_is_one_clear_line(tmp_path: Path) -> None:
    good = tmp_path / "good.parquet"
    pq.write_table(pa.table({"text": ["a"] * 100}), good)
    data = good.read_bytes()
    contents = {
        "lines.parquet": (b'{"text": "a"}\n', "'jsonl'"),
        "cut.parquet": (data[:-30], "cut"),
        "short.parquet": (b"PAR1PAR1", "cut"),
        "secret.parquet": (b"PARE" + data[4:-4] + b"PARE", "encrypted"),
        "index.parquet": (data[:-60] + b"\xff" * 40 + data[-20:], "index at the end"),
        "length.parquet": (data[:-8] + b"\xff\xff\xff\x7fPAR1", "index at the end"),
        "empty.parquet": (b"", "zero bytes"),
    }
    for name, (content, mend) in contents.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError) as error:
            read(ExtractParquet(), tmp_path / name)
        assert name in str(error.value) and mend in str(error.value) and "\n" not in str(error.value)
    with pytest.raises(InputError, match="fetch all of it"):
        (tmp_path / "head").write_bytes(data[:50])
        read(ExtractParquet(), tmp_path / "head", head=True)
    with pytest.raises(InputError, match="No such file"):
        run(ExtractParquet(), Inputs(file=SourceFile(str(tmp_path / "missing"), "", 0)))


def test_a_sample_is_of_documents_and_keeps_their_ids(tmp_path: Path) -> None:
    table = pa.table({"text": [f"本文{n}" if n % 2 else "" for n in range(100)]})
    whole = extract(tmp_path / "a", table).rows()
    lowest = sorted(row["id"] for row in whole if row["text"])[:7]
    assert extract(tmp_path / "a", table, sample=7).rows() == [row for row in whole if row["id"] in lowest]


def test_a_table_without_a_row_has_no_documents(tmp_path: Path) -> None:
    assert not extract(tmp_path / "a", pa.table({"text": pa.array([], pa.string())})).counters
