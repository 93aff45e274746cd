from __future__ import annotations

import json
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.edits.edits import within_page
from stages.edits.wrapped import lines
from stages.spans import apply
from tests.runs import ROOT

CLEAN = ROOT.parent / "shared" / "data" / "text" / "clean_ja.jsonl"

PARAGRAPHS = [
    "　先週の会合では、来年度の予算案について長い議論が交わされた。会計担当の佐藤さんによれば、会費収入は三年続けて"
    "減少しており、このままでは会報の印刷費を賄えなくなる恐れがあるという。出席者からは、電子版への移行を検討すべきだと"
    "いう意見が相次いだが、高齢の会員への配慮を求める声も根強く、結論は次回に持ち越された。",
    "　また、秋の研修旅行は長野県の諏訪湖周辺を訪ねることに決まった。宿泊先の旅館組合とは既に仮予約の手続きを済ませて"
    "おり、参加希望者は今月末までに事務局へ申し込んでほしい。交通手段は貸切バスを予定しているが、申込者が二十名に満たない"
    "場合は鉄道での移動に変更する可能性もある。現地ではボランティアガイドの案内で博物館と製糸工場跡を見学する。",
    "　最後に、ホームページのリニューアル作業についての報告があった。デザインの見直しはほぼ完了しており、現在はサーバー"
    "の移転とセキュリティ対策を進めている段階である。公開は来月中旬になる見込みだが、掲示板の過去ログをどこまで引き継ぐか"
    "については、引き続き検討委員会で話し合うことになった。",
]
_NOT_FIRST = "、。，．」』）ーっゃゅょッャュョ"


def columns(text: str) -> int:
    return sum(1 if c.isascii() else 2 for c in text)


def wrap(paragraph: str, width: int) -> str:
    """As an editor with 禁則処理 does: Latin words whole, no 、 at a line's beginning."""
    wrapped: list[str] = [""]
    for word in re.findall(rf"[!-~]+|.[{_NOT_FIRST}]*", paragraph):
        if columns(wrapped[-1] + word) > width:
            wrapped[-1] = wrapped[-1].rstrip(" ")
            wrapped.append("")
        wrapped[-1] = (wrapped[-1] + word).lstrip(" ")
    return "\n".join(wrapped)


def joined(text: str) -> str:
    return apply(text, lines(text))


def joined_around(text: str) -> str:
    """`joined`, for a text most of whose lines are wrapped."""
    found = joined(text)
    assert found.count("\n") < 0.6 * text.count("\n")
    return found


@pytest.mark.parametrize("between", ["\n", "\n\n"])
@pytest.mark.parametrize("width", [50, 64, 70, 76])
def test_lines_cut_at_a_fixed_width_are_joined(width: int, between: str) -> None:
    text = between.join(wrap(paragraph, width) for paragraph in PARAGRAPHS)
    restored = joined(text)
    assert restored.replace("\n", "") == text.replace("\n", "")
    assert restored.count("\n") < 0.2 * text.count("\n") + 5  # a line that ends in 。 just at the width stays
    assert joined(restored) == restored


def test_a_heading_an_item_a_quotation_and_an_indent_begin_a_line_of_their_own() -> None:
    wrapped = [wrap(paragraph, 70) for paragraph in PARAGRAPHS]
    for begins in (
        "■報告",
        "・会場は未定",
        "1. 会場",
        "（１）会場",
        "第三条 会場",
        "【会場】",
        "「会場は」",
        "　会場は",
        "会場：公民館",
    ):
        cut = wrapped[1].split("\n")
        text = "\n".join([wrapped[0], cut[0], begins, *cut[1:], wrapped[2]])
        assert f"\n{begins}" in joined_around(text)


