from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stages import wikitext_markup
from stages.wikitext import clean, clean_page
from stages.wikitext_names import names

TABLE: dict[str, tuple[str, str]] = {
    # inline marks
    "bold and italics": ("'''日本'''は''国''。'''''両方'''''", "日本は国。両方"),
    "link": ("[[東京都|東京]]と[[大阪]]", "東京と大阪"),
    "link to a section": ("[[日本#歴史|歴史]]と[[#経済]]", "歴史と#経済"),
    "category shown as a link": ("[[:Category:日本の都市]]を見る。", "Category:日本の都市を見る。"),
    "category": ("本文。\n[[Category:日本]]\n[[カテゴリ:都市|き]]", "本文。"),
    "image with links in its caption": ("[[ファイル:A.jpg|thumb|200px|[[富士山|山]]と[[湖]]。]]本文", "本文"),
    "image under its English name": ("[[File:A.jpg|左]][[image:b.png]]本文", "本文"),
    "interlanguage link": ("本文\n[[en:Japan]]\n[[zh-min-nan:Ji̍t-pún]]", "本文"),
    "interlanguage link shown": ("[[:en:Japan|英語版]]を見る", "英語版を見る"),
    "sister project": ("[[wikt:犬|犬]]の字", "犬の字"),
    "external link": ("[https://example.jp/a?b=c 公式サイト]を見る", "公式サイトを見る"),
    "external link without label": ("統計による[https://example.jp/]。", "統計による。"),
    "external link, two brackets": ("[[https://example.jp/ 公式]]を見る", "公式を見る"),
    "nowiki": ("<nowiki>[[そのまま]] '''&amp;'''</nowiki>", "[[そのまま]] '''&'''"),
    "entities": ("A&amp;B&nbsp;C&#x3042;&hearts; AT&T", "A&B Cあ♥ AT&T"),
    "comment": ("前<!-- 中\n[[ -->後", "前後"),
    "magic words": ("__NOTOC__本文__目次強制__", "本文"),
    "variant mark": ("中-{}-国-{臺灣}-", "中国臺灣"),
    "less-than is no tag": ("a < b かつ b > c", "a < b かつ b > c"),
    # tags
    "ref": ("本文<ref name=a>出典。{{cite web|url=x}}</ref>続き<ref name=a />。", "本文続き。"),
    "ref never closed": ("甲<ref>乙。丙<ref>出典</ref>丁", "甲乙。丙丁"),
    "ruby": ("<ruby><rb>精米</rb><rp>（</rp><rt>せいまい</rt><rp>）</rp></ruby>する", "精米する"),
    "ruby without closing tags": ("<ruby>精米<rt>せいまい</ruby>する", "精米する"),
    "line break": ("一行目<br />二行目", "一行目\n二行目"),
    "math": ("式<math>\\displaystyle a_1 &lt; \\frac{1}{2}</math>を解く", "式$a_1 < \\frac{1}{2}$を解く"),
    "math without its layout": ("<math>S\\,</math>と<math> x \\; </math>", "$S$と$x$"),
    "code keeps its marks and lines": (
        "例:\n<syntaxhighlight lang=c>\nif (a[0] || b) {\n  ''x'' = &amp;y;\n}\n</syntaxhighlight>",
        "例:\nif (a[0] || b) {\n  ''x'' = &amp;y;\n}",
    ),
    "gallery": ("前\n<gallery>\nA.jpg|説明。\n</gallery>\n後", "前\n\n後"),
    # templates
    "lang": ("{{lang|en|Japan}}と{{Lang|fr|'''Japon'''}}", "JapanとJapon"),
    "lang-xx": (
        "（{{lang-fr|Japon}}、{{lang-en-short|Japan}}、{{lang-xyz|Q}}）",
        "（フランス語: Japon、英: Japan、Q）",
    ),
    "ruby template": ("{{ruby|精米|せいまい}}と{{ふりがな|玄米|げんまい}}", "精米と玄米"),
    "reading in the lead": ("{{読み仮名|'''精米'''|せいまい}}は米。", "精米（せいまい）は米。"),
    "reading in parentheses stays": (
        "'''精米'''（せいまい、{{lang-en|polishing}}）",
        "精米（せいまい、英語: polishing）",
    ),
    "仮リンク": ("{{仮リンク|国鳥|en|National bird}}と{{仮リンク|A|en|B|label=鳥}}", "国鳥と鳥"),
    "rare characters": ("{{JIS2004フォント|か&#x309A;}}{{補助漢字フォント|𠮷}}", "か\u309a𠮷"),
    "convert": ("{{convert|3|to|5|km|mi}}と{{Convert|100|m}}", "3–5 kmと100 m"),
    "dates": (
        "{{生年月日と年齢|1970|01|2}}〜{{死亡年月日と没年齢|1900|3|2|1980|3|1}}",
        "1970年1月2日〜1980年3月1日（79歳没）",
    ),
    "Nihongo": ("{{Nihongo|Tokyo|東京|Tōkyō}}", "Tokyo（東京、Tōkyō）"),
    "passage marks": ("{{要出典範囲|諸説ある|date=2020年1月}}。{{独自研究範囲|たぶん}}。", "諸説ある。たぶん。"),
    "small and nowrap": ("{{small|小}}{{nowrap|改行なし}}{{color|red|赤}}{{sup|2}}", "小改行なし赤2"),
    "positional by number": ("{{lang|1=en|2=a=b}}", "a=b"),
    "nested templates": ("{{small|{{lang|en|{{nowrap|A B}}}}}}", "A B"),
    "quotation": ("曰く\n{{Quotation|春はあけぼの。|枕草子}}\n終わり", "曰く\n\n春はあけぼの。\n\n終わり"),
    "page name": ("{{PAGENAME}}とは", "題とは"),
    "formatnum": ("{{formatnum:1234567}}人", "1,234,567人"),
    "country": ("{{JPN}}と{{flag|USA}}と{{Flagicon|GBR}}英国", "日本とアメリカ合衆国と英国"),
    "infobox": (
        "{{Infobox 人物\n|名前 = 甲\n|画像 = [[ファイル:A.jpg|x]]\n|注 = {{lang|en|B}}\n}}\n'''甲'''は",
        "甲は",
    ),
    "apparatus": ("本文{{要出典|date=2020年}}。{{Reflist}}{{Normdaten}}{{DEFAULTSORT:ほんぶん}}", "本文。"),
    "unknown template": ("前{{だれも知らない|中身}}後", "前後"),
    # tables
    "table": ('前\n{| class="wikitable"\n|+ 表\n! 年 !! 人口\n|-\n| 2000 || 100\n|}\n後', "前\n\n後"),
    "table cell with a sentence": ('{|\n| style="x" | 春は眠い。また[[朝|あさ]]。\n| 2000\n|}', "春は眠い。またあさ。"),
    "table within a table": ("前\n{|\n|\n{|\n| a\n|}\n| b\n|}\n後", "前\n\n後"),
    "table in HTML": ("前\n<table border=1><tr><td>a</td><td>文。</td></tr></table>\n後", "前\n\n文。\n\n後"),
    "table in a template": ("{{hidden|題|\n{|\n| a\n|}}}\n後", "後"),
    # lines
    "list": ("* 甲\n** 乙\n# 丙\n: 丁\n*\n", "甲\n乙\n丙\n丁"),
    "definition list": ("; 用語 : 説明\n;https://example.jp/", "用語\n説明\nhttps://example.jp/"),
    "headings": ("序。\n== 歴史 ==\n=== [[古代]] ===\n文。\n==近代==\n文。", "序。\n\n歴史\n古代\n文。\n\n近代\n文。"),
    "heading with nothing under it": (
        "序。\n== 画像 ==\n<gallery>\na.jpg\n</gallery>\n== 歴史 ==\n文。",
        "序。\n\n歴史\n文。",
    ),
    "horizontal rule": ("前\n----\n後", "前\n\n後"),
    "indented line": (" 一\n   二", "一\n  二"),
    "blank lines": ("一\n\n\n\n二", "一\n\n二"),
    # apparatus sections
    "list-only sections": (
        "本文。\n== 脚注 ==\n{{Reflist}}\n== 関連項目 ==\n* [[甲]]\n== 外部リンク ==\n* [http://a 乙]",
        "本文。",
    ),
    "prose after 出典": (
        "本文。\n== 出典 ==\n* 甲『本』2001年。\n\nなお本説は古い。\n== 歴史 ==\n文。",
        "本文。\n\n出典\nなお本説は古い。\n\n歴史\n文。",
    ),
    "sections within apparatus": ("本文。\n== 出典・脚注 ==\n=== 書籍 ===\n* 甲『本』\n乙『書』2001", "本文。"),
    "a heading that only begins like apparatus": ("== 参考文献の歴史 ==\n* 甲", "参考文献の歴史\n甲"),
    # gaps
    "empty parentheses": ("日本（{{Audio|a.ogg|}}、 ）は（<ref>x</ref>）国（{{unknown}}）。", "日本は国。"),
    "half-width empty parentheses": ("日本 ({{unknown}}) は main() を", "日本 は main() を"),
    "separators at the edge": ("日本（{{unknown}}、にほん、{{unknown}}）は", "日本（にほん）は"),
    "separator in the middle": ("（甲、{{unknown}}、乙）", "（甲、乙）"),
    "nested empty parentheses": ("日本（{{unknown}}（{{unknown}}））は", "日本は"),
    "parentheses around a comma that was meant": ("読点（、）と句点（。）", "読点（、）と句点（。）"),
    "line broken before a reference": ("とどまり\n<ref>x</ref>、政府は", "とどまり、政府は"),
    "line broken behind a reference": ("とどまり<ref>x</ref>\n、政府は", "とどまり、政府は"),
    "full stops around a reference": ("増えた。<ref>x</ref>。また減った。", "増えた。また減った。"),
    # broken markup
    "unclosed link": ("前[[東京。\n== 次 ==\n[[大阪|阪]]", "前東京。\n\n次\n阪"),
    "unclosed template": ("{{Infobox\n|a=1\n|b=2\n本文は残る。\n== 次 ==\n文。", "本文は残る。\n\n次\n文。"),
    "unclosed table": ("{|\n| a\n| 文は残る。\n== 次 ==\n文。", "文は残る。\n\n次\n文。"),
    "stray closers": ("前}}中]]後\n|}\n終", "前中後\n\n終"),
    "link cut by a paragraph": ("[[東京\n\n大阪|阪]]は", "東京\n\n大阪阪は"),
}


