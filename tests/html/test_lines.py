from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml.html import document_fromstring

from stages.caps import Caps, TooMuch
from stages.html.lines import Page, page_of
from tests.pages import HTML


def lines(body: str) -> list[str]:
    return [line.text for line in read(body).lines]


def read(body: str, caps: Caps = Caps()) -> Page:  # noqa: B008 - frozen
    return page_of(document_fromstring(f"<html><body>{body}</body></html>"), caps)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<p>一\n 行</p><p>二<b>行</b>目</p>", ["一 行", "二行目"]),
        # A line of the source that was wrapped: no blank between full-width characters, one beside Latin letters.
        (
            "<p>外字のビットマップデータを読み込んで、それを\n  <em>指定された</em>形式で書く。\n次の行",
            ["外字のビットマップデータを読み込んで、それを指定された形式で書く。次の行"],
        ),
        (
            "<p>外字のビットマップデータを読み込んで、それを\nPNG で\r\n書く",
            ["外字のビットマップデータを読み込んで、それを PNG で 書く"],
        ),
        # Between short items, after an empty line and between elements a line end may be all that parts them.
        ("<p>赤\n青\n黄", ["赤 青 黄"]),
        (
            "<p>外字のビットマップデータを読み込んで、それを書く。\n\n次の行",
            ["外字のビットマップデータを読み込んで、それを書く。 次の行"],
        ),
        (
            "<p><a>外字のビットマップデータを読み込んで、それを書く</a>\n<a>次の項目</a>",
            ["外字のビットマップデータを読み込んで、それを書く 次の項目"],
        ),
        (
            "<p>글자의 비트맵 데이터를 읽어 그것을 지정된 형식으로\n씁니다",
            ["글자의 비트맵 데이터를 읽어 그것을 지정된 형식으로 씁니다"],
        ),
        ("前<br>中<br><br>後", ["前", "中", "後"]),
        ("<p>　字下げ　　空き</p>", ["　字下げ　　空き"]),
        ("<p>\n　<b>字下げ</b></p>", ["　字下げ"]),
        ("<p>&nbsp;&nbsp;二つ&nbsp;の空白</p>", ["二つ の空白"]),
        ("<pre>if x:\n\ty()\n\nend  \n</pre>", ["if x:", "\ty()", "", "end"]),
        ("<pre><code>a\n  <b>b</b>\r\n  c</code></pre>後", ["a", "  b", "  c", "後"]),
        ("<table><tr><th>東京 <td> 大阪<td>京都</table>", ["東京\t大阪\t京都"]),
        ("<table><tr><td>菜<br>単<td>本文</table>", ["菜", "単", "本文"]),
        ("<table><tr><td><table><tr><td>a<td>b</table><td>c</table>", ["a\tb", "c"]),
        ("<ul><li>一<li>二<ul><li>三</ul></ul>四", ["一", "二", "三", "四"]),
        ("見<script>x</script>え<select><option>y</select>る<!-- z -->", ["見える"]),
        ("<ruby>漢<rp>(</rp><rt>かん</rt><rp>)</rp></ruby>字", ["漢字"]),
        ("", []),
    ],
)
def test_lines_are_those_of_a_browser(body: str, expected: list[str]) -> None:
    assert lines(body) == expected


@given(st.lists(st.text("あ漢、。A 　\t", max_size=30), max_size=8).map("\n".join))
def test_what_is_joined_loses_nothing_but_blanks(text: str) -> None:
    (joined,) = lines(f"<p>|{text}|</p>")
    assert joined.replace(" ", "") == re.sub("[ \t\n]", "", f"|{text}|")
    assert len(joined) <= len(text) + 2


def test_letters_in_links_are_counted_by_line() -> None:
    first, second, third = read('<a href="/">前へ</a>、<a href="/">次へ</a><br><a name="x">見出し</a><br>「外」').lines
    assert (first.letters, first.linked, first.links) == (4, 4, 2)
    assert (second.letters, second.linked, second.links) == (3, 0, 0)
    assert (third.letters, third.linked, third.links) == (1, 0, 0)


def test_link_over_two_lines_counts_in_both() -> None:
    assert [(line.linked, line.links) for line in read("<a href=/>上<br>下</a>外").lines] == [(1, 1), (1, 1)]


@pytest.mark.parametrize(
    ("tag", "aside"),
    [
        ("<nav>", True),
        ('<div class="l-sidebar">', True),
        ('<div id="gnavi">', True),
        ('<div class="ad_box">', True),
        ('<div style="display: none">', True),
        ("<div hidden>", True),
        ('<div class="header adventure">', False),
        ('<div class="outside commentary">', False),
        ("<section>", False),
    ],
)
def test_asides_are_known_by_tag_name_and_style(tag: str, aside: bool) -> None:
    page = read(f"{tag}本文")
    assert page.blocks[page.lines[0].block].aside is aside


def test_blocks_nest_around_their_lines() -> None:
    page = read("<div><p>一</p><p>二</p></div>三")
    ranges = {(block.tag, block.first, block.last) for block in page.blocks}
    assert {("body", 0, 3), ("div", 0, 2), ("p", 0, 1), ("p", 1, 2)} <= ranges


@given(
    st.one_of(
        HTML,
        st.lists(st.sampled_from(["<div>", "</div>", "<tr>", "<td>", "<table>", "<pre>", "\n", "あ"])).map("".join),
    )
)
@settings(deadline=None)
def test_every_line_is_in_its_blocks(html: str) -> None:
    page = read(html)
    for number, line in enumerate(page.lines):
        block = line.block
        while block >= 0:
            assert page.blocks[block].first <= number < page.blocks[block].last
            assert page.blocks[block].parent < block
            block = page.blocks[block].parent
        assert 0 <= line.linked <= line.letters <= len(line.text)


def test_too_many_lines_are_refused() -> None:
    read("<pre>" + "あ\n" * 10 + "</pre>", Caps(lines=10))
    with pytest.raises(TooMuch, match="too-large"):
        read("<pre>" + "あ\n" * 11 + "</pre>", Caps(lines=10))