def test_lines_of_latin_words_are_joined_with_a_blank() -> None:
    paragraph = (
        "　このたび公開された Open Corpus Toolkit は、日本語の文書を集めて整理するための道具であり、研究者だけでなく企業の"
        "開発者にも広く利用されている。配布元の説明では Unicode Normalization Form と呼ばれる規格に従って文字を揃えたうえで、"
        "重複した文書を取り除き、統計情報を Apache Parquet 形式で書き出すという手順を踏む。詳細は付属の利用手引書に記されて"
        "おり、質問は公式の Mailing List で受け付けている。"
    )
    names = ["Open Corpus Toolkit", "Unicode Normalization Form", "Apache Parquet", "Mailing List"]
    mended = 0
    for width in range(60, 80):
        text = "\n".join(wrap(each, width) for each in [paragraph, *PARAGRAPHS])
        assert all(name in joined(text).replace("\n", " ") for name in names)
        mended += sum(name not in text and name in joined(text) for name in names)
    assert mended >= 4


def at_phrases(paragraph: str, width: int) -> str:
    """As an author breaks lines: behind a 、, a 。 or a particle, somewhere before the width."""
    broken = [""]
    for phrase in re.findall("[^、。はがをにでとも]*[、。はがをにでとも]", paragraph):
        if columns(broken[-1] + phrase) > width:
            broken.append("")
        broken[-1] += phrase
    return "\n".join(broken)


@pytest.mark.parametrize("width", range(44, 80, 4))
def test_an_author_who_breaks_lines_at_phrases_keeps_them(width: int) -> None:
    assert lines("\n".join(at_phrases(paragraph, width) for paragraph in PARAGRAPHS)) == []


@pytest.mark.parametrize(
    "text",
    [
        # a poem (島崎藤村「初恋」), in lines of one length
        "まだあげ初めし前髪の\n林檎のもとに見えしとき\n前にさしたる花櫛の\n花ある君と思ひけり\n" * 4,
        # titles of one width, that begin and end in kanji
        "".join(f"平成{n}年度東京都中央区立図書館利用状況報告書及び収支決算報告書\n" for n in "一二三四五六七八九"),
        "".join(f"{a}年度東京都中央区立図書館利用状況報告書及び収支決算報告書\n" for a in "うえを一二三四五六七八九十"),
        # sentences of an author's, broken behind words
        "この件については、先月の会合で皆様にお伝えしましたので\nすぐに作業を始めていただけると、たいへん助かりますから\n"
        * 6,
        # addresses
        "".join(f"東京都千代田区丸の内一丁目九番{n}号丸の内中央ビルディング別館十二階\n" for n in range(1, 10)),
        # code
        "".join(f"    値{n} = 計算する(引数の一覧, 戻り値の型, 例外処理の方法, 記録の水準)\n" for n in range(1, 10)),
        # English
        "The quick brown fox jumps over the lazy dog and then goes home to sleep\n" * 9,
        # dialogue
        "「今日はとても天気がよいので、午後から公園まで歩いてみませんか」\n「それは名案ですね、さっそく支度をしましょう」\n"
        * 5,
        "",
        "\n" * 99,
    ],
)
def test_lines_that_mean_something_stay(text: str) -> None:
    assert lines(text) == []


def test_a_wrapped_text_leaves_the_poem_in_it_alone() -> None:
    poem = "まだあげ初めし前髪の\n林檎のもとに見えしとき\n前にさしたる花櫛の\n花ある君と思ひけり"
    text = "\n\n".join([wrap(PARAGRAPHS[0], 70), poem, *(wrap(p, 70) for p in PARAGRAPHS[1:])])
    assert poem in joined_around(text)


def test_a_block_most_of_whose_lines_are_not_full_stays() -> None:
    menu = [f"今週のおすすめは、{'季節の野菜と魚介の' * n}煮込み料理" for n in (2, 4, 2, 3, 2)]
    assert columns(menu[1]) > 70
    menu[1] = "今週のおすすめは、季節の野菜と魚介を白味噌で煮込んだ京都家庭料理の盛合"
    text = "\n\n".join([*(wrap(p, 70) for p in PARAGRAPHS), "\n".join(menu)])
    assert columns(menu[1]) == 70
    assert "\n".join(menu) in joined_around(text)


