"""Texts of WET files as documents, and files that are not WET."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stages.base import InputError, Inputs, SourceFile, document_id
from stages.documents import PASSED_REASONS, document
from stages.readers.warc import ExtractWarc
from stages.readers.wet import MAX_TITLE, ExtractWet
from stages.warc.warc import Damage, Text, read_texts
from tests.runs import SHARED
from tests.sinks import MemorySink, run
from tests.warcs import PROSE, Response, compress, encoded, record_id, write

SAMPLE = SHARED / "warc-suite" / "whirlwind-python"
JAPANESE = f"題\n{PROSE}\n".encode()
INFO = compress(
    encoded(Response(b"Software-Info: x\r\n", type="warcinfo"), 0).replace(
        b"WARC-Type", b"WARC-Filename: CC-MAIN-0.warc.wet.gz\r\nWARC-Type", 1
    )
)


def conversion(position: int, text: bytes = JAPANESE, url: str = "https://example.jp/", **fields: str) -> bytes:
    """A record as Common Crawl writes it; `fields` with _ for -."""
    lines = "".join(f"WARC-{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    record = encoded(Response(text, url=url, type="conversion"), position)
    return compress(record.replace(b"WARC-Type", lines.encode() + b"WARC-Type", 1))


def extract(path: Path, *members: bytes, head: bool = False, **options: Any) -> MemorySink:
    path.write_bytes(b"".join(members))
    sink = run(ExtractWet(**options), Inputs(file=SourceFile(str(path), "ab" * 32, path.stat().st_size, head=head)))
    counters = sink.counters
    passed = {name: n for name, n in counters.items() if name.startswith("passed.")}
    assert set(passed) <= set(PASSED_REASONS)
    assert len(sink.rows("passed")) == sum(passed.values())
    assert counters["records"] == counters["rows"] + sum(passed.values()) + counters["quarantined"]
    return sink


def test_a_record_is_a_document(tmp_path: Path) -> None:
    page = f"<urn:uuid:{7:032x}>"
    member = conversion(3, url="https://例え.jp/猫", Refers_To=page, Identified_Content_Language="jpn,eng")
    (row,) = extract(tmp_path / "a.warc.wet.gz", INFO, member).rows()
    assert row == document(
        id=document_id(page.strip("<>")),
        url="https://例え.jp/猫",
        host="xn--r8jz45g.jp",
        title="題",
        date="2024-06-15T00:00:03Z",
        text=JAPANESE.decode(),
        record=record_id(3),
        file="CC-MAIN-0.warc.wet.gz",
        origin="ab" * 8,
        offset=len(INFO),
        length=len(member),
        mime="text/plain",
        charset="utf-8",
        declared_language="ja",
    )


def test_a_page_has_one_id_as_warc_and_as_wet(tmp_path: Path) -> None:
    warc = write(tmp_path / "a.warc.gz", Response())
    (page,) = run(ExtractWarc(), Inputs(file=SourceFile(str(warc), "cd" * 32, 0))).rows()
    (row,) = extract(tmp_path / "a.wet.gz", conversion(5, Refers_To=f"<{page['record']}>")).rows()
    assert row["id"] == page["id"]


def test_ids_are_unique_in_a_file(tmp_path: Path) -> None:
    nameless = compress(encoded(Response(JAPANESE, id=None, type="conversion"), 1))
    twice = conversion(2, Refers_To="<urn:uuid:1>")
    rows = extract(tmp_path / "a", conversion(1), twice, twice, nameless, nameless).rows()
    assert len({row["id"] for row in rows}) == 5
    assert rows[0]["id"] == document_id(record_id(1))
    assert rows[1]["id"] == document_id("urn:uuid:1")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "passed.empty"),
        (" \r\n\t\n", "passed.empty"),
        ("The cat sat on the mat. " * 20, "passed.not-japanese"),
        ("我是一只猫，还没有名字。" * 5, "passed.not-japanese"),
        ("日本語です", "passed.not-japanese"),
        (PROSE[:12] + "English documentation. " * 200, "passed.not-japanese"),
        ("<吾輩は猫である>", "passed.not-japanese"),
        ("<吾輩は猫である。名前はまだ無い>", ""),  # no tag, though it looks like one
        ("ﾜｶﾞﾊｲ" * 10 + PROSE, ""),
    ],
)
@pytest.mark.parametrize("language", ["jpn", "zho"])
def test_the_text_decides_and_not_what_is_said_of_its_language(
    tmp_path: Path, text: str, reason: str, language: str
) -> None:
    member = conversion(1, text.encode(), Identified_Content_Language=language)
    sink = extract(tmp_path / "a", INFO, member)
    assert [row["reason"] for row in sink.rows("passed")] == ([reason] if reason else [])
    assert [row["declared_language"] for row in sink.rows()] == ([] if reason else [{"jpn": "ja"}.get(language, "")])


def test_no_text_with_enough_kana_is_missed_by_its_bytes(tmp_path: Path) -> None:
    """The look at the bytes sees the first and the last kana there are."""
    members = [conversion(n, kana.encode() * 10) for n, kana in enumerate("\u3041\u3096\u30a1\u30fa")]
    assert extract(tmp_path / "a", *members).counters["rows"] == 4


def test_blocked_hosts_and_large_texts(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts.txt"
    hosts.write_text("spam.jp\n")
    members = [conversion(1, url="http://www.spam.jp/"), conversion(2), conversion(3, PROSE.encode() * 2)]
    sink = extract(tmp_path / "a", *members, block_hosts=(str(hosts),), max_characters=len(PROSE) + 3)
    assert sink.counters["passed.blocked"] == 1
    assert [(row["reason"], len(row["text"])) for row in sink.rows()] == [
        ("", len(PROSE) + 3),
        ("extract.too-large", 0),
    ]
    changed = ExtractWet(block_hosts=(str(hosts),)).resources()
    hosts.write_text("other.jp\n")
    assert ExtractWet(block_hosts=(str(hosts),)).resources() != changed


def test_a_long_first_line_is_no_title(tmp_path: Path) -> None:
    members = [conversion(n, ("題" * n + "\n" + PROSE).encode()) for n in (MAX_TITLE, MAX_TITLE + 1)]
    assert [len(str(row["title"])) for row in extract(tmp_path / "a", *members).rows()] == [MAX_TITLE, 0]


def test_what_could_not_be_decoded_is_counted(tmp_path: Path) -> None:
    private = "\ue000\uf8ff\U000f0000\U0010fffd" + "\ud7ff\uf900葛\U000e0100"  # the last four are none
    (row,) = extract(tmp_path / "a", conversion(1, JAPANESE + f"{private}\ufffd".encode() + b"\xe7\x8c")).rows()
    assert (row["replaced"], row["private"]) == (2, 4)


def test_damage_costs_its_record(tmp_path: Path) -> None:
    members = [conversion(n) for n in range(4)]
    members[1] = members[1][:60] + b"\xff" * 20 + members[1][80:]
    sink = extract(tmp_path / "a", *members)
    assert [row["record"] for row in sink.rows()] == [record_id(0), record_id(2), record_id(3)]
    assert [lost["where"] for lost in sink.quarantined] == [f"a at byte {len(members[0])}"]
    cut = members[0], members[2][:-20]
    assert extract(tmp_path / "b", *cut).counters["lost.damage"] == 1
    assert not extract(tmp_path / "b", *cut, head=True).quarantined


def test_a_sample_is_of_japanese_texts(tmp_path: Path) -> None:
    members = [conversion(n, JAPANESE if n % 2 else b"English") for n in range(40)]
    whole = extract(tmp_path / "a", *members).rows()
    sample = extract(tmp_path / "a", *members, sample=5).rows()
    lowest = sorted(row["id"] for row in whole)[:5]
    assert [row for row in whole if row["id"] in lowest] == sample


@pytest.mark.parametrize("options", [{"min_japanese": 0}, {"sample": -1}])
def test_options_that_cannot_be(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        ExtractWet(**options)


@pytest.mark.parametrize("extra", [b"", b"\x1f\x8b\x08\0 cut"])
def test_a_warc_file_is_not_wet_and_the_reverse(tmp_path: Path, extra: bytes) -> None:
    request, page = (compress(encoded(Response(type=type), n)) for n, type in enumerate(("request", "response")))
    with pytest.raises(InputError, match=r'a: a WARC file with pages \(1 response.*kind = "warc"'):
        extract(tmp_path / "a", INFO, request, page, extra)


def test_other_files_are_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="WAT file"):
        extract(tmp_path / "a", INFO, compress(encoded(Response(type="metadata"), 1)))
    with pytest.raises(InputError, match="zero bytes"):
        extract(tmp_path / "a")
    with pytest.raises(InputError, match=r'WET file.*kind = "wet"'):
        (tmp_path / "a").write_bytes(INFO + conversion(1))
        run(ExtractWarc(), Inputs(file=SourceFile(str(tmp_path / "a"), "", 0)))


@pytest.mark.parametrize("engine", ["fastwarc", "warcio"])
@pytest.mark.parametrize("name", ["whirlwind.warc.wet", "whirlwind.warc.wet.gz"])
def test_a_file_of_common_crawl(name: str, engine: str) -> None:
    path = SAMPLE / name
    if not path.exists():
        pytest.skip("development data (../shared/data) not here")
    (text,) = read_texts(str(path), engine)
    assert isinstance(text, Text) and not isinstance(text, Damage)
    assert text.refers_to == "urn:uuid:2aabeff2-67f5-4608-8466-e87c6296e2b6"
    assert (text.languages, len(text.body)) == ("spa", 4456)
    assert text.file == "CC-MAIN-20240517233122-20240518023122-00000.warc.wet.gz"
