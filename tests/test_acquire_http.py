"""Fetching over HTTP from a server that misbehaves in every way we know of."""

from __future__ import annotations

import gzip
import io
import multiprocessing
import os
import random
import re
import signal
import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.acquire.http import _target
from pipeline.acquire.remote import (
    Network,
    RefusedError,
    Remote,
    UnreachableError,
    download,
    is_remote,
    look,
    open_random,
    read,
)
from pipeline.acquire.transfer import Patience
from pipeline.acquire.turns import LocalTurns, NoTurns
from pipeline.errors import InputError, UsageError
from tests.servers import (
    Fault,
    Server,
    answer,
    cut,
    etag,
    no_ranges,
    serving,
    silence,
    slow_head,
    status,
    tagged,
    trickle,
)

CONTENT = random.Random(1).randbytes(300_000)
HTML = b"<html>Down for maintenance</html>"
NET = Network(contact="crawler@example.jp", attempts=3)
QUICK = Patience(connect=2.0, silence=0.3, window=0.3, first_wait=0.001, longest_wait=1.2)
LAST_MODIFIED = "Tue, 10 Dec 2024 12:00:00 GMT"


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


def looked(url: str) -> Remote:
    return look(url, NET, NoTurns(), patience=QUICK)


def fetched(
    server: Server, folder: Path, *faults: Fault | None, content: bytes = CONTENT, limit: int | None = None
) -> bytes:
    """Look at the content, then download it through `faults`."""
    remote = looked(server.put("/a.warc.gz", content))
    server.faults.extend(faults)
    file = folder / "a.warc.gz"
    try:
        download(remote, file, NET, NoTurns(), limit=limit, patience=QUICK)
    finally:
        assert list(folder.iterdir()) in ([], [file])
    return file.read_bytes()


def some(server: Server, start: int, length: int, *faults: Fault | None) -> bytes:
    server.faults.extend(faults)
    return read(server.put("/a.warc.gz", CONTENT), start, length, NET, NoTurns(), patience=QUICK)


# What is there


def test_identity_is_length_and_strong_etag(server: Server) -> None:
    url = server.put("/a", CONTENT)
    assert looked(url) == Remote(url, len(CONTENT), etag(CONTENT))
    assert [asked.method for asked in server.asked] == ["HEAD"]


def test_a_weak_etag_is_no_identity_but_last_modified_is(server: Server) -> None:
    server.head_faults.append(answer(200, b"", ETag='W/"1"', Last_Modified=LAST_MODIFIED, Content_Length="7"))
    assert looked(server.url("/a")).tag == LAST_MODIFIED


@pytest.mark.parametrize(
    "headers", [{"Content_Length": "7"}, {"ETag": '"1"'}, {"ETag": 'W/"1"', "Content_Length": "7"}]
)
def test_content_without_identity_or_length_is_to_be_copied_first(server: Server, headers: dict[str, str]) -> None:
    server.head_faults.append(answer(200, b"", **headers))
    with pytest.raises(UsageError, match="download the file and name the copy"):
        looked(server.url("/a"))


def test_what_counts_as_an_address() -> None:
    assert all(map(is_remote, ["https://a.jp/x", "HTTP://a.jp", "s3://bucket/key"]))
    assert not any(map(is_remote, ["crawl/a.warc.gz", "/data/a", "https", "ftp://a.jp/x", "CC-MAIN-2024-51"]))


# Who asks


def test_every_request_says_who_asks_and_wants_the_bytes_as_they_are(server: Server, tmp_path: Path) -> None:
    fetched(server, tmp_path, cut(9))
    assert len(server.asked) == 3
    for asked in server.asked:
        assert re.fullmatch(r"seimai/[\d.]+\S* \(\+crawler@example\.jp\)", asked.headers["user-agent"])
        assert asked.headers["accept-encoding"] == "identity"


def test_only_this_machine_is_asked_without_a_contact(server: Server) -> None:
    nobody = Network(attempts=1)
    assert look(server.put("/a", CONTENT), nobody, NoTurns()).bytes == len(CONTENT)
    server.head_faults.append(status(302, Location="http://192.0.2.1/a"))
    for url in ("https://192.0.2.1/a", server.url("/a")):
        with pytest.raises(UsageError, match=r"set `\[network\] contact`"):
            look(url, nobody, NoTurns(), patience=QUICK)


@pytest.mark.parametrize("wrong", [{"contact": "me"}, {"contact": "a@b.jp\r\nX: y"}, {"connections": 0}, {"attempts": 0},
                                   {"requests_per_second": 0.0}, {"base": ""}])  # fmt: skip
