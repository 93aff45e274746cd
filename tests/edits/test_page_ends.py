"""Menus and footers: what is cut and what a careless rule would cut, and the laws."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.edits.edits import within_page
from stages.edits.page_ends import footer, menu
from stages.spans import apply

BODY = "きょうは川沿いの道を歩きました。桜はまだでした。"
TURNS = st.sampled_from(
    [
        "前の記事",
        "次の記事｜記事一覧へ戻る",
        "Facebook",
        "LINE / X",
        "Copyright (C) 2009 北町",
        BODY,
        "コメント",
        "",
        "　",
        "© 。",
        "☆",
    ]
)


def cut(text: str) -> str:
    return apply(text, within_page(text))


@pytest.mark.parametrize(
    "end",
    [
        "前の記事",
        "≫ 次の記事\n≪ 前の記事",
        "ホーム > 会社概要 > サイトマップ",
        "この記事をシェア\nFacebook | X | LINE",
        "Facebook | X | LINE | この記事をシェア",
        "[ページの先頭へ]\n© 2010-2020 北町図書館",
        "（C）北町図書館 All Rights Reserved.",
        "Powered by Sample Blog 1.2",
        "関連記事\n\n\nプライバシーポリシー",
        "ＴＯＰへ戻る",
    ],
)
def test_an_end_that_is_nothing_but_a_footer_goes(end: str) -> None:
    assert cut(f"{BODY}\n\n{end}\n") == BODY


@pytest.mark.parametrize(
    "text",
    [
        f"{BODY}\n前の記事には道順を書きました。",
        f"{BODY}\nコメント\n味見をして、塩を足します。",
        "使ったものは次の三つです。\nFacebook\nX\nLINE",
        f"{BODY}\n© の記号は著作権を表します。詳しくは次の章で述べます。",
        "前の記事\n次の記事\nホーム",
        "Copyright (C) 2009 北町図書館",
        "お知らせ\n" + BODY,
        f"お問い合わせ\nよくある質問\n{BODY}",
        f"Facebook\nX\nLINE\n{BODY}",
    ],
)
def test_text_stays(text: str) -> None:
    assert cut(text) == text


def test_a_menu_goes_with_its_blank_lines() -> None:
    assert cut(f"ホーム\n\n会社概要 | 採用情報\nお問い合わせ\n\n{BODY}") == BODY


@given(st.lists(TURNS, max_size=12).map("\n".join) | st.text())
def test_an_edit_takes_whole_lines_off_an_end_once_and_for_all_and_never_everything(text: str) -> None:
    for rule, is_end in ((footer, True), (menu, False)):
        once = apply(text, rule(text))
        assert once == text or (text.startswith(once) if is_end else text.endswith(once))
        assert rule(once) == []
        assert once.strip() or not text.strip()


@pytest.mark.parametrize("piece", ["前の記事\n", "|", "X", "ホーム", "©", "all rights reserved ", "\n", "前の記"])
def test_time_grows_with_the_text(piece: str) -> None:
    def seconds(size: int) -> float:
        text = piece * (size // len(piece)) + "。"
        start = time.process_time()
        footer(text), menu(text)
        return time.process_time() - start

    seconds(1000)
    small = max(seconds(100_000), 1e-3)
    assert seconds(800_000) < 24 * small  # quadratic: 64
