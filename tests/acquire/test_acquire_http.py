"""Fetching over HTTP from a server that breaks off, stalls and asks to wait."""

from __future__ import annotations

import gzip
import re
import threading
import time
from email.utils import formatdate
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.acquire.remote import (
    Network,
    Remote,
    UnreachableError,
    is_remote,
    look,
    read,
)
from pipeline.acquire.transfer import Patience
from pipeline.acquire.turns import LocalTurns, NoTurns
from pipeline.errors import InputError, UsageError
from tests.fetching import CONTENT, LAST_MODIFIED, NET, QUICK, fetched, looked, some
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
    trickle,
)

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