def test_a_break_between_two_digits_stays() -> None:
    lines_ = wrap(PARAGRAPHS[0], 70).split("\n")
    year = "報告書の数字を比べると、入場者が過去最高を記録した年は三十年前の秋、1"
    assert columns(year) == 69
    text = "\n".join([*lines_, year, "998年であった。", *(wrap(p, 70) for p in PARAGRAPHS[1:])])
    assert f"{year}\n998年" in joined_around(text)


def test_an_address_of_a_page_is_no_prose() -> None:
    address = "配布した資料の全文は事務局の頁にあります。 http://www.example.jp/kaiho"
    text = "\n".join([wrap(PARAGRAPHS[0], 70), address, *(wrap(p, 70).lstrip("　") for p in PARAGRAPHS[1:])])
    assert columns(address) == 70
    assert f"{address}\nまた" in joined_around(text)


@pytest.mark.parametrize("behind", ["", "続きを読む\n", "詳しくはこちらのページで。\n", "二月の記事\n"])
def test_excerpts_cut_at_a_length_are_not_joined(behind: str) -> None:
    sentences = [each for paragraph in PARAGRAPHS for each in paragraph.strip("　").split("。") if len(each) > 40]
    assert lines("".join(f"{text[:40]}\n{behind}" for text in sentences * 2)) == []


def test_breaks_that_mostly_follow_a_comma_are_an_authors() -> None:
    comma = "この行は四十文字でできており、作者が自分の手で読点の後で改行したものであるから、"
    cut = "この行も四十文字でできていて、こちらは熟語の途中で改行されているようにも見える漢"
    text = "\n".join([comma, comma.replace("この", "あの"), cut, "字の例である。", comma, "るいは"] * 4)
    assert columns(comma) == columns(cut)
    assert lines(text) == []
    assert lines(text.replace("から、", "からだ")) != []


def test_full_width_letters_are_measured_before_they_become_narrow() -> None:
    paragraph = PARAGRAPHS[2].replace("サーバー", "ＷＥＢＳＥＲＶＥＲ").replace("ホームページ", "ＨＯＭＥＰＡＧＥ")
    text = "\n".join(wrap(p, 64) for p in [*PARAGRAPHS[:2], paragraph])
    assert "WEBSERVER" in apply(text, within_page(text)).replace("\n", "")
    assert apply(text, within_page(text)).count("\n") == joined(text).count("\n")


@given(
    st.lists(
        st.sampled_from(["漢字", "かな", "カナ", "word", "、", "。", "\n", "12", "　", "「", "\ud800", "ｶ"]),
        max_size=300,
    ).map("".join)
)
def test_only_line_ends_change(text: str) -> None:
    for start, end, new in lines(text):
        assert text[start:end] == "\n"
        assert new in ("", " ")


@pytest.mark.parametrize(
    "unit", ["漢字かな交じり文が、二十字で折り返されている行\n", "字" * 30 + "\n" + "\n字" * 5, "あ、" * 500 + "\n"]
)
def test_much_of_one_thing_takes_linear_time(unit: str) -> None:
    began = time.process_time()
    lines(unit * (600_000 // len(unit)))
    assert time.process_time() - began < 10  # quadratic would take an hour


@pytest.mark.skipif(not CLEAN.exists(), reason="the development data is not beside the checkout")
def test_clean_texts_wrapped_come_back_and_none_is_garbled() -> None:
    texts = [json.loads(line)["text"] for line in CLEAN.read_text(encoding="utf-8").splitlines()]
    texts = [text for text in texts if len(text) > 150 and "\n" not in text]
    undone = broken = 0
    for start in range(0, 160, 4):
        paragraphs = texts[start : start + 4]
        text = "\n\n".join(wrap(paragraph, 72) for paragraph in paragraphs)
        restored = joined(text).split("\n\n")
        assert [r.replace("\n", "").replace(" ", "") for r in restored] == [p.replace(" ", "") for p in paragraphs]
        broken += text.count("\n")
        undone += text.count("\n") - joined(text).count("\n")
    assert undone > 0.7 * broken