def test_a_network_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Network(**wrong)  # type: ignore[arg-type]


def test_messages_tell_no_signature_and_no_password(server: Server) -> None:
    with pytest.raises(InputError) as missing:
        looked(server.url("/none?X-Amz-Signature=secret"))
    with pytest.raises(UsageError) as password:
        looked("https://user:secret@127.0.0.1/a")
    server.head_faults.extend([status(503)] * 3)
    with pytest.raises(UnreachableError) as given_up:
        looked(server.url("/none?X-Amz-Signature=secret"))
    for error in (missing, password, given_up):
        assert "127.0.0.1" in str(error.value)
        assert "secret" not in str(error.value)


# The whole content


def test_a_good_server_is_asked_once_over_one_connection(server: Server, tmp_path: Path) -> None:
    assert fetched(server, tmp_path) == CONTENT
    assert some(server, 5, 7) == CONTENT[5:12]
    assert some(server, 0, 1) == CONTENT[:1]
    assert ["range" in asked.headers for asked in server.gets()] == [False, True, True]
    assert server.connections == 1


def test_only_the_first_bytes_are_asked_for_when_that_is_the_limit(server: Server, tmp_path: Path) -> None:
    assert fetched(server, tmp_path, limit=1000) == CONTENT[:1000]
    assert server.gets()[0].headers["range"] == "bytes=0-999"
    assert fetched(server, tmp_path, no_ranges, limit=1000) == CONTENT[:1000]
    assert fetched(server, tmp_path, limit=10**9) == CONTENT


def test_a_stored_gzip_stays_gzip(server: Server, tmp_path: Path) -> None:
    packed = gzip.compress(CONTENT, mtime=0)
    fault = answer(200, packed, ETag=etag(packed), Content_Length=str(len(packed)), Content_Encoding="gzip")
    assert fetched(server, tmp_path, fault, content=packed) == packed


def test_a_broken_stream_goes_on_at_the_byte_where_it_broke(server: Server, tmp_path: Path) -> None:
    assert fetched(server, tmp_path, cut(100_001)) == CONTENT
    resumed = server.gets()[1].headers
    assert (resumed["range"], resumed["if-range"]) == (f"bytes=100001-{len(CONTENT) - 1}", etag(CONTENT))


def test_tries_are_counted_from_the_last_new_byte(server: Server, tmp_path: Path) -> None:
    assert fetched(server, tmp_path, *[cut(1000)] * 9) == CONTENT
    assert len(server.gets()) == 10


def test_no_new_byte_in_all_tries_is_unreachable(server: Server, tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match="3 tries in a row without a new byte"):
        fetched(server, tmp_path, status(500), cut(10), cut(0), status(500), cut(0), None)
    assert len(server.gets()) == 5


def test_a_server_that_starts_over_is_read_on_from_where_it_broke(server: Server, tmp_path: Path) -> None:
    def again(handler: object, content: bytes) -> None:
        handler.right(content, cut=200_000, ranges=False)  # type: ignore[attr-defined]

    assert fetched(server, tmp_path, cut(100_000), again, no_ranges) == CONTENT


def test_a_server_that_never_gets_beyond_a_byte_is_given_up(server: Server, tmp_path: Path) -> None:
    def stuck(handler: object, content: bytes) -> None:
        handler.right(content, cut=1000, ranges=False)  # type: ignore[attr-defined]

    server.always = stuck
    server.head_faults.append(None)
    with pytest.raises(UnreachableError):
        fetched(server, tmp_path)
    assert len(server.gets()) == 1 + NET.attempts


FAULTS = st.one_of(
    st.integers(0, len(CONTENT)).map(cut),
    st.sampled_from([429, 500, 502, 503, 504]).map(status),
    st.just(no_ranges),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(FAULTS, max_size=2))
def test_what_breaks_changes_nothing_in_what_arrives(server: Server, tmp_path: Path, faults: list[Fault]) -> None:
    server.faults.clear()
    assert fetched(server, tmp_path, *faults) == CONTENT


# Waiting


@pytest.mark.parametrize("code", [429, 503])
def test_retry_after_is_honoured(server: Server, tmp_path: Path, code: int) -> None:
    began = time.monotonic()
    assert fetched(server, tmp_path, status(code, Retry_After="1")) == CONTENT
    assert time.monotonic() - began >= 1.0
    assert len(server.gets()) == 2


def test_retry_after_as_a_date_is_capped(server: Server, tmp_path: Path) -> None:
    began = time.monotonic()
    assert fetched(server, tmp_path, status(503, Retry_After=formatdate(time.time() + 3600, usegmt=True))) == CONTENT
    assert QUICK.longest_wait <= time.monotonic() - began < 60


