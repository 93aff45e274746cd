"""Broken bytes: what they cost, and that they cost no more."""

from __future__ import annotations

import time

import pytest

from stages.charset.charset import Decoded, Verdict, decode, gate
from tests.encodings import ENCODERS, edit_distance, page

TWO_BYTE = {"shift_jis": "cp932", "euc-jp": "euc_jp"}
LINE = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。"


def read(body: bytes, encoding: str) -> Decoded:
    return decode(body, Verdict(encoding, "bytes"))


def text_of(body: bytes, encoding: str) -> str:
    return read(body, encoding).text


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


def test_a_bad_byte_leaves_the_lines_about_it_alone() -> None:
    rare = b"\xd0\xa4" * 9  # kanji that would be kana one byte later
    for before, after in ((rare + b"\n", b""), (b"", b"\n" + rare), (rare + b"<", b">" + rare)):
        text = text_of(before + b"\xa4\xa2\xff" + after, "euc-jp")
        assert text == before.decode("euc_jp") + "あ\ufffd" + after.decode("euc_jp")


def test_bytes_that_mean_nothing_in_shift_jis_are_lost() -> None:
    assert read("表".encode("cp932") + b"\x80\xa0\xfd\xfe\xff", "shift_jis").replaced == 5


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
        (b"\x1b$B$3\x1bO$O$O$O\x1b(B", "こ\ufffd\ufffdははは"),  # an escape that is no escape, in a pair's place
        (b"\x1b[1m a\x1b(Z", "\ufffd[1m a\ufffd(Z"),
    ],
)
def test_a_damaged_escape_costs_itself(body: bytes, text: str) -> None:
    assert text_of(body, "iso-2022-jp") == text


# One bad byte: put in, taken out, or in the place of another, at every place of a page.

BAD = {
    "FF": lambda body, at: body[:at] + b"\xff" + body[at + 1 :],
    "80": lambda body, at: body[:at] + b"\x80" + body[at + 1 :],
    "NUL": lambda body, at: body[:at] + b"\0" + body[at + 1 :],
    "?": lambda body, at: body[:at] + b"?" + body[at + 1 :],
    "lost": lambda body, at: body[:at] + body[at + 1 :],
    "more": lambda body, at: body[:at] + b"\xa4" + body[at:],
}
# Edits that one bad byte may cost, at worst and in the mean over all places: the pair that it is in, and neighbours that
# read as likely in another way. (In UTF-8 each of the two bytes left of a character is one U+FFFD.)
COST = {"UTF-8": (3, 2.6), "cp932": (3, 2.0), "eucJP-ms": (4, 2.1), "ISO-2022-JP-MS": (4, 2.1)}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("name", COST)
def test_one_bad_byte_costs_a_few_characters_wherever_it_is(name: str, kind: str) -> None:
    encoding, encode = ENCODERS[name]
    html = f"<p>{LINE}</p>\n"
    body = encode(html)
    total = 0
    for at in range(len(body)):
        broken = BAD[kind](body, at)
        verdict = gate(broken)
        assert verdict is not None
        assert verdict.encoding == encoding
        lost = edit_distance(html, decode(broken, verdict).text)
        assert lost <= COST[name][0], (at, broken)
        total += lost
    assert total <= COST[name][1] * len(body)


@pytest.mark.parametrize("name", COST)
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
