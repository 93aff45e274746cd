from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stages.edits.aozora import notation
from stages.edits.edits import within_page
from stages.spans import apply


def resolved(text: str) -> str:
    return apply(text, notation(text))


BOTCHAN = """坊っちゃん
夏目漱石

［＃８字下げ］一［＃「一」は中見出し］

親譲《おやゆず》りの無鉄砲《むてっぽう》で小供の時から損ばかりしている。
［＃改ページ］
妙に｜無鉄砲者《むてっぽうもの》と云《い》われた。

底本：「ちくま日本文学全集」筑摩書房
"""


def test_readings_and_notes_of_an_aozora_text_are_resolved() -> None:
    assert (
        resolved(BOTCHAN)
        == """坊っちゃん
夏目漱石

一

親譲りの無鉄砲で小供の時から損ばかりしている。

妙に無鉄砲者と云われた。

底本：「ちくま日本文学全集」筑摩書房
"""
    )


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("｜山田《やまだ》さんの家《うち》", "山田さんの家"),
        ("｜ＣＤプレーヤー《シーディープレーヤー》を買う", "ＣＤプレーヤーを買う"),
        ("人々《ひとびと》が　｜霧ヶ峰《きりがみね》に登る", "人々が　霧ヶ峰に登る"),
        ("［＃ここから２字下げ］子曰く［＃ここで字下げ終わり］", "子曰く"),
        ("終わる。\n\n［＃改ページ］\n\n始まる。", "終わる。\n\n始まる。"),
        ("※［＃「てへん＋劣」、第3水準1-84-77］《むし》り取る", "挘り取る"),
        ("※［＃「ノ／一」、第4水準2-1-1］", "𠂉"),
        ("※［＃「火＋暴」、U+7206、37-3］", "爆"),
        ("※［＃「魚＋鳥」、37-3］の吸物", "※の吸物"),
        ("※［＃濁点付き片仮名ワ、1-7-82］", "※"),
        ("その［＃「※［＃「口＋喜」、第3水準1-15-18］」に傍点］声", "その声"),
    ],
)
def test_each_mark_of_the_notation(written: str, read: str) -> None:
    assert resolved(written) == read


@pytest.mark.parametrize(
    "text",
    [
        "ベートーヴェンの交響曲《英雄》と歌劇《魔笛》を聴いた。",
        "絵画《ひまわり》はゴッホの作である。",
        "《重要》受付は五時まで",
        "漢字《かんじ》のように書くと読みになります。",
        "［１］注を参照。［＃］は番号です。",
        "A｜B｜C",
        "底本《ていほん》という語",
    ],
)
def test_without_marks_of_the_notation_every_bracket_stays(text: str) -> None:
    assert notation(text) == []


def test_among_titles_nothing_is_taken_for_a_reading() -> None:
    text = "［＃改ページ］歌劇《魔笛》、歌劇《蝶々夫人》、絵画《ひまわり》"
    assert resolved(text) == "歌劇《魔笛》、歌劇《蝶々夫人》、絵画《ひまわり》"


def test_a_title_in_kana_after_kanji_is_taken_for_a_reading_in_an_aozora_text() -> None:
    """A known mistake."""
    assert resolved("絵画《ひまわり》の前に｜佇《たたず》む") == "絵画の前に佇む"


_PIECES = [
    "漢字",
    "《かな》",
    "《カナ》",
    "《題名》",
    "｜",
    "かな",
    "［＃改ページ］",
    "※［＃「木＋世」、第3水準1-85-57］",
    "\n",
    "底本：",
    "々",
]


@given(st.lists(st.sampled_from(_PIECES), max_size=12).map("".join))
@example("｜｜漢字《題名》《題名》" + "漢字《かな》" * 6)
def test_a_resolved_text_is_not_resolved_again(text: str) -> None:
    once = resolved(text)
    assert resolved(once) == once


@given(st.text(st.sampled_from("漢か｜《》［］＃※\n：底本第3水準1-5U+D80F\ud800")))
def test_any_text_can_be_looked_at(text: str) -> None:
    end = 0
    for start, stop, _ in notation(text):
        assert end <= start < stop <= len(text)
        end = stop


def test_vertical_forms_of_the_brackets_are_known() -> None:
    text = "｜山田︽やまだ︾さん"
    assert apply(text, within_page(text)) == "山田さん"


@pytest.mark.parametrize(
    "unit",
    ["［＃", "｜", "《", "※［＃", "［＃［＃］", "｜漢", "漢《か》", "漢《", "［＃a", "｜漢《か", "［＃［＃］a\n"],
)
def test_much_of_one_thing_takes_linear_time(unit: str) -> None:
    began = time.process_time()
    notation("［＃改ページ］" + unit * (400_000 // len(unit)))
    assert time.process_time() - began < 5  # quadratic would take hours
