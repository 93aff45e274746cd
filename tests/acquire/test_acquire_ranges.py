"""Fetching chosen records by ranges of bytes: what is copied, where it came from, what is broken."""

from __future__ import annotations

import gzip
import re
import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pytest
from fastwarc.warc import ArchiveIterator, WarcRecordType
from hypothesis import given
from hypothesis import strategies as st
from warcio.archiveiterator import ArchiveIterator as WarcioIterator

from pipeline.acquire import ranges as ranges_module
from pipeline.acquire.index import CHOSEN
from pipeline.acquire.parts import local_index, make_parts
from pipeline.acquire.ranges import MAX_RECORD, Read, coalesce, fetch_part, reader
from pipeline.acquire.remote import Network, RefusedError
from pipeline.acquire.selection import Selection
from pipeline.acquire.turns import NoTurns
from pipeline.errors import InputError
from stages.fetched import Spans
from stages.parquet import Writer
from stages.warc.warc import Record
from stages.warc.warc import read as read_warc
from tests.indexes import Row, rows_of, write
from tests.runs import SHARED
from tests.servers import serving, status
from tests.warcs import PROSE, Response, compress, encoded, html
from tests.warcs import write as write_warc

DATA = SHARED
PAGES = [Response(html(PROSE * (1 + i % 7)), f"https://{'a' if i % 3 else 'b'}.example.jp/{i}") for i in range(40)]

local: Read = reader(Network(base="/"), NoTurns())


def part_of(path: Path, rows: list[Row], **columns: Callable[[Row], Any]) -> Path:
    """A part with these rows of an index, in the order of a part."""
    table = pa.table(
        {
            "file": [r["warc_filename"] for r in rows],
            "offset": [r["warc_record_offset"] for r in rows],
            "length": [r["warc_record_length"] for r in rows],
            "url": [r["url"] for r in rows],
            "left_out": [False for r in rows],
        },
        schema=CHOSEN,
    ).sort_by([("file", "ascending"), ("offset", "ascending")])
    with Writer(path, CHOSEN) as writer:
        writer.write(table)
    return path


def fetched(tmp_path: Path, rows: list[Row], read: Read = local, **more: Any) -> tuple[Path, Spans]:
    to = tmp_path / "records.warc.gz"
    return to, fetch_part(part_of(tmp_path / "part.parquet", rows), to, read, **more)


def opened(place: str) -> BinaryIO:
    return open(place, "rb")


def records(path: Path) -> list[Record]:
    items = list(read_warc(str(path))) if path.stat().st_size else []
    assert all(isinstance(item, Record) for item in items)
    return [item for item in items if isinstance(item, Record)]


def warc(path: Path) -> Path:
    """Forty pages, each behind its request."""
    pairs = [(Response(b"", page.url, type="request"), page) for page in PAGES]
    return write_warc(path, Response(type="warcinfo"), *(record for pair in pairs for record in pair))


# --- ranges


@given(
    sizes=st.lists(st.tuples(st.integers(0, 4), st.integers(1, 9)), max_size=40),
    gap=st.integers(0, 4),
    most=st.integers(1, 40),
)
def test_ranges_cover_the_records_and_nothing_they_need_not(sizes: list[tuple[int, int]], gap: int, most: int) -> None:
    offsets, lengths, end = [], [], 0
    for space, length in sizes:
        offsets.append(end + space)
        lengths.append(length)
        end += space + length
    found = list(coalesce(offsets, lengths, gap, most))
    assert [i for r in found for i in range(r.first, r.last)] == list(range(len(offsets)))
    for r in found:
        assert r.start == offsets[r.first]
        assert r.end == offsets[r.last - 1] + lengths[r.last - 1]
        assert r.end - r.start <= most or r.last - r.first == 1
        inner = zip(range(r.first, r.last - 1), range(r.first + 1, r.last), strict=True)
        assert all(offsets[b] - offsets[a] - lengths[a] <= gap for a, b in inner)
    for before, after in pairwise(found):
        assert before.end <= after.start
        # Not one request more than the rules ask for.
        joined = offsets[after.first] + lengths[after.first] - before.start
        assert after.start - before.end > gap or joined > most


