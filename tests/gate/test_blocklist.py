from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.errors import InputError
from stages.gate.blocklist import BlockList, digest

_HOSTS = st.lists(st.sampled_from(["a", "b", "www", "example"]), min_size=1, max_size=3).map(
    lambda labels: ".".join([*labels, "jp"])
)


def made(folder: Path, *texts: str | bytes) -> list[Path]:
    paths = []
    for number, text in enumerate(texts):
        paths.append(folder / f"domains-{number}")
        paths[-1].write_bytes(text if isinstance(text, bytes) else text.encode())
    return paths


@pytest.mark.parametrize("host", ["example.co.jp", "www.example.co.jp", "a.b.example.co.jp"])
def test_a_domain_blocks_all_that_lies_in_it(tmp_path: Path, host: str) -> None:
    assert BlockList(made(tmp_path, "example.co.jp\n")).blocks(host)


@pytest.mark.parametrize("host", ["notexample.co.jp", "co.jp", "example.co.jp.com", "example.co", "jp", ""])
def test_a_domain_blocks_nothing_else(tmp_path: Path, host: str) -> None:
    assert not BlockList(made(tmp_path, "example.co.jp\n")).blocks(host)


@pytest.mark.parametrize(
    "line",
    [
        *("spam.example.jp", "SPAM.Example.jp", ".spam.example.jp", "*.spam.example.jp", "spam.example.jp."),
        *("0.0.0.0 spam.example.jp", "127.0.0.1\tlocalhost spam.example.jp # reason", "::1 spam.example.jp"),
        *("  spam.example.jp\t", "spam.example.jp # reason", "# list\r\n\r\nspam.example.jp\r\n", "spam.example.jp\r"),
        "\ufeffspam.example.jp",
    ],
)
def test_a_line_may_be_written_in_any_usual_way(tmp_path: Path, line: str) -> None:
    blocked = BlockList(made(tmp_path, line))
    assert len(blocked) == 1
    assert blocked.blocks("www.spam.example.jp")


def test_a_japanese_name_blocks_its_punycode(tmp_path: Path) -> None:
    assert BlockList(made(tmp_path, "日本語.jp\n")).blocks("www.xn--wgv71a119e.jp")


def test_an_address_blocks_itself(tmp_path: Path) -> None:
    blocked = BlockList(made(tmp_path, "192.0.2.7\n2001:db8:0::1\n0.0.0.0 0.0.0.0\n"))
    assert blocked.blocks("192.0.2.7")
    assert blocked.blocks("2001:db8::1")
    assert not blocked.blocks("192.0.2.70")


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("http://spam.example.jp/a", "line 3: 'http://spam.example.jp/a' is no host or domain; write spam.example.jp"),
        ("||spam.example.jp^", r"line 3: .* is no host or domain; write a host or domain"),
        ("spam..example.jp", r"line 3: .* is no host or domain"),
        ("spam.example.jp bad.example.jp", "line 3: .*; write one host or domain a line"),
        ("jp", r"line 3: 'jp' blocks all of .jp; write \*.jp if that is meant"),
        ("co.jp", r"line 3: 'co.jp' blocks all of .co.jp; write \*.co.jp if that is meant"),
        ("naka.yokohama.jp", "line 3: 'naka.yokohama.jp' blocks all of"),
        (".com", "line 3: '.com' blocks all of .com"),
    ],
)
def test_a_line_that_cannot_be_meant_is_refused_with_its_place_and_mend(tmp_path: Path, line: str, error: str) -> None:
    (path,) = made(tmp_path, f"# list\nexample.jp\n{line}\n")
    with pytest.raises(InputError, match=f"block list {path}, {error}"):
        BlockList([path])


def test_a_registry_is_blocked_where_the_list_says_so_on_purpose(tmp_path: Path) -> None:
    blocked = BlockList(made(tmp_path, "*.co.jp\ncity.yokohama.jp\nblogspot.com\n"))
    assert blocked.blocks("www.example.co.jp")
    assert blocked.blocks("city.yokohama.jp")
    assert blocked.blocks("taro.blogspot.com")
    assert not blocked.blocks("www.example.or.jp")


def test_a_file_that_is_missing_or_not_utf_8_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none: No such file or directory; name a file"):
        BlockList([tmp_path / "none"])
    with pytest.raises(InputError, match="byte 11: not UTF-8"):
        BlockList(made(tmp_path, b"example.jp\n\x93\xfa\x96{.jp\n"))


def test_several_files_make_one_list_whose_digest_knows_no_order(tmp_path: Path) -> None:
    one, two = made(tmp_path, "a.example.jp\nb.example.jp\n", "b.example.jp\nc.example.jp\n")
    blocked = BlockList([one, two])
    assert len(blocked) == 3
    assert all(blocked.blocks(f"{name}.example.jp") for name in "abc")
    assert blocked.sha256 == digest([two, one]) != digest([one])


def test_no_file_blocks_nothing(tmp_path: Path) -> None:
    for nothing in (BlockList([]), BlockList(made(tmp_path, "", "# nothing\n"))):
        assert len(nothing) == 0
        assert not nothing.blocks("example.jp")


@settings(max_examples=50)
@given(st.lists(_HOSTS, max_size=60), st.lists(_HOSTS, max_size=20))
def test_buckets_say_what_a_set_would(
    tmp_path_factory: pytest.TempPathFactory, listed: list[str], hosts: list[str]
) -> None:
    blocked = BlockList(made(tmp_path_factory.mktemp("list"), "\n".join(listed)))
    assert len(blocked) == len(set(listed))
    for host in hosts:
        assert blocked.blocks(host) == any(host == name or host.endswith("." + name) for name in listed)
