from __future__ import annotations

import bz2
import tracemalloc
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.base import InputError
from stages.wikipedia import mediawiki, mediawiki_xml
from stages.wikipedia.mediawiki import read
from stages.wikipedia.mediawiki_xml import Damage, WikiPage

HEADER = (
    '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="ja">\n'
    "<siteinfo><sitename>Wikipedia</sitename><dbname>jawiki</dbname></siteinfo>\n"
)
FOOTER = "</mediawiki>\n"


def page(number: int, text: str = "本文。", *, title: str = "", ns: int = 0, extra: str = "") -> str:
    return (
        f"<page><title>{escape(title or f'記事{number}')}</title><ns>{ns}</ns><id>{number}</id>{extra}"
        f"<revision><id>{number + 1000}</id><parentid>7</parentid><timestamp>2024-05-06T07:08:09Z</timestamp>"
        f"<contributor><username>甲</username><id>99</id></contributor><model>wikitext</model>"
        f'<text bytes="9" xml:space="preserve">{escape(text)}</text></revision></page>\n'
    )


def multistream(*streams: str) -> bytes:
    return b"".join(bz2.compress(stream.encode()) for stream in streams)


def dump(path: Path, data: bytes | str) -> Path:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def titles(path: Path) -> list[str]:
    return [record.title for record in read(path) if isinstance(record, WikiPage)]


def damages(path: Path) -> list[Damage]:
    return [record for record in read(path) if isinstance(record, Damage)]


def test_all_fields_of_a_page(tmp_path: Path) -> None:
    text = "'''日本''' & <ref>x</ref>\n 東京"
    redirect = '<redirect title="日本国" />'
    path = dump(tmp_path / "d.xml", HEADER + page(5, text, title="A & B", ns=4, extra=redirect) + FOOTER)
    assert list(read(path)) == [
        WikiPage(
            site="jawiki",
            id=5,
            revision=1005,  # not the parent's, not the contributor's
            title="A & B",
            namespace=4,
            redirect="日本国",
            timestamp="2024-05-06T07:08:09Z",
            model="wikitext",
            wikitext=text,
            oversized=False,
            offset=len(HEADER.encode()),
        )
    ]


def test_multistream_pages_carry_the_offset_of_their_stream(tmp_path: Path) -> None:
    head, first, second = (bz2.compress(s.encode()) for s in (HEADER, page(1) + page(2), page(3) + FOOTER))
    path = dump(tmp_path / "d.xml.bz2", head + first + second)
    found = [(p.title, p.offset) for p in read(path) if isinstance(p, WikiPage)]
    offsets = [len(head), len(head), len(head) + len(first)]
    assert found == [("記事1", offsets[0]), ("記事2", offsets[1]), ("記事3", offsets[2])]
    for title, offset in found:  # the offset is good for reading that stream alone
        assert title in bz2.BZ2Decompressor().decompress(path.read_bytes()[offset:]).decode()


def test_one_stream_multistream_and_plain_xml_give_the_same_pages(tmp_path: Path) -> None:
    streams = [HEADER, page(1) + page(2), page(3, "あ" * 300_000), FOOTER]
    whole = "".join(streams)
    paths = [
        dump(tmp_path / "a.xml", whole),
        dump(tmp_path / "b.xml.bz2", multistream(whole)),
        dump(tmp_path / "c.xml.bz2", multistream(*streams)),
    ]
    keys = [[(p.id, p.title, p.wikitext) for p in read(path) if isinstance(p, WikiPage)] for path in paths]
    assert len(keys[0]) == 3
    assert keys[0] == keys[1] == keys[2]


@pytest.mark.parametrize("cut", [20, 200, 2_000])
def test_a_cut_bzip2_gives_the_whole_pages_before_it_and_one_damage(tmp_path: Path, cut: int) -> None:
    noise = "".join(chr(0x4E00 + (i * i * 7919) % 20_000) for i in range(5_000))
    data = multistream(HEADER, page(1) + page(2), page(3, noise) + page(4), FOOTER)
    path = dump(tmp_path / "d.xml.bz2", data[: len(data) - len(bz2.compress(FOOTER.encode())) - cut])
    assert titles(path) == ["記事1", "記事2"]
    (damage,) = damages(path)
    assert "cut" in damage.error
    assert damage.after == "記事2"


def test_a_cut_between_streams_is_noticed(tmp_path: Path) -> None:
    path = dump(tmp_path / "d.xml.bz2", multistream(HEADER, page(1)))
    assert titles(path) == ["記事1"]
    assert len(damages(path)) == 1


def test_a_cut_plain_file_is_noticed(tmp_path: Path) -> None:
    path = dump(tmp_path / "d.xml", HEADER + page(1) + page(2)[:-40])
    assert titles(path) == ["記事1"]
    assert len(damages(path)) == 1


