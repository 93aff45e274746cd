"""Records as they come out of good files, and files that are refused."""

from __future__ import annotations

import base64
import gzip
import hashlib
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from stages.errors import InputError
from stages.warc import engines, warc
from stages.warc.layout import View
from stages.warc.warc import Damage, Record, read
from tests.warcs import PROSE, Response, compress, encoded, html, record_id, write

ENGINES = ("fastwarc", "warcio")


def records(path: Path, engine: str = "fastwarc", verify: bool = False) -> list[Record]:
    items = list(read(str(path), engine, verify))
    assert not [item for item in items if isinstance(item, Damage)]
    return [item for item in items if isinstance(item, Record)]


def pages(count: int = 5) -> list[Response]:
    return [Response(html(PROSE * (n + 1)), url=f"https://example.jp/{n}") for n in range(count)]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("compressed", [True, False])
def test_fields_of_a_record(tmp_path: Path, engine: str, compressed: bool) -> None:
    response = Response(url="https://example.jp/猫?x=1", headers={"Content-Type": "Text/HTML; charset=x", "X": "y"})
    path = write(tmp_path / "a.warc", Response(type="request"), response, Response(type="metadata"), gzip=compressed)
    (record,) = records(path, engine)
    assert record.id == record_id(1)
    assert record.url == "https://example.jp/猫?x=1"
    assert record.date == "2024-06-15T00:00:01Z"
    assert (record.status, record.mime, record.body) == (200, "text/html", html())
    assert record.headers == {"content-type": "Text/HTML; charset=x", "x": "y"}
    assert (record.truncated, record.file, record.digest_error) == ("", "", "")
    own = path.read_bytes()[record.offset : record.offset + record.length]
    assert (zlib.decompress(own, 31) if compressed else own) == encoded(response, 1)


@pytest.mark.parametrize("engine", ENGINES)
def test_only_responses_are_given(tmp_path: Path, engine: str) -> None:
    kinds = ("warcinfo", "request", "response", "metadata", "revisit", "resource", "conversion", "response", "new-kind")
    path = write(tmp_path / "a.warc.gz", *(Response(type=kind) for kind in kinds))
    assert [record.id for record in records(path, engine)] == [record_id(2), record_id(7)]


def with_field(position: int, field: str, kind: str = "response", body: bytes = html()) -> bytes:
    return encoded(Response(body, type=kind), position).replace(b"WARC-Type", f"{field}\r\nWARC-Type".encode(), 1)


@pytest.mark.parametrize("engine", ENGINES)
def test_what_the_crawler_says_of_a_record(tmp_path: Path, engine: str) -> None:
    path = tmp_path / "a.warc.gz"
    whole = [
        encoded(Response(), 0),
        with_field(1, "WARC-Filename: CC-1.warc.gz", "warcinfo"),
        with_field(2, "WARC-Truncated: Length"),
        encoded(Response(type="warcinfo"), 3),
        encoded(Response(), 4),
    ]
    path.write_bytes(b"".join(map(compress, whole)))
    assert [(record.file, record.truncated) for record in records(path, engine)] == [
        ("", ""),
        ("CC-1.warc.gz", "length"),
        ("", ""),
    ]


@pytest.mark.parametrize("engine", ENGINES)
def test_body_over_the_cap_is_cut_and_reading_goes_on(
    tmp_path: Path, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warc, "MAX_BODY", 5000)
    path = write(tmp_path / "a.warc.gz", *[Response(b"x" * 100_000), Response(b"y")] * 2)
    bodies = [record.body for record in records(path, engine)]
    assert all(body == b"x" * len(body) and 4000 < len(body) <= 5000 for body in bodies[::2])
    assert bodies[1::2] == [b"y", b"y"]


@pytest.mark.parametrize("batch", [1, 3000, 9000])
@pytest.mark.parametrize("engine", ENGINES)
def test_batches_do_not_show(tmp_path: Path, engine: str, batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.warc.gz", *pages(30))
    whole = records(path, engine)
    monkeypatch.setattr(engines, "BATCH", batch)
    assert records(path, engine) == whole
    assert len(whole) == 30


def test_a_panic_of_the_engine_costs_no_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.warc.gz", *pages())
    whole = records(path)
    monkeypatch.delattr(View, "tell")  # fastwarc panics without
    assert records(path) == whole


def test_an_interrupt_is_not_taken_for_a_broken_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: View, size: int = -1) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(View, "read", interrupted)
    with pytest.raises(KeyboardInterrupt):
        records(write(tmp_path / "a.warc.gz", *pages()), "warcio")


def dictionary_frame(content: bytes) -> bytes:
    return b"\x5d\x2a\x4d\x18" + len(content).to_bytes(4, "little") + content


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", ["no dictionary", "dictionary", "compressed dictionary"])
def test_zstd(tmp_path: Path, kind: str, engine: str) -> None:
    """As the Internet Archive and ArchiveTeam write it: a frame a record, the dictionary in a skippable frame before."""
    whole = [encoded(page, n) for n, page in enumerate(pages(9))]
    dictionary = zstandard.ZstdCompressionDict(b"".join(whole)[:4000], dict_type=zstandard.DICT_TYPE_RAWCONTENT)
    shared = None if kind == "no dictionary" else dictionary
    frames = [zstandard.ZstdCompressor(dict_data=shared, write_checksum=True).compress(record) for record in whole]
    plain = dictionary.as_bytes()
    content = zstandard.ZstdCompressor().compress(plain) if kind == "compressed dictionary" else plain
    head = dictionary_frame(content) if shared else b""
    path = tmp_path / "a.warc.zst"
    path.write_bytes(head + b"".join(frames))
    found = records(path, engine)
    assert [record.body for record in found] == [page.body for page in pages(9)]
    assert [record.length for record in found] == [len(frame) for frame in frames]
    assert found[0].offset == len(head)

    broken = bytearray(path.read_bytes())
    broken[found[5].offset - 12 : found[5].offset - 4] = b"\xff" * 8
    path.write_bytes(broken)
    items = list(read(str(path), engine))
    assert [item for item in items if isinstance(item, Record)] == found[:4] + found[5:]
    assert [(item.offset, item.length) for item in items if isinstance(item, Damage)] == [
        (found[4].offset, found[4].length)
    ]