@pytest.mark.parametrize(("wikitext", "text"), TABLE.values(), ids=TABLE.keys())
def test_wikitext_becomes_text(wikitext: str, text: str) -> None:
    assert clean(wikitext, "題") == text


def test_unknown_templates_are_counted_by_name_and_known_apparatus_is_not() -> None:
    page = clean_page("{{未知|a}}{{Michi_X}}{{michi X}}{{Cite web|url=x}}{{lang|en|A}}{{日本関連stub}}", "題")
    assert page.unknown == {"未知": 1, "michi x": 2}


MARKUP = st.lists(
    st.one_of(
        st.sampled_from(
            names(
                "{{ }} {{{ }}} [[ ]] [ ] | || ! {| |} |- |+ == === = * # : ; ' ''' <ref> </ref> <ref/> <!-- --> <nowiki> </nowiki> "
                "<math> </math> <br> <table> <td> </table> <rt> <ruby> </ruby> {{lang| {{convert| {{年月日| {{読み仮名| {{val| "
                "[http:// [https://a.jp [[File: [[en: __TOC__ -{ }- &amp; &#x3042; &#xD800; &nbsp; （ ） ( ) 、 。 == 出典 =="
            )
        ),
        st.sampled_from(["\n", " ", "\n\n", "東京", "a=b", "12", "\x01", "\x00", "\u3000", "\ud800", "\r\n"]),
        st.text(max_size=4),
    ),
    max_size=60,
).map("".join)


