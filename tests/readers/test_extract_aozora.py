"""青空文庫. Samples, written for these tests, in data/aozora/: a work with all that stands around it, and a catalogue."""

from __future__ import annotations

import hashlib
import io
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.base import InputError, Inputs, SourceFile
from stages.readers.aozora import LICENSE, ExtractAozora
from stages.readers.aozora_catalogue import Catalogue
from stages.readers.aozora_frame import unframed
from stages.readers.aozora_text import resolved
from tests.runs import ROOT
from tests.sinks import MemorySink, run

DATA = ROOT / "tests" / "data" / "aozora"
WORK = (DATA / "whole_work.txt").read_bytes()
CATALOGUE = str(DATA / "catalogue.csv")


def extract(path: Path, stage: ExtractAozora | None = None, *, head: bool = False) -> MemorySink:
    data = path.read_bytes()
    file = SourceFile(str(path), hashlib.sha256(data).hexdigest(), len(data), head=head)
    sink = run(stage or ExtractAozora(), Inputs(file=file))
    assert sink.counters["records"] == sink.counters["rows"] + sink.counters["quarantined"]
    assert sink.counters["rows"] == sink.table().num_rows
    return sink


def zipped(*members: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return buffer.getvalue()


def put(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


TEXT = """一　坂道

　夜が明けるころ、私は坂の上の市場へ出かけた。八百屋の主人が、枝から実を挘り取っている。
「お早う。今日の柿は甘いよ」
　私はそろ〱と財布を出した。しみ〲と秋である。
柿の実はまだ青い

二　宿

　底本：と書いた札が宿の柱に掛けてあった。caféという看板も見える。
底本：という字を、私は指でなぞった。
　主人は〓の煮付を出した。
（大正十年三月）"""


def test_a_work_reads_like_its_book() -> None:
    (row,) = extract(DATA / "whole_work.txt").rows()
    assert row["text"] == TEXT
    assert row["title"] == "朝の市場"
    assert (row["charset"], row["replaced"], row["reason"]) == ("shift_jis", 0, "")
    assert (row["license"], row["url"], row["record"]) == ("", "", "")  # without a catalogue, as the recipe says


def test_a_zip_and_utf_8_give_the_same_text(tmp_path: Path) -> None:
    utf_8 = put(tmp_path / "u.txt", b"\xef\xbb\xbf" + WORK.decode("cp932").encode())
    packed = put(tmp_path / "z.zip", zipped(("fig1.png", b"\x89PNG"), ("asa.txt", WORK)))
    for path, charset in ((utf_8, "utf-8"), (packed, "shift_jis")):
        (row,) = extract(path).rows()
        assert (row["text"], row["charset"]) == (TEXT, charset)


@pytest.mark.parametrize("name", ["101_ruby_9001.zip", "101_ruby_9001.txt", "101_ruby_9999.zip", "101_txt_9000.zip"])
def test_a_free_work_is_found_in_the_catalogue_by_the_name_of_its_file(tmp_path: Path, name: str) -> None:
    data = zipped(("asa.txt", WORK)) if name.endswith(".zip") else WORK
    (row,) = extract(put(tmp_path / name, data), ExtractAozora(catalogue=CATALOGUE)).rows()
    assert (row["text"], row["license"], row["record"]) == (TEXT, LICENSE, "101")
    assert row["url"] == "https://www.aozora.gr.jp/cards/000001/card101.html"
    assert (row["host"], row["date"]) == ("www.aozora.gr.jp", "2001-04-01T00:00:00Z")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("102_ruby_9002.zip", "extract.copyright"),
        ("103_ruby_9003.zip", "extract.copyright"),  # the author's has run out, the translator's has not
        ("999_ruby_1.zip", "extract.not-in-catalogue"),
        ("1019.zip", "extract.not-in-catalogue"),
        ("101 works.zip", "extract.not-in-catalogue"),
        ("sample.txt.zip", "extract.not-in-catalogue"),  # two works have a file of this name
    ],
)
def test_what_is_not_known_to_be_free_is_left_out_without_a_text(tmp_path: Path, name: str, reason: str) -> None:
    path = put(tmp_path / name, zipped(("asa.txt", WORK)))
    sink = extract(path, ExtractAozora(catalogue=CATALOGUE))
    (row,) = sink.rows()
    assert (row["reason"], row["text"], row["license"]) == (reason, "", "")
    assert sink.reasons == {reason: 1}


