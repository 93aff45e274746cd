from __future__ import annotations

import json
import time
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.charset import Decoded, Verdict, decode, gate
from tests.encodings import ENCODERS, PASSAGES, edit_distance, euc_jp, expressible, iso_2022_jp, page

DATA = Path(__file__).parent.parent.parent / "shared" / "data"

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


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"\x1b$B$3$s\n<p>a</p>\x1b$B$3\x1b(B", "こん\n<p>a</p>こ"),  # no escape back: ASCII from the next line on
        (b"\x1b$B$3$s\n$3$s$3$s\x1b(B.", "こん\nこんこん."),  # as above, but it was two bytes in earnest
        (b"\x1b$B$3$s", "こん"),
        (b"\x1b$B$3$s\x1b", "こん\ufffd"),
        (b"\x1b$B$3$s\x1b(", "こん\ufffd"),
        (b"a\x1b$", "a\ufffd$"),
        (b"\x1b$B$3$s\x1b\xffB<p>", "こん\ufffd<p>"),
        (b"\x1b$B$3$s\xff(B<p>", "こん\ufffd<p>"),
        (b"\x1b$B$3$s(B<p>", "こん\ufffd<p>"),
        (b"<p>\x1b$\xff$3$s$O\x1b(B", "<p>\ufffdこんは"),
        (b"<p>$B$3$s$O\x1b(B", "<p>\ufffdこんは"),
        (b"\x1b[1m a\x1b(Z", "\ufffd[1m a\ufffd(Z"),
    ],
)
def test_a_damaged_escape_costs_itself(body: bytes, text: str) -> None:
    assert text_of(body, "iso-2022-jp") == text


@pytest.mark.parametrize("encoding", TWO_BYTE)
def test_a_tag_after_a_cut_character_survives(encoding: str) -> None:
    codec = TWO_BYTE[encoding]
    for character in "あア漢字表①"[: 5 if encoding == "euc-jp" else 6]:
        lead = character.encode(codec)[:1]
        for follower in ("<p>", '"', "&amp;", " ", "\n", "0"):
            body = "前".encode(codec) + lead + (follower + "後").encode(codec)
            assert text_of(body, encoding) == f"前\ufffd{follower}後"


def test_a_pair_that_is_no_character_gives_its_ascii_back() -> None:
    assert text_of(b"\x86A\x81\xad<", "shift_jis") == "\ufffdA\ufffd<"
    assert text_of(b"\xa9\xa1\xa4\xa2\x8ea\x8f\xa1<", "euc-jp") == "\ufffdあ\ufffda\ufffd\ufffd<"


def test_bytes_that_mean_nothing_in_shift_jis_are_lost() -> None:
    assert read("表".encode("cp932") + b"\x80\xa0\xfd\xfe\xff", "shift_jis").replaced == 5


# One bad byte: put in, taken out, or in the place of another, at every place of a page.

BAD = {
    "FF": lambda body, at: body[:at] + b"\xff" + body[at + 1 :],
    "80": lambda body, at: body[:at] + b"\x80" + body[at + 1 :],
    "NUL": lambda body, at: body[:at] + b"\0" + body[at + 1 :],
    "?": lambda body, at: body[:at] + b"?" + body[at + 1 :],
    "lost": lambda body, at: body[:at] + body[at + 1 :],
    "more": lambda body, at: body[:at] + b"\xa4" + body[at:],
    "cut": lambda body, at: body[:at],
}
# Characters that one bad byte may cost at worst: the pair it is in, and the ones that are as likely read otherwise.
WORST = {"UTF-8": 3, "cp932": 4, "eucJP-ms": 4, "ISO-2022-JP-MS": 4}


@pytest.mark.parametrize("kind", ["FF", "80", "NUL", "?", "lost", "more"])
@pytest.mark.parametrize("name", WORST)
def test_one_bad_byte_costs_a_few_characters_wherever_it_is(name: str, kind: str) -> None:
    encoding, encode = ENCODERS[name]
    html = f"<p>{LINE}</p>\n"
    body = encode(html)
    total = 0
    for at in range(len(body)):
        if name == "ISO-2022-JP-MS" and kind in ("?", "NUL", "80", "FF") and body[at : at + 1] == b"\n":
            continue
        broken = BAD[kind](body, at)
        verdict = gate(broken)
        assert verdict is not None
        assert verdict.encoding == encoding
        lost = edit_distance(html, decode(broken, verdict).text)
        assert lost <= WORST[name] + (2 * (kind == "?")), (at, broken)
        total += lost
    assert total <= 1.6 * len(body)


@pytest.mark.parametrize("name", WORST)
def test_a_page_that_is_cut_anywhere_loses_its_last_character_at_most(name: str) -> None:
    _, encode = ENCODERS[name]
    html = f"<p>{LINE}</p>\n"
    body = encode(html)
    for at in range(len(body)):
        text = text_of(body[:at], ENCODERS[name][0]).rstrip("\ufffd\x1b($")
        assert html.startswith(text)


def test_one_page_in_two_encodings_loses_the_minority_alone() -> None:
    body = page(LINE * 5).encode() + "<p>広告です</p>".encode("cp932") + f"<p>{LINE}</p>".encode()
    verdict = gate(body)
    assert verdict == Verdict("utf-8", "bytes")
    decoded = decode(body, verdict)
    assert decoded.text.startswith(page(LINE * 5))
    assert decoded.text.endswith(f"</p><p>{LINE}</p>")
    assert decoded.replaced <= 8


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


@pytest.mark.parametrize(
    ("piece", "encoding"),
    [
        (b"\xff", "shift_jis"),
        (b"A\x82", "shift_jis"),
        (b"\xa4", "euc-jp"),
        (b"\x8f\xa1", "euc-jp"),
        (b"\xed\xa0\x80", "utf-8"),
        (b"\x1b", "iso-2022-jp"),
        (b"\x1b$B$", "iso-2022-jp"),
        (b"$B", "iso-2022-jp"),
        (b"\x0e1", "iso-2022-jp"),
        (b"\n$", "iso-2022-jp"),
    ],
)
def test_hostile_bytes_take_linear_time(piece: bytes, encoding: str) -> None:
    read(piece, encoding)

    def seconds(times: int) -> float:
        start = time.process_time()
        read(piece * times, encoding)
        return time.process_time() - start

    seconds(1000)
    assert seconds(80_000) <= 40 * max(seconds(8_000), 0.002)


def test_iso_2022_jp_of_all_three_ways_to_write_one_byte_kana_is_one_text() -> None:
    text = "ｶﾀｶﾅのﾒﾆｭｰ①"
    assert {text_of(iso_2022_jp(text, way), "iso-2022-jp") for way in ("escape", "shift", "8-bit")} == {text}
