from __future__ import annotations

import contextlib
import csv
import gzip
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import brotli  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages import http, warc
from stages.base import InputError
from stages.warc import Damage, Record, read
from tests.warcs import Response, compress, encoded, html, record_id, write

DATA = Path(__file__).parent.parent.parent / "shared" / "data"
SUITE = DATA / "warc-suite"
ENGINES = ("fastwarc", "warcio")

needs_data = pytest.mark.skipif(not DATA.exists(), reason="development data not here")


def records(path: Path, engine: str = "fastwarc") -> list[Record]:
    items = list(read(str(path), engine))
    assert not [item for item in items if isinstance(item, Damage)]
    return [item for item in items if isinstance(item, Record)]


def shape(path: Path, engine: str) -> tuple[list[Record], list[int]]:
    items = list(read(str(path), engine))
    return [i for i in items if isinstance(i, Record)], [i.offset for i in items if isinstance(i, Damage)]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("compressed", [True, False])
def test_fields_of_a_record(tmp_path: Path, engine: str, compressed: bool) -> None:
    response = Response(url="https://example.jp/猫?x=1", headers={"Content-Type": "Text/HTML; charset=x", "X": "y"})
    path = write(tmp_path / "a.warc", Response(type="request"), response, gzip=compressed)
    (record,) = records(path, engine)
    assert record.id == record_id(1)
    assert record.url == "https://example.jp/猫?x=1"
    assert record.date == "2024-06-15T00:00:01Z"
    assert (record.status, record.mime, record.body) == (200, "text/html", html())
    start = path.read_bytes()[record.offset :]
    head = zlib.decompressobj(31).decompress(start) if compressed else start
    assert head.startswith(b"WARC/1.0") and b"WARC-Type: response" in head[:200]


@pytest.mark.parametrize("engine", ENGINES)
def test_only_responses_are_given(tmp_path: Path, engine: str) -> None:
    kinds = ("warcinfo", "request", "response", "metadata", "revisit", "resource", "response")
    path = write(tmp_path / "a.warc.gz", *(Response(type=kind) for kind in kinds))
    assert [record.id for record in records(path, engine)] == [record_id(2), record_id(6)]


