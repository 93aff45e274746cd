"""Which templates of Japanese Wikipedia carry text, and what a reader sees of them.

Policy, first match wins:

1. A template in the table (`_RULES`) expands to the text a reader sees: 仮リンク and lang to their words, 読み仮名 to the word and
   its reading in parentheses, dates to 2001年1月2日, countries to their names, lists to lines, IPA to [...].
2. Families: {{lang-fr|…}} (フランス語: …), {{fr|…}} (its words), {{IPA-fr|…}}, {{…範囲|…}} (the marked passage), {{USA1912}}.
3. Apparatus (`apparatus.py`: infoboxes, navigation, sources, maintenance notes, hatnotes) is dropped.
4. Any other is dropped and counted, so that the table can be mended where it matters; but not one that stands on a line of
   its own without a positional argument: that is a navigation box or a notice whose words lie on another page.

Names are compared without case and with `_` as a space. Readings above a word (ruby) are no part of the line and are left
out. Numbers are not converted between units, and nothing is computed from today's date.
"""

from __future__ import annotations

import functools
import re

from stages.wikipedia import rules
from stages.wikipedia.names import COUNTRIES, LANGUAGES
from stages.wikipedia.rules import Rule

_NAMESPACE = re.compile(r"(?:template|テンプレート) ?: ?")


@functools.lru_cache(maxsize=4096)
def normalise(name: str) -> str:
    """The key of a template name: 'Template:Lang_Short ' -> 'lang short'."""
    name = _NAMESPACE.sub("", " ".join(name.replace("_", " ").split()), count=1)
    if name in ("ipa", "Ipa"):  # the one pair of names that case tells apart: {{IPA}} writes [a], {{ipa}} writes /a/
        return "ipa (phonemic)"
    return _NAMESPACE.sub("", name.lower(), count=1)


_COUNTRY_OF_A_YEAR = re.compile(r"([a-z]{3})(?:[12][0-9]{3}|[0-9f])")  # {{NLD1581}}: an older flag


@functools.lru_cache(maxsize=4096)
def rule(key: str) -> Rule | None:
    """How the template of this normalised name is written out; None when it carries no text."""
    found = _RULES.get(key)
    if found is not None:
        return found
    if key.endswith(("範囲", "範囲2")):  # 要出典範囲, 独自研究範囲, いつ範囲, ...: a mark around a passage
        return rules.first
    if key.startswith("lang-"):
        return rules.language(key.removeprefix("lang-"))
    if key.startswith("ipa-"):
        return rules.phonetic_in(key.removeprefix("ipa-"))
    if key.startswith("zh-"):
        return rules.chinese
    country = _COUNTRY_OF_A_YEAR.fullmatch(key)
    if country and country[1] in COUNTRIES:
        return rules.named(COUNTRIES[country[1]])
    return None


def _rules(*groups: tuple[Rule, str]) -> dict[str, Rule]:
    """Groups of (rule, names separated by '|') as one table; a name may stand in one group only."""
    table: dict[str, Rule] = {}
    for expand, listed in groups:
        for name in listed.replace("\n", "|").split("|"):
            key = name.strip()
            if key in table:
                raise ValueError(f"template {key!r} stands in two groups")
            if key:
                table[key] = expand
    return table


