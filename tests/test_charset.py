from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages import charset
from stages.bytescan import LegacyCounts, Utf8Counts, euc_jp_counts, shift_jis_counts, utf8_counts
from stages.charset import Decoded, decode, detect

ROOT = Path(__file__).parent.parent
DATA = ROOT.parent / "shared" / "data"

PROSE = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。カタカナも少し。"
CODECS = {"utf-8": "utf-8", "shift_jis": "cp932", "euc-jp": "euc_jp", "iso-2022-jp": "iso2022_jp", "utf-16": "utf-16"}


def page(text: str, codec: str) -> bytes:
    return f"<html><head><title>a &amp; b</title></head><body><p>{text}</p></body></html>".encode(codec)


@pytest.mark.parametrize("encoding", CODECS)
@pytest.mark.parametrize("padding", [0, 1, 7, 64, 100_000])
def test_japanese_is_found_in_every_encoding_wherever_it_is(encoding: str, padding: int) -> None:
    text = "x" * padding + PROSE + "y" * padding
    body = page(text, CODECS[encoding])
    assert detect(body) == encoding
    assert decode(body, encoding) == Decoded(page(text, "utf-8").decode(), encoding, 0)


@pytest.mark.parametrize("text", ["テスト", "経済", "高校", "カタカナだけのペエジ" * 3])
def test_euc_jp_is_not_read_as_halfwidth_kana(text: str) -> None:
    assert detect(page(text + PROSE, "euc_jp")) == "euc-jp"


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        ("The quick brown fox jumps over the lazy dog. " * 50, "ascii"),
        ("Größe und Übermaß naïve café — “quoted” " * 50, "utf-8"),
        ("Größe und Übermaß naïve café " * 50, "cp1252"),
        ("我是猫。还没有名字。生在什么地方，一点也不知道。" * 20, "utf-8"),
        ("我是猫。还没有名字。生在什么地方，一点也不知道。" * 20, "gb18030"),
        ("我是貓。還沒有名字。生在什麼地方，一點也不知道。" * 20, "big5"),
        ("나는 고양이다. 이름은 아직 없다. 어디서 태어났는지 전혀 모른다." * 20, "utf-8"),
        ("나는 고양이다. 이름은 아직 없다. 어디서 태어났는지 전혀 모른다." * 20, "euc_kr"),
        ("Я кот. Имени у меня пока нет. Где я родился, не знаю. " * 20, "koi8_r"),
        ("Я кот. Имени у меня пока нет. Где я родился, не знаю. " * 20, "cp1251"),
        ("ฉันเป็นแมว ยังไม่มีชื่อ ไม่รู้ว่าเกิดที่ไหน" * 20, "cp874"),
        ("我是猫。还没有名字。" * 20, "utf-16"),
        ("日本の", "utf-8"),
        ("", "utf-8"),
    ],
)
def test_foreign_pages_are_not_japanese(text: str, codec: str) -> None:
    assert detect(page(text, codec)) is None


def test_chinese_with_a_few_kana_is_not_euc_jp() -> None:
    assert detect(page("我是猫。还没有名字。" * 20 + "の" * 5, "gb2312")) is None


def test_single_high_bytes_are_not_shift_jis() -> None:
    assert detect(bytes(range(0xA1, 0xE0)) * 5 + PROSE[:9].encode("cp932")) is None


@pytest.mark.parametrize(
    ("reference", "encoding"),
    [("&#12354;", "utf-8"), ("&#x3042;", "utf-8"), ("&#X30A2;", "utf-8"), ("&#12289;", None), ("&#1235;", None)],
)
def test_numeric_references_to_kana_are_japanese(reference: str, encoding: str | None) -> None:
    assert detect(page(reference * 10, "ascii")) == encoding


def test_body_with_a_few_broken_bytes_keeps_its_encoding() -> None:
    for encoding in ("utf-8", "shift_jis", "euc-jp"):
        body = page(PROSE * 10, CODECS[encoding]) + b"\xff" * 3
        assert detect(body) == encoding
        assert 1 <= decode(body, encoding).replaced <= 3 or encoding == "shift_jis"


@pytest.mark.parametrize("text", ["①㈱髙﨑Ⅲ№", "ｶﾞｷﾞ", "～－∥￠￡￢"])
def test_vendor_characters_of_shift_jis(text: str) -> None:
    assert decode((PROSE + text).encode("cp932"), "shift_jis") == Decoded(PROSE + text, "shift_jis", 0)


def euc(text: str) -> bytes:
    """EUC-JP with vendor rows, made from code page 932 by arithmetic: what `eucJP-ms` and browsers write."""
    out = bytearray()
    for character in text:
        raw = character.encode("cp932")
        if len(raw) == 1:
            out += raw if raw[0] < 0x80 else b"\x8e" + raw
            continue
        lead, trail = raw[0] - (0x81 if raw[0] < 0xA0 else 0xC1), raw[1]
        odd = trail >= 0x9F
        cell = trail - 0x9F if odd else trail - 0x40 - (trail > 0x7F)
        out += bytes((0xA1 + 2 * lead + odd, 0xA1 + cell))
    return bytes(out)


