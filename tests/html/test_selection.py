from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml.html import document_fromstring

from stages.caps import Caps
from stages.html.lines import page_of
from stages.html.selection import select
from tests.pages import HTML

FIRST = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。"
SECOND = "親譲りの無鉄砲で小供の時から損ばかりしている。小学校に居る時分学校の二階から飛び降りた。"
THIRD = "山路を登りながら、こう考えた。智に働けば角が立つ。情に棹させば流される。"
CAPS = Caps()


def chosen(body: str, extracted: list[str], title: str = "", comments: bool = False) -> list[str]:
    page = page_of(document_fromstring(f"<html><body>{body}</body></html>"), CAPS)
    return select(page, "\n".join(extracted), title, comments=comments).text.splitlines()


def test_text_reads_as_the_page_has_it() -> None:
    """Whatever the extractor makes of indents, cells and lists."""
    body = f"<p>　{FIRST}</p><ul><li>{SECOND}</ul><table><tr><td>東京<td>大阪城公園前</table><p>{THIRD}"
    extracted = [FIRST, f"- {SECOND}", "| 東京 | 大阪城公園前 | ", THIRD]
    assert chosen(body, extracted) == [f"　{FIRST}", SECOND, "東京\t大阪城公園前", THIRD]


def test_what_stands_between_taken_lines_is_taken() -> None:
    body = f"<p>{FIRST}</p><h2>見出し</h2><ol><li>項目の一<li>項目の二</ol><p>{SECOND}</p><p>{THIRD}</p>"
    assert chosen(body, [FIRST, SECOND]) == [FIRST, "見出し", "項目の一", "項目の二", SECOND]


@pytest.mark.parametrize(
    "between",
    [
        "<ul><li><a href=1>関連する記事の題</a><li><a href=2>もう一つの記事の題</a></ul>",
        "<div class=sidebar>横に置かれた文章です。</div>",
        "<nav>案内の文です。</nav>",
        "<div><h3>人気</h3><a href=1>一番読まれた記事</a><p>短い紹介</p></div>",
        "<div id=comments>読者の感想です。</div>",
    ],
)
def test_links_asides_and_comments_between_are_not(between: str) -> None:
    body = f"<p>{FIRST}</p>{between}<p>{SECOND}</p><p>{THIRD}</p>"
    assert chosen(body, [FIRST, SECOND, THIRD]) == [FIRST, SECOND, THIRD]


def test_refrains_are_kept() -> None:
    body = f"<p>{FIRST}</p><p>{SECOND}</p><p>{FIRST}</p>"
    assert chosen(body, [FIRST, SECOND]) == [FIRST, SECOND, FIRST]


def test_rows_of_links_go_wherever_they_stand() -> None:
    row = (
        "<table><tr>"
        + "".join(f"<td>[<a href=x> {to} </a>]" for to in ("&lt;&lt; 前", "上へ", "次 &gt;&gt;"))
        + "</table>"
    )
    flat = "| [ << 前 ] | [ 上へ ] | [ 次 >> ] |"
    assert chosen(f"{row}<p>{FIRST}</p>{row}<p>{SECOND}</p>", [flat, FIRST, flat, SECOND]) == [FIRST, SECOND]


def test_rows_of_links_in_a_table_of_data_stay() -> None:
    head, data = "<tr><td>作品<td>年<td>作者</tr>", "<tr><td>門<td>1910<td>夏目</tr>" * 3
    linked = "<tr><td><a href=1>草枕</a><td>1906<td><a href=2>夏目金之助漱石</a></tr>"
    rows = ["作品 | 年 | 作者", "門 | 1910 | 夏目", "草枕 | 1906 | 夏目金之助漱石"]
    text = chosen(f"<p>{FIRST}</p><table>{head}{linked}{data}</table><p>{SECOND}</p>", [FIRST, *rows, SECOND])
    assert "草枕\t1906\t夏目金之助漱石" in text


