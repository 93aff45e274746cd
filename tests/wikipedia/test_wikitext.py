from __future__ import annotations

import pytest

from stages.wikipedia.wikitext import clean

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
    "a notice to editors": (
        "本文。\n== 外部リンク ==\n''このページは[[プロジェクト:国|ウィキプロジェクト 国]]のテンプレートを使用しています。''",
        "本文。",
    ),
    "italics, and links to pages about the wiki, are no notices alone": (
        "''[[斜体]]の行。''\n[[Wikipedia:日本語版]]の方針。\n'''[[Help:目次|目次]]'''は''ここ''",
        "斜体の行。\nWikipedia:日本語版の方針。\n目次はここ",
    ),
    "magic words": ("__NOTOC__本文__目次強制__", "本文"),
    "variant mark": ("中-{}-国-{臺灣}-", "中国臺灣"),
    "less-than is no tag": ("a < b かつ b > c", "a < b かつ b > c"),
    # tags
    "ref": ("本文<ref name=a>出典。{{cite web|url=x}}</ref>続き<ref name=a />。", "本文続き。"),
    "ref never closed": ("甲<ref>乙。丙<ref>出典</ref>丁", "甲乙。丙丁"),
    "ruby": ("<ruby><rb>精米</rb><rp>（</rp><rt>せいまい</rt><rp>）</rp></ruby>する", "精米する"),
    "ruby without closing tags": ("<ruby>精米<rt>せいまい</ruby>する", "精米する"),
    "line break": ("一行目<br />二行目", "一行目\n二行目"),
    "line break at the end of a line": ("一行目<br>\n二行目<br />\n\n次", "一行目\n二行目\n\n次"),
    "math": ("式<math>\\displaystyle a_1 &lt; \\frac{1}{2}</math>を解く", "式$a_1 < \\frac{1}{2}$を解く"),
    "math without its layout": ("<math>S\\,</math>と<math> x \\; </math>", "$S$と$x$"),
    "code keeps its marks and lines": (
        "例:\n<syntaxhighlight lang=c>\nif (a[0] || b) {\n  ''x'' = &amp;y;\n}\n</syntaxhighlight>",
        "例:\nif (a[0] || b) {\n  ''x'' = &amp;y;\n}",
    ),
    "gallery": ("前\n<gallery>\nA.jpg|説明。\n</gallery>\n後", "前\n\n後"),
    # tables
    "table with a sentence in its second cell": ("{|\n| a || 春は眠い。\n|}", "春は眠い。"),
    "table with a template that is cut": ("前\n{|\n| {{謎|\n|}\n甲。}}\n|}\n後", "前\n\n後"),
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
    "parentheses that speak of parentheses": ("15の州がある。（）内は州都", "15の州がある。（）内は州都"),
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
