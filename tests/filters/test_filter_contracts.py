"""Laws that every filter and every view keeps, for any text that can occur; fast paths against their naive twins."""

from __future__ import annotations

import math
import pickle
import unicodedata
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters import FAMILIES, FILTERS
from filters.base import Filter, View
from filters.chars import CLASS_OF, JAPANESE, LETTERS, Char
from filters.listed import built_in, compiled, read
from filters.page import Page
from filters.text import Text
from filters.words import Words

JAPANESE_TEXT = st.text(
    st.sampled_from("あいとはカーﾊ漢字々。．、！?…・「」（）a1１ 　\t\n\r\x00縺､･们ã\x81\ufffd\ue000\ud800😀")
)
ANY_TEXT = JAPANESE_TEXT | st.text(st.characters(exclude_categories=()))
PAGES = st.builds(
    Page,
    url=ANY_TEXT,
    host=ANY_TEXT,
    declared_language=ANY_TEXT,
    replaced=st.integers(0, 2**31 - 1),
    characters=st.integers(0, 2**31 - 1),
    japanese=st.floats(0, 1),
)
EXTREMES = ["", "\n", "\x00", "\ud800", "あ", "。", "a" * 30_000, "。" * 30_000, "「" * 30_000, "あ\n" * 15_000]


def judged(view: View) -> list[tuple[str, float]]:
    return [(f.code, f.judge(view).value) for f in FILTERS.values() if isinstance(view, f.view)]


@settings(deadline=None)
@given(ANY_TEXT)
def test_every_text_filter_measures_any_text_alike_twice(text: str) -> None:
    first, second = judged(Words(text)), judged(Words(text))
    assert first == second
    assert len(first) == sum(len(family.filters) for family in FAMILIES.values() if family.view is not Page)


@given(PAGES)
def test_every_page_filter_measures_any_page(page: Page) -> None:
    assert all(math.isfinite(value) for _, value in judged(page))


@pytest.mark.parametrize("text", EXTREMES, ids=lambda text: f"{text[:2]!r} x {len(text)}")
def test_every_text_filter_measures_extremes(text: str) -> None:
    assert all(math.isfinite(value) for _, value in judged(Words(text)))


@pytest.mark.parametrize("declared", FILTERS.values(), ids=FILTERS)
def test_a_pickled_filter_judges_alike(declared: Filter) -> None:
    view = declared.view.example(declared.examples[0].text)
    assert pickle.loads(pickle.dumps(declared)).judge(view) == declared.judge(view)


def test_shares_stay_between_0_and_1() -> None:
    texts = [
        "",
        "あ",
        "漢字" * 50,
        "税込 送料無料\n" * 20,
        "ﾊﾊﾊ,,, ... ★" * 9,
        "們们这\ud800\ue000",
        "人妻、中出し",
        "LINE登録",
    ]
    shares = [f for f in FILTERS.values() if f.view is not Page and f.name.endswith(("_share", "_density"))]
    assert len(shares) > 15
    for declared in shares:
        for text in texts:
            assert 0 <= declared.value(Words(text)) <= 1, declared.code


@given(ANY_TEXT)
def test_class_counts_equal_those_of_a_loop(text: str) -> None:
    naive = Counter(Char(CLASS_OF[ord(c)]) for c in text)
    assert Text(text).counts == tuple(naive[c] for c in Char)


@given(ANY_TEXT, ANY_TEXT)
def test_class_counts_are_additive(a: str, b: str) -> None:
    both = np.add(Text(a).counts, Text(b).counts)
    assert Text(a + b).counts == tuple(both.tolist())


@given(JAPANESE_TEXT | st.text("あい", min_size=20), st.integers(1, 12))
def test_ngrams_equal_those_of_a_counter(text: str, n: int) -> None:
    spoken = "".join(c for c in text if CLASS_OF[ord(c)] in (*LETTERS, Char.DIGIT))
    naive = Counter(spoken[i : i + n] for i in range(len(spoken) - n + 1))
    grams = Text(text).ngrams(n)
    assert (grams.total, grams.distinct) == (naive.total(), len(naive))
    assert grams.top == max(naive.values(), default=0)


def test_ngrams_tell_many_different_ones_apart() -> None:
    rng = np.random.default_rng(7)
    text = "".join(map(chr, rng.integers(0x4E00, 0xA000, 200_000)))
    grams = Text(text).ngrams(5)
    assert grams.distinct == len({text[i : i + 5] for i in range(len(text) - 4)})


NAMED = {
    "HIRAGANA LETTER": Char.HIRAGANA,
    "KATAKANA LETTER": Char.KATAKANA,
    "HALFWIDTH KATAKANA LETTER": Char.KATAKANA,
    "CJK UNIFIED IDEOGRAPH": Char.KANJI,
    "CJK COMPATIBILITY IDEOGRAPH": Char.KANJI,
    "KANGXI RADICAL": Char.KANJI,
    "LATIN CAPITAL LETTER": Char.LATIN,
    "LATIN SMALL LETTER": Char.LATIN,
    "FULLWIDTH LATIN": Char.LATIN,
    "HANGUL SYLLABLE": Char.HANGUL,
    "CYRILLIC CAPITAL LETTER": Char.CYRILLIC,
    "FULLWIDTH DIGIT": Char.DIGIT,
    "THAI CHARACTER": Char.FOREIGN,
    "ARABIC LETTER ALEF": Char.FOREIGN,
    "BOX DRAWINGS": Char.SYMBOL,
    "VARIATION SELECTOR": Char.CONTROL,
}