def test_an_archive_of_archives_is_one_document_a_work(tmp_path: Path) -> None:
    works = [("files/101_ruby_9001.zip", zipped(("a.txt", WORK))), ("files/102_ruby_9002.txt", WORK + b"\r\n")]
    sink = extract(put(tmp_path / "all.zip", zipped(*works)), ExtractAozora(catalogue=CATALOGUE))
    assert [(row["record"], row["reason"]) for row in sink.rows()] == [("101", ""), ("102", "extract.copyright")]
    assert sink.rows()[0]["file"] == "files/101_ruby_9001.zip/a.txt"


def test_equal_texts_in_a_file_have_two_ids(tmp_path: Path) -> None:
    rows = extract(put(tmp_path / "a.zip", zipped(("a.txt", WORK), ("b.txt", WORK)))).rows()
    assert len({str(row["id"]) for row in rows}) == 2


def test_a_sample_is_of_whole_works(tmp_path: Path) -> None:
    works = [(f"{n}.txt", WORK + b" " * n) for n in range(6)]
    assert len(extract(put(tmp_path / "a.zip", zipped(*works)), ExtractAozora(sample=2)).rows()) == 2


@pytest.mark.parametrize("form", ["zip", "shift_jis"])
def test_the_catalogue_may_be_zipped_or_in_shift_jis(tmp_path: Path, form: str) -> None:
    utf_8 = Path(CATALOGUE).read_bytes()
    data = zipped(("list.csv", utf_8)) if form == "zip" else utf_8.decode("utf-8-sig").encode("cp932")
    entry = Catalogue(str(put(tmp_path / "c", data))).find("101_ruby_9001.zip")
    assert entry is not None
    assert (entry.work, entry.protected) == ("101", False)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "人物ID,著者名,作品ID,作品名\n".encode("cp932"),
            "no column '作品著作権フラグ'; give list_person_all_extended",
        ),
        (b"", "no column '"),
        (zipped(("a.txt", b"")), "without a .csv"),
    ],
)
def test_what_is_no_catalogue_is_told(tmp_path: Path, content: bytes, message: str) -> None:
    path = put(tmp_path / "c.csv", content)
    with pytest.raises(InputError, match=message):
        extract(DATA / "whole_work.txt", ExtractAozora(catalogue=str(path)))


def test_a_catalogue_that_is_not_there_is_told_when_the_run_is_planned(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"c\.csv: No such file"):
        ExtractAozora(catalogue=str(tmp_path / "c.csv")).resources()


def test_a_flag_that_is_neither_counts_as_protected(tmp_path: Path) -> None:
    text = Path(CATALOGUE).read_text(encoding="utf-8-sig").replace('朝の市場",なし', '朝の市場",')
    entry = Catalogue(str(put(tmp_path / "c.csv", text.encode()))).find("101_ruby_9001.zip")
    assert entry is not None
    assert entry.protected


def test_the_catalogue_is_part_of_the_fingerprint() -> None:
    assert ExtractAozora(catalogue=CATALOGUE).resources() == {
        "catalogue": hashlib.sha256(Path(CATALOGUE).read_bytes()).hexdigest()
    }
    assert ExtractAozora().resources() == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (zipped(("fig.png", b"x")), "a zip archive without a .txt"),
        (zipped(("a.txt", WORK))[:-30], "a zip archive that cannot be read"),
    ],
)
def test_an_archive_that_cannot_be_used_gives_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message) as raised:
        extract(put(tmp_path / "w.zip", content))
    assert len(str(raised.value).splitlines()) == 1


def test_of_a_zip_whose_end_was_not_fetched_the_message_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="only its beginning was fetched"):
        extract(put(tmp_path / "w.zip", zipped(("a.txt", WORK))[:100]), head=True)


