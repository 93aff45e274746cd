from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stages.signatures.dedupkey import dedup_key, exact_hash, folded

ANY = st.text(st.characters(min_codepoint=0, max_codepoint=0x10FFFF, categories=None, exclude_categories=()))
JAPANESE = st.text("かがハバパばﾊﾞﾟｶｯｰア\u3099\u309aヽゝう 、。「』！～ＡａA９9ß①々〇葛\U000e0100𠮷\u200b\ud800é")


def key(text: str) -> str:
    return dedup_key(text).astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")


def naive(text: str) -> str:
    """The rule once more, in strings: drop, fold width and case, then compose kana and its mark."""
    out = ""
    for char in text:
        if "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef":
            continue
        if unicodedata.category(char) in {"Cc", "Cf", "Cs"} or unicodedata.category(char)[0] in "PSZ":
            continue
        if "０" <= char <= "ｚ" or "ｦ" <= char <= "ﾟ":
            out += unicodedata.normalize("NFKC", char).casefold()
        else:
            out += char.casefold() if len(char.casefold()) == 1 else char
    return re.sub("[\u3041-\u30ff][\u3099\u309a]", lambda m: unicodedata.normalize("NFC", m.group()), out)


@settings(deadline=None)  # the first example compiles the kernel
@given(ANY | JAPANESE)
@example("\u3099が\u3099ハ\u309a\u3099")
def test_the_kernel_does_what_the_rule_says(text: str) -> None:
    assert key(text) == naive(text)


@settings(deadline=None)  # the first example compiles the kernel
@given(ANY | JAPANESE)
def test_a_key_is_its_own_key(text: str) -> None:
    assert key(key(text)) == key(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("これは、「テスト」です。\n 次の行", "これはテストです次の行"),
        ("ＡＢＣ１２３ abc", "abc123abc"),
        ("ﾃﾞｰﾀﾍﾞｰｽ ﾊﾟｽ ｳﾞ", "データベースパスヴ"),
        ("か\u3099は\u309a", "がぱ"),
        ("『二重』・中黒〜波線…三点", "二重中黒波線三点"),
        ("スーパー 人々 〇一", "スーパー人々〇一"),
        ("葛\U000e0100城", "葛城"),
        ("①㈱²", "①²"),
        ("", ""),
        ("！？…\u3000\u200b", ""),
    ],
)
def test_what_stays_of_a_text(text: str, expected: str) -> None:
    assert key(text) == expected


@pytest.mark.parametrize("pair", ["がか", "ばは", "ぱは", "バパ", "ゔう", "①1", "ぁあ", "ッツ", "ひヒ"])
def test_signs_that_make_another_word_stay_apart(pair: str) -> None:
    assert key(pair[0]) != key(pair[1])


def test_a_mark_without_a_kana_to_sit_on_stays() -> None:
    assert key("アﾞ") == "ア\u3099"


def test_code_points_of_a_newer_unicode_and_gaiji_stay() -> None:
    assert [folded(code) for code in (0x323B0, 0xE000, 0x10FFFD)] == [0x323B0, 0xE000, 0x10FFFD]


def test_exact_hash_ignores_layout_and_nothing_else() -> None:
    def of(text: str) -> bytes:
        return exact_hash(text, dedup_key(text))

    assert of("バスが 来た。") == of("ﾊﾞｽが\n来た") != of("パスが来た")
    assert of("★★★") != of("……")
    assert of("★") != of("")
    assert len(of("\ud800")) == 16