@settings(max_examples=400, deadline=None)
@given(MARKUP)
@example("")
@example("\ud800{{\udfff|")
@example("{{convert|\x00|to}}{{年月日|²|1}}{{死亡年月日と没年齢|१|२|३|४|५|६}}")
def test_any_text_is_cleaned_without_an_error_and_leaves_no_internal_mark(wikitext: str) -> None:
    text = clean(wikitext, "題")
    assert "\x01" not in text
    assert text == text.strip("\n")
    assert clean(wikitext, "題") == text


@settings(max_examples=300, deadline=None)
@given(MARKUP)
@example("[[a|b]]{{lang|en|[[c]]|d]]")
def test_simple_links_in_one_step_are_what_they_are_mark_by_mark(wikitext: str) -> None:
    at_once = clean(wikitext, "題")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wikitext_markup, "TOKEN", re.compile("(?!)()|" + wikitext_markup.MARK))
        assert clean(wikitext, "題") == at_once


WORDS = st.text(st.sampled_from("東京はひらカナ、。「」（）0aZ ・ー"), min_size=1, max_size=30).map(str.strip)
PLAIN = st.lists(
    st.lists(
        WORDS.filter(lambda line: line and "（）" not in line and "（ " not in line and "（、 " not in line), max_size=3
    )
    .filter(bool)
    .map("\n".join)
).map("\n\n".join)


