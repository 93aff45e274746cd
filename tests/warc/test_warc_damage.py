"""Damage costs the damaged record: cuts, flipped bits, lies about lengths, engines that skip."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zstandard

from stages.warc import engines, warc
from stages.warc.engines import ENGINES, Engine, Piece, pieces
from stages.warc.layout import Layout, View
from stages.warc.parse import Raw
from stages.warc.warc import Damage, LostBytesError, Record, read
from tests.warcs import Response, compress, encoded, html, record_id, write


def pages(count: int = 9) -> list[Response]:
    return [Response(html("頁" + str(n) * 50 * n), url=f"https://example.jp/{n}") for n in range(count)]


def shape(path: Path, engine: str) -> tuple[list[Record], list[int]]:
    items = list(read(str(path), engine))
    return [i for i in items if isinstance(i, Record)], [i.offset for i in items if isinstance(i, Damage)]


def records(path: Path, engine: str = "fastwarc") -> list[Record]:
    found, damages = shape(path, engine)
    assert not damages
    return found


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
def test_padding_is_no_damage(good: Path, engine: str, tail: bytes) -> None:
    whole, data = records(good), good.read_bytes()
    good.write_bytes(data + tail)
    assert shape(good, engine) == (whole, [])
    good.write_bytes(data + tail + data)
    found, damages = shape(good, engine)
    assert [record.id for record in found] == [record.id for record in whole] * 2
    assert damages == []


@pytest.mark.parametrize("engine", ENGINES)
def test_garbage_at_the_end_is_damage(good: Path, engine: str) -> None:
    whole, size = records(good), good.stat().st_size
    good.write_bytes(good.read_bytes() + b"garbage" * 100)
    assert shape(good, engine) == (whole, [size])


def length_of(record: bytes, change: int) -> bytes:
    return re.sub(rb"Content-Length: (\d+)", lambda m: b"Content-Length: %d" % (int(m[1]) + change), record)


# What is wrong with the middle record of three, and whether its page comes out all the same: b'' where it must not.
BODY = html("猫" * 99)
FAULTS: dict[str, tuple[Callable[[bytes], bytes], bytes]] = {
    "type in odd case": (lambda r: r.replace(b"Type: response", b"Type: Response"), BODY),
    "names in odd case": (lambda r: r.replace(b"WARC-Type", b"warc-TYPE").replace(b"Content-L", b"content-l"), BODY),
    "no fields": (lambda r: b"WARC/1.0\r\n\r\n" + r[r.index(b"HTTP/") :], b""),
    "no type": (lambda r: r.replace(b"WARC-Type", b"X"), b""),
    "length too small": (lambda r: length_of(r, -50), BODY),
    "length 1 too small": (lambda r: length_of(r, -1), BODY),
    "length counts the empty lines": (lambda r: length_of(r, 4), BODY + b"\r\n\r\n"),
    "length too large": (lambda r: length_of(r, 50), b""),
    "length of the whole file": (lambda r: length_of(r, 100_000), b""),
    "length that covers the next record": (lambda r: length_of(r, 500), b""),
    "length that ends where the next header does": (
        lambda r: length_of(r, 4 + encoded(Response(BODY), 2).index(b"\r\n\r\n")),
        b"",
    ),
    "absurd length": (lambda r: length_of(r, 10**16), b""),
    "no length": (lambda r: r.replace(b"Content-Length", b"X"), BODY),
    "negative length": (lambda r: r.replace(b"Content-Length: ", b"Content-Length: -"), BODY),
    "length in words": (lambda r: r.replace(b"Content-Length: ", b"Content-Length: about "), BODY),
    "no empty lines after it": (lambda r: r[:-4], BODY),
    "one empty line after it": (lambda r: r[:-2], BODY),
    "empty lines before it": (lambda r: b"\r\n\r\n" + r, BODY),
    "lines end in LF": (lambda r: r[: r.index(b"HTTP/")].replace(b"\r\n", b"\n") + r[r.index(b"HTTP/") :], BODY),
    "folded header": (lambda r: r.replace(b"WARC-Target-URI: ", b"WARC-Target-URI:\r\n  "), BODY),
    "header over 64 KiB": (lambda r: r.replace(b"WARC-Type", b"X: " + b"y" * 200_000 + b"\r\nWARC-Type"), BODY),
    "unknown version": (lambda r: r.replace(b"WARC/1.0", b"WARC/7.0"), b""),
    "space in the URL": (lambda r: r.replace(b"example.jp/", b"example.jp/a b"), BODY),
    "Shift_JIS in the URL": (lambda r: r.replace(b"example.jp/", "example.jp/猫".encode("cp932")), BODY),
}


@pytest.mark.parametrize("layout", ["gzip", "plain", "zstd"])
@pytest.mark.parametrize("fault", FAULTS)
def test_faulty_record_costs_at_most_itself(tmp_path: Path, fault: str, layout: str) -> None:
    break_it, body = FAULTS[fault]
    whole = [encoded(Response(BODY), n) for n in range(4)]
    whole[1] = break_it(whole[1])
    pack = {"gzip": compress, "plain": bytes, "zstd": zstandard.ZstdCompressor().compress}[layout]
    path = tmp_path / "a.warc"
    path.write_bytes(b"".join(map(pack, whole)))
    fast, reference = list(read(str(path))), list(read(str(path), "warcio"))
    assert fast == reference
    bodies = {record.id: record.body for record in fast if isinstance(record, Record)}
    expected = {record_id(n): BODY for n in (0, 2, 3)} | ({record_id(1): body} if body else {})
    assert bodies == expected
    assert len(fast) == 4, "a record that does not come out is one damage"


@pytest.mark.parametrize("engine", ENGINES)
def test_record_over_two_gzip_members(tmp_path: Path, engine: str) -> None:
    first, second, third = (encoded(Response(BODY), n) for n in range(3))
    path = tmp_path / "a.warc.gz"
    path.write_bytes(compress(first) + compress(second[:400]) + compress(second[400:]) + compress(third))
    found = records(path, engine)
    assert [record.body for record in found] == [BODY] * 3
    assert found[1].offset + found[1].length == found[2].offset


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("between", "lost"),
    [
        (compress(b""), 0),
        (compress(b"\r\n"), 0),
        (b"\0" * 9, 0),
        (b"garbage", 1),
        (compress(b"no record\n" * 9), 1),
        (compress(b"no record\n" * 9) + b"garbage", 1),
    ],
)
def test_reading_goes_on_after_what_is_no_record(tmp_path: Path, engine: str, between: bytes, lost: int) -> None:
    """fastwarc by itself ends at an empty member, and says nothing."""
    whole = [compress(encoded(page, n)) for n, page in enumerate(pages(4))]
    path = tmp_path / "a.warc.gz"
    path.write_bytes(b"".join([*whole[:2], between, *whole[2:]]))
    found, damages = shape(path, engine)
    assert [record.id for record in found] == [record_id(n) for n in range(4)]
    assert damages == [len(whole[0] + whole[1])] * lost


@pytest.mark.parametrize("engine", ENGINES)
def test_several_records_in_a_later_member_are_one_damage(tmp_path: Path, engine: str) -> None:
    first, second, third, fourth = (encoded(page, n) for n, page in enumerate(pages(4)))
    path = tmp_path / "a.warc.gz"
    path.write_bytes(compress(first) + compress(second + third) + compress(fourth))
    found, damages = shape(path, engine)
    assert [record.id for record in found] == [record_id(0), record_id(3)]
    assert damages == [len(compress(first))]


@pytest.mark.parametrize("small", [True, False])
@pytest.mark.parametrize("lose", [0, 1, 3, 8])
def test_a_record_that_an_engine_skips_is_read_all_the_same(
    good: Path, lose: int, small: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def skipping(view: View, limit: int) -> Iterator[tuple[int, Raw]]:
        return (each for n, each in enumerate(ENGINES["fastwarc"](view, limit)) if n != lose)

    monkeypatch.setattr(engines, "BATCH", 700 if small else 4 << 20)
    whole = records(good)
    monkeypatch.setitem(ENGINES, "skipping", skipping)
    assert records(good, "skipping") == whole


@pytest.mark.parametrize("lost", [0, 4, 8])
def test_a_reader_that_loses_bytes_is_found_out(good: Path, lost: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def losing(layout: Layout, engine: Engine, limit: int) -> Iterator[Piece]:
        return (piece for n, piece in enumerate(pieces(layout, engine, limit)) if n != lost)

    monkeypatch.setattr(warc, "pieces", losing)
    with pytest.raises(LostBytesError, match="please report"):
        list(read(str(good)))


def test_engines_read_good_files_by_themselves(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or every file would be read the slow way, and nobody would notice. The last record is always read exactly."""
    exact, asked = engines.exact, []
    monkeypatch.setattr(engines, "exact", lambda *a: asked.append(a[1]) or exact(*a))
    for engine in ENGINES:
        last = records(good, engine)[-1]
        assert asked == [last.offset]
        asked.clear()