def test_sentence_of_links_is_no_row() -> None:
    sentence = "<a href=1>吾輩は猫である</a>と<a href=2>坊っちゃん</a>を読んだ。"
    text = "吾輩は猫であると坊っちゃんを読んだ。"
    assert chosen(f"<p>{FIRST}</p><p>{sentence}</p><p>{SECOND}</p>", [FIRST, text, SECOND]) == [FIRST, text, SECOND]


def test_short_links_at_the_ends_go() -> None:
    body = f"<a href=1>トップへ</a><p>{FIRST}</p><p><a href=1>次へ</a></p><p>{SECOND}</p><a href=2>戻る</a>"
    assert chosen(body, ["トップへ", FIRST, "次へ", SECOND, "戻る"]) == [FIRST, "次へ", SECOND]


@pytest.mark.parametrize(("count", "end", "stay"), [(3, "", False), (2, "", True), (3, "<p>おわり</p>", True)])
def test_a_list_of_headlines_after_the_text_goes(count: int, end: str, stay: bool) -> None:
    heads = [f"ほかの記事の長めの見出しの{number}番目" for number in range(count)]
    listed = "".join(f"<li><a href=x>{head}</a>" for head in heads)
    after = ["おわり"] if end else []
    taken = chosen(f"<p>{FIRST}</p><p>{SECOND}</p><ul>{listed}</ul>{end}", [FIRST, SECOND, *heads, *after])
    assert taken == [FIRST, SECOND, *(heads if stay else []), *after]


def test_the_name_of_the_site_in_the_header_of_a_page_goes() -> None:
    name = "長い名前の町の長い名前の図書館の便り"

    def of(header: str, title: str = "") -> list[str]:
        return chosen(f"{header}<p>{FIRST}</p><p>{SECOND}</p>", [name, FIRST, SECOND], title)

    linked, plain = f"<header><a href=/><p>{name}</p></a></header>", f"<header><p>{name}</p></header>"
    assert of(linked) == [FIRST, SECOND]
    assert of(linked, f"猫のこと | {name}") == [FIRST, SECOND]
    assert of(plain) == [name, FIRST, SECOND]
    assert of(linked, f"{name} | 猫の館") == [name, FIRST, SECOND]
    assert of(f"<article>{linked}") == [name, FIRST, SECOND]
    assert of(f"<div><a href=/><p>{name}</p></a></div>") == [name, FIRST, SECOND]


def test_menu_inside_the_text_goes() -> None:
    menu = "".join(f"<a href={n}>項目その{n}</a><br>" for n in range(3))
    body = f"<p>{FIRST}</p><div>{menu}</div><p>{SECOND}</p>"
    assert chosen(body, [FIRST, *(f"項目その{n}" for n in range(3)), SECOND]) == [FIRST, SECOND]


def test_page_of_links_keeps_them() -> None:
    links = [f"作品の題その{n}" for n in range(9)]
    body = "".join(f"<li><a href=x>{link}</a>" for link in links)
    assert chosen(f"<p>一覧です。</p><ul>{body}</ul>", ["一覧です。", *links]) == ["一覧です。", *links]


def test_second_look_takes_all_prose_where_little_was_taken() -> None:
    body = f"<p>{FIRST}</p>" + "".join(f"<div>{n}番目の節。{THIRD}</div>" for n in range(5)) + "<div>奥付</div>"
    assert len(chosen(body, [FIRST])) == 6
    assert "奥付" not in chosen(body, [FIRST])


def test_second_look_leaves_asides_alone() -> None:
    body = f"<p>{FIRST}</p><div class=footer>" + "".join(f"<div>{n}番目の節。{THIRD}</div>" for n in range(5))
    assert chosen(body, [FIRST]) == [FIRST]


@pytest.mark.parametrize(
    "around", ["<form>", "<div class=recommend>", "<section id=topic-path hidden>", "<aside><div>"]
)
def test_what_holds_most_of_the_text_is_no_aside(around: str) -> None:
    """ASP.NET puts a form around every page; and names lead astray."""
    body = f"{around}<p>{FIRST}</p><ul><li>項目の一<li>項目の二</ul><p>{SECOND}</p><nav>案内の文です。</nav><p>{THIRD}"
    assert chosen(body, [FIRST, SECOND, THIRD]) == [FIRST, "項目の一", "項目の二", SECOND, THIRD]
    assert chosen(body, [FIRST]) == [FIRST, "項目の一", "項目の二", SECOND, THIRD]


