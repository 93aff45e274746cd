from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from warcio.archiveiterator import ArchiveIterator

from stages.errors import InputError
from stages.warc.select import Selector, select
from stages.warc.warc import Damage, Record, read
from tests.runs import SHARED
from tests.warcs import Response, compress, encoded, html, record_id, write

DATA = SHARED
ENGINES = ("fastwarc", "warcio")
CHUNKED = {"Transfer-Encoding": "chunked", "Content-Encoding": "gzip", "X-Odd": "a  b"}
CHUNKS = (
    b"A;x=1\r\n" + gzip.compress(b"<html>", mtime=0)[:10] + b"\r\n" + b"10\r\n" + gzip.compress(b"<html>", mtime=0)[10:]
)


def pages(count: int = 6) -> list[Response]:
    return [Response(html("頁" * n), url=f"https://example.jp/{n}") for n in range(count)]


def records(path: Path, engine: str = "fastwarc") -> list[Record]:
    return [item for item in read(str(path), engine) if isinstance(item, Record)]


def content(record: Record) -> tuple[object, ...]:
    """All of a record but its place."""
    return (record.id, record.url, record.date, record.status, record.headers, record.body, record.coding_error)


def blocks(data: bytes) -> list[tuple[str, bytes]]:
    """Type and raw block of each record, as warcio has them."""
    stream = ArchiveIterator(io.BytesIO(data), no_record_parse=True)
    return [(record.rec_type, record.raw_stream.read()) for record in stream]


def everything(record: Record) -> bool:
    return True


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", ["warc.gz", "warc", "warc.zst"])
def test_chosen_records_come_out_as_they_were(tmp_path: Path, kind: str, engine: str) -> None:
    responses = [*pages(), Response(CHUNKS, headers=CHUNKED), Response(b"\x00\xff", status="404 Not Found")]
    whole = [encoded(response, n) for n, response in enumerate(responses)]
    pack = {"warc.gz": compress, "warc": bytes, "warc.zst": zstandard.ZstdCompressor().compress}[kind]
    source, copy = tmp_path / f"a.{kind}", tmp_path / "copy.warc.gz"
    source.write_bytes(b"".join(map(pack, whole)))
    with copy.open("wb") as out:
        assert select([str(source)], lambda record: record.url != "https://example.jp/2", out) == 7
    assert [content(record) for record in records(copy, engine)] == [
        content(record) for record in records(source, engine) if record.url != "https://example.jp/2"
    ]
    expected = [record.partition(b"\r\n\r\n")[2][:-4] for n, record in enumerate(whole) if n != 2]
    assert [block for kind, block in blocks(copy.read_bytes()) if kind == "response"] == expected
    assert all(not record.digest_error for record in read(str(copy), engine, verify=True) if isinstance(record, Record))


def test_warcinfo_comes_first_and_has_no_clock(tmp_path: Path) -> None:
    source = write(tmp_path / "a.warc.gz", Response(type="warcinfo"), *pages())
    copies = []
    for _ in range(2):
        out = io.BytesIO()
        select([str(source)], lambda record: record.url.endswith("3"), out)
        copies.append(out.getvalue())
    assert copies[0] == copies[1]
    info, response = ArchiveIterator(io.BytesIO(copies[0]), no_record_parse=True)
    headers = info.rec_headers
    assert (info.rec_type, headers.get_header("WARC-Date")) == ("warcinfo", "2024-06-15T00:00:04Z")
    assert headers.get_header("Content-Type") == "application/warc-fields"
    assert headers.get_header("WARC-Record-ID").startswith("<urn:uuid:")
    assert response.rec_headers.get_header("WARC-Record-ID") == f"<{record_id(4)}>"
    assert response.rec_headers.get_header("WARC-Block-Digest").startswith("sha1:")
    assert response.rec_headers.get_header("WARC-Payload-Digest") is None, "warcio would make it of the whole block"
    assert blocks(copies[0])[0][1].startswith(b"software: Seimai\r\nformat: WARC File Format 1.1\r\n")


def concurrent(response: Response, position: int, to: int) -> bytes:
    field = b"WARC-Concurrent-To: <%s>\r\nWARC-Type" % record_id(to).encode()
    return encoded(response, position).replace(b"WARC-Type", field, 1)


