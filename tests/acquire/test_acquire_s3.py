"""Fetching over S3: against a real implementation of its API, and against a server that only misbehaves."""

from __future__ import annotations

import io
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from pipeline.acquire import s3
from pipeline.acquire.listing import expand
from pipeline.acquire.remote import (
    Network,
    RefusedError,
    Remote,
    UnreachableError,
    download,
    look,
    open_random,
    read,
)
from pipeline.acquire.transfer import Patience
from pipeline.acquire.turns import NoTurns
from pipeline.errors import InputError, UsageError
from tests.s3_servers import BUCKET, empty
from tests.servers import Fault, Server, answer, cut, serving, status

CONTENT = random.Random(1).randbytes(300_000)
NET = Network(attempts=3)
QUICK = Patience(connect=1.0, silence=1.0, first_wait=0.001, longest_wait=1.0)
URL = "s3://bucket/a.warc.gz"


class Counted(NoTurns):
    def __init__(self) -> None:
        self.taken = 0

    def take(self) -> Any:
        self.taken += 1
        return super().take()


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "the-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the-secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(s3, "PIECE", 100_000)


@pytest.fixture
def bucket(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of an empty bucket, for plain web requests."""
    connect(endpoint, monkeypatch)
    empty(endpoint)
    return f"{endpoint}/{BUCKET}"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server in place of S3 that answers as it is told."""
    with serving() as server:
        connect(server.url(""), monkeypatch)
        server.put("/bucket/a.warc.gz", CONTENT)
        yield server


def connect(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    s3._filesystem.cache_clear()


def put(url: str, content: bytes) -> None:
    # moto asks for no signature, but for who it would be
    by = {"Authorization": "AWS4-HMAC-SHA256 Credential=x/20240101/us-east-1/s3/aws4_request", "Content-Type": "a/b"}
    urlopen(Request(url, content, by, method="PUT")).close()


def fetched(folder: Path, remote: Remote, **more: Any) -> bytes:
    file = folder / "a"
    try:
        download(remote, file, NET, NoTurns(), patience=QUICK, **more)
    finally:
        assert list(folder.iterdir()) in ([], [file])
    return file.read_bytes()


# Against S3 as it is


def test_an_object_is_looked_at_and_fetched(bucket: str, tmp_path: Path) -> None:
    put(f"{bucket}/a.warc.gz", CONTENT)
    remote = look(URL, NET, NoTurns())
    assert (remote.url, remote.bytes) == (URL, len(CONTENT))
    assert remote.tag.startswith('"')
    assert fetched(tmp_path, remote) == CONTENT
    assert fetched(tmp_path, remote, limit=150_000) == CONTENT[:150_000]
    assert read(URL, 99_999, 70_000, NET, NoTurns()) == CONTENT[99_999:169_999]


def test_a_seekable_object_is_as_a_local_file(bucket: str) -> None:
    put(f"{bucket}/a.warc.gz", CONTENT)
    remote, local = open_random(URL, NET, NoTurns()), io.BytesIO(CONTENT)
    for offset, whence, length in [(-9, 2, 20), (0, 0, 5), (100, 1, 150_000)]:
        assert remote.seek(offset, whence) == local.seek(offset, whence)
        assert remote.read(length) == local.read(length)


def test_an_object_that_is_not_there_is_named(bucket: str) -> None:
    for url in ("s3://bucket/none", "s3://nobucket/none"):
        with pytest.raises(InputError, match=f"{url}: there is no such object"):
            look(url, NET, NoTurns())


def test_an_object_that_changed_is_an_error(bucket: str, tmp_path: Path) -> None:
    put(f"{bucket}/a.warc.gz", CONTENT)
    remote = look(URL, NET, NoTurns())
    put(f"{bucket}/a.warc.gz", CONTENT[::-1])
    with pytest.raises(InputError, match="not the content it was"):
        fetched(tmp_path, remote)


def test_an_object_that_changes_under_way_is_an_error(bucket: str, tmp_path: Path) -> None:
    put(f"{bucket}/a.warc.gz", CONTENT)

    class Changing(Counted):
        def take(self) -> Any:
            if self.taken == 2:  # after HEAD and the first of three pieces
                put(f"{bucket}/a.warc.gz", CONTENT[::-1])
            return super().take()

    with pytest.raises(InputError, match="not the content it was"):
        download(look(URL, NET, NoTurns()), tmp_path / "a", NET, Changing())
    assert list(tmp_path.iterdir()) == []


def test_a_range_beyond_the_end_is_an_error(bucket: str) -> None:
    put(f"{bucket}/a.warc.gz", CONTENT)
    with pytest.raises(InputError, match="has 300000 bytes, so not the bytes 299999 to 300001"):
        read(URL, 299_999, 2, NET, NoTurns())


def test_a_crawl_may_lie_in_a_bucket(bucket: str) -> None:
    put(f"{bucket}/crawl-data/CC-MAIN-2024-51/warc.paths.gz", b"crawl-data/a=1/b+c.warc.gz\n")
    found = expand("CC-MAIN-2024-51", Network(base="s3://bucket/"), NoTurns())
    assert found == ["s3://bucket/crawl-data/a=1/b+c.warc.gz"]
    put(f"{bucket}/crawl-data/a%3D1/b%2Bc.warc.gz", CONTENT)
    assert look(found[0], NET, NoTurns()).bytes == len(CONTENT)


# Against a server that misbehaves


def test_every_request_takes_a_turn_and_is_made_once(server: Server, tmp_path: Path) -> None:
    turns = Counted()
    download(look(URL, NET, turns), tmp_path / "a", NET, turns)
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert [asked.method for asked in server.asked] == ["HEAD", "HEAD", "GET", "GET", "GET", "HEAD"]
    assert turns.taken == len(server.asked)


@pytest.mark.parametrize("fault", [status(503), status(500), status(429), cut(500)])
def test_what_passes_is_tried_again_from_the_last_piece(server: Server, tmp_path: Path, fault: Fault) -> None:
    remote = look(URL, NET, NoTurns())
    server.faults.extend([None, fault])
    server.head_faults.extend([None, status(503)])
    assert fetched(tmp_path, remote) == CONTENT
    ranges = [asked.headers["range"] for asked in server.gets()]
    assert ranges[:2] == ["bytes=0-99999", "bytes=100000-199999"]
    assert "bytes=0-99999" not in ranges[1:]


def test_no_new_byte_in_all_tries_is_unreachable(server: Server) -> None:
    server.head_faults.extend([status(503)] * 3)
    with pytest.raises(UnreachableError, match=rf"{URL}: given up after 3 tries .*503"):
        look(URL, NET, NoTurns(), patience=QUICK)
    assert len(server.asked) == 3


@pytest.mark.parametrize("code", [401, 403])
def test_a_refusal_is_not_argued_with(server: Server, code: int) -> None:
    server.head_faults.append(status(code))
    with pytest.raises(RefusedError, match=r"S3 refuses us .*check the credentials"):
        look(URL, NET, NoTurns())
    assert len(server.asked) == 1


def told(code: int, name: str) -> Fault:
    body = f"<Error><Code>{name}</Code><Message>by the-key</Message><AWSAccessKeyId>the-key</AWSAccessKeyId></Error>"
    return answer(code, body.encode(), Content_Length=str(len(body)), Content_Type="application/xml")


@pytest.mark.parametrize("code", ["InvalidAccessKeyId", "AccessDenied", "SignatureDoesNotMatch"])
def test_a_refusal_under_way_tells_no_credential(server: Server, code: str) -> None:
    server.faults.append(told(403, code))
    with pytest.raises(RefusedError) as refused:
        read(URL, 0, 1000, NET, NoTurns())
    assert "the-key" not in str(refused.value)
    assert "the-secret" not in str(refused.value)


def test_an_object_that_goes_away_is_named(server: Server) -> None:
    for fault in (told(404, "NoSuchKey"), status(404)):
        server.faults.append(fault)
        with pytest.raises(InputError, match="no such object"):
            read(URL, 0, 1000, NET, NoTurns())


def test_giving_up_tells_no_credential(server: Server) -> None:
    server.faults.extend([told(503, "SlowDown")] * 3)
    with pytest.raises(UnreachableError) as given_up:
        read(URL, 0, 1000, NET, NoTurns(), patience=QUICK)
    assert "the-key" not in str(given_up.value)


def test_an_error_larger_than_the_range_is_asked_for_again(server: Server) -> None:
    server.faults.append(told(503, "SlowDown"))
    assert read(URL, 7, 9, NET, NoTurns(), patience=QUICK) == CONTENT[7:16]
    server.faults.append(told(404, "NoSuchKey"))
    server.head_faults.extend([None, status(404)])
    with pytest.raises(InputError, match="no such object"):
        read(URL, 7, 9, NET, NoTurns(), patience=QUICK)


@pytest.mark.parametrize("code", [301, 400])
def test_a_wrong_region_is_named(server: Server, code: int) -> None:
    server.head_faults.append(status(code))
    with pytest.raises(InputError, match="AWS_REGION"):
        look(URL, NET, NoTurns())


def test_without_credentials_requests_are_unsigned(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    look(URL, NET, NoTurns())
    assert "authorization" not in server.asked[0].headers


@pytest.mark.parametrize("url", ["s3://bucket", "s3://bucket/", "s3:///key", "s3://bucket/folder/", "s3://bucket/a//b"])
def test_what_is_not_the_address_of_an_object_is_wrong_use(server: Server, url: str) -> None:
    with pytest.raises(UsageError, match=url):
        look(url, NET, NoTurns())


def test_an_address_with_a_secret_is_wrong_use() -> None:
    with pytest.raises(UsageError) as wrong:
        look("s3://key:secret@bucket/a", NET, NoTurns())
    assert "secret" not in str(wrong.value)