def test_a_corrupt_stream_costs_only_its_own_pages(tmp_path: Path) -> None:
    streams = [bz2.compress(s.encode()) for s in (HEADER, page(1), page(2) * 3, page(3), page(4) + FOOTER)]
    bad = bytearray(streams[2])
    bad[len(bad) // 2] ^= 0xFF
    streams[2] = bytes(bad)
    path = dump(tmp_path / "d.xml.bz2", b"".join(streams))
    assert titles(path) == ["記事1", "記事3", "記事4"]
    (damage,) = damages(path)
    assert damage.offset == len(streams[0]) + len(streams[1])
    sites = [record.site for record in read(path) if isinstance(record, WikiPage)]
    assert sites == ["jawiki"] * 3


@pytest.mark.parametrize("chunk", [16, 64, 100, 333])
def test_recovery_does_not_depend_on_how_the_file_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    streams = [bz2.compress(s.encode()) for s in (HEADER, page(1), page(2), page(3) + FOOTER)]
    streams[2] = streams[2][:20] + b"\0\0\0" + streams[2][23:]
    path = dump(tmp_path / "d.xml.bz2", b"".join(streams))
    expected = list(read(path))
    monkeypatch.setattr(mediawiki, "CHUNK", chunk)
    assert list(read(path)) == expected


@pytest.mark.parametrize("name", ["d.xml.bz2", "d.xml"])
def test_malformed_xml_costs_the_page_it_stands_in(tmp_path: Path, name: str) -> None:
    streams = [HEADER, page(1), page(2, "あXい").replace("X", "</oops>") + page(3), page(4) + FOOTER]
    path = dump(tmp_path / name, multistream(*streams) if name.endswith("bz2") else "".join(streams))
    assert titles(path) == ["記事1", "記事3", "記事4"]
    (damage,) = damages(path)
    assert damage.after == "記事1" and "mismatched tag" in damage.error
    if name == "d.xml":  # the byte of the fault, near enough to find it
        assert (
            path.read_bytes()[: damage.offset].endswith("あ".encode())
            or b"</oops>" in path.read_bytes()[damage.offset - 3 :][:12]
        )


@pytest.mark.parametrize("piece", [1, 2, 3, 1 << 20])
def test_bytes_that_are_no_utf8_cost_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    monkeypatch.setattr(mediawiki_xml, "_PIECE", piece)
    xml = (HEADER + page(1, "前X後\x01。") + page(2) + FOOTER).encode().replace(b"X", b"\xe3\x81")
    path = dump(tmp_path / "d.xml.bz2", bz2.compress(xml))
    first, second = list(read(path))
    assert isinstance(first, WikiPage) and isinstance(second, WikiPage)
    assert first.wikitext == "前\ufffd後。"


@given(
    st.lists(
        st.sampled_from([page(1), page(2), "<page>", "</page>", "<text>", "&", "<", "あ", "\x00", "]]>"]),
        max_size=8,
    )
)
def test_whatever_is_broken_whole_pages_behind_it_are_read(noise: list[str]) -> None:
    reader = mediawiki_xml.PageReader("d", None)
    xml = (HEADER + "".join(noise) + "<" + page(3) + page(4) + FOOTER).encode()
    found = [item.title for item in reader.pages(iter([mediawiki_xml.Chunk(-1, xml)])) if isinstance(item, WikiPage)]
    assert found[-1:] == ["記事4"]


def test_a_page_without_an_id_is_damage(tmp_path: Path) -> None:
    path = dump(tmp_path / "d.xml", HEADER + page(1).replace("<id>1</id>", "<id>x</id>") + page(2) + FOOTER)
    assert titles(path) == ["記事2"]
    assert "'x'" in damages(path)[0].error


def test_a_monstrous_page_is_marked_and_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mediawiki_xml, "MAX_TEXT", 1000)
    path = dump(tmp_path / "d.xml", HEADER + page(1, "あ" * 1001) + page(2, "あ" * 1000) + FOOTER)
    first, second = [p for p in read(path) if isinstance(p, WikiPage)]
    assert (first.oversized, first.wikitext) == (True, "")
    assert (second.oversized, len(second.wikitext)) == (False, 1000)


def test_memory_stays_bounded_however_long_the_dump_is(tmp_path: Path) -> None:
    """50 MB of XML out of 1 kB of bzip2, in one stream: a reader that decompresses it whole would show."""
    path = dump(tmp_path / "d.xml.bz2", multistream(HEADER + page(1, "a" * 1_000_000) * 50 + FOOTER))
    tracemalloc.start()
    count = sum(1 for _ in read(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 50
    assert peak < 40 << 20


BILLION_LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE mediawiki [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    f"{HEADER}<page><title>&b;</title></page>{FOOTER}"
)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"<html><body>404</body></html>", "root element is <html>"),
        (b"\x1f\x8b\x08\0\0\0", "neither XML nor bzip2"),
        (b"PK\x03\x04", "neither XML nor bzip2"),
        (bz2.compress(b""), "holds no element"),
        (bz2.compress(b"just text"), "not a MediaWiki XML dump"),
        (b"BZh9 is not all it takes", "not a MediaWiki XML dump"),
        (bz2.compress(HEADER.encode())[:30], "not a MediaWiki XML dump"),
        (BILLION_LAUGHS.encode(), "document type"),
        (b'<!DOCTYPE mediawiki SYSTEM "file:///etc/passwd"><mediawiki/>', "document type"),
    ],
)
def test_what_is_no_dump_is_refused_in_one_line_that_names_the_file(tmp_path: Path, content: bytes, says: str) -> None:
    path = dump(tmp_path / "d.xml.bz2", content)
    with pytest.raises(InputError, match=says) as refusal:
        list(read(path))
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_directory_and_missing_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="directory"):
        list(read(tmp_path))
    with pytest.raises(InputError, match="no such file"):
        list(read(tmp_path / "none.xml.bz2"))