def test_a_damaged_or_encrypted_member_costs_itself(tmp_path: Path) -> None:
    whole = zipped(("a.txt", WORK), ("b.txt", WORK), ("c.zip", b"PK\x03\x04 and no more"))
    damaged = bytearray(whole)
    damaged[60] ^= 0xFF
    damaged[whole.rindex(b"PK\x01\x02", 0, whole.rindex(b"PK\x01\x02")) + 8] |= 1  # the flag of b.txt
    sink = extract(put(tmp_path / "w.zip", bytes(damaged)))
    assert len(sink.quarantined) == 3
    assert "encrypted" in sink.quarantined[1]["error"]
    assert "zip archive that cannot be read" in sink.quarantined[2]["error"]


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stages.readers.aozora.MAX_TEXT", 1 << 20)
    sink = extract(put(tmp_path / "w.zip", zipped(("a.txt", b"\0" * (9 << 20)), ("b.txt", WORK))))
    assert [row["text"] for row in sink.rows()] == [TEXT]
    assert "over 1 MiB unpacked" in sink.quarantined[0]["error"]


def test_bytes_that_are_no_text_are_a_loss(tmp_path: Path) -> None:
    sink = extract(put(tmp_path / "w.txt", bytes(range(128, 256)) * 50))
    assert sink.rows() == []
    assert sink.counters["lost.encoding"] == 1


@pytest.mark.parametrize("content", [b"", b"\r\n\r\n", "題\r\n人\r\n\r\n底本：「本」\r\n".encode("cp932")])
def test_a_file_without_a_work_is_empty(tmp_path: Path, content: bytes) -> None:
    assert extract(put(tmp_path / "w.txt", content)).reasons == {"extract.empty": 1}


def test_without_a_legend_the_title_page_goes_when_there_is_a_footer() -> None:
    framed = unframed("題名\n人名\n\n本文。\n\n底本：「本」社\n入力：甲\n")
    assert (framed.title, framed.body.strip()) == ("題名", "本文。")


def test_without_a_legend_and_a_footer_nothing_goes() -> None:
    text = "雨の日は\n窓を見る\n\n風の日は\n空を見る"
    assert unframed(text) == ("", text, True)


def test_without_a_footer_the_work_goes_to_the_end() -> None:
    assert unframed(
        "題\n\n----------\n《》：ルビ\n----------\n\n一行目。\n底本：と言った。\n三行目。"
    ).body.strip() == ("一行目。\n底本：と言った。\n三行目。")


def test_a_footer_of_two_books_goes_whole() -> None:
    text = "題\n\n本文。\n\n底本：「甲」社\n　　　1980（昭和55）年1月1日\n底本：「乙」社\n　　　1981（昭和56）年1月1日\n入力：丙"
    assert unframed(text).body.strip() == "本文。"


def test_rules_in_a_work_are_no_legend() -> None:
    text = "題\n\n一。\n--------------------\n二。\n--------------------\n三。\n\n底本：「本」"
    assert unframed(text).body.strip() == "一。\n--------------------\n二。\n--------------------\n三。"