def test_vendor_rows_of_euc_jp() -> None:
    text = PROSE + "①㈱Ⅲ№㍻纊褜鍈" + "ｱｲｳ" + "～－∥￠￡￢"
    assert decode(euc(text), "euc-jp") == Decoded(text, "euc-jp", 0)


def test_euc_jp_replaces_one_character_and_keeps_the_rest() -> None:
    assert decode("前".encode("euc_jp") + b"\xa9\xa1" + "後".encode("euc_jp"), "euc-jp").text == "前\ufffd後"
    assert decode("前".encode("euc_jp") + b"\xa4<p>" + "後".encode("euc_jp"), "euc-jp").text == "前\ufffd<p>後"


def test_euc_jp_reads_jis_x_0212() -> None:
    assert decode("龔".encode("euc_jp"), "euc-jp").text == "龔"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"\x1b$B$3$s\x1b(B<b>", "こん<b>"),
        (b"\x1b$@$3\x1b(Ja", "こa"),
        (b"\x1b$B-!-j\x1b(B", "①㈱"),
        (b"\x1b(I1;\x1b(B.", "ｱｻ."),
        (b"\x1b$(D0!\x1b(B", "丂"),
        (b"\x1b$(O.!\x1b(B", "俱"),
        (b"a\x1b$B$3\x1b(Bb\x1b$B$3", "aこbこ"),
        (b"\xb1\xb2", "ｱｲ"),
    ],
)
def test_iso_2022_jp_segments(body: bytes, text: str) -> None:
    assert decode(body, "iso-2022-jp") == Decoded(text, "iso-2022-jp", 0)


def test_byte_order_marks_are_no_text() -> None:
    for codec, encoding in (("utf-8-sig", "utf-8"), ("utf-16", "utf-16")):
        body = PROSE.encode(codec)
        assert detect(body) == encoding
        assert decode(body, encoding).text == PROSE
    big_endian = b"\xfe\xff" + PROSE.encode("utf-16-be")
    assert decode(big_endian, detect(big_endian) or "").text == PROSE


def test_unknown_encoding_is_named() -> None:
    with pytest.raises(ValueError, match=r"'latin-1'.*shift_jis"):
        decode(b"", "latin-1")


# The kernels against twins that are slow and plain.

FRAGMENTS = st.sampled_from(
    [
        "あ",
        "ア",
        "ゖ",
        "ヺ",
        "・",
        "ー",
        "゙",
        "漢",
        "、",
        "é",
        "가",
        "𠮷",
        "ｱ",
        "①",
        "&#12354;",
        "&#x3042;",
        "&#",
        "&",
        "a" * 70,
        "<p>",
        "\ufffd",
    ]
)
JUNK = st.binary(max_size=9)


@st.composite
def mixtures(draw: st.DrawFn) -> bytes:
    """Text in changing encodings with broken bytes in between, at every alignment."""
    parts = draw(st.lists(st.tuples(st.lists(FRAGMENTS, max_size=30), st.sampled_from(list(CODECS.values())), JUNK)))
    return b"".join("".join(text).encode(codec, "replace") + junk for text, codec, junk in parts)


BODIES = st.one_of(st.binary(max_size=300), mixtures())


def is_kana(character: str) -> bool:
    return "ぁ" <= character <= "ゖ" or "ァ" <= character <= "ヺ"


def naive_utf8(body: bytes) -> Utf8Counts:
    kana = other = bad = 0
    i = 0
    while i < len(body):
        lead = body[i]
        length = 1 if lead < 0x80 else 2 if 0xC2 <= lead < 0xE0 else 3 if 0xE0 <= lead < 0xF0 else 4
        tail = body[i + 1 : i + length]
        if lead >= 0x80 and (
            not 0xC2 <= lead < 0xF5 or len(tail) < length - 1 or any(byte & 0xC0 != 0x80 for byte in tail)
        ):
            bad += 1
            i += 1
            continue
        if length > 1:
            # A well-formed shape may still be no character (a surrogate): counted, like the others.
            character = body[i : i + length].decode("utf-8", "replace")[0]
            kana += is_kana(character)
            other += not is_kana(character)
        i += length
    return Utf8Counts(kana, other, bad, naive_entities(body))


def naive_entities(body: bytes) -> int:
    count = 0
    text = body.decode("latin-1")
    for rest in text.split("&#")[1:]:
        base = 16 if rest[:1] in ("x", "X") else 10
        digits = ""
        for character in rest[base == 16 :][:8]:
            if character not in "0123456789abcdefABCDEF"[: 10 if base == 10 else 22]:
                break
            digits += character
        value = int(digits, base) if digits else 0
        count += value < 0x110000 and is_kana(chr(value))
    return count


