"""Lines of JSONL as documents: plain and compressed, broken, cut, and with columns that are not there."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from stages.base import InputError, Inputs, SourceFile
from stages.documents import document
from stages.readers import jsonl as extract_jsonl
from stages.readers.jsonl import MAX_DEPTH, ExtractJsonl, parse
from tests.sinks import MemorySink, run

ZSTD = zstandard.ZstdCompressor(write_checksum=True).compress


def extract(path: Path, content: bytes, head: bool = False, **options: Any) -> MemorySink:
    path.write_bytes(content)
    sink = run(ExtractJsonl(**options), Inputs(file=SourceFile(str(path), "ab" * 32, len(content), head=head)))
    counters = sink.counters
    assert counters["records"] == counters["rows"] + counters["quarantined"]
    assert (len(sink.rows()), len(sink.quarantined)) == (counters["rows"], counters["quarantined"])
    return sink


def jsonl(*rows: object) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


def texts(sink: MemorySink) -> list[object]:
    return [row["text"] for row in sink.rows()]


def prose(count: int) -> list[dict[str, str]]:
    """Rows that do not compress away."""
    source = random.Random(0)
    return [{"text": f"{n} " + "".join(source.choices("吾輩は猫である。名前はまだ無", k=300))} for n in range(count)]


def test_a_line_is_a_document(tmp_path: Path) -> None:
    line = {
        "id": 7,
        "content": "一行目\r\n二行目\u0000\u000b",
        "meta": {
            "uri": "https://例え.JP/猫",
            "when": "2024-01-02 03:04:05",
            "terms": "CC-BY-4.0",
            "headline": " 題\n名 ",
        },
    }
    sink = extract(
        tmp_path / "a.jsonl",
        jsonl(line),
        text_column="content",
        id_column="id",
        url_column="meta.uri",
        date_column="meta.when",
        license_column="meta.terms",
        title_column="meta.headline",
    )
    (row,) = sink.rows()
    assert row == document(
        id=row["id"],
        url="https://例え.JP/猫",
        host="xn--r8jz45g.jp",
        title="題 名",
        date="2024-01-02T03:04:05Z",
        text="一行目\n二行目\u0000\u000b",
        record="7",
        license="CC-BY-4.0",
        origin="ab" * 8,
        charset="utf-8",
    )


@pytest.mark.parametrize("pack", [bytes, gzip.compress, ZSTD], ids=["plain", "gzip", "zstd"])
def test_compression_is_told_by_content_and_does_not_show(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    rows = prose(200)
    whole = extract(tmp_path / "a.jsonl", jsonl(*rows)).rows()
    halves = jsonl(*rows)[:40_000], jsonl(*rows)[40_000:]  # two members, cut within a line
    assert extract(tmp_path / "a.txt", b"".join(map(pack, halves))).rows() == whole
    assert [row["text"] for row in whole] == [row["text"] for row in rows]


def test_line_ends_byte_order_mark_and_blank_lines(tmp_path: Path) -> None:
    content = b'\xef\xbb\xbf{"text": "\xe4\xb8\x80"}\r\n\r\n \t\n{"text": "a\xe2\x80\xa8b"}\n\n{"text": "c"}'
    sink = extract(tmp_path / "a.jsonl", content)
    assert [(row["offset"], row["text"]) for row in sink.rows()] == [(0, "一"), (3, "a\u2028b"), (5, "c")]
    assert not sink.quarantined


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b'{"text": "cut', "broken JSON"),
        (b'["text"]', "no JSON object but list"),
        (b"null", "no JSON object but NoneType"),
        (b'{"text": "\xe7\x8c"}', "invalid UTF-8 at byte 10"),
        (b'{"text": "\xed\xa0\x80"}', "invalid UTF-8"),  # a surrogate in UTF-8, which json.loads(bytes) lets pass
        (b'{"body": "x"}', "no text column"),
        (b'{"text": 5}', "holds int"),
        (b'{"text": ["x"]}', "holds list"),
        (b'{"text": "x", "n": ' + b"9" * 5000 + b"}", "limit"),
        (b'{"text": "x", "n": ' + b"[" * 100_000, "nested"),
        (b'{"text": "x", "n": ' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}", "nested"),
    ],
)
def test_a_broken_line_costs_itself(tmp_path: Path, line: bytes, error: str) -> None:
    sink = extract(tmp_path / "a.jsonl", jsonl({"text": "前"}) + line + b"\n" + jsonl({"text": "後"}))
    assert texts(sink) == ["前", "後"]
    (lost,) = sink.quarantined
    assert lost["where"] == "a.jsonl line 2"
    assert error in lost["error"]
    assert sink.counters["lost.damage"] == 1


def test_brackets_in_a_text_are_no_depth() -> None:
    assert parse(json.dumps({"text": "[" * 1000, "n": [[]] * 1000}).encode())["text"] == "[" * 1000
    deepest = "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1)
    assert parse(f'{{"n": {deepest}, "m": [{"[]," * 500}1]}}'.encode())["m"][500] == 1


@pytest.mark.parametrize("pack", [bytes, gzip.compress, ZSTD], ids=["plain", "gzip", "zstd"])
def test_a_line_over_the_cap_is_lost_and_not_held(
    tmp_path: Path, pack: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extract_jsonl, "MAX_LINE", 200_000)
    long = jsonl({"text": "x" * 199_988}, {"text": "x" * 199_989}, {"text": "x" * 1_000_000}, {"text": "y"})
    sink = extract(tmp_path / "a", pack(long))
    assert [row["offset"] for row in sink.rows()] == [0, 3]
    assert [lost["where"] for lost in sink.quarantined] == ["a line 2", "a line 3"]


def test_null_and_blank_texts_are_empty(tmp_path: Path) -> None:
    sink = extract(tmp_path / "a.jsonl", jsonl({"text": None}, {"text": ""}, {"text": " \n\u3000"}, {"text": "x"}))
    assert [row["reason"] for row in sink.rows()] == ["extract.empty"] * 3 + [""]
    assert sink.reasons == {"extract.empty": 3}


def test_lone_surrogates_and_private_characters_are_counted(tmp_path: Path) -> None:
    line = b'{"text": "\\ud800a\\udc00\\ud83d\\ude00\\ue000", "id": "\\ud800", "url": "http://a.jp/\\udfff"}\n'
    (row,) = extract(tmp_path / "a.jsonl", line, id_column="id", url_column="url").rows()
    assert (row["text"], row["replaced"], row["private"]) == ("\ufffda\ufffd😀\ue000", 2, 1)
    assert (row["record"], row["url"]) == ("\ufffd", "http://a.jp/\ufffd")


def test_ids_name_the_document_and_not_its_place(tmp_path: Path) -> None:
    rows = [{"text": text} for text in ("a", "b", "a", "c\r\nd", "a", "")]
    shuffled = [rows[n] for n in (4, 5, 2, 3, 0, 1)]
    first, second = (extract(tmp_path / name, jsonl(*r)).rows() for name, r in (("a", rows), ("b", [{}, *shuffled])))
    assert len({row["id"] for row in first}) == 6
    assert {(row["id"], row["text"]) for row in first} == {(row["id"], row["text"]) for row in second}


def test_an_own_id_decides_whatever_the_text_says(tmp_path: Path) -> None:
    rows = [{"text": "a", "id": id} for id in ("x", "y", "x", 5, "5", None, "", True, [1], float("nan"), 1.5)]
    found = extract(tmp_path / "a", jsonl(*rows), id_column="id").rows()
    assert len({row["id"] for row in found}) == len(rows)
    assert [row["record"] for row in found] == ["x", "y", "x", "5", "5", "", "", "", "", "", "1.5"]
    (alone,) = extract(tmp_path / "b", jsonl({"text": "z", "id": "x"}), id_column="id").rows()
    assert alone["id"] == found[0]["id"]


def test_a_key_with_a_dot_goes_before_a_path(tmp_path: Path) -> None:
    rows = [{"m.t": "key", "m": {"t": "path"}}, {"m": {"t": "path"}}, {"m": {"t": None}}, {"m": None}]
    assert texts(extract(tmp_path / "a", jsonl(*rows), text_column="m.t")) == ["key", "path", "", ""]


@pytest.mark.parametrize("role", ["text", "url", "license"])
def test_a_column_that_no_line_has_is_one_clear_line(tmp_path: Path, role: str) -> None:
    rows = jsonl({"text": "a", "meta": {"url": "u", "licence": "x"}}, {"text": "b", "other": 1, "meta": None})
    columns = {"text": "texts", "url": "meta.uri", "license": "meta.license"}
    with pytest.raises(InputError) as error:
        extract(tmp_path / "a.jsonl", rows, **{f"{role}_column": columns[role]})
    message = str(error.value)
    nearest = {"text": "text", "url": "meta.url", "license": "meta.licence"}[role]
    assert f"{columns[role]!r} ({role}_column" in message and f"did you mean {nearest!r}?" in message
    assert "meta.licence" in message and "other" in message and "\n" not in message


def test_a_wrong_column_is_found_before_the_end_of_a_long_file(tmp_path: Path) -> None:
    rows = [{"body": "x"}] * 1000
    with pytest.raises(InputError, match="the first 1000 lines"):
        extract(tmp_path / "a", jsonl(*rows, {"text": "x"}))
    assert texts(extract(tmp_path / "a", jsonl(*rows[:-1], {"text": "x"}))) == ["x"]


def test_a_null_is_a_column(tmp_path: Path) -> None:
    extract(tmp_path / "a", jsonl({"text": "a", "m": {"url": None}}), url_column="m.url")
    with pytest.raises(InputError, match=r"'m\.url'"):
        extract(tmp_path / "a", jsonl({"text": "a", "m": None}), url_column="m.url")


@pytest.mark.parametrize("pack", [gzip.compress, ZSTD], ids=["gzip", "zstd"])
def test_what_a_cut_file_still_holds_survives(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    rows = prose(3000)  # over two blocks of zstd, of 128 KiB each
    cut = pack(jsonl(*rows))[:-20_000]
    sink = extract(tmp_path / "a", cut)
    found = texts(sink)
    assert found == [row["text"] for row in rows[: len(found)]] and len(found) > 1000
    (lost,) = sink.quarantined
    assert "cut" in lost["error"] and lost["where"] == f"a at byte 0, after line {len(found)}"
    assert texts(extract(tmp_path / "b", cut, head=True)) == found
    assert not extract(tmp_path / "b", cut, head=True).quarantined


def test_the_head_of_a_plain_file_ends_within_a_line(tmp_path: Path) -> None:
    content = jsonl({"text": "a"}, {"text": "b"})[:-4]
    assert not extract(tmp_path / "a", content, head=True).quarantined
    assert [lost["where"] for lost in extract(tmp_path / "a", content).quarantined] == ["a line 2"]


@pytest.mark.parametrize("pack", [gzip.compress, ZSTD], ids=["gzip", "zstd"])
def test_reading_goes_on_behind_a_corrupt_member(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    rows = prose(900)
    members = [bytearray(pack(jsonl(*rows[start : start + 300]))) for start in (0, 300, 600)]
    middle = len(members[1]) // 2
    members[1][middle : middle + 40] = b"\xff" * 40
    sink = extract(tmp_path / "a", b"".join(members))
    found = texts(sink)
    assert found[:300] == [row["text"] for row in rows[:300]]
    assert found[-300:] == [row["text"] for row in rows[600:]]
    places = [lost["where"].split(",")[0] for lost in sink.quarantined if "corrupt" in lost["error"]]
    assert places == [f"a at byte {len(members[0])}"]


def test_what_gzip_itself_ignores_is_no_damage(tmp_path: Path) -> None:
    assert not extract(tmp_path / "a", gzip.compress(jsonl({"text": "a"})) + b"\0" * 512).quarantined
    skippable = b"\x50\x2a\x4d\x18\x04\0\0\0abcd"
    assert texts(extract(tmp_path / "b", skippable + ZSTD(jsonl({"text": "a"})))) == ["a"]


def test_bytes_behind_the_last_member_are_told(tmp_path: Path) -> None:
    sink = extract(tmp_path / "a", gzip.compress(jsonl({"text": "a"})) + b"noise")
    assert (texts(sink), [lost["error"] for lost in sink.quarantined]) == (["a"], ["no gzip member begins here"])


def test_every_unusable_file_is_one_clear_line(tmp_path: Path) -> None:
    contents = {
        "array.json": (b'[{"text": "a"}]', "jq"),
        "pretty.json": (b'[\n {"text": "a"}\n]', "jq"),
        "table.jsonl": (b"PAR1....PAR1", 'kind = "parquet"'),
        "old.jsonl.bz2": (b"BZh91AY", "gzip or zstd"),
        "utf16.jsonl": ("{}".encode("utf-16"), "UTF-16"),
        "noise.jsonl.gz": (b"\x1f\x8b\x08\0" + b"\xff" * 50, "fetch it again"),
        "empty.jsonl.gz": (b"", "zero bytes"),
    }
    for name, (content, mend) in contents.items():
        with pytest.raises(InputError) as error:
            extract(tmp_path / name, content)
        assert name in str(error.value) and mend in str(error.value) and "\n" not in str(error.value)
    with pytest.raises(InputError, match="No such file"):
        run(ExtractJsonl(), Inputs(file=SourceFile(str(tmp_path / "missing"), "", 0)))


def test_a_file_without_a_line_has_no_documents(tmp_path: Path) -> None:
    assert not extract(tmp_path / "a.jsonl", b"").counters
    assert not extract(tmp_path / "a.jsonl.gz", gzip.compress(b"")).counters


@pytest.mark.parametrize("options", [{"text_column": ""}, {"url_column": "meta..url"}, {"sample": -1}])
def test_options_that_cannot_be(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        ExtractJsonl(**options)


def naive(text: str) -> str:
    return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text).replace("\r\n", "\n")


@given(rows=st.lists(st.text(st.characters(), max_size=30), min_size=1, max_size=20), order=st.randoms())
def test_law_lines_come_back_as_rows(rows: list[str], order: random.Random, tmp_path_factory: Any) -> None:
    """Whatever is in the texts: lone surrogates as U+FFFD, each line once, and the same ids in any order."""
    path = tmp_path_factory.mktemp("law") / "a.jsonl"
    shuffled = order.sample(rows, len(rows))
    found = [
        extract(path, b"".join(json.dumps({"text": r}).encode() + b"\n" for r in some)).rows()
        for some in (rows, shuffled)
    ]
    assert [row["text"] for row in found[0]] == [naive(text) for text in rows]
    assert len({row["id"] for row in found[0]}) == len(rows)
    assert {row["id"] for row in found[0]} == {row["id"] for row in found[1]}


@given(st.lists(st.binary(max_size=40).map(lambda line: line.replace(b"\n", b" ")), max_size=10))
def test_law_any_bytes_cost_their_line_at_most(tmp_path_factory: Any, lines: list[bytes]) -> None:
    path = tmp_path_factory.mktemp("law") / "a.jsonl"
    good = jsonl({"text": "good"})
    sink = extract(path, good + b"".join(line + b"\n" for line in lines) + good)
    assert [row["text"] for row in (sink.rows()[0], sink.rows()[-1])] == ["good", "good"]
    assert sink.counters["records"] == 2 + sum(bool(line.strip(b" \t\r")) for line in lines)
