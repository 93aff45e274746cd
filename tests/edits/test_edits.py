from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.edits.edits import within_page
from stages.edits.rules import forms, hidden, line_ends, markup_ends, wide_blanks
from stages.spans import Span, apply


def released(extracted: str) -> str:
    return apply(extracted, within_page(extracted))


@pytest.mark.parametrize(
    ("extracted", "expected"),
    [
        ("ﾊﾝｶｸｶﾞﾅとﾊﾟﾝ", "ハンカクガナとパン"),
        ("｢はい｣､そうです｡", "「はい」、そうです。"),
        ("東京･大阪間のｻｰﾋﾞｽ", "東京・大阪間のサービス"),
        ("あﾞ、ｱﾞ、ﾟ", "あ゛、ア゛、゜"),
        ("ＡＢＣ１２３", "ABC123"),
        ("円周率は３．１４、人口は１，２３４人", "円周率は3.14、人口は1,234人"),
        ("Ｐｙｔｈｏｎ３．１１で動きます", "Python3.11で動きます"),
        ("か\u3099き\u3099、は\u309aン、ウ\u3099ィ", "がぎ、ぱン、ヴィ"),
        ("ｶ\u3099ス", "ガス"),
        ("︻お知らせ︼﹁雨︑のち晴れ︒﹂と︵笑︶", "【お知らせ】「雨、のち晴れ。」と（笑）"),
        ("⽇本の⾦融と⻑期⾦利", "日本の金融と長期金利"),
    ],
)
def test_forms_that_carry_no_meaning_are_folded(extracted: str, expected: str) -> None:
    assert released(extracted) == expected


@pytest.mark.parametrize(
    ("extracted", "expected"),
    [
        ("一\u200b行\ufeffのテキ\u00adスト\u2060です\x00", "一行のテキストです"),
        ("\u202a左から右\u202c", "左から右"),
        ("改行\x0bされた行", "改行\nされた行"),
        ("一頁目の終わり。\n\x0c\n二頁目の始まり。", "一頁目の終わり。\n\n二頁目の始まり。"),
        ("一頁目の\x0c二頁目", "一頁目の\n二頁目"),
        ("一行目\u2028二行目\u2029三行目\x85四行目", "一行目\n二行目\n三行目\n四行目"),
        ("段落の終わり\x0b\n次の段落", "段落の終わり\n次の段落"),
    ],
)
def test_hidden_characters_go_and_what_breaks_a_line_breaks_it(extracted: str, expected: str) -> None:
    assert released(extracted) == expected


@pytest.mark.parametrize(
    ("extracted", "expected"),
    [
        ("段落\u3000\u3000です", "段落\u3000です"),
        ("\u3000\u3000\u3000字下げ", "\u3000字下げ"),
        ("行末 \u3000\r\n次の行", "行末\n次の行"),
        ("一\n\n\n \n二", "一\n\n二"),
        ("一\r二\r\n\r\n三", "一\n二\n\n三"),
        ("一\n \u3000\n\u3000二", "一\n\n\u3000二"),
        ("終わり \n", "終わり\n"),
        ("終わり \u3000", "終わり"),
        ("終わり\n\n\n", "終わり\n\n"),
        ("終わり\n  ", "終わり\n"),
    ],
)
def test_blanks_are_cut_where_nobody_sees_them(extracted: str, expected: str) -> None:
    assert released(extracted) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("①㈱㍻㌔Ⅲ²…", "本当？！", "〜から～まで", "−1－"),
        *("髙﨑神\ufa19福\ufa1b", "葛\U000e0100城市", "邉邊"),  # names keep their variants
        *("あ\u3099", "각\u1100\u1161", "Cafe\u0301"),  # no character of its own; Hangul and Latin are not ours
        *("👨\u200d👩\u200d👧", "☺\ufe0f"),
        *("(╯°□°)╯︵ ┻━┻", "(￣︶￣)", "︿"),  # vertical forms in faces
        *("  code", "a  b", "\ttab", "　字下げ", "一行\n\n　二行"),
        *("一．はじめに", "1．", "映画《風立ちぬ》"),
    ],
)
def test_what_carries_meaning_stays(text: str) -> None:
    assert within_page(text) == []


def test_a_radical_that_is_meant_as_one_is_folded_too() -> None:
    """A known mistake: a page about radicals means ⾔, not 言; PDF text with ⾔ for 言 is a thousand times more."""
    assert released("部首「⾔」は「ごんべん」") == "部首「言」は「ごんべん」"


def test_rules_build_on_one_another() -> None:
    assert released("ｶ\u200b\u3099ス\u3000\ufeff\u3000\x0b\nＡ") == "ガス\nA"


_ANY = st.text(st.characters(), max_size=60)
_DENSE = st.text(
    st.sampled_from(
        [*"かはｶﾊﾞﾟ｡Ａ１．，︑︵⽇日a1、。《》 \t\u3000\r\n\x0b\x0c\x85\u200b\u3099\u309a\u00a0\ud800", "\u2028"]
    ),
    max_size=30,
)


@given(_ANY | _DENSE)
def test_spans_are_sorted_disjoint_and_real(text: str) -> None:
    end = 0
    for start, stop, new in within_page(text):
        assert end <= start < stop <= len(text)
        assert text[start:stop] != new
        end = stop


@pytest.mark.parametrize("rule", [hidden, line_ends, wide_blanks, forms])
@given(text=_ANY | _DENSE)
def test_a_rule_leaves_alone_what_it_made(rule: Callable[[str], list[Span]], text: str) -> None:
    once = apply(text, rule(text))
    assert apply(once, rule(once)) == once


@given(st.lists(st.sampled_from(["]]>", "]", ">", " ", "\n", "//", "/*", "*/", "あ"]), max_size=12).map("".join))
def test_no_line_begins_with_the_end_of_a_cdata_section(text: str) -> None:
    once = apply(text, markup_ends(text))
    assert not any(line.lstrip(" \t").startswith("]]>") for line in once.split("\n"))
    assert [char for char in once if char not in "]> \n/*"] == [char for char in text if char == "あ"]


def test_an_example_of_markup_keeps_its_ends() -> None:
    shown = "<![CDATA[\nあ\n]]>"
    assert markup_ends(shown) == []
    assert apply("本文\n//]]>\n]]> 続き\n]]>", markup_ends("本文\n//]]>\n]]> 続き\n]]>")) == "本文\n続き\n"


@given(_ANY | _DENSE)
def test_an_edited_text_is_not_edited_again(text: str) -> None:
    """Of texts that are no Aozora e-text and not hard-wrapped."""
    once = released(text)
    assert within_page(once) == []


@given(_DENSE)
def test_the_rules_of_line_ends_hold(text: str) -> None:
    lines = apply(text, line_ends(text)).split("\n")
    assert "\r" not in "".join(lines)
    assert all(line == line.rstrip(" \t\u3000\u00a0") for line in lines)
    assert not any(first == second == "" for first, second in pairwise(lines[1:-1]))


@pytest.mark.parametrize(
    "unit",
    [
        *(" ", "\u3000", "\n ", "\n", "\r", "\x0c", "\x0c\n", "１．", "ﾊﾞ", "か\u3099", "︵", "︵か", "⽇"),
        *("《", "［＃", "｜", "字\n", "あ" * 19 + "\n", "漢字かな交じり文が二十字で折り返されている行\n"),
    ],
)
def test_much_of_one_thing_takes_linear_time(unit: str) -> None:
    began = time.process_time()
    within_page(unit * (400_000 // len(unit)) + "。")
    assert time.process_time() - began < 10  # quadratic would take an hour