_RULES: dict[str, Rule] = _rules(
    (
        rules.first,
        """
        ruby|ルビ|ふりがな|振り仮名|ルビ2|rubyt|ruby-ja|ruby-zh-p|ruby-zh-b|unicode|unicodeconv|ipa2|発音記号|jis2004フォント|jis90フォント|補助漢字フォント
        拡張漢字フォント|cp932フォント|jis2004|補助漢字|機種依存文字|環境依存文字|ipamjフォント|hanazono|花園フォント|旧字体|新字体|異体字|フォント
        nowrap|nobr|nobreak|no wrap|small|smaller|smallsup|big|bigger|larger|large|huge|center|左|右|中央|中央寄せ|右寄せ|左寄せ|left|right|sup|sub
        em|strong|bold|bolder|b|i|u|italic|斜体|太字|underline|下線|strike|s|del|ins|取り消し線|code|mono|monospace|tt|kbd|var|samp|math|mvar
        smallcaps|small caps|sc|nobold|normal|noitalic|visible anchor|vanchor|vanc|anchorspan|abbr|abbrlink|tooltip|略語|用語|上げ核|下げ核|高線
        上線|overline|要検証範囲|半角|全角|縦書き|縦中横|pdflink|indent|字下げ|spell|chem2|ce|small2|en-lang|hebrew|sname|snamei|学名|aut|vc
        citation needed span|cn-span|text-span|linktext|plainlist|plain list|flatlist|flat list|訳注範囲|dfn|mark|kw|key|keypress|キー|lr|文字
        noruby|big2|font95|font90|smaller2|lowercase|uc|lc|script|polytonic|hani|hira|kana|arab|セリフ|serif|sans-serif|nowiki|行内引用|zwsp|wj
        """,
    ),
    (
        rules.second,
        """
        lang|llang|rtl-lang|lang2|color|font color|fontcolor|色|文字色|背景色|background color|fontsize|font size|文字サイズ|resize|weight|audio|音声
        audio-nohelp|audio-ipa|hidden|要出典2|fix-span|wikt-lang|lang-fa2|lang ja|font|フォントサイズ|angle|align
        """,
    ),
    (rules.third, "colors|色付き|color box text"),
    (lambda args: args.get("3") or args.get("2", ""), "transl|transliteration|翻字|interlang|interp"),
    (rules.last, "columns-list|colwidth|size|linkcolor|bgcolor|補足|拡張漢字|段組|cols-list"),
    (rules.label, "仮リンク|ill|ill2|link-interwiki|日本語版にない記事リンク|link-en|enlinks"),
    (rules.emphasis, "傍点|圏点|強調|bouten"),
    (
        rules.block,
        """
        quotation|quote|cquote|squote|blockquote|block quote|bquote|quote box|quote2|引用|引用文|rquote|centered pull quote|pull quote|poemquote
        poem|verse|verse translation|歌詞|和歌|短歌
        """,
    ),
    (
        rules.lines,
        """
        unbulleted list|unbullet|ubl|bulleted list|箇条書き|ordered list|番号付き箇条書き|collapsible list|plainlist2|縦並び|col-list
        """,
    ),
    (rules.columns, "columns|multi-column|multi column|2段組|3段組"),
    (rules.inline_list, "hlist|horizontal list|横並びリスト"),
    (rules.reading, "読み仮名|読み仮名 ruby不使用|読み|よみがな|読みがな|よみ"),
    (rules.nihongo, "nihongo|nihongo2|nihongo3|日本語"),
    (rules.chinese, "zh|zhi|中国語"),
    (rules.phonetic, "ipa|ipa3|ipa4|ipaslink|ipablink|ipac-ja"),
    (rules.phonemic, "ipa (phonemic)"),
    (
        rules.date,
        """
        年月日|生年月日|生年月日と年齢|start date|end date|birth date|birth date and age|death date|start date and age|開始日|終了日|没年月日|date|dts
        film date|bda|日付|放送日|公開日
        """,
    ),
    (rules.death, "死亡年月日と没年齢|death date and age|死去年月日と没年齢|dda"),
    (lambda args: f"{rules.years(args)}歳没" if rules.years(args) else "", "没年齢|享年"),
    (rules.years, "年数|満年齢|年齢|age"),
    (rules.era, "和暦|wareki"),
    (rules.prefixed("", "年"), "by|mlby|npby|kby|fy|cy|wby|年"),
    (rules.prefixed("c. "), "circa|c."),
    (rules.ordinal, "ordinal|序数"),
    (rules.authors, "harvtxt|harvcoltxt"),
    (rules.convert, "convert|cvt|単位変換|変換"),
    (rules.value, "val|unité|unit|nombre"),
    (rules.fraction, "frac|fraction|sfrac|分数|sfraction"),
    (rules.joined, "gaps|chem|chemf|化学式|simplenuclide|nuclide|subsup|spaced"),
    (rules.prefixed("×10"), "e|×10^|10^"),
    (rules.prefixed("√"), "sqrt|radic|root"),
    (rules.prefixed("⟨", "⟩"), "angbr|angle bracket"),
    (rules.prefixed("US$"), "us$|usd|u.s. dollar"),
    (rules.prefixed("€"), "€|eur€"),
    (rules.prefixed("£"), "£|gbp£"),
    (rules.country, "flag|flagu|flagcountry|flag2|国旗|fb|fbw|flagathlete|flagteam|fbu|flag+link|flaglink"),
    (rules.prefixed("簡体字: "), "簡体字|簡体"),
    (rules.prefixed("繁体字: "), "繁体字|繁体"),
    (rules.prefixed("拼音: "), "ピン音|拼音|pinyin"),
    (rules.prefixed("<", ">"), "tag|html要素|xtag"),
    (rules.prefixed("{{", "}}"), "tl|tlx|tlp|tls|template link"),
    (rules.constant("|"), "!"),
    (rules.constant("||"), "!!"),
    (rules.constant("="), "=|equal"),
    (rules.constant("["), "!("),
    (rules.constant("]"), "!)"),
    (rules.constant(" "), "nbsp|spaces|sp|space|全角空白|半角空白|全角スペース|半角スペース|nnbsp|thinsp|pad|0nbsp"),
    (rules.constant("・"), ",|・|dot|·|•|*|middot|bull|bullet"),
    (rules.constant(" – "), "snd|spnd|spaced ndash"),
    (rules.constant("–"), "ndash|–|en dash"),
    (rules.constant("—"), "mdash|—|em dash"),
    (rules.constant("\n"), "br|break|改行|crlf"),
    (rules.constant("'"), "'"),
    (rules.constant("™"), "tm|trademark"),
    (rules.constant("♯"), "sharp|シャープ"),
    (rules.constant("♭"), "flat|フラット"),
    (rules.constant("π"), "pi|π"),
)
_RULES |= {code: rules.named(name) for code, name in COUNTRIES.items() if code not in _RULES}
# {{fr|République}} is short for {{lang|fr|République}}; {{no}} is a cell of a table.
_RULES |= {code: rules.first for code in LANGUAGES if len(code) < 4 and code != "no" and code not in _RULES}