@pytest.mark.parametrize("pack", [compress, zstandard.ZstdCompressor().compress])
def test_bomb_is_not_held(tmp_path: Path, pack: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warc, "MAX_BODY", 1 << 20)
    path = tmp_path / "a.warc"
    path.write_bytes(pack(encoded(Response(bytes(60 << 20)), 0)) + pack(encoded(Response(), 1)))
    tracemalloc.start()
    first, second = records(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(first.body) > 1_000_000 and second.body == html()
    assert peak < 30 << 20


def sha1(data: bytes) -> str:
    return "sha1:" + base64.b32encode(hashlib.sha1(data).digest()).decode()


DIGESTS: dict[str, Callable[[bytes], str]] = {
    "sha1": sha1,
    "sha1 in hexadecimal": lambda data: "sha1:" + hashlib.sha1(data).hexdigest(),
    "SHA-256": lambda data: "SHA-256:" + hashlib.sha256(data).hexdigest(),
    "sha256 in base 32": lambda data: "sha256:" + base64.b32encode(hashlib.sha256(data).digest()).decode().rstrip("="),
    "md5": lambda data: "md5:" + hashlib.md5(data).hexdigest().upper(),
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", DIGESTS)
def test_digests(tmp_path: Path, engine: str, name: str) -> None:
    digest = DIGESTS[name]
    block = encoded(Response(), 0).partition(b"\r\n\r\n")[2].removesuffix(b"\r\n\r\n")
    fields = [
        f"WARC-Block-Digest: {digest(block)}\r\nWARC-Payload-Digest: {digest(b'made of something else')}",
        f"WARC-Payload-Digest: {digest(html())}",
        f"WARC-Block-Digest: {digest(b'another block')}",
        f"WARC-Payload-Digest: {digest(b'another page')}",
    ]
    path = tmp_path / "a.warc.gz"
    path.write_bytes(b"".join(compress(with_field(n, field)) for n, field in enumerate([*fields, "X: no digest"])))
    errors = [record.digest_error for record in records(path, engine, verify=True)]
    assert [error.partition(" ")[0] for error in errors] == ["", "", "WARC-Block-Digest", "WARC-Payload-Digest", ""]
    assert not any(record.digest_error for record in records(path, engine))


def test_digest_of_joined_chunks_and_unknown_digests(tmp_path: Path) -> None:
    chunks = b"5\r\n<html\r\n1\r\n>\r\n0\r\n\r\n"
    path = tmp_path / "a.warc.gz"
    fields = [
        f"WARC-Payload-Digest: {sha1(b'<html>')}",
        f"WARC-Payload-Digest: {sha1(chunks)}",
        "WARC-Block-Digest: x:y",
    ]
    path.write_bytes(b"".join(compress(with_field(n, field, body=chunks)) for n, field in enumerate(fields)))
    errors = [record.digest_error for record in records(path, verify=True)]
    assert errors[:2] == ["", ""] and "unknown algorithm 'x'" in errors[2]


def test_every_bad_input_is_one_clear_line(tmp_path: Path) -> None:
    arc = b"filedesc://x.arc 0.0.0.0 20240615000000 text/plain 76\n1 0 x\n"
    several = b"".join(encoded(page, n) for n, page in enumerate(pages()))
    info = encoded(Response(type="warcinfo"), 0)
    zstd = zstandard.ZstdCompressor().compress
    contents: dict[str, tuple[bytes, str]] = {
        "empty.warc.gz": (b"", "empty"),
        "old.arc": (arc, "warcio recompress"),
        "old.arc.gz": (gzip.compress(arc), "warcio recompress"),
        "page.warc": (b"<html>", "not a WARC file"),
        "page.warc.gz": (gzip.compress(b"<html>"), "not a WARC file"),
        "page.warc.zst": (zstd(b"<html>"), "not a WARC file"),
        "noise.warc.gz": (b"\x1f\x8b\x08" + b"\xff" * 100, "not a WARC file"),
        "padding.warc": (b"\0" * 100, "not a WARC file"),
        "one-stream.warc.gz": (gzip.compress(several), "warcio recompress"),
        "one-frame.warc.zst": (zstd(several), "give it as .warc"),
        "bad-dictionary.warc.zst": (dictionary_frame(b"\x28\xb5\x2f\xfd" + b"\xff" * 50), "dictionary is unreadable"),
        "texts.warc.wet.gz": (compress(info) + compress(encoded(Response(type="conversion"), 1)), "WET file"),
        "data.warc.wat": (info + encoded(Response(type="metadata"), 1), "WAT file"),
    }
    for name, (content, _) in contents.items():
        (tmp_path / name).write_bytes(content)
    expected = {name: mend for name, (_, mend) in contents.items()} | {"missing.warc": "No such file", ".": "directory"}
    for name, mend in expected.items():
        with pytest.raises(InputError) as error:
            list(read(str(tmp_path / name)))
        message = str(error.value)
        assert str(tmp_path / name) in message and mend in message and "\n" not in message


def test_unknown_engine_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'jwarc'.*warcio"):
        list(read(str(write(tmp_path / "a.warc.gz", Response())), "jwarc"))