def test_records_that_overlap_lie_whole_in_a_range() -> None:
    offsets, lengths = [0, 10, 20, 25], [100, 5, 100, 10]
    found = list(coalesce(offsets, lengths, 0, 110))
    for r in found:
        assert all(r.start <= offsets[i] and offsets[i] + lengths[i] <= r.end for i in range(r.first, r.last))
    assert [i for r in found for i in range(r.first, r.last)] == [0, 1, 2, 3]


# --- what is copied


@pytest.mark.parametrize("gap", [0, 1 << 18])
@pytest.mark.parametrize("at_once", [1, 3])
def test_the_records_fetched_are_those_of_the_whole_file(tmp_path: Path, gap: int, at_once: int) -> None:
    whole = warc(tmp_path / "a.warc.gz")
    wanted = [r for r in rows_of(whole) if "//a." in r["url"]]
    to, spans = fetched(tmp_path, wanted, gap=gap, at_once=at_once)
    expected = [record for record in records(whole) if "//a." in record.url]
    assert [(r.id, r.url, r.date, r.body) for r in records(to)] == [(r.id, r.url, r.date, r.body) for r in expected]
    assert not spans.broken
    data = whole.read_bytes()
    members = [data[r["warc_record_offset"] :][: r["warc_record_length"]] for r in wanted]
    assert to.read_bytes() == b"".join(members)


def test_every_reader_reads_it(tmp_path: Path) -> None:
    to, _ = fetched(tmp_path, rows_of(warc(tmp_path / "a.warc.gz")))
    with to.open("rb") as file:
        assert [record.record_type for record in ArchiveIterator(file)] == [WarcRecordType.response] * len(PAGES)
    with to.open("rb") as file:
        assert [record.rec_type for record in WarcioIterator(file)] == ["response"] * len(PAGES)


def test_spans_lead_back_to_the_crawl(tmp_path: Path) -> None:
    wholes = [warc(tmp_path / name) for name in ("a.warc.gz", "b.warc.gz")]
    rows = [r for whole in wholes for r in rows_of(whole)][::3]
    to, spans = fetched(tmp_path, rows)
    assert len(spans) == len(rows) == len(records(to))
    there = {str(whole): {record.offset: record for record in records(whole)} for whole in wholes}
    for record in records(to):
        for place in (record.offset, record.offset + 20):
            span = spans.at(place)
            assert there[span.file][span.offset].body == record.body
            assert (span.url, span.left_out) == (record.url, False)
    with pytest.raises(IndexError):
        spans.at(-1)


def test_records_of_an_uncompressed_file_are_compressed(tmp_path: Path) -> None:
    texts = [encoded(page, i) for i, page in enumerate(PAGES[:3])]
    whole = tmp_path / "a.warc"
    whole.write_bytes(b"".join(texts))
    packed = rows_of(write_warc(tmp_path / "a.warc.gz", *PAGES[:3]))
    offset = 0
    for i, (r, text) in enumerate(zip(packed, texts, strict=True)):
        r.update(warc_filename=str(whole), warc_record_offset=offset, warc_record_length=len(text) - 4 * (i % 2))
        offset += len(text)
    to, spans = fetched(tmp_path, packed)
    assert not spans.broken
    assert to.read_bytes() == b"".join(map(compress, texts))


def test_nothing_wanted_gives_an_empty_file(tmp_path: Path) -> None:
    to, spans = fetched(tmp_path, [])
    assert (to.read_bytes(), len(spans), list(spans.broken)) == (b"", 0, [])


def test_ranges_are_read_at_once_and_not_more_than_allowed(tmp_path: Path) -> None:
    under_way, peak, lock, together = 0, 0, threading.Lock(), threading.Barrier(3, timeout=20)

    def read(file: str, start: int, length: int) -> bytes:
        nonlocal under_way, peak
        with lock:
            under_way += 1
            peak = max(peak, under_way)
        together.wait()
        data = local(file, start, length)
        with lock:
            under_way -= 1
        return data

    _, spans = fetched(tmp_path, rows_of(warc(tmp_path / "a.warc.gz"))[:30], read, gap=0, at_once=3)
    assert (len(spans), peak) == (30, 3)