def test_a_legend_that_does_not_speak_of_readings_leaves_the_brackets(tmp_path: Path) -> None:
    text = "題\n人\n\n----------\n【テキスト中に現れる記号について】\n［＃］：入力者注\n----------\n\n歌劇《魔笛》を聴いたのである。"
    (row,) = extract(put(tmp_path / "w.txt", text.encode())).rows()
    assert row["text"] == "歌劇《魔笛》を聴いたのである。"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("｜山田《やまだ》さんの家《うち》", "山田さんの家"),
        ("あの｜ロンドン塔《タワー》とＣＤ《シーディー》", "あのロンドン塔とＣＤ"),
        ("［＃３字下げ］第一章　旅立ち［＃「第一章　旅立ち」は大見出し］", "第一章　旅立ち"),
        ("前。\n［＃ここから２字下げ］\n中。\n［＃ここで字下げ終わり］\n後。", "前。\n中。\n後。"),
        ("前。\n［＃改ページ］\n後。", "前。\n\n後。"),
        ("走《はし》る［＃「走る」に傍点］男", "走る男"),
        ("人［＃割り注］古い書に［＃改行］よる［＃割り注終わり］という", "人（古い書による）という"),
        ("人［＃割り注］（注）［＃割り注終わり］", "人（注）"),
        ("有［＃レ］朋自［＃二］遠方［＃一］来［＃（ル）］", "有朋自遠方来"),
        ("昭和［＃縦中横］12［＃縦中横終わり］年", "昭和12年"),
        ("間違［＃「間違」は底本では「間遠」］いない［＃「いない」はママ］", "間違いない"),
        ("［＃「港の図」のキャプション付きの図（fig9.png、横1×縦2）入る］", ""),
        ("※［＃「柿」の正字、第3水準1-85-57］", "柹"),
        ("※［＃「木＋世」、U+67BB、12-3］", "枻"),
        ("※［＃「火＋暴」、U+7206、37-3］", "爆"),
        ("※［＃「魚＋鳥」、37-3］《うお》", "〓"),
        ("※［＃ローマ数字2、1-13-22］と※［＃濁点付き片仮名ワ、1-7-82］", "Ⅱとヷ"),
        ("※［＃二の字点、1-2-22］", "〻"),
        ("※［＃U+D800］※［＃U+0000］※［＃第3水準1-99-99］", "〓〓〓"),
        ("歌劇※［＃始め二重山括弧、1-1-52］魔笛※［＃終わり二重山括弧、1-1-53］", "歌劇《魔笛》"),
        ("「※［＃米印、1-2-8］［＃「※」は行右小書き］」", "「※」"),
        ("その［＃「※［＃「口＋喜」、第3水準1-15-18］」に傍点］声", "その声"),
        ("いろ／＼のこと、ほの／″＼と、1／2", "いろ〱のこと、ほの〲と、1／2"),
        ("〔e'tranger〕《エトランジェ》", "étranger"),
        (
            "〔C,a va? Scho:n, Go:the, Ko/benhavn, Tha~o, o^saka, ae&on, gru:s&e〕",
            "Ça va? Schön, Göthe, København, Thão, ôsaka, æon, grüße",
        ),
        ("〔Ainsi s'e'coula la nuit, qu'il. Note: c, etc〕", "Ainsi s'écoula la nuit, qu'il. Note: c, etc"),
        ("〔中略〕と〔it is, no〕", "〔中略〕と〔it is, no〕"),
        ("［#「走」に傍点］走", "走"),
        ("［＃ここから字下げ\n本文。", "本文。"),
        ("［＃閉じない注の後に文が続く。そして終わる。", "［＃閉じない注の後に文が続く。そして終わる。"),
        ("※［＃「木＋", "〓"),
        ("歌《うた》《うた》", "歌"),
        ("ここに《が残る", "ここに《が残る"),
        ("一。　\n\n\n\n　二。", "一。\n\n　二。"),
    ],
)
def test_each_mark_of_the_notation(written: str, read: str) -> None:
    assert resolved(written) == read


_PIECES = [
    "漢字",
    "《かな》",
    "｜",
    "［＃改ページ］",
    "※［＃「木＋世」、第3水準1-85-57］",
    "［＃",
    "］",
    "※",
    "〔e'〕",
    "\n",
    "／＼",
    "［＃割り注］",
]


@given(
    st.lists(st.sampled_from(_PIECES) | st.text(st.characters(), max_size=3), max_size=15).map("".join), st.booleans()
)
def test_any_text_is_resolved_and_keeps_no_whole_note(text: str, ruby: bool) -> None:
    read = resolved(text, ruby=ruby)
    assert read == resolved(text, ruby=ruby)
    assert "［＃改ページ］" not in read


@given(st.lists(st.sampled_from(["題", "底本：", "入力：", "-" * 20, "《》：ルビ", "", "　文。"]), max_size=20))
def test_any_lines_have_a_frame_and_the_work_is_a_part_of_them(lines: list[str]) -> None:
    text = "\n".join(lines)
    assert unframed(text).body in text


@pytest.mark.parametrize(
    "unit",
    [
        "［＃",
        "［＃［＃］",
        "｜",
        "｜漢",
        "《",
        "漢《か",
        "漢《か》",
        "〔",
        "〔e'",
        "［＃割り注］",
        "［＃割り注］あ",
        "※［＃",
        "［＃a］　",
        "底本：\n",
        "　",
        "／″",
    ],
)
def test_much_of_one_thing_takes_linear_time(unit: str) -> None:
    began = time.process_time()
    text = "題\n\n" + unit * (200_000 // len(unit)) + "\n底本：「本」"
    resolved(unframed(text).body)
    assert time.process_time() - began < 4  # quadratic would take hours


def test_a_sample_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="sample = -1: give"):
        ExtractAozora(sample=-1)
