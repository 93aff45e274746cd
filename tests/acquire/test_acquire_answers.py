"""What a server answers is not believed but checked: lengths, tags, ranges, redirects."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.acquire.http import _target
from pipeline.acquire.remote import (
    RefusedError,
    open_random,
    read,
)
from pipeline.acquire.turns import NoTurns
from pipeline.errors import InputError
from tests.fetching import CONTENT, HTML, NET, fetched, looked, some
from tests.servers import (
    Fault,
    Server,
    answer,
    cut,
    etag,
    no_ranges,
    status,
    tagged,
)

# Lies


def test_a_length_that_is_not_kept_is_a_broken_stream(server: Server, tmp_path: Path) -> None:
    short = answer(200, CONTENT[:500], ETag=etag(CONTENT), Content_Length=str(len(CONTENT)), Connection="close")
    assert fetched(server, tmp_path, short) == CONTENT
    assert server.gets()[1].headers["range"].startswith("bytes=500-")


def test_another_length_than_before_is_another_content(server: Server, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"300000 bytes with .* now 500 bytes"):
        fetched(server, tmp_path, answer(200, CONTENT[:500], ETag=etag(CONTENT), Content_Length="500"))


def test_more_bytes_than_there_are_is_an_error(server: Server, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="more bytes than it says"):
        fetched(server, tmp_path, answer(200, CONTENT + b"x", ETag=etag(CONTENT)))


@pytest.mark.parametrize("fault", [answer(200, HTML, Content_Type="text/html", Content_Length=str(len(HTML))),
                                   answer(200, HTML, Content_Type="text/html")])  # fmt: skip
def test_an_error_page_with_status_200_is_not_the_content(server: Server, tmp_path: Path, fault: Fault) -> None:
    with pytest.raises(InputError, match=r"not the content it was.*text/html"):
        fetched(server, tmp_path, fault)
    with pytest.raises(InputError, match=r"not the content it was.*text/html"):
        fetched(server, tmp_path, cut(700), fault)


def test_content_that_changes_under_way_is_an_error(server: Server, tmp_path: Path) -> None:
    with pytest.raises(InputError, match='now 300000 bytes with "new"'):
        fetched(server, tmp_path, cut(700), tagged('"new"'))
    with pytest.raises(InputError, match='now 300000 bytes with "new"'):
        fetched(server, tmp_path, tagged('"new"'))
    for tag, total in (('"new"', 300_000), (etag(CONTENT), 300_001)):
        part = answer(206, b"x" * 9, ETag=tag, Content_Range=f"bytes 0-8/{total}", Content_Length="9")
        with pytest.raises(InputError, match=f"now {total} bytes with {tag}"):
            fetched(server, tmp_path, part, limit=9)


def test_content_that_changes_between_two_parts_of_a_range_is_an_error(server: Server) -> None:
    with pytest.raises(InputError, match="not the content it was"):
        some(server, 10, 1000, cut(7), tagged('"new"'))


# Refusals


@pytest.mark.parametrize("code", [401, 403])
def test_a_refusal_is_not_argued_with(server: Server, code: int) -> None:
    with pytest.raises(RefusedError, match=rf"127\.0\.0\.1 refuses us with status {code}.*requests_per_second"):
        some(server, 0, 9, status(code))
    assert len(server.asked) == 1


@pytest.mark.parametrize("code", [404, 410])
def test_what_is_not_there_is_said_at_once(server: Server, code: int) -> None:
    with pytest.raises(InputError, match=rf"/a\.warc\.gz: there is no such file \(status {code}\)"):
        some(server, 0, 9, status(code))
    assert len(server.asked) == 1


# Redirects


def test_redirects_are_followed_and_the_address_stays(server: Server) -> None:
    server.put("/b", CONTENT)
    server.head_faults.extend([status(301, Location="/c"), status(307, Location=server.url("/b"))])
    assert looked(server.url("/a")).url == server.url("/a")
    assert [asked.path for asked in server.asked] == ["/a", "/c", "/b"]


def test_a_redirect_loop_ends(server: Server) -> None:
    server.always = status(302, Location="/a")
    with pytest.raises(InputError, match="over 5 redirects"):
        looked(server.url("/a"))
    assert len(server.asked) == 6


@pytest.mark.parametrize("location", ["http://a.jp/b", "file:///etc/passwd", "s3://b/c", ""])
def test_a_redirect_leads_to_no_worse_place(location: str) -> None:
    with pytest.raises(InputError, match="not followed"):
        _target("https://a.jp/a", "https://a.jp/a", location)


# Ranges


def test_a_range_is_exact(server: Server) -> None:
    assert some(server, 1234, 70_000) == CONTENT[1234:71_234]
    assert server.gets()[0].headers["range"] == "bytes=1234-71233"
    assert some(server, 0, 0) == b""
    assert len(server.asked) == 1


def test_a_broken_range_goes_on_if_it_is_the_same_content(server: Server) -> None:
    assert some(server, 1000, 5000, cut(700)) == CONTENT[1000:6000]
    resumed = server.gets()[1].headers
    assert (resumed["range"], resumed["if-range"]) == ("bytes=1700-5999", etag(CONTENT))


def test_a_range_that_is_sent_in_parts_is_put_together(server: Server) -> None:
    part = answer(206, CONTENT[5:9], ETag=etag(CONTENT), Content_Range="bytes 5-8/300000", Content_Length="4")
    assert some(server, 5, 20, part) == CONTENT[5:25]


def test_the_whole_is_not_taken_for_a_range(server: Server) -> None:
    with pytest.raises(InputError, match="cannot send single ranges"):
        some(server, 0, 9, no_ranges)
    with pytest.raises(InputError, match="cannot send single ranges"):
        some(server, 0, 9, cut(4), no_ranges)


@pytest.mark.parametrize("said", ["bytes 4-12/300000", "bytes 5-14/300000", "bytes 5-13/*", "bytes 5-4/300000", ""])
def test_another_range_than_asked_for_is_an_error(server: Server, said: str) -> None:
    with pytest.raises(InputError):
        some(server, 5, 9, answer(206, CONTENT[:9], ETag=etag(CONTENT), Content_Range=said, Content_Length="9"))


def test_a_range_beyond_the_end_is_an_error(server: Server) -> None:
    with pytest.raises(InputError, match="has 300000 bytes, so not the bytes 299999 to 300001"):
        some(server, 299_999, 2)
    with pytest.raises(InputError, match="ends before the bytes asked for"):
        some(server, 300_000, 2)


def test_a_local_range_is_read_alike(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(CONTENT)
    assert read(str(file), 5, 9, NET, NoTurns()) == CONTENT[5:14]
    with pytest.raises(InputError, match="has 300000 bytes"):
        read(str(file), 299_999, 2, NET, NoTurns())
    with pytest.raises(InputError, match="no such file"):
        read(str(tmp_path / "b"), 0, 1, NET, NoTurns())


# Seekable files


def test_parquet_is_read_where_it_matters(server: Server) -> None:
    rows = 60_000
    numbers = random.Random(2).choices(range(10**9), k=rows)
    table = pa.table({name: pa.array(numbers) for name in "abcdef"})
    file = io.BytesIO()
    pq.write_table(table, file, row_group_size=10_000)
    server.put("/i.parquet", file.getvalue())
    with open_random(server.url("/i.parquet"), NET, NoTurns()) as remote:
        parquet = pq.ParquetFile(remote)
        assert parquet.read_row_group(3, columns=["b"]) == table.select(["b"]).slice(30_000, 10_000)
    assert len(server.asked) <= 4  # HEAD, footer, column
    assert pq.read_table(open_random(server.url("/i.parquet"), NET, NoTurns())) == table


def test_a_seekable_file_is_as_a_local_one(server: Server) -> None:
    local = io.BytesIO(CONTENT)
    remote = open_random(server.put("/a", CONTENT), NET, NoTurns())
    for offset, whence, length in [
        (-9, 2, 20),
        (0, 0, 5),
        (100, 1, 5),
        (150_000, 0, 100_000),
        (-10, 1, 4),
        (400_000, 0, 1),
    ]:
        assert remote.seek(offset, whence) == local.seek(offset, whence)
        assert remote.read(length) == local.read(length)
    remote.seek(7)
    assert remote.read() == CONTENT[7:]


def test_small_reads_in_a_row_are_one_request(server: Server) -> None:
    remote = open_random(server.put("/a", CONTENT), NET, NoTurns())
    assert b"".join(remote.read(100) for _ in range(500)) == CONTENT[:50_000]
    assert len(server.gets()) == 1


def test_a_seekable_file_that_changes_is_an_error(server: Server) -> None:
    remote = open_random(server.put("/a", CONTENT), NET, NoTurns())
    remote.read(9)
    server.put("/a", CONTENT[::-1])
    remote.seek(200_000)
    with pytest.raises(InputError, match="not the content it was"):
        remote.read(9)