def test_an_aside_that_holds_less_of_the_text_stays_one() -> None:
    """Of what stands in an aside only lines that the extractor has whole are taken."""
    body = f"<p>{FIRST}<p>{THIRD}<div class=recommend><p>{SECOND}<p>{THIRD}（つづき）</div>"
    assert chosen(body, [FIRST, THIRD, SECOND]) == [FIRST, THIRD, SECOND]


def test_heading_above_the_text_is_taken() -> None:
    body = f"<div>会社の名</div><h1>猫の話</h1><div>夏目作</div><nav>目次</nav><p>{FIRST}</p><p>{SECOND}</p>"
    assert chosen(body, [FIRST, SECOND]) == ["猫の話", "夏目作", FIRST, SECOND]


def test_a_heading_of_any_level_right_above_the_text_is_taken_where_no_title_is_near() -> None:
    body = f"<h3>料理の名</h3><p>{FIRST}</p>"
    assert chosen(body, [FIRST]) == ["料理の名", FIRST]
    assert chosen(f"<h1>献立の題</h1>{body}", [FIRST]) == ["献立の題", "料理の名", FIRST]
    assert chosen(f"<h2>前の節</h2>{body}", [FIRST]) == ["料理の名", FIRST]
    assert chosen(f"<h3>料理の名</h3><div>手間</div><p>{FIRST}</p>", [FIRST]) == [FIRST]
    assert chosen(f"<h3><a href=x>前の記事の題</a></h3><p>{FIRST}</p>", [FIRST]) == [FIRST]
    assert chosen(f"<h3 class=menu>案内</h3><p>{FIRST}</p>", [FIRST]) == [FIRST]


def test_title_above_the_text_is_taken_without_a_heading_tag() -> None:
    body = f"<div>会社の名</div><div><b>吾輩は猫である話</b></div><p>{FIRST}</p><p>{SECOND}</p>"
    assert chosen(body, [FIRST, SECOND], "吾輩は猫である話｜会社") == ["吾輩は猫である話", FIRST, SECOND]


def test_text_that_is_not_on_the_page_is_left_as_extracted() -> None:
    assert chosen("<p>見出し</p>", [FIRST, SECOND]) == [FIRST, SECOND]


def test_navigation_that_repeats_words_of_the_text_does_not_match() -> None:
    """The next chapter's title stands in the table of contents too."""
    body = f"<p>第二章　猫の暮らし</p><p>{FIRST}</p><p>{SECOND}</p><div class=navfooter>猫の暮らし</div>"
    assert chosen(body, ["第二章　猫の暮らし", FIRST, SECOND]) == ["第二章　猫の暮らし", FIRST, SECOND]


def test_readers_comments_are_kept_in_their_place() -> None:
    body = f"<p>{FIRST}{SECOND}</p><div id=comments><p>良い話でした。</p><a href=x>通報する</a></div><p>{THIRD}</p>"
    extracted = [FIRST + SECOND, THIRD]
    assert chosen(body, extracted) == extracted
    assert chosen(body, extracted, comments=True) == [FIRST + SECOND, "良い話でした。", THIRD]


@given(HTML, st.text("漢字かな |-\n　", max_size=30), st.booleans())
@settings(deadline=None)
def test_text_is_the_extracted_one_or_lines_of_the_page_in_their_order(
    html: str, extracted: str, comments: bool
) -> None:
    page = page_of(document_fromstring(f"<html><body>{html}".replace("\0", "").encode("utf-8", "replace")), CAPS)
    text = select(page, extracted, "", comments=comments).text
    if text != extracted:
        remaining = iter(line.text for line in page.lines)
        assert all(line in remaining for line in text.split("\n") if line)