@settings(max_examples=200, deadline=None)
@given(PLAIN)
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert clean(text, "題") == text


@settings(max_examples=200, deadline=None)
@given(MARKUP)
def test_a_closed_reference_never_survives(wikitext: str) -> None:
    text = clean("甲<ref>秘密</ref>乙\n\n" + wikitext, "題")
    assert "秘密" not in text


def seconds(wikitext: str) -> float:
    """Processor time of cleaning, best of two: what else the machine does must not matter."""
    times = []
    for _ in range(2):
        start = time.process_time()
        clean(wikitext, "題")
        times.append(time.process_time() - start)
    return min(times)


def repeated(mark: str) -> Callable[[int], str]:
    return lambda n: (mark + "あいう") * n


HOSTILE: dict[str, Callable[[int], str]] = {
    **{
        f"{mark!r} never closed": repeated(mark)
        for mark in (
            "{{", "[[", "\n{|\n|", "<ref>", "<ref name=", "<!--", "<nowiki>", "<math>", "<ruby><rt>", "<gallery>", "{{{", "-{",
            "[http://a.jp/", "[http://a.jp/ ", "（", "（、", "{{lang|en|", "[[a|", "'''", "\n==", "__A", "&#", "\n|", "\n!", "]]", "}}",
        )
    },
    "'{{' alone": lambda n: "{{" * 4 * n,
    "'[' alone": lambda n: "[" * 8 * n,
    "equals signs in one line": lambda n: "\n" + "=" * 8 * n + "x",
    "equals signs and spaces": lambda n: "\n==" + "= " * 4 * n + "x",
    "spaces": lambda n: "甲" + " " * 8 * n + "乙",
    "separators": lambda n: "、 " * 4 * n + "（" * n,
    "dropped templates and separators": lambda n: "（" * n + "{{x}}、" * n + "）" * n,
    "cell of many bars": lambda n: "{|\n|" + "文。" * 20 * n + "|x" * n,
    "links deep in each other": lambda n: "[[a|" * n + "]]" * n,
    "templates deep in each other": lambda n: "{{lang-en|" * n + "あ" * 40 * n + "}}" * n,
    "an address never closed": lambda n: "[http://" + "a" * 8 * n + "\n",
    "tables deep in each other": lambda n: "\n{|\n|文。" * n + "\n|}" * n,
    "list marks": lambda n: "\n" + "*" * 8 * n + "\n" * n,
    "attributes": lambda n: "<span " * n + " a=b" * n,
    "closing tags not quite": lambda n: "<ref>" + "</ref " * n,
}  # fmt: skip


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE.keys())
def test_time_is_linear_in_broken_markup(make: Callable[[int], str]) -> None:
    """Eight times the marks cost about eight times as much; squares would cost 64 times."""
    assert seconds(make(8_000)) < max(0.05, 24 * seconds(make(1_000)))
