"""Tiny columnar indexes, with the columns of cc-index-table, over WARC files made in tests."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

Row = dict[str, Any]

SCHEMA = pa.schema(
    {
        "url": pa.string(),
        "url_host_name": pa.string(),
        "url_host_tld": pa.string(),
        "fetch_time": pa.timestamp("ms", "UTC"),
        "fetch_status": pa.int16(),
        "content_mime_type": pa.string(),
        "content_mime_detected": pa.string(),
        "content_languages": pa.string(),
        "warc_filename": pa.string(),
        "warc_record_offset": pa.int32(),
        "warc_record_length": pa.int32(),
    }
)


def row(url: str = "https://example.jp/", offset: int = 0, **values: Any) -> Row:
    """A row for a Japanese page; `values` are columns that differ."""
    host = urlsplit(url).hostname or ""
    usual = {
        "url": url,
        "url_host_name": host,
        "url_host_tld": host.rpartition(".")[2],
        "fetch_time": "2024-12-01T00:00:00Z",
        "fetch_status": 200,
        "content_mime_type": "text/html",
        "content_mime_detected": "text/html",
        "content_languages": "jpn",
        "warc_filename": "a.warc.gz",
        "warc_record_offset": offset,
        "warc_record_length": 100,
    }
    return {**usual, **values}


def rows_of(warc: Path, name: str = "", languages: Callable[[str], str | None] = lambda url: "jpn") -> list[Row]:
    """A row for each response of a WARC, whose gzip members are taken apart by hand."""
    return [
        row(
            url,
            offset,
            warc_filename=name or str(warc),
            warc_record_length=length,
            fetch_status=status,
            fetch_time=date,
            content_mime_type=mime,
            content_mime_detected=mime,
            content_languages=languages(url),
        )
        for offset, length, url, date, status, mime in _responses(warc.read_bytes())
    ]


def _responses(data: bytes) -> Iterator[tuple[int, int, str, str, int, str]]:
    offset = 0
    while offset < len(data):
        inflate = zlib.decompressobj(31)
        piece = data[offset : offset + (4 << 20)]
        text = inflate.decompress(piece)
        if not inflate.eof:
            return  # the file is cut
        length = len(piece) - len(inflate.unused_data)
        header, _, block = text.partition(b"\r\n\r\n")
        head = block.partition(b"\r\n\r\n")[0]
        if b"WARC-Type: response" in header:
            url, date = _field(header, b"WARC-Target-URI"), _field(header, b"WARC-Date")
            mime = _field(head, b"Content-Type").partition(";")[0].strip().lower()
            yield offset, length, url, date, int(head.split()[1]), mime
        offset += length


def _field(header: bytes, name: bytes) -> str:
    found = re.search(rb"\r\n" + name + rb":[ \t]*([^\r\n]*)", header, re.IGNORECASE)
    return found.group(1).decode() if found else ""


def write(
    path: Path,
    rows: Sequence[Row],
    *,
    without: Sequence[str] = (),
    types: Mapping[str, pa.DataType] | None = None,
    **options: Any,
) -> Path:
    """Write an index file; `without` leaves columns out, `types` changes them, `options` are pyarrow's."""
    fields = [pa.field(f.name, (types or {}).get(f.name, f.type)) for f in SCHEMA if f.name not in without]
    columns = [_column([row[field.name] for row in rows], field.type) for field in fields]
    pq.write_table(pa.table(columns, schema=pa.schema(fields)), path, **options)
    return path


def _column(values: list[Any], type: pa.DataType) -> pa.Array:
    if pa.types.is_timestamp(type):
        times = [datetime.fromisoformat(value) for value in values]
        values = [time if type.tz else time.replace(tzinfo=None) for time in times]
    return pa.array(values, type)