def test_concurrent_records_come_along(tmp_path: Path) -> None:
    """Common Crawl: the response names its request, the metadata the response. Others: the request names the response."""
    page, request, metadata = Response(), Response(type="request"), Response(type="metadata")
    whole = [
        encoded(request, 0),
        concurrent(page, 1, to=0),
        concurrent(metadata, 2, to=1),
        encoded(request, 3),
        concurrent(page, 4, to=3),
        concurrent(metadata, 5, to=4),
        encoded(page, 6),
        concurrent(request, 7, to=6),
        encoded(metadata, 8),
    ]
    source = tmp_path / "a.warc.gz"
    source.write_bytes(b"".join(map(compress, whole)))
    out = io.BytesIO()
    assert select([str(source)], lambda record: record.id in (record_id(4), record_id(6)), out, along=True) == 2
    kinds = [kind for kind, _ in blocks(out.getvalue())]
    assert kinds == ["warcinfo", "request", "response", "metadata", "response", "request"]
    out = io.BytesIO()
    select([str(source)], lambda record: record.id == record_id(4), out)
    assert [kind for kind, _ in blocks(out.getvalue())] == ["warcinfo", "response"]


def test_limit_holds_over_several_files(tmp_path: Path) -> None:
    sources = [write(tmp_path / f"{n}.warc.gz", *pages(4)) for n in range(3)]
    out = io.BytesIO()
    selector = Selector(out, everything, limit=6)
    assert [(selector.copy(str(source)), selector.full) for source in sources] == [(4, False), (2, True), (0, True)]
    assert selector.records == 6
    assert [kind for kind, _ in blocks(out.getvalue())] == ["warcinfo"] + ["response"] * 6


def test_nothing_chosen_is_nothing_written(tmp_path: Path) -> None:
    out = io.BytesIO()
    assert select([str(write(tmp_path / "a.warc.gz", *pages()))], lambda record: False, out) == 0
    assert out.getvalue() == b""


def test_damaged_places_are_passed_over_and_bad_files_are_not(tmp_path: Path) -> None:
    source = write(tmp_path / "a.warc.gz", *pages())
    data = bytearray(source.read_bytes())
    data[records(source)[2].offset + 20] ^= 0xFF
    source.write_bytes(data)
    assert any(isinstance(item, Damage) for item in read(str(source)))
    out = io.BytesIO()
    assert select([str(source)], everything, out) == 5
    with pytest.raises(InputError, match="No such file"):
        select([str(tmp_path / "none.warc.gz")], everything, out)


def test_a_wrong_length_is_mended_in_the_copy(tmp_path: Path) -> None:
    source, copy = tmp_path / "a.warc.gz", tmp_path / "copy.warc.gz"
    wrong = encoded(Response(), 0).replace(b"Content-Length: ", b"Content-Length: 1\r\nX-Was: ")
    source.write_bytes(compress(wrong))
    with copy.open("wb") as out:
        select([str(source)], everything, out)
    _info, _record = ArchiveIterator(io.BytesIO(copy.read_bytes()))
    assert records(copy)[0].body == html()


@given(st.binary(max_size=300), st.sampled_from(["200 OK", "301 Moved"]))
def test_any_body_comes_back(tmp_path_factory: pytest.TempPathFactory, body: bytes, status: str) -> None:
    folder = tmp_path_factory.mktemp("select")
    source, copy = write(folder / "a.warc.gz", Response(body, status=status), Response()), folder / "copy.warc.gz"
    with copy.open("wb") as out:
        select([str(source)], everything, out)
    assert [content(record) for record in records(copy)] == [content(record) for record in records(source)]


@pytest.mark.skipif(not DATA.exists(), reason="development data (../shared/data) not here")
@pytest.mark.parametrize("name", ["whirlwind-python/whirlwind.warc.gz", "dolma/sample-0000.warc.gz"])
def test_real_files(tmp_path: Path, name: str) -> None:
    source, copy = DATA / "warc-suite" / name, tmp_path / "copy.warc.gz"
    with copy.open("wb") as out:
        count = select([str(source)], everything, out, along=True)
    for engine in ENGINES:
        assert [content(record) for record in records(copy, engine)] == [content(record) for record in records(source)]
    originals = blocks(source.read_bytes())
    copied = blocks(copy.read_bytes())
    assert sum(kind == "response" for kind, _ in copied) == count
    assert [each for each in copied if each[0] in ("request", "response")] == [
        each for each in originals if each[0] in ("request", "response")
    ]
