from __future__ import annotations

import csv
import json
import random

import pytest

from stages.charset.charset import Verdict, declared, gate
from tests.encodings import ENCODERS, PASSAGES, expressible, page
from tests.runs import ROOT

DATA = ROOT.parent / "shared" / "data"

PROSE = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。カタカナも少し。"


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("padding", [0, 1, 7, 64, 100_000])
def test_japanese_is_found_in_every_encoding_wherever_it_is(name: str, padding: int) -> None:
    encoding, encode = ENCODERS[name]
    verdict = gate(encode(page("x" * padding + PROSE + "y" * padding)))
    assert verdict is not None
    assert verdict.encoding == encoding


@pytest.mark.parametrize(
    "label", ["", "utf-8", "shift_jis", "euc-jp", "iso-2022-jp", "gb2312", "windows-1252", "utf-16", "?"]
)
@pytest.mark.parametrize("name", ENCODERS)
def test_a_false_declaration_changes_nothing(name: str, label: str) -> None:
    encoding, encode = ENCODERS[name]
    for passage in PASSAGES:
        verdict = gate(encode(expressible(page(passage, label), encode)), label)
        assert verdict is not None
        assert verdict.encoding == encoding


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        (page(PROSE).encode(), Verdict("utf-8", "bytes")),
        (page(PROSE).encode("utf-8-sig"), Verdict("utf-8", "bom")),
        (page(PROSE).encode("utf-16"), Verdict("utf-16-le", "bom")),
        (b"\xfe\xff" + page(PROSE).encode("utf-16-be"), Verdict("utf-16-be", "bom")),
        (b"\xff\xfe" + PROSE.encode("utf-16-le"), Verdict("utf-16-le", "bom")),
        (page(PROSE).encode("utf-16-be"), Verdict("utf-16-be", "utf-16-pattern")),
        (page(PROSE).encode("cp932"), Verdict("shift_jis", "bytes")),
        (page(PROSE).encode("iso2022_jp"), Verdict("iso-2022-jp", "escape")),
        (b"&#12354;" * 8, Verdict("utf-8", "references")),
        (b"caf\xe9 " + b"&#x3042;" * 8, Verdict("windows-1252", "references")),
    ],
)
def test_how_it_was_found_is_told(body: bytes, verdict: Verdict) -> None:
    assert gate(body) == verdict