# --- what is broken


def mutated(rows: list[Row], at: int, **values: int) -> list[Row]:
    return [{**r, **values} if i == at else r for i, r in enumerate(rows)]


@pytest.mark.parametrize(
    ("column", "change", "error"),
    [
        ("warc_record_offset", lambda r: r["warc_record_offset"] + 1, "no WARC record begins here"),
        ("warc_record_offset", lambda r: 1 << 30, "has .* bytes, so not the bytes"),
        ("warc_record_offset", lambda r: -5, "negative offset"),
        ("warc_record_length", lambda r: r["warc_record_length"] - 1, "does not end within"),
        ("warc_record_length", lambda r: r["warc_record_length"] + 1, "ends 1 bytes before"),
        ("warc_record_length", lambda r: 0, "a length that is not within"),
        ("warc_record_length", lambda r: MAX_RECORD + 1, "a length that is not within"),
        ("warc_record_length", lambda r: 1 << 20, "has .* bytes, so not the bytes"),
    ],
)
def test_a_wrong_index_costs_the_record_it_is_wrong_about(
    tmp_path: Path, column: str, change: Callable[[Row], int], error: str
) -> None:
    rows = rows_of(warc(tmp_path / "a.warc.gz"))
    wrong = mutated(rows, 20, **{column: change(rows[20])})
    to, spans = fetched(tmp_path, wrong)
    (broken,) = spans.broken
    assert broken.record.url == rows[20]["url"]
    assert (broken.record.offset, broken.record.length) == (
        wrong[20]["warc_record_offset"],
        wrong[20]["warc_record_length"],
    )
    assert [r.url for r in records(to)] == [r["url"] for r in rows if r is not rows[20]]
    assert re.search(error, broken.error), broken.error
    assert "\n" not in broken.error


def plain(record: bytes) -> bytes:
    return gzip.decompress(record)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda m: m[:60] + bytes([m[60] ^ 1]) + m[61:], "not a whole gzip member"),
        (lambda m: m[:-5] + bytes([m[-5] ^ 1]) + m[-4:], "not a whole gzip member: .*check"),
        (lambda m: b"<html>Down for maintenance</html>" + m[33:], "no WARC record begins here but b'<html>Down"),
        (lambda m: bytes(len(m)), "no WARC record begins here"),
        (lambda m: compress(b"<html>not a record</html>"), "no WARC record begins here but b'<html>not"),
        (lambda m: compress(plain(m).replace(b"Type: response", b"Type: request")), "a request record, not a response"),
        (lambda m: compress(plain(m)[:-60]), "lacks 56 of the"),
        (lambda m: compress(plain(m) * 2), "several records"),
        (lambda m: compress(plain(m).replace(b"\r\nContent-Length", b"\r\nContent-Size", 1)), "without WARC-Type or"),
    ],
)
def test_bytes_that_are_no_whole_response_are_reported(
    tmp_path: Path, change: Callable[[bytes], bytes], error: str
) -> None:
    members = [compress(encoded(page, i)) for i, page in enumerate(PAGES[:3])]
    members[1] = change(members[1])
    path = tmp_path / "a.warc.gz"
    path.write_bytes(b"".join(members))
    rows = rows_of(write_warc(tmp_path / "right.warc.gz", *PAGES[:3]))
    offset = 0
    for r, member in zip(rows, members, strict=True):
        r.update(warc_filename=str(path), warc_record_offset=offset, warc_record_length=len(member))
        offset += len(member)
    to, spans = fetched(tmp_path, rows)
    (broken,) = spans.broken
    assert broken.record.offset == len(members[0])
    assert re.search(error, broken.error), broken.error
    assert to.read_bytes() == members[0] + members[2]


