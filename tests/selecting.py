"""What tests of index selection share."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow.parquet as pq

from pipeline.acquire.index import scan
from pipeline.acquire.parts import Parts, local_index, make_parts
from pipeline.acquire.selection import Selection
from tests.indexes import Row, row


def opened(place: str) -> BinaryIO:
    return open(place, "rb")


def chosen(path: Path, selection: Selection, count: Counter[str] | None = None) -> list[Row]:
    tables = scan(str(path), selection, opened, Counter() if count is None else count)
    return [found for table in tables for found in table.to_pylist()]


def urls(path: Path, selection: Selection) -> list[str]:
    return [found["url"] for found in chosen(path, selection)]


def made(folder: Path, selection: Selection, *files: Path, **more: Any) -> Parts:
    return make_parts(selection, local_index(files), folder, opened, **more)


def contents(parts: Parts) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in parts.paths}


def records(parts: Parts) -> list[Row]:
    return [record for path in parts.paths for record in pq.read_table(path).to_pylist()]


def crawl(n: int = 400, warcs: int = 40, seed: int = 1) -> list[Row]:
    """Rows of a small crawl: every second page Japanese, some not HTML, some not there."""
    chance = random.Random(seed)
    return [
        row(
            f"https://{chance.choice('abc')}.example.{'jp' if i % 2 else 'com'}/{i}",
            offset=(i // warcs) * 1000,
            warc_filename=f"crawl/{i % warcs:05}.warc.gz",
            warc_record_length=500,
            fetch_time=f"2024-12-{1 + i % 20:02}T00:00:00Z",
            fetch_status=chance.choice([200, 200, 200, 404]),
            content_mime_detected=chance.choice(["text/html", "application/xhtml+xml", "application/pdf"]),
            content_languages="jpn,eng" if i % 2 else "eng",
        )
        for i in range(n)
    ]


def naive(rows: list[Row], wanted: Any) -> set[tuple[str, int]]:
    html = ("text/html", "application/xhtml+xml")
    return {
        (r["warc_filename"], r["warc_record_offset"])
        for r in rows
        if r["fetch_status"] == 200 and r["content_mime_detected"] in html and wanted(r)
    }


def places(found: list[Row]) -> set[tuple[str, int]]:
    return {(r["file"], r["offset"]) for r in found}
