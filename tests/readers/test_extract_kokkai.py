"""国会会議録. Samples, written for these tests, in data/kokkai/."""

from __future__ import annotations

import gzip
import hashlib
import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.base import InputError, Inputs, SourceFile, document_id
from stages.readers.kokkai import LICENSE, ExtractKokkai
from stages.readers.kokkai_text import minutes, speech_text
from tests.runs import ROOT
from tests.sinks import MemorySink, run

DATA = ROOT / "tests" / "data" / "kokkai"
ISSUE = "199905254X00120210406"


def extract(path: Path, stage: ExtractKokkai | None = None, *, head: bool = False) -> MemorySink:
    data = path.read_bytes()
    file = SourceFile(str(path), hashlib.sha256(data).hexdigest(), len(data), head=head)
    sink = run(stage or ExtractKokkai(), Inputs(file=file))
    assert sink.counters["records"] == sink.counters["rows"] + sink.counters["quarantined"]
    assert sink.counters["rows"] == sink.table().num_rows
    return sink


def answer() -> dict[str, Any]:
    value: dict[str, Any] = json.loads((DATA / "meeting_answer.json").read_text(encoding="utf-8"))
    return value


def meeting(issue: str) -> dict[str, Any]:
    return {"issueID": issue, "speechRecord": [{"speechOrder": 1, "speech": f"○甲野委員　{issue}です。"}]}


def written(path: Path, *values: object) -> Path:
    path.write_text("".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values), encoding="utf-8")
    return path


MINUTES = """○山野委員長　これより会議を開きます。
　公園に関する件について調査を進めます。

　質疑の申出がありますので、これを許します。川野太郎君。

○川野委員　おはようございます。（拍手）
　公園の樹木についてお尋ねします。
　〔委員長退席、海野委員長代理着席〕
　以上です。

○山野委員長　本日は、これにて散会いたします。
　午前九時三十分散会"""


def test_a_meeting_reads_as_its_record_with_the_speeches_in_order_and_no_attendance_list() -> None:
    (row,) = extract(DATA / "meeting_answer.json").rows()
    assert row["text"] == MINUTES
    assert row["title"] == "第199回国会 衆議院 公園委員会 第1号"
    assert (row["date"], row["record"], row["license"]) == ("2021-04-06T00:00:00Z", ISSUE, LICENSE)
    assert row["url"] == f"https://kokkai.ndl.go.jp/txt/{ISSUE}"
    assert row["host"] == "kokkai.ndl.go.jp"
    assert row["id"] == document_id("kokkai", ISSUE)


def test_the_header_is_there_when_the_recipe_asks_for_it() -> None:
    (row,) = extract(DATA / "meeting_answer.json", ExtractKokkai(header=True)).rows()
    assert str(row["text"]).startswith(
        "令和三年四月六日（火曜日）\n　午前九時開議\n　出席委員\n　委員長　山野　花子君\n\n○山野"
    )


def test_speeches_are_put_together_by_meeting_in_their_order() -> None:
    first, second = extract(DATA / "speech_answer.json").rows()
    assert first["text"] == MINUTES[: MINUTES.index("\n\n○山野委員長　本日")]
    assert (second["text"], second["title"]) == ("○甲野　別の会議です。", "第199回国会 衆議院 公園委員会 第2号")
    assert first["id"] != document_id("kokkai", ISSUE)  # it may not be all of the meeting


@pytest.mark.parametrize("form", ["answers", "meetings", "array", "gzip", "pretty array"])
def test_every_form_of_the_same_meetings_gives_the_same_documents(tmp_path: Path, form: str) -> None:
    meetings = [meeting("甲"), meeting("乙")]
    path = tmp_path / "m.json"
    match form:
        case "answers":
            written(path, *({"numberOfRecords": 2, "meetingRecord": [each]} for each in meetings))
        case "meetings":
            written(path, *meetings)
        case "array":
            written(path, meetings)
        case "gzip":
            path.write_bytes(gzip.compress(written(path, *meetings).read_bytes()))
        case _:
            path.write_text("[\n" + ",\n".join(json.dumps(each) for each in meetings) + "\n]\n")
    rows = extract(path).rows()
    assert [(row["id"], row["text"]) for row in rows] == [
        (document_id("kokkai", "甲"), "○甲野委員　甲です。"),
        (document_id("kokkai", "乙"), "○甲野委員　乙です。"),
    ]


