from __future__ import annotations

import json
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.charset.charset import Decoded, Verdict, decode, gate
from tests.encodings import ENCODERS, PASSAGES, euc_jp, expressible, iso_2022_jp, page
from tests.runs import SHARED

DATA = SHARED

NAMES = ("utf-8", "shift_jis", "euc-jp", "iso-2022-jp", "utf-16-le", "utf-16-be", "windows-1252")
TWO_BYTE = {"shift_jis": "cp932", "euc-jp": "euc_jp"}
LINE = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。"


def read(body: bytes, encoding: str) -> Decoded:
    return decode(body, Verdict(encoding, "bytes"))


def text_of(body: bytes, encoding: str) -> str:
    return read(body, encoding).text


def as_browsers(text: str) -> str:
    """What the six characters that JIS and Microsoft name differently become in the encodings of JIS."""
    return text.translate(str.maketrans("〜−‖¢£¬", "～－∥￠￡￢"))


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("declaration", ["", "utf-8", "shift_jis", "euc-jp", "windows-1251"])
def test_clean_text_comes_back_as_it_was(name: str, declaration: str) -> None:
    encoding, encode = ENCODERS[name]
    for passage in PASSAGES:
        html = expressible(page(passage, declaration), encode)
        verdict = gate(encode(html), declaration)
        assert verdict is not None
        assert decode(encode(html), verdict) == Decoded(html, encoding, verdict.how, 0, 0)


@pytest.mark.skipif(not DATA.exists(), reason="development data not here")
@pytest.mark.parametrize("name", ENCODERS)
def test_clean_texts_of_the_development_data_come_back(name: str) -> None:
    encoding, encode = ENCODERS[name]
    with (DATA / "text" / "clean_ja.jsonl").open(encoding="utf-8") as file:
        texts = [json.loads(line)["text"] for line in islice(file, 0, None, 40)]
    for text in texts:
        html = page(expressible(text, encode), "iso-8859-1")
        verdict = gate(encode(html), "iso-8859-1")
        assert verdict is not None
        expected = html if encoding.startswith("utf") else as_browsers(html)
        assert decode(encode(html), verdict) == Decoded(expected, encoding, verdict.how, 0, 0)


def is_character(raw: bytes, codec: str) -> bool:
    try:
        return len(raw.decode(codec)) == 1
    except UnicodeDecodeError:
        return False


def test_every_pair_of_code_page_932_is_itself() -> None:
    pairs = [bytes((lead, trail)) for lead in range(0x81, 0xFD) for trail in range(0x40, 0xFD)]
    raw = b"".join(pair for pair in pairs if is_character(pair, "cp932"))
    assert text_of(raw, "shift_jis") == raw.decode("cp932")


def test_every_pair_and_triple_of_euc_jp_is_as_browsers_read_it() -> None:
    pairs = [bytes((lead, trail)) for lead in (0x8E, *range(0xA1, 0xFF)) for trail in range(0xA1, 0xFF)]
    codes = [code for pair in pairs for code in (pair, b"\x8f" + pair) if is_character(code, "euc_jp")]
    assert len(codes) > 6879 + 6067
    for code in codes:
        tilde = code == b"\x8f\xa2\xb7"
        assert text_of(code, "euc-jp") == ("～" if tilde else as_browsers(code.decode("euc_jp")))


@pytest.mark.parametrize(
    "codec", ["iso2022_jp", "iso2022_jp_1", "iso2022_jp_2", "iso2022_jp_3", "iso2022_jp_2004", "iso2022_jp_ext"]
)
@given(data=st.data())
def test_whatever_iso_2022_jp_can_say_is_read(codec: str, data: st.DataObject) -> None:
    alphabet = st.sampled_from([c for c in _ALPHABET if expressible(c, lambda text: text.encode(codec))])
    raw = data.draw(st.text(alphabet)).encode(codec)
    assert read(raw, "iso-2022-jp") == Decoded(as_browsers(raw.decode(codec)), "iso-2022-jp", "bytes", 0, 0)


_ALPHABET = "aZ<>&/ 0\n\\~¥‾あアんヶー。、「」亜熙纊丂龔俱𠮟𠀋か゚ｱﾟé中国汉语한국α～－①"


@given(st.text(), st.sampled_from(["utf-8", "utf-16-le", "utf-16-be"]))
def test_whatever_unicode_can_say_is_read(text: str, encoding: str) -> None:
    if text[:1] not in ("\ufeff", "\ufffe"):
        assert text_of(text.encode(encoding), encoding) in (text, text[: text.find("\ufeff")])


@pytest.mark.parametrize("text", ["①㈱髙﨑Ⅲ№", "ｶﾞｷﾞ", "～－∥￠￡￢", "ソ表能予構十申暴貼"])
def test_shift_jis_is_code_page_932(text: str) -> None:
    assert text_of(text.encode("cp932"), "shift_jis") == text