def chunked(body: bytes, size: int = 100) -> bytes:
    pieces = [body[i : i + size] for i in range(0, len(body), size)]
    return b"".join(b"%x;ext=1\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def raw_deflate(body: bytes) -> bytes:
    compress = zlib.compressobj(wbits=-15)
    return compress.compress(body) + compress.flush()


BODY = html("".join(chr(0x4E00 + n * n * 7919 % 20_000) for n in range(2000)))  # hardly compressible
CODED = {
    "identity": ("identity", BODY),
    "gzip": ("gzip", gzip.compress(BODY)),
    "x-gzip": ("X-GZIP", gzip.compress(BODY)),
    "zlib": ("deflate", zlib.compress(BODY)),
    "raw deflate": ("deflate", raw_deflate(BODY)),
    "brotli": ("br", brotli.compress(BODY)),
    "two codings": ("deflate, gzip", gzip.compress(zlib.compress(BODY))),
    "not coded after all": ("gzip", BODY),
    "not coded after all, brotli": ("br", BODY),
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("transfer", [False, True])
@pytest.mark.parametrize("name", CODED)
def test_codings_are_undone(tmp_path: Path, name: str, transfer: bool, engine: str) -> None:
    coding, body = CODED[name]
    headers = {"Content-Type": "text/html", "Content-Encoding": coding}
    if transfer:
        headers["Transfer-Encoding"], body = "chunked", chunked(body)
    (record,) = records(write(tmp_path / "a.warc.gz", Response(body, headers=headers)), engine)
    assert (record.body, record.coding_error) == (BODY, "")


@pytest.mark.parametrize(
    ("coding", "body", "error"),
    [
        ("zstd", b"\x28\xb5\x2f\xfd", "unknown content coding 'zstd'"),
        ("gzip", gzip.compress(BODY)[:10] + b"\xff" * 50, "the body is not gzip"),
        ("br", b"\xff" * 50, "the body is not br"),
        ("deflate", b"\xff" * 50, "the body is not deflate"),
    ],
)
def test_coding_that_cannot_be_undone_is_told(coding: str, body: bytes, error: str) -> None:
    with pytest.raises(http.CodingError, match=error):
        http.decoded_body(http.Message(200, {"content-encoding": coding}, body), 1000)


@pytest.mark.parametrize("name", CODED)
def test_size_cap_holds_for_bombs(name: str) -> None:
    coding, body = CODED[name]
    message = http.Message(200, {"content-encoding": coding}, body)
    assert http.decoded_body(message, len(BODY) - 1)[:100] == BODY[:100]
    assert len(http.decoded_body(message, 100)) <= 100


@pytest.mark.parametrize(("coding", "encode"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_a_bomb_is_never_inflated_whole(coding: str, encode: Callable[[bytes], bytes]) -> None:
    message = http.Message(200, {"content-encoding": coding}, encode(bytes(20_000_000)))
    tracemalloc.start()
    http.decoded_body(message, 1000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


def test_body_cut_in_the_middle_gives_what_there_is() -> None:
    for coding in ("gzip", "zlib", "raw deflate", "brotli"):
        name, body = CODED[coding]
        part = http.decoded_body(http.Message(200, {"content-encoding": name}, body[: len(body) * 2 // 3]), 1 << 20)
        assert part and BODY.startswith(part)


@pytest.mark.parametrize(
    ("sent", "body"),
    [
        (b"3\r\nabc\r\n0\r\n\r\n", b"abc"),
        (b"3 \nabc\n2\nde\n0\n\n", b"abcde"),
        (b"3\r\nabc\r\nFFFF\r\nde", b"abcde"),
        (b"3\r\nabc\r\n<p>", b"abc"),
        (b"<p>no chunks</p>", b"<p>no chunks</p>"),
        (b"0\r\n\r\n", b""),
        (b"", b""),
    ],
)
def test_chunks(sent: bytes, body: bytes) -> None:
    assert http.decoded_body(http.Message(200, {"transfer-encoding": "chunked"}, sent), 100) == body


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (b"HTTP/1.1 200 OK\r\nA: b\r\nA: c\r\n\r\nbody\r\n\r\n", http.Message(200, {"a": "b"}, b"body\r\n\r\n")),
        (b"HTTP/1.0 404\nA:b\n\nbody", http.Message(404, {"a": "b"}, b"body")),
        (b"HTTP/2 200\r\n\r\n", http.Message(200, {}, b"")),
        (b"HTTP/1.1 200 OK\r\nno colon\r\nA: b", http.Message(200, {"a": "b"}, b"")),
        (b"a DNS answer", http.Message(0, {}, b"a DNS answer")),
        (b"", http.Message(0, {}, b"")),
    ],
)
def test_http_message(block: bytes, message: http.Message) -> None:
    assert http.parse(block) == message


@given(st.binary(max_size=200), st.sampled_from(["gzip", "deflate", "br", "chunked"]))
def test_http_is_total(data: bytes, coding: str) -> None:
    message = http.parse(b"HTTP/1.1 200 OK\r\nContent-Encoding: " + coding.encode() + b"\r\n" + data)
    with contextlib.suppress(http.CodingError):
        assert len(http.decoded_body(message, 50)) <= 50


def pages(count: int = 9) -> list[Response]:
    return [Response(html("頁" + str(n) * 50 * n), url=f"https://example.jp/{n}") for n in range(count)]


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return write(tmp_path / "good.warc.gz", *pages())


def flipped(path: Path, start: int, count: int = 4) -> Path:
    data = bytearray(path.read_bytes())
    for i in range(start, start + count):
        data[i] ^= 0xFF
    damaged = path.with_name("damaged.warc.gz")
    damaged.write_bytes(data)
    return damaged


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("victim", [0, 1, 4, 8])
@pytest.mark.parametrize("where", ["magic", "header", "middle", "checksum", "length"])
def test_corrupt_member_costs_its_record_alone(good: Path, engine: str, victim: int, where: str) -> None:
    whole = records(good)
    offsets = [record.offset for record in whole] + [good.stat().st_size]
    start, end = offsets[victim], offsets[victim + 1]
    at = {"magic": start, "header": start + 12, "middle": (start + end) // 2, "checksum": end - 8, "length": end - 4}
    found, damages = shape(flipped(good, at[where]), engine)
    assert damages == [start]
    assert found == whole[:victim] + whole[victim + 1 :]


@pytest.mark.parametrize("engine", ENGINES)
def test_two_corrupt_members(good: Path, engine: str) -> None:
    whole = records(good)
    found, damages = shape(flipped(flipped(good, whole[2].offset + 20), whole[5].offset + 20), engine)
    assert damages == [whole[2].offset, whole[5].offset]
    assert found == [record for n, record in enumerate(whole) if n not in (2, 5)]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kept", [5, 40, -9, -1])
def test_cut_file_gives_the_whole_records(good: Path, engine: str, kept: int) -> None:
    """Cut in the header of the fifth member, in its data, in its checksum, one byte before its end."""
    whole = records(good)
    size = (whole[4].offset if kept > 0 else whole[5].offset) + kept
    good.write_bytes(good.read_bytes()[:size])
    assert shape(good, engine) == (whole[:4], [whole[4].offset])


@pytest.mark.parametrize("engine", ENGINES)
def test_last_record_shorter_than_it_says(good: Path, engine: str) -> None:
    """Cut before it was compressed: the gzip member is whole, the record in it is not."""
    whole, size = records(good), good.stat().st_size
    good.write_bytes(good.read_bytes() + compress(encoded(pages(1)[0], 99)[:-50]))
    assert shape(good, engine) == (whole, [size])


@pytest.mark.parametrize("engine", ENGINES)
def test_cut_uncompressed_file(tmp_path: Path, engine: str) -> None:
    path = write(tmp_path / "a.warc", *pages(4), gzip=False)
    whole = records(path)
    path.write_bytes(path.read_bytes()[:-10])
    assert shape(path, engine) == (whole[:3], [whole[3].offset])


@pytest.mark.parametrize("engine", ENGINES)
def test_uncompressed_file_goes_on_at_the_next_header(tmp_path: Path, engine: str) -> None:
    path = write(tmp_path / "a.warc", *pages(4), gzip=False)
    whole = records(path)
    data = path.read_bytes()
    path.write_bytes(data[: whole[1].offset] + b"?" * 50 + data[whole[1].offset + 50 :])
    assert shape(path, engine) == ([whole[0], *whole[2:]], [whole[1].offset])


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("tail", [b"\r\n\r\n", b"\0" * 1000])
def test_padding_at_the_end_is_no_damage(good: Path, engine: str, tail: bytes) -> None:
    whole = records(good)
    good.write_bytes(good.read_bytes() + tail)
    assert shape(good, engine) == (whole, [])


@pytest.mark.parametrize("engine", ENGINES)
def test_garbage_at_the_end_is_damage(good: Path, engine: str) -> None:
    size = good.stat().st_size
    whole = records(good)
    good.write_bytes(good.read_bytes() + b"garbage" * 100)
    assert shape(good, engine) == (whole, [size])


@pytest.mark.parametrize("engine", ENGINES)
def test_body_over_the_cap_is_cut_and_reading_goes_on(
    tmp_path: Path, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warc, "MAX_BODY", 5000)
    path = write(tmp_path / "a.warc.gz", Response(b"x" * 100_000), Response(b"y"))
    first, second = records(path, engine)
    assert 4000 < len(first.body) <= 5000
    assert second.body == b"y"


def test_every_bad_input_is_one_clear_line(tmp_path: Path) -> None:
    arc = b"filedesc://x.arc 0.0.0.0 20240615000000 text/plain 76\n1 0 x\n"
    several = gzip.compress(gzip.decompress(write(tmp_path / "good.warc.gz", *pages(3)).read_bytes()))
    contents: dict[str, tuple[bytes, str]] = {
        "empty.warc.gz": (b"", "empty"),
        "old.arc": (arc, "warcio recompress"),
        "old.arc.gz": (gzip.compress(arc), "warcio recompress"),
        "page.warc": (b"<html>", "not a WARC file"),
        "page.warc.gz": (gzip.compress(b"<html>"), "not a WARC file"),
        "noise.warc.gz": (b"\x1f\x8b\x08" + b"\xff" * 100, "not a WARC file"),
        "one-stream.warc.gz": (several, "warcio recompress"),
    }
    for name, (content, _) in contents.items():
        (tmp_path / name).write_bytes(content)
    expected = {name: mend for name, (_, mend) in contents.items()} | {"missing.warc": "No such file", ".": "directory"}
    for name, mend in expected.items():
        with pytest.raises(InputError) as error:
            list(read(str(tmp_path / name)))
        message = str(error.value)
        assert str(tmp_path / name) in message and mend in message and "\n" not in message


def test_unknown_engine_is_named(good: Path) -> None:
    with pytest.raises(InputError, match=r"'jwarc'.*warcio"):
        list(read(str(good), "jwarc"))


# What warcio alone makes of these is in MANIFEST.tsv; here: one damaged record and one that a reader must resume after.
SUITE_EXCEPTIONS = {"made/corrupt-middle.warc.gz": (35, 1), "made/truncated.warc.gz": (19, 1)}


def suite() -> list[tuple[str, int]]:
    """Files of the suite with the number of responses that warcio finds in them."""
    if not SUITE.exists():
        return []
    with (SUITE / "MANIFEST.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    found = [row["warcio_records"].partition('"response": ')[2] for row in rows]
    return [(row["file"], int(n.rstrip("}").split(",")[0]) if n else 0) for row, n in zip(rows, found, strict=True)]


@needs_data
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("name", "responses"), suite())
@pytest.mark.filterwarnings("ignore")
def test_suite(name: str, responses: int, engine: str) -> None:
    path = SUITE / name
    if name.endswith((".arc", ".arc.gz")) or "example-bad" in name or path.stat().st_size == 0:
        with pytest.raises(InputError):
            list(read(str(path), engine))
        return
    if engine == "warcio" and "wrong-chunks" in name:
        pytest.skip("warcio reads 343 of the 1,613 bytes of this record")
    found, damages = shape(path, engine)
    assert (len(found), len(damages)) == SUITE_EXCEPTIONS.get(name, (responses, 0))


@needs_data
@pytest.mark.parametrize("name", ["made/good.warc.gz", "made/corrupt-middle.warc.gz", "dolma/sample-0000.warc.gz"])
def test_engines_agree_on_real_files(name: str) -> None:
    assert shape(SUITE / name, "fastwarc") == shape(SUITE / name, "warcio")


@needs_data
def test_gzip_inside_chunked_gives_html() -> None:
    assert all(record.body.lstrip().startswith(b"<") for record in records(SUITE / "made/gzip-chunked.warc.gz"))