def test_an_array_of_one_meeting_printed_over_lines_is_no_jsonl(tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text(f"[\n{json.dumps(meeting('甲'))}\n]\n")
    sink = extract(tmp_path / "m.json")
    assert ([row["record"] for row in sink.rows()], sink.quarantined) == (["甲"], [])


def test_speeches_of_a_meeting_on_neighbouring_lines_are_one_document(tmp_path: Path) -> None:
    lines = [{"issueID": "甲", "speechID": f"甲_{n}", "speechOrder": n, "speech": f"○乙　{n}です。"} for n in (2, 1)]
    (row,) = extract(written(tmp_path / "s.jsonl", *lines)).rows()
    assert row["text"] == "○乙　1です。\n\n○乙　2です。"


def test_a_broken_line_costs_itself(tmp_path: Path) -> None:
    path = written(tmp_path / "m.jsonl", meeting("甲"))
    path.write_bytes(path.read_bytes() + b'{"issueID": \n' + b"\xff\xfe\n" + json.dumps(meeting("乙")).encode())
    sink = extract(path)
    assert [row["record"] for row in sink.rows()] == ["甲", "乙"]
    assert [record["where"] for record in sink.quarantined] == ["m.jsonl line 2", "m.jsonl line 3"]
    assert "invalid UTF-8" in sink.quarantined[1]["error"]


def test_a_broken_first_line_costs_itself_too(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    path.write_bytes(b'{"issueID": "x", \n' + json.dumps(meeting("乙")).encode() + b"\n")
    sink = extract(path)
    assert ([row["record"] for row in sink.rows()], len(sink.quarantined)) == (["乙"], 1)


def test_a_cut_gzip_file_keeps_the_lines_before_the_cut(tmp_path: Path) -> None:
    path = written(tmp_path / "m.jsonl.gz", *(meeting(str(n)) for n in range(3)))
    whole = gzip.compress(path.read_bytes())
    path.write_bytes(whole[:-9])
    sink = extract(path)
    assert len(sink.rows()) == 3
    assert "damaged gzip" in sink.quarantined[0]["error"]
    assert extract(path, head=True).quarantined == []  # there it only ends


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b'{"meetingRecord": [', "broken JSON"),
        (b"[" * 100_000, "nested too deep"),
        (b'"abc"', "no JSON object but str"),
        (b"<html><body>503</body></html>", "broken JSON"),
        (b"\x1f\x8b\x08\x00", "damaged gzip"),
        (b'{"a": 1}', "its keys: a"),
    ],
)
def test_a_file_that_cannot_be_used_gives_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "m.json").write_bytes(content)
    with pytest.raises(InputError, match=message) as raised:
        extract(tmp_path / "m.json")
    assert "m.json" in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


def test_an_error_message_of_the_api_is_told() -> None:
    with pytest.raises(InputError, match="検索条件の入力に誤りがあります。"):
        extract(DATA / "api_error.json")


def test_an_answer_that_found_nothing_is_no_error(tmp_path: Path) -> None:
    sink = extract(written(tmp_path / "m.json", {"numberOfRecords": 0, "nextRecordPosition": None}))
    assert (sink.rows(), sink.quarantined) == ([], [])


def test_a_meeting_without_texts_says_which_answer_to_ask_for(tmp_path: Path) -> None:
    listed = {"issueID": "甲", "speechRecord": [{"speechID": "甲_1", "speaker": "乙"}]}
    sink = extract(written(tmp_path / "m.json", [listed, meeting("丙")]))
    assert [row["record"] for row in sink.rows()] == ["丙"]
    assert "/api/meeting instead" in sink.quarantined[0]["error"]


def test_a_meeting_with_only_its_header_is_empty(tmp_path: Path) -> None:
    value = {"issueID": "甲", "speechRecord": [{"speechOrder": 0, "speaker": "会議録情報", "speech": "出席者"}]}
    sink = extract(written(tmp_path / "m.json", value))
    assert sink.reasons == {"extract.empty": 1}


def test_the_same_meeting_twice_has_two_ids(tmp_path: Path) -> None:
    rows = extract(written(tmp_path / "m.json", [meeting("甲"), meeting("甲")])).rows()
    assert len({str(row["id"]) for row in rows}) == 2


def test_answers_in_answers_are_read_to_a_depth(tmp_path: Path) -> None:
    value: object = meeting("甲")
    for _ in range(60):
        value = {"meetingRecord": [value]}
    sink = extract(written(tmp_path / "m.json", [value, meeting("乙")]))
    assert [row["record"] for row in sink.rows()] == ["乙"]
    assert "nested over" in sink.quarantined[0]["error"]


@pytest.mark.parametrize("sample", [1, 2])
def test_a_sample_is_of_whole_meetings(tmp_path: Path, sample: int) -> None:
    path = written(tmp_path / "m.json", [meeting(str(n)) for n in range(10)])
    assert len(extract(path, ExtractKokkai(sample=sample)).rows()) == sample


def test_a_sample_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="sample = -1: give"):
        ExtractKokkai(sample=-1)


@pytest.mark.parametrize(
    ("speech", "text"),
    [
        ("○甲君　はい。　　\r\n　次に進みます。\r\n", "○甲君　はい。\n　次に進みます。"),
        ("終わります。\r\n　　　　─────────────\r\n　次です。", "終わります。\n\n　次です。"),
        ("　　　　　　正午散会", "　正午散会"),
        ("値段は――――ということです。", "値段は――――ということです。"),
        ("〔参照〕\r\n　　━━━◇━━━", "〔参照〕"),
        ("一\ud800二", "一\ufffd二"),
    ],
)
def test_each_habit_of_the_record(speech: str, text: str) -> None:
    assert speech_text(speech) == text


def test_a_first_speech_numbered_from_0_is_no_header() -> None:
    assert (
        minutes([{"speechOrder": 0, "speaker": "甲", "speech": "○甲　始めます。"}], header=False) == "○甲　始めます。"
    )


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(), max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["meetingRecord", "speechRecord", "issueID", "speech", "speechOrder", "speaker", "message", "date"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(
    st.lists(st.dictionaries(st.sampled_from(["speech", "speechOrder", "speaker"]), _JSON), max_size=4), st.booleans()
)
def test_any_speeches_give_a_text(speeches: list[dict[str, Any]], header: bool) -> None:
    minutes(speeches, header=header).encode()


@given(_JSON)
def test_any_json_gives_rows_losses_or_one_line(tmp_path_factory: pytest.TempPathFactory, value: object) -> None:
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(json.dumps(value))
    try:
        extract(path)
    except InputError as error:
        assert len(str(error).splitlines()) == 1


@pytest.mark.parametrize("unit", ["　", " 　\n", "―", "\n", "―\n", "　―　", "\r"])
def test_much_of_one_thing_takes_linear_time(unit: str) -> None:
    began = time.process_time()
    speech_text("始" + unit * (400_000 // len(unit)) + "終")
    assert time.process_time() - began < 3  # quadratic would take hours