def test_the_table_agrees_with_the_names_of_unicode() -> None:
    prefixes = tuple(NAMED)
    named = ((code, unicodedata.name(chr(code), "")) for code in (*range(0x33480), *range(0xE0000, 0xE0200)))
    wrong = {
        name: Char(CLASS_OF[code]).name
        for code, name in named
        if name.startswith(prefixes)
        and CLASS_OF[code] != next(char for prefix, char in NAMED.items() if name.startswith(prefix))
    }
    assert not wrong


@pytest.mark.parametrize(
    ("characters", "char"),
    [
        ("ーｰヽヾヶヵ㌔", Char.KATAKANA),
        ("ゝゞゟ", Char.HIRAGANA),
        ("々〆〇𠮷﨑神鷗\U00032000", Char.KANJI),
        ("。．！？!?｡", Char.KUTEN),
        ("、，､", Char.TOTEN),
        ("「」『』【】（）〔〕", Char.BRACKET),
        ("・…‥〜～", Char.MARK),
        ("★■♪→①Ⅳ㈱〒※", Char.SYMBOL),
        ("😀🇯🎉✨", Char.EMOJI),
        (" \t\n\r\u3000\u00a0", Char.SPACE),
        ("\x00\x1b\u200b\ufeff\U000e0100", Char.CONTROL),
        ("\ufffd\ue63e\ud800\uffff", Char.BROKEN),
        ("éßＡ", Char.LATIN),
        ("αб"[0], Char.FOREIGN),
    ],
)
def test_a_character_has_the_class_a_japanese_reader_expects(characters: str, char: Char) -> None:
    assert {c: Char(CLASS_OF[ord(c)]).name for c in characters} == dict.fromkeys(characters, char.name)


@pytest.mark.parametrize(
    ("phrase", "text", "characters"),
    [
        ("サック", "リュックサックとサック", 3),
        ("サック", "サックスの音", 0),
        ("AV女優", "CCAV女優とAV女優", 4),
        ("RSS", "FRSSとＲＳＳとRSS", 6),
        ("人妻", "人妻と人妻", 4),
    ],
)
def test_phrases_keep_script_boundaries(phrase: str, text: str, characters: int) -> None:
    assert compiled({"a": [phrase]}).find(Text(text)).count("a").characters == characters


PHRASES = st.text("あいカサ漢aB", min_size=2, max_size=4)


@given(
    st.lists(PHRASES, min_size=1, max_size=6),
    st.lists(PHRASES, max_size=6),
    st.text("あいカサー漢aBｂ１。\n𠮷", max_size=60),
)
def test_the_trie_finds_what_one_finds_by_looking(one: list[str], two: list[str], text: str) -> None:
    listed = compiled({"one": one, "two": two}).find(Text(text))
    for name, phrases in (("one", one), ("two", two)):
        covered: set[int] = set()
        seen: set[str] = set()
        folded = text.lower().replace("ｂ", "b")
        for phrase in {phrase.lower() for phrase in phrases}:
            for start in range(len(text)):
                end = start + len(phrase)
                if folded[start:end] == phrase and not _cut(folded, start) and not _cut(folded, end):
                    covered |= set(range(start, end))
                    seen.add(phrase)
        assert listed.count(name) == (len(covered), len(seen))


def _cut(text: str, at: int) -> bool:
    """A boundary within a run of katakana or of Latin letters."""
    return 0 < at < len(text) and any(text[at - 1] in script and text[at] in script for script in ("カサー", "ab"))


def test_the_lists_of_the_package_say_what_they_are_and_repeat_nothing() -> None:
    for path in sorted(Path("filters/lists").glob("*.txt")):
        text = path.read_text(encoding="utf-8")
        assert text.startswith(f"# category: {path.stem}.") and "Licence: CC0-1.0" in text
        phrases = [phrase for line in text.splitlines() if not line.startswith("#") for phrase in line.split()]
        assert len(phrases) == len(set(phrases)), path
    assert len(built_in().names) == 11


def test_a_phrase_that_cannot_match_is_refused_with_its_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("# prose\n長い語句 語\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"mine\.txt: '語' is no phrase of 2 to 32"):
        read([path])


def test_morphemes_join_to_the_text() -> None:
    text = "モーニング娘。は𠮷野家で\n\x00走った。\ud800 ok　ABC" + "長い" * 400
    surfaces = "".join(m.surface for m in Words(text).morphemes)
    assert surfaces == text.replace("\ud800", "\ufffd").replace("\x00", "").replace("\n", "").replace(" ", "")


def test_a_nul_parts_morphemes() -> None:
    assert [m.surface for m in Words("駅\x00店").morphemes] == ["駅", "店"]
    assert [m.surface for m in Words("東\x00京").morphemes] == ["東", "京"]


def test_morphemes_know_their_part_and_whether_the_dictionary_lacks_them() -> None:
    morphemes = {m.surface: (m.part, m.unknown) for m in Words("駅でヌルポガが走った。").morphemes}
    assert morphemes["駅"] == ("名詞", False)
    assert morphemes["で"] == ("助詞", False)
    assert morphemes["走っ"] == ("動詞", False)
    assert morphemes["ヌルポガ"] == ("名詞", True)


def test_part_shares_leave_punctuation_out() -> None:
    assert Words("犬、猫、鳥。").part_share("名詞") == 1


def test_an_unknown_page_field_in_an_example_is_named() -> None:
    with pytest.raises(ValueError, match="no field 'hots'"):
        Page.example("hots=example.jp")


def test_japanese_is_a_part_of_letters() -> None:
    assert set(JAPANESE) < set(LETTERS)