def test_a_bomb_is_not_inflated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.acquire.member.MAX_INFLATED", 1 << 16)
    path = write_warc(tmp_path / "a.warc.gz", PAGES[0], Response(bytes(1 << 20)), PAGES[1])
    to, spans = fetched(tmp_path, rows_of(path))
    assert [broken.error for broken in spans.broken] == ["over 65536 bytes when inflated"]
    assert len(records(to)) == 2


@given(data=st.binary(max_size=300), cut=st.integers(0, 300))
def test_no_bytes_raise_anything_else(data: bytes, cut: int) -> None:
    good = compress(encoded(PAGES[0], 0))
    for item in (
        data,
        good[:cut] + data,
        good[:cut] + data + good[cut:],
        b"\x1f\x8b" + data,
        compress(b"WARC/1.0\r\n" + data),
    ):
        found = ranges_module._member(item)
        assert found == item or isinstance(found, str) or item.startswith(b"WARC/")


def test_a_file_that_is_gone_is_no_fault_of_its_records(tmp_path: Path) -> None:
    rows = rows_of(warc(tmp_path / "a.warc.gz"))
    (tmp_path / "a.warc.gz").unlink()
    with pytest.raises(InputError, match=r"a\.warc\.gz: no such file"):
        fetched(tmp_path, rows)


# --- over HTTP


def test_records_come_over_http_from_the_base_of_the_crawl(tmp_path: Path) -> None:
    whole = warc(tmp_path / "a.warc.gz")
    name = "crawl-data/CC-MAIN-2024-51/segments/1.2/warc/a.warc.gz"
    rows = rows_of(whole, name)
    wrong = mutated(rows[::4], 4, warc_record_length=1 << 20)
    with serving() as server:
        server.put(f"/{name}", whole.read_bytes())
        to, spans = fetched(tmp_path, wrong, reader(Network(base=server.url("/")), NoTurns()), gap=0)
        asked = [a.headers["range"] for a in server.gets()]
    assert [r.url for r in records(to)] == [r["url"] for i, r in enumerate(rows[::4]) if i != 4]
    assert "its list or index is of another version" in spans.broken[0].error
    first = rows[0]
    assert (
        f"bytes={first['warc_record_offset']}-{first['warc_record_offset'] + first['warc_record_length'] - 1}" in asked
    )


def test_a_server_that_refuses_is_not_asked_on(tmp_path: Path) -> None:
    rows = rows_of(warc(tmp_path / "a.warc.gz"), "a.warc.gz")
    with serving() as server:
        server.put("/a.warc.gz", b"")
        server.always = status(403)
        with pytest.raises(RefusedError):
            fetched(tmp_path, rows, reader(Network(base=server.url("/")), NoTurns()), gap=0, at_once=2)
        assert len(server.gets()) <= 6


# --- from an index to records


@pytest.mark.skipif(not DATA.exists(), reason="development data not here")
def test_a_selection_of_real_pages_is_the_filtered_file(tmp_path: Path) -> None:
    head = tmp_path / "head.warc.gz"
    with (DATA / "web-ja.warc.gz").open("rb") as file:
        head.write_bytes(file.read(4 << 20))
    rows = rows_of(head)
    head.write_bytes(head.read_bytes()[: max(r["warc_record_offset"] + r["warc_record_length"] for r in rows)])
    index = write(tmp_path / "i.parquet", rows)
    selection = Selection(hosts=("jp", "org"))
    parts = make_parts(selection, local_index([index]), tmp_path / "parts", opened, size=100)
    fetched_records = []
    for number, path in enumerate(parts.paths):
        to = tmp_path / f"{number}.warc.gz"
        assert not fetch_part(path, to, local).broken
        fetched_records += records(to)
    html = ("text/html", "application/xhtml+xml")
    expected = [
        r
        for r in records(head)
        if r.status == 200 and r.mime in html and selection.suffixes and selection.suffixes.holds(r.url.split("/")[2])
    ]
    assert expected
    assert sorted((r.url, r.id, r.body) for r in fetched_records) == sorted((r.url, r.id, r.body) for r in expected)
