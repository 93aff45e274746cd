"""Crawls and lists become places; a share of them is always the same one."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.acquire.listing import chosen, expand, is_crawl_id, is_list, list_of, names_in, place
from pipeline.acquire.remote import Network
from pipeline.acquire.turns import NoTurns
from pipeline.errors import InputError, UsageError
from tests.servers import Server, serving, status

NAMES = [f"crawl-data/CC-MAIN-2024-51/segments/{i}/warc/CC-MAIN-{i:05}.warc.gz" for i in range(1000)]
LIST = "".join(f"{name}\n" for name in NAMES).encode()
CRAWL = "/crawl-data/CC-MAIN-2024-51/warc.paths.gz"


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


def network(server: Server) -> Network:
    return Network(base=server.url("/"), attempts=1)


def test_a_crawl_is_the_files_of_its_list(server: Server) -> None:
    server.put(CRAWL, gzip.compress(LIST))
    found = expand("CC-MAIN-2024-51", network(server), NoTurns())
    assert found == [server.url(f"/{name}") for name in NAMES]
    assert [asked.path for asked in server.asked] == [CRAWL, CRAWL]  # HEAD and GET


def test_an_unknown_crawl_says_where_crawls_are_named(server: Server) -> None:
    with pytest.raises(UsageError, match=r"CC-MAIN-2099-01: no list of such a crawl .*collinfo\.json"):
        expand("CC-MAIN-2099-01", network(server), NoTurns())


def test_a_crawl_may_lie_in_a_folder(tmp_path: Path) -> None:
    file = tmp_path / CRAWL[1:]
    file.parent.mkdir(parents=True)
    file.write_bytes(gzip.compress(LIST))
    found = expand("CC-MAIN-2024-51", Network(base=str(tmp_path)), NoTurns())
    assert found[0] == str(tmp_path / NAMES[0])
    with pytest.raises(UsageError, match="no list of such a crawl"):
        expand("CC-MAIN-2024-50", Network(base=str(tmp_path)), NoTurns())


def test_what_counts_as_a_crawl() -> None:
    assert is_crawl_id("CC-MAIN-2024-51")
    assert not any(map(is_crawl_id, ["CC-MAIN-2024", "CC-MAIN-2009-2010", "cc-main-2024-51", "CC-MAIN-2024-51/x"]))


def test_what_counts_as_a_list() -> None:
    assert all(map(is_list, ["warc.paths.gz", "/a/my.paths", "https://a.jp/warc.paths.gz?X-Amz-Signature=1"]))
    assert not any(map(is_list, ["a.warc.gz", "a.paths.warc.gz", "paths", "my.paths.gz.bak"]))


@pytest.mark.parametrize(
    "pack", [bytes, gzip.compress, lambda text: gzip.compress(text[:99]) + gzip.compress(text[99:])]
)
def test_a_list_is_plain_or_gzip_whatever_its_name(tmp_path: Path, pack: object) -> None:
    file = tmp_path / "mine.paths"
    file.write_bytes(pack(LIST))  # type: ignore[operator]
    assert expand(str(file), Network(), NoTurns()) == [f"https://data.commoncrawl.org/{name}" for name in NAMES]


def test_a_line_is_a_name_an_address_or_a_path() -> None:
    lines = "\ufeff a.gz \r\n\r\nhttps://a.jp/b.gz\r\ns3://b/c.gz\n/data/d　e.gz\na.gz"
    names = names_in(lines.encode(), "list")
    assert names == ["a.gz", "https://a.jp/b.gz", "s3://b/c.gz", "/data/d　e.gz"]
    placed = [place(name, "s3://commoncrawl/") for name in names]
    assert placed == ["s3://commoncrawl/a.gz", *names[1:]]


def test_a_name_is_a_key_not_a_web_address() -> None:
    assert place("a=1/b c+d#e?f%20.gz", "https://a.jp/x") == "https://a.jp/x/a=1/b%20c%2Bd%23e%3Ff%2520.gz"
    assert place("a=1/b c+d#e?f%20.gz", "s3://b/x/") == "s3://b/x/a=1/b c+d#e?f%20.gz"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (gzip.compress(LIST)[:-9], "damaged gzip"),
        (b"\x1f\x8bxxxxxxxxxxxx", "damaged gzip"),
        (gzip.compress(LIST)[:-20] + b"x" * 20, "damaged gzip"),
        (b"a.gz\n\xff\xfe", "not a list of names: byte 5 is not UTF-8"),
        (b"a.gz\n<!DOCTYPE html>\n", "line 2: '<!DOCTYPE html>' is no name"),
        (b"a\x00b", "line 1"),
        (b"\n \n", "names no file"),
        (b"", "names no file"),
    ],
)
def test_what_is_not_a_list_is_named(content: bytes, said: str) -> None:
    with pytest.raises(InputError, match=f"warc.paths.gz: {said}"):
        names_in(content, "warc.paths.gz")


def test_a_list_that_is_not_there_is_named(server: Server, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"my\.paths: no such file"):
        expand(str(tmp_path / "my.paths"), Network(), NoTurns())
    with pytest.raises(InputError, match=r"my\.paths: there is no such file"):
        expand(server.url("/my.paths"), network(server), NoTurns())


def test_a_broken_server_is_not_an_unknown_crawl(server: Server) -> None:
    server.head_faults.append(status(403))
    with pytest.raises(Exception, match="refuses us"):
        expand("CC-MAIN-2024-51", network(server), NoTurns())


def test_other_lists_of_a_crawl() -> None:
    where = list_of("CC-MAIN-2024-51", Network(), "cc-index-table")
    assert where == "https://data.commoncrawl.org/crawl-data/CC-MAIN-2024-51/cc-index-table.paths.gz"


def test_a_share_is_pinned() -> None:
    """The same names on every machine and in every version: a corpus was made from them."""
    assert [NAMES.index(name) for name in chosen(NAMES, 0.005)] == [122, 209, 211, 316, 358, 363, 484, 528, 994]
    assert 60 < len(chosen(NAMES, 0.1)) < 140


def test_a_share_that_leaves_nothing_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "mine.paths"
    file.write_bytes(LIST)
    with pytest.raises(UsageError, match="share = 1e-09 leaves none of its 1000 files"):
        expand(str(file), Network(), NoTurns(), share=1e-9)


@given(st.lists(st.text()), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_keeps_what_a_smaller_one_does(names: list[str], one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert chosen(names, 0) == []
    assert chosen(names, 1) == names
    assert chosen(chosen(names, high), low) == chosen(names, low)
    assert chosen(names[::-1], low) == chosen(names, low)[::-1]