def naive_shift_jis(body: bytes) -> LegacyCounts:
    kana = pairs = bad = halfwidth = 0
    i = 0
    while i < len(body):
        lead, trail = body[i], body[i + 1] if i + 1 < len(body) else 0
        i += 1
        if lead < 0x80:
            continue
        if 0xA1 <= lead <= 0xDF:
            halfwidth += 1
        elif lead in (0x80, 0xA0, 0xFD, 0xFE, 0xFF) or not 0x40 <= trail <= 0xFC or trail == 0x7F:
            bad += 1
        else:
            i += 1
            pairs += 1
            kana += (lead == 0x82 and 0x9F <= trail <= 0xF1) or (lead == 0x83 and trail <= 0x96)
            bad += lead in (0x85, 0x86, 0xEB, 0xEC, 0xEF) or 0xF0 <= lead <= 0xF9
    return LegacyCounts(kana, pairs, bad, halfwidth)


def naive_euc_jp(body: bytes) -> LegacyCounts:
    kana = pairs = bad = 0
    i = 0
    while i < len(body):
        high = [byte for byte in body[i + 1 : i + 3] if 0xA1 <= byte <= 0xFE]
        lead = body[i]
        if lead < 0x80:
            i += 1
        elif lead == 0x8F and len(high) == 2:
            pairs += 1
            i += 3
        elif (lead == 0x8E or 0xA1 <= lead <= 0xFE) and 0xA1 <= (body[i + 1] if i + 1 < len(body) else 0) <= 0xFE:
            pairs += 1
            kana += (lead == 0xA4 and body[i + 1] <= 0xF3) or (lead == 0xA5 and body[i + 1] <= 0xF6)
            bad += lead in (0xA9, 0xAA, 0xAB, 0xAC, 0xAE, 0xAF, 0xF5, 0xF6, 0xF7, 0xF8)
            i += 2
        else:
            bad += 1
            i += 1
    return LegacyCounts(kana, pairs, bad, 0)


@given(BODIES)
def test_utf8_scan_equals_its_naive_twin(body: bytes) -> None:
    assert utf8_counts(body) == naive_utf8(body)


@given(BODIES)
def test_shift_jis_scan_equals_its_naive_twin(body: bytes) -> None:
    assert shift_jis_counts(body) == naive_shift_jis(body)


@given(BODIES)
def test_euc_jp_scan_equals_its_naive_twin(body: bytes) -> None:
    assert euc_jp_counts(body) == naive_euc_jp(body)


@given(BODIES, st.sampled_from(list(CODECS)))
def test_decoding_is_total_and_its_text_can_be_written(body: bytes, encoding: str) -> None:
    decoded = decode(body, encoding)
    decoded.text.encode("utf-8")
    assert decoded.replaced == decoded.text.count("\ufffd")


@given(BODIES)
def test_what_is_detected_can_be_decoded(body: bytes) -> None:
    encoding = detect(body)
    assert encoding is None or decode(body, encoding).encoding == encoding


def test_scan_works_where_nothing_can_be_cached(tmp_path: Path) -> None:
    """A package in a read-only directory, and no home to put a cache into: compiled for the process alone.

    And by the first call: importing compiles nothing.
    """
    (tmp_path / "stages").mkdir()
    for name in ("__init__.py", "bytescan.py"):
        (tmp_path / "stages" / name).write_bytes((ROOT / "stages" / name).read_bytes())
    (tmp_path / "stages" / "__pycache__").write_text("a file where numba would put its directory")
    home = tmp_path / "home"
    home.write_text("a file where the cache of the user would be")
    code = (
        "from stages.bytescan import _scan_euc_jp, euc_jp_counts\n"
        "print(_scan_euc_jp.signatures, euc_jp_counts(bytes([0xA4, 0xA2]) * 9).kana)"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "HOME": str(home), "XDG_CACHE_HOME": str(home)}
    environment.pop("NUMBA_CACHE_DIR", None)
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], env=environment, cwd="/", capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == ("[] 9\n", 0), done.stderr


@pytest.mark.skipif(not DATA.exists(), reason="development data not here")
def test_gate_on_development_pages() -> None:
    """All Japanese HTML pages found, all encodings right, few of 2,001 foreign pages let through."""
    from stages.warc import Record, read

    with (DATA / "LABELS.tsv").open(encoding="utf-8", newline="") as file:
        labels = {row["url"]: row for row in csv.DictReader(file, delimiter="\t")}
    missed, wrong, foreign, japanese = [], [], [], 0
    for record in read(str(DATA / "web-ja.warc.gz")):
        assert isinstance(record, Record)
        label, found = labels[record.url], charset.detect(record.body)
        if label["is_ja"] == "0":
            foreign += [record.url] if found else []
        elif label["mime"] == "text/html":
            japanese += 1
            missed += [] if found else [record.url]
            wrong += [record.url] if found and found != label["encoding"].replace("ascii", "utf-8") else []
    assert (missed, wrong) == ([], [])
    assert japanese == 1540
    assert len(foreign) <= 71


def test_bytes_that_mean_nothing_in_shift_jis_are_counted_as_lost() -> None:
    decoded = decode("表".encode("cp932") + b"\xa0\xfd\xfe\xff", "shift_jis")
    assert decoded == Decoded("表\ufffd\ufffd\ufffd\ufffd", "shift_jis", 4)