def test_an_unreadable_retry_after_is_passed_over(server: Server, tmp_path: Path) -> None:
    assert fetched(server, tmp_path, status(503, Retry_After="soon")) == CONTENT


def test_waits_double_and_differ(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    server.always = lambda handler, content: handler.head(500, {"Content-Length": 0})
    with pytest.raises(UnreachableError):
        look(server.url("/a"), Network(attempts=6), NoTurns(), patience=Patience(first_wait=1, longest_wait=6))
    waits = [wait for wait in waits if wait > 0]  # the server's own pauses are 0
    assert all(low <= wait <= 2 * low for low, wait in zip([0.5, 1, 2, 3, 3], waits, strict=True)), waits
    assert waits[3] != waits[4]


def test_nobody_holds_a_turn_while_waiting(server: Server, tmp_path: Path) -> None:
    turns = LocalTurns(tmp_path, 1, 1000)
    server.put("/a", CONTENT)
    server.faults.append(status(503, Retry_After="1"))
    waiting = threading.Thread(target=read, args=(server.url("/a"), 0, 9, NET, turns))
    waiting.start()
    while not server.gets():
        time.sleep(0.01)
    assert read(server.url("/a"), 9, 9, NET, turns) == CONTENT[9:18]
    assert waiting.is_alive()
    waiting.join()


def test_a_server_that_never_answers_is_given_up(server: Server, tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(UnreachableError, match="timed out"):
        fetched(server, tmp_path, *[silence(20)] * 3)
    assert time.monotonic() - began < 10
    assert len(server.gets()) == 3


def test_a_trickling_server_is_left_and_asked_again(server: Server, tmp_path: Path) -> None:
    began = time.monotonic()
    assert fetched(server, tmp_path, trickle(0.02)) == CONTENT
    assert time.monotonic() - began < 60  # all of it would take 6000
    assert 0 < int(server.gets()[1].headers["range"].removeprefix("bytes=").split("-")[0]) < 300


def test_a_trickling_head_is_left_and_asked_again(server: Server, tmp_path: Path) -> None:
    began = time.monotonic()
    assert fetched(server, tmp_path, slow_head(0.02)) == CONTENT
    assert time.monotonic() - began < 60  # all of it would take 200


def test_a_server_that_cannot_be_reached_is_unreachable() -> None:
    with serving() as gone:
        url = gone.url("/a")
    with pytest.raises(UnreachableError, match="refused"):
        looked(url)


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


# Turns


def reader(url: str, turns: LocalTurns, times: int) -> None:
    for start in range(times):
        read(url, start, 9, NET, turns)


def test_the_cap_holds_across_processes(server: Server, tmp_path: Path) -> None:
    server.put("/a", CONTENT)
    server.pause = 0.03
    turns = LocalTurns(tmp_path, 2, 1000)
    context = multiprocessing.get_context("spawn")
    readers = [context.Process(target=reader, args=(server.url("/a"), turns, 8)) for _ in range(2)]
    for process in readers:
        process.start()
    threads = [threading.Thread(target=reader, args=(server.url("/a"), turns, 20)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for process in readers:
        process.join()
    assert [process.exitcode for process in readers] == [0, 0]
    assert len(server.asked) == 2 * 8 + 3 * 20
    assert server.peak == 2


def test_requests_are_spaced(tmp_path: Path) -> None:
    turns = LocalTurns(tmp_path, 4, 20)
    began: list[float] = []

    def take() -> None:
        with turns.take():
            began.append(time.monotonic())

    threads = [threading.Thread(target=take) for _ in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    began.sort()
    assert began[-1] - began[0] > 0.3  # eight gaps of 0.05 s, less what the first was late


def test_a_clock_that_was_set_back_stops_nobody(tmp_path: Path) -> None:
    turns = LocalTurns(tmp_path, 2, 100)
    (tmp_path / "rate").write_text(repr(time.time() + 10**6))
    began = time.monotonic()
    with turns.take():
        assert time.monotonic() - began < 60


def holder(turns: LocalTurns, holds: object) -> None:
    with turns.take():
        holds.set()  # type: ignore[attr-defined]
        time.sleep(60)


def test_a_killed_process_gives_its_turn_back(tmp_path: Path) -> None:
    turns = LocalTurns(tmp_path, 1, 1000)
    context = multiprocessing.get_context("spawn")
    holds = context.Event()
    process = context.Process(target=holder, args=(turns, holds))
    process.start()
    assert holds.wait(30)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    with turns.take():
        pass