@pytest.mark.parametrize("mark", [b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("name", ["UTF-8", "cp932", "eucJP-ms", "ISO-2022-JP-MS"])
def test_a_false_byte_order_mark_is_no_evidence(mark: bytes, name: str) -> None:
    encoding, encode = ENCODERS[name]
    verdict = gate(mark + encode(page(PROSE)))
    assert verdict is not None
    assert verdict.encoding == encoding


@pytest.mark.parametrize(
    "text", ["テスト", "経済", "高校", "テレビ", "東京都", "日本語", "会社概要", "カタログ", "リンク集"]
)
@pytest.mark.parametrize("encoding", ["shift_jis", "euc-jp"])
def test_a_short_title_is_in_the_encoding_that_it_declares(text: str, encoding: str) -> None:
    body = f"<title>{text}</title>".encode("cp932" if encoding == "shift_jis" else "euc_jp")
    verdict = gate(body, "x-sjis" if encoding == "shift_jis" else "EUC-JP")
    assert verdict is not None
    assert verdict.encoding == encoding


@pytest.mark.parametrize("text", ["テスト", "カタログ", "こんにちは", "お知らせ", "ニュース"])
def test_a_short_title_in_kana_needs_no_declaration(text: str) -> None:
    for label in ("", "utf-8", "shift_jis", "euc-jp"):
        assert (gate(text.encode("euc_jp"), label) or Verdict("", "")).encoding == "euc-jp"
        assert (gate(text.encode("cp932"), label) or Verdict("", "")).encoding == "shift_jis"


def test_kanji_alone_are_not_enough_without_a_declaration() -> None:
    assert gate("高校".encode("euc_jp")) is None
    assert gate("高校".encode("euc_jp"), "euc-jp") == Verdict("euc-jp", "bytes+declared")
    assert gate("★○●…".encode("euc_jp") * 9 + "高校".encode("euc_jp"), "euc-jp") is None


@pytest.mark.parametrize("majority", ["UTF-8", "cp932", "eucJP-ms", "ISO-2022-JP-MS"])
@pytest.mark.parametrize("minority", ["UTF-8", "cp932", "eucJP-ms", "ISO-2022-JP-MS"])
def test_a_page_in_two_encodings_is_read_in_that_of_most_of_it(majority: str, minority: str) -> None:
    encoding, encode = ENCODERS[majority]
    body = encode(page(PROSE * 8)) + b"<p>" + ENCODERS[minority][1](PROSE) + b"</p>"
    verdict = gate(body)
    assert verdict is not None
    assert verdict.encoding == encoding


def test_carrier_pictures_do_not_hide_shift_jis() -> None:
    pictures = b"\xf6\x60\xf3\xa5\xf9\x8b"
    assert gate("今日は雨です".encode("cp932") + pictures * 3) == Verdict("shift_jis", "bytes")


def test_a_run_of_euc_jp_that_begins_with_half_a_character_is_still_euc_jp() -> None:
    assert gate(b"<p>" + (PROSE * 5).encode("euc_jp")[1:] + b"</p>") == Verdict("euc-jp", "bytes")


# Our own sentences, and the charsets that pages in these languages are in.
CHINESE = "今天天气很好，我们去公园散步吧。那家书店的老板很热情，总是给客人泡茶。公司决定明年在上海开设新的办事处。"
TRADITIONAL = "今天天氣很好，我們去公園散步吧。那家書店的老闆很熱情，總是給客人泡茶。公司決定明年在台北開設新的辦事處。"
FOREIGN = {
    "zh-CN": (CHINESE, ("utf-8", "gb2312", "gbk", "gb18030", "utf-16", "utf-16-le")),
    "zh-TW": (TRADITIONAL, ("utf-8", "big5", "big5hkscs", "gbk", "utf-16-be")),
    "ko": (
        "오늘은 날씨가 좋아서 공원에 갔습니다. 회사는 내년에 부산에 새 사무소를 열기로 했다. 값이 싸고 맛있는 가게가 많다.",
        ("utf-8", "euc_kr", "cp949", "johab", "utf-16"),
    ),
    "ru": (
        "Сегодня хорошая погода, и мы пошли гулять в парк. Компания откроет новый офис в Казани в будущем году.",
        ("utf-8", "cp1251", "koi8_r", "iso8859_5", "cp866", "mac_cyrillic"),
    ),
    "th": (
        "วันนี้อากาศดีมาก เราไปเดินเล่นที่สวนสาธารณะกัน บริษัทจะเปิดสำนักงานใหม่ในปีหน้า คนขายของใจดีและคุยเก่ง",
        ("utf-8", "tis_620", "cp874"),
    ),
    "vi": ("Hôm nay trời đẹp, chúng tôi đi dạo trong công viên. Công ty sẽ mở văn phòng mới.", ("utf-8", "cp1258")),
    "ar": ("الطقس جميل اليوم، ذهبنا نتمشى في الحديقة. ستفتح الشركة مكتبا جديدا.", ("utf-8", "cp1256", "iso8859_6")),
    "el": ("Σήμερα ο καιρός είναι καλός και πήγαμε βόλτα στο πάρκο.", ("utf-8", "cp1253")),
    "he": ("מזג האוויר יפה היום ויצאנו לטייל בפארק.", ("utf-8", "cp1255")),
    "de": ("Größe und Übermaß — heute ist das Wetter schön, wir gehen im Park spazieren.", ("utf-8", "cp1252")),
    "fr": ("À l’été, la météo est belle ; nous nous promenons dans le parc où naît la rivière.", ("utf-8", "cp1252")),
    "en": ("The quick brown fox jumps over the lazy dog.", ("ascii",)),
}


@pytest.mark.parametrize(
    ("language", "codec"), [(name, codec) for name, (_, all_) in FOREIGN.items() for codec in all_]
)
@pytest.mark.parametrize("times", [1, 20])
def test_foreign_pages_are_not_japanese(language: str, codec: str, times: int) -> None:
    rng = random.Random(times)
    words = FOREIGN[language][0]
    # Repeated, but from changing places on, so that no alignment of the bytes is tried alone.
    text = " ".join(words[rng.randrange(len(words) // 2) :] for _ in range(times))
    assert gate(page(text).encode(codec, "ignore")) is None


@pytest.mark.parametrize("codec", ["utf-8", "gbk", "gb18030", "utf-16"])
def test_chinese_with_a_brand_name_or_the_fashionable_no_is_not_japanese(codec: str) -> None:
    for times in (5, 40):
        text = CHINESE * times + "优の良品、鲜の每日、资生堂エリクシール、クレ"
        assert gate(page(text).encode(codec)) is None


def test_korean_with_the_middle_dot_of_katakana_is_not_japanese() -> None:
    assert gate(page("서울・부산・대구・인천・" * 30).encode()) is None


@pytest.mark.parametrize("text", ["", "日本の", "日本語 あ", "Ａ１！？" * 20])
def test_too_little_is_not_japanese(text: str) -> None:
    assert gate(page(text).encode()) is None


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ("&#12354;", True),
        ("&#x3042;", True),
        ("&#X30A2;", True),
        ("&#12289;", False),
        ("&#1235;", False),
        ("& #12354;", False),
    ],
)
def test_numeric_references_to_kana_are_japanese(reference: str, found: bool) -> None:
    assert (gate(page(reference * 10).encode()) is not None) == found


@pytest.mark.parametrize(
    ("body", "content_type", "label"),
    [
        (b'<meta charset="euc-jp">', "text/html; charset=Shift_JIS", "shift_jis"),
        (b'<meta charset="euc-jp">', 'text/html;charset="UTF-8"; x=y', "utf-8"),
        (b"<META CHARSET=x-sjis>", "text/html", "x-sjis"),
        (b"<meta http-equiv=Content-Type content='text/html; charset=EUC-JP'>", "", "euc-jp"),
        (b'<meta name=x content=y><meta content="text/html; charset=ISO-2022-JP" http-equiv=a>', "", "iso-2022-jp"),
        (b"<?xml version='1.0' encoding='Shift_JIS'?><meta charset=utf-8>", "", "shift_jis"),
        (b"<!-- <meta charset=big5> --><meta charset=utf-8>", "", "utf-8"),
        (b"<script>x</script>" * 180 + b"<meta charset=utf-8>", "", "utf-8"),
        (b"a" * 4096 + b"<meta charset=utf-8>", "", ""),
        ("<meta charset='utf-16'>".encode("utf-16-le"), "", "utf-16"),
        (b"charset=utf-8 <p charset=utf-8>", "", ""),
        (b"<meta charset=", "text/html; charset=", ""),
        (b"", "", ""),
    ],
)
def test_the_declared_charset_is_the_headers_else_the_pages(body: bytes, content_type: str, label: str) -> None:
    assert declared(body, {"content-type": content_type} if content_type else {}) == label


@pytest.mark.parametrize(
    "body", [b"<meta " * 700, b"<!--" * 1024, b"<meta charset=" + b" " * 4000, b"<?xml " + b"encoding" * 500]
)
def test_the_declaration_is_sought_in_linear_time(body: bytes) -> None:
    assert declared(body, {"content-type": "charset=" + " " * 100_000}) == ""


@pytest.mark.skipif(not DATA.exists(), reason="development data not here")
def test_gate_on_development_pages() -> None:
    """No Japanese HTML page missed, encodings right, and few foreign pages let through."""
    from stages.warc.warc import Record, read

    with (DATA / "LABELS.tsv").open(encoding="utf-8", newline="") as file:
        labels = {row["url"]: row for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)}
    missed, wrong, passed, japanese, web = [], [], [], 0, 0
    for record in read(str(DATA / "web-ja.warc.gz")):
        assert isinstance(record, Record)
        label = labels[record.url]
        verdict = gate(record.body, declared(record.body, {}))
        if label["is_ja"] == "0":
            real = label["kind"] in ("news/blog", "news")
            web += real
            passed += [record.url] if verdict and real else []
        else:
            japanese += 1
            missed += [] if verdict else [record.url]
            wrong += [record.url] if verdict and verdict.encoding != label["encoding"].replace("ascii", "utf-8") else []
    assert japanese == 1581
    assert missed == []
    assert len(wrong) <= 0.003 * japanese
    assert (web, len(passed) <= 0.01 * web) == (929, True)


@pytest.mark.skipif(not DATA.exists(), reason="development data not here")
def test_a_false_http_charset_misleads_nobody() -> None:
    from stages.warc.warc import Record, read

    with (DATA / "LABELS.tsv").open(encoding="utf-8", newline="") as file:
        labels = {row["url"]: row for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)}
    records = list(read(str(DATA / "warc-suite" / "made" / "wrong-http-charset.warc.gz")))
    assert len(records) == 36
    for record in records:
        assert isinstance(record, Record)
        for label in ("", "shift_jis", "euc-jp", "utf-8", "iso-8859-1"):
            verdict = gate(record.body, label)
            assert verdict is not None
            assert verdict.encoding == labels[record.url]["encoding"].replace("ascii", "utf-8")


CHARSETS = {
    "zh": ("utf-8", "gb18030", "gbk", "big5", "big5hkscs"),
    "ko": ("utf-8", "euc_kr", "cp949"),
    "ru": ("utf-8", "cp1251", "koi8_r", "iso8859_5"),
    "th": ("utf-8", "tis_620"),
    "vi": ("utf-8", "cp1258"),
    "ar": ("utf-8", "cp1256"),
    "mn": ("utf-8", "cp1251"),
    "de": ("utf-8", "cp1252"),
    "tr": ("utf-8", "cp1254"),
}


@pytest.mark.skipif(not DATA.exists(), reason="development data not here")
def test_pages_of_foreign_sentences_are_rejected_in_all_their_charsets() -> None:
    sentences: dict[str, list[str]] = {language: [] for language in CHARSETS}
    with (DATA / "text" / "lid.jsonl").open(encoding="utf-8") as file:
        for row in map(json.loads, file):
            if row["kind"] == "sentence" and row["lang"] in sentences:
                sentences[row["lang"]].append(row["text"])
    rng = random.Random(0)
    pages = passed = 0
    for language, codecs in CHARSETS.items():
        for codec in codecs:
            for length in (3, 10, 60) * 20:
                pages += 1
                text = "</p>\n<p>".join(rng.choices(sentences[language], k=length))
                passed += gate(page(text).encode(codec, "ignore")) is not None
    assert passed <= 0.001 * pages