def test_euc_jp_has_the_rows_of_the_vendors() -> None:
    text = "①㈱Ⅲ№㍻纊褜鍈髙﨑" + "ｱｲｳ" + "～－∥￠￡￢"
    assert read(euc_jp(text), "euc-jp") == Decoded(text, "euc-jp", "bytes", 0, 0)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"\x8f\xb0\xa1", "丂"),
        (b"\x8f\xf4\xfb\x8f\xf3\xf3\x8f\xf4\xab\x8f\xf4\xac", "髙ⅰ㈱№"),
        (b"\x8e\xb1", "ｱ"),
        (b"\x8f\xa2\xb7", "～"),
    ],
)
def test_euc_jp_has_plane_2_and_one_byte_kana(raw: bytes, text: str) -> None:
    assert text_of(raw, "euc-jp") == text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"\x1b$B$3$s\x1b(B<b>", "こん<b>"),
        (b"\x1b$@$3\x1b(Ja\\", "こa¥"),
        (b"\x1b$B-!-j|b\x1b(B", "①㈱髙"),
        (b"\x1b(I1;\x1b(B.", "ｱｻ."),
        (b"\x0e1;\x0f.", "ｱｻ."),
        (b"\xb1\xbb.", "ｱｻ."),
        (b"\x1b$(D0!\x1b(B", "丂"),
        (b"\x1b$(O.!\x1b(B", "俱"),
        (b"a\x1b$B$3\x1b(Bb\x1b$B$3", "aこbこ"),
        ("あ".encode("iso2022_jp") + "あ".encode() + "あ".encode("iso2022_jp"), "あああ"),
    ],
)
def test_iso_2022_jp_has_all_its_charsets(body: bytes, text: str) -> None:
    assert read(body, "iso-2022-jp") == Decoded(text, "iso-2022-jp", "bytes", 0, 0)


def test_surrogates_in_utf_8_are_joined_and_lone_ones_are_one_loss_each() -> None:
    assert read(b"\xed\xa1\x82\xed\xbe\xb7a", "utf-8") == Decoded("𠮷a", "utf-8", "bytes", 0, 0)
    assert read(b"\xed\xa1\x82a\xed\xbe\xb7", "utf-8") == Decoded("\ufffda\ufffd", "utf-8", "bytes", 2, 0)


@pytest.mark.parametrize(
    ("body", "encoding", "private"),
    [
        (b"\xf6\x60\xf3\xa5\xf9\x8b", "shift_jis", 3),  # the sun of three carriers
        (b"\xf0\x40", "shift_jis", 1),
        (b"\xf5\xa1\x8f\xf5\xa1", "euc-jp", 2),  # user-defined rows of eucJP-ms
        (b'\x1b$(?!!!"\x1b(B', "iso-2022-jp", 2),  # and of ISO-2022-JP-MS
        ("\ue63e\uf8ff\U000f0000\U0010fffd".encode(), "utf-8", 4),
        ("\ue63e".encode("utf-16-le"), "utf-16-le", 1),
    ],
)
def test_private_characters_are_counted_as_lost(body: bytes, encoding: str, private: int) -> None:
    decoded = read(body + b"\xff" * (encoding == "shift_jis"), encoding)
    assert (decoded.private, decoded.lost - decoded.replaced, decoded.replaced) == (
        private,
        private,
        encoding == "shift_jis",
    )


@pytest.mark.parametrize("encoding", ["utf-8", "shift_jis", "euc-jp", "utf-16-le"])
@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"])
def test_a_byte_order_mark_is_no_text(encoding: str, mark: bytes) -> None:
    assert read(mark + LINE.encode(TWO_BYTE.get(encoding, encoding)), encoding).text == LINE


def test_an_unknown_encoding_is_named() -> None:
    with pytest.raises(ValueError, match=r"'latin-1'.*shift_jis"):
        read(b"", "latin-1")


@given(st.binary(max_size=400), st.sampled_from(NAMES))
def test_decoding_is_total_and_its_text_can_be_written(body: bytes, encoding: str) -> None:
    decoded = read(body, encoding)
    decoded.text.encode("utf-8")
    assert decoded.replaced == decoded.text.count("\ufffd")
    assert decoded == read(body, encoding)


_ESCAPES = st.sampled_from(
    [b"\x1b$B", b"\x1b(B", b"\x1b(I", b"\x1b$(D", b"\x1b$(O", b"\x1b", b"\x0e", b"\x0f", b"$$%%", b"\n", b"\xff"]
)


@given(st.lists(st.one_of(_ESCAPES, st.binary(max_size=5))).map(b"".join))
def test_whatever_passes_the_gate_can_be_decoded(body: bytes) -> None:
    read(body, "iso-2022-jp").text.encode("utf-8")
    verdict = gate(body)
    assert verdict is None or decode(body, verdict).encoding == verdict.encoding


@given(
    st.lists(st.sampled_from([b"\xa4\xa2", b"\xa5\xa2", b"\xb0\xa1", b"<p>", b"a", b"\x8e\xb1", b"\x8f\xb0\xa1"])).map(
        b"".join
    )
)
def test_right_bytes_are_read_as_the_codec_reads_them(body: bytes) -> None:
    assert text_of(body, "euc-jp") == body.decode("euc_jp")


def test_iso_2022_jp_of_all_three_ways_to_write_one_byte_kana_is_one_text() -> None:
    text = "ｶﾀｶﾅのﾒﾆｭｰ①"
    assert {text_of(iso_2022_jp(text, way), "iso-2022-jp") for way in ("escape", "shift", "8-bit")} == {text}
