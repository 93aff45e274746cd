"""Which templates of Japanese Wikipedia carry text, and what a reader sees of them.

Policy: a template in this table expands to its text; one that is known to be apparatus (infoboxes, navigation, sources,
maintenance notes, hatnotes) is dropped; any other is dropped and counted, so that the table can be mended where it
matters. Names are compared without case and with `_` as a space. Readings above a word (ruby) are no part of the line
and are left out; readings in parentheses (読み仮名) are, and stay.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping

from stages.wikitext_names import COUNTRIES, LANGUAGES, names

Args = Mapping[str, str]  # '1', '2', ... and named parameters, already expanded and trimmed
Rule = Callable[[Args], str]


@functools.lru_cache(maxsize=4096)
def normalise(name: str) -> str:
    """The key of a template name: 'Template:Lang_Short ' -> 'lang short'."""
    name = " ".join(name.replace("_", " ").split()).lower()
    return re.sub(r"^(?:template|テンプレート) ?: ?", "", name)


def rule(key: str) -> Rule | None:
    """How the template of this normalised name is written out; None when it carries no text."""
    found = _RULES.get(key)
    if found is None and key.endswith("範囲"):  # 要出典範囲, 独自研究範囲, いつ範囲, ...: a mark around a passage
        return _first
    if found is None and key.startswith("lang-"):
        return _language(key.removeprefix("lang-"))
    if found is None and key.startswith("ipa-"):
        return _phonetic
    return found


def is_apparatus(key: str) -> bool:
    """Known to carry no running text, so that dropping it needs no count."""
    return key.startswith(_APPARATUS_STARTS) or key.endswith(_APPARATUS_ENDS) or key in _APPARATUS


def _first(args: Args) -> str:
    return args.get("1", "")


def _second(args: Args) -> str:
    return args.get("2", "")


def _last(args: Args) -> str:
    """The last of two positional arguments, the first being a size, a colour or a width that may be left out."""
    return args.get("2") or args.get("1", "")


def _label(args: Args) -> str:
    return args.get("label") or args.get("1", "")


def _block(args: Args) -> str:
    text = args.get("1") or args.get("text") or args.get("quote", "")
    return f"\n{text}\n"


def _reading(args: Args) -> str:
    """{{読み仮名|東京|とうきょう|英: Tokyo}} -> 東京（とうきょう、英: Tokyo）"""
    return _with_notes(_first(args), args.get("2", ""), args.get("3", ""))


def _nihongo(args: Args) -> str:
    return _with_notes(_first(args), args.get("2", ""), args.get("3", ""), args.get("4", ""))


def _with_notes(text: str, *notes: str) -> str:
    inside = "、".join(note for note in notes if note)
    return f"{text}（{inside}）" if inside else text


def _phonetic(args: Args) -> str:
    """IPA templates put their transcription in brackets; a stray '/' pair of the author's own is enough."""
    text = _first(args)
    return text if not text or text[0] in "[/" else f"[{text}]"


def _date(args: Args, first: int = 1) -> str:
    """Three numbers from position `first` on -> 2001年1月2日; shorter when the month or the day is missing."""
    text = ""
    for offset, unit in enumerate("年月日"):
        number = args.get(str(first + offset), "")
        if not number.isdecimal():
            break
        text += f"{number.lstrip('0') or '0'}{unit}"
    return text


def _death(args: Args) -> str:
    """{{死亡年月日と没年齢|1900|3|2|1980|3|1}} -> 1980年3月1日（79歳没）. Ages that need today's date are left out."""
    numbers = [args.get(str(n), "") for n in range(1, 7)]
    date = _date(args, first=4)
    if not all(number.isdecimal() and len(number) <= 4 for number in numbers):
        return date
    born, died = [[int(number) for number in numbers[at : at + 3]] for at in (0, 3)]
    age = died[0] - born[0] - (died[1:] < born[1:])
    return f"{date}（{age}歳没）"


def _convert(args: Args) -> str:
    """{{convert|3|to|5|km|mi}} -> 3–5 km. What the page gave; the converted value would need every unit's factor."""
    text, at = args.get("1", ""), 2
    while (joint := _RANGES.get(args.get(str(at), ""))) is not None:
        text += joint + args.get(str(at + 1), "")
        at += 2
    return f"{text} {args.get(str(at), '')}".rstrip()


_RANGES = {
    "to": "–",
    "-": "–",
    "–": "–",
    "and": "、",
    "by": "×",
    "x": "×",
    "×": "×",
    "+/-": "±",
    "±": "±",
    "or": "または",
}


def _fraction(args: Args) -> str:
    parts = [args[key] for key in ("1", "2", "3") if args.get(key)]
    return f"{parts[0]} {parts[1]}/{parts[2]}" if len(parts) == 3 else "/".join(parts)


def _joined(args: Args) -> str:
    return "".join(args[key] for key in map(str, range(1, 20)) if key in args)


def _value(args: Args) -> str:
    unit = args.get("u") or args.get("ul", "")
    return f"{_first(args)} {unit}".rstrip()


def _country(args: Args) -> str:
    return COUNTRIES.get(_first(args).lower(), _first(args))


def _language(code: str) -> Rule:
    """{{lang-fr|République}} -> フランス語: République; {{lang-fr-short|...}} -> 仏: ..., as the page shows them."""
    forms = LANGUAGES.get(code.removesuffix("-short"), [""])
    name = forms[-1] if code.endswith("-short") else forms[0]
    return lambda args: f"{name}: {args['1']}" if name and args.get("1") else args.get("1", "")


def _constant(text: str) -> Rule:
    return lambda args: text


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
        _first,
        """
        ruby|ルビ|ふりがな|振り仮名|ルビ2|rubyt|unicode|ipa|ipa3|発音記号|jis2004フォント|jis90フォント|補助漢字フォント|拡張漢字フォント
        cp932フォント|jis2004|補助漢字|拡張漢字|機種依存文字|環境依存文字|ipamjフォント|hanazono|花園フォント|nowrap|nobr|small|smaller|big
        larger|large|center|左|右|中央|sup|sub|em|strong|bold|b|i|underline|下線|傍点|圏点|strike|s|del|code|mono|tt|kbd|var|samp|math|mvar
        smallcaps|sc|nobold|noitalic|visible anchor|vanc|anchorspan|abbr|tooltip|略語|下げ核|高線|上線|overline|要検証範囲|半角|全角|縦書き
        日本語版にない記事リンク|link-en|enlinks|flagdeco name|pdflink|indent|字下げ|align|spell|chem2|ill|ill2|linktext|plainlist|flatlist
        hlist|ubl|unbulleted list|unbullet|nihongo2|interp|補注|訳注範囲|small2|zh2|en|lang ja|en-lang
        """,
    ),
    (
        _second,
        """
        lang|llang|rtl-lang|lang2|color|font color|fontcolor|色|背景色|fontsize|font size|文字サイズ|resize|weight|audio|音声|hidden|要出典2
        interlang|fix-span|wikt-lang|lang-fa2
        """,
    ),
    (_last, "columns-list|colwidth|size|linkcolor|bgcolor|補足"),
    (_label, "仮リンク"),
    (_block, "quotation|quote|cquote|blockquote|bquote|quote box|引用|rquote|centered pull quote|poemquote|poem"),
    (_reading, "読み仮名|読み仮名 ruby不使用|読み|よみがな"),
    (_nihongo, "nihongo|nihongo3|日本語"),
    (lambda args: args.get("3") or args.get("2", ""), "transl|transliteration|翻字"),
    (_phonetic, "ipa2|ipa4|ipaslink|ipablink"),
    (
        _date,
        """
        年月日|生年月日|生年月日と年齢|start date|end date|birth date|birth date and age|death date|start date and age|開始日|没年月日|date
        """,
    ),
    (_death, "死亡年月日と没年齢|没年齢|death date and age|死去年月日と没年齢"),
    (lambda args: f"{args['1']}年" if args.get("1") else "", "by|mlby|npby|kby|fy|cy|wby"),
    (_convert, "convert|cvt|単位変換"),
    (_value, "val|unité|unit|nombre"),
    (_fraction, "frac|fraction|sfrac|分数"),
    (_joined, "gaps|chem|chemf|化学式"),
    (lambda args: f"×10{args.get('1', '')}", "e|×10^"),
    (_country, "flag|flagu|flagcountry|flag2|国旗|fb|fbw|flagathlete"),
    (lambda args: f"簡体字: {args['1']}" if args.get("1") else "", "簡体字|簡体"),
    (lambda args: f"繁体字: {args['1']}" if args.get("1") else "", "繁体字|繁体"),
    (lambda args: f"拼音: {args['1']}" if args.get("1") else "", "ピン音|拼音|pinyin"),
    (lambda args: f"<{args['1']}>" if args.get("1") else "", "tag|html要素|xtag"),
    (_constant("|"), "!"),
    (_constant("||"), "!!"),
    (_constant("="), "="),
    (_constant(" "), "nbsp|spaces|sp|space|snd|全角空白|半角空白"),
    (_constant("・"), ",|・|dot|·|•|*"),
    (_constant("π"), "pi"),
)
_RULES |= {code: _constant(name) for code, name in COUNTRIES.items() if code not in _RULES}

# Families by how their names begin or end, then single names.
_APPARATUS_STARTS = (
    "#",  # parser functions, {{#tag:ref|...}} among them
    *(
        "infobox",
        "基礎情報",
        "navbox",
        "cite",
        "citation",
        "sfn",
        "harv",
        "efn",
        "refn",
        "r|",
        "commons",
        "wiki",
        "ウィキ",
    ),
    *(
        "defaultsort",
        "デフォルトソート",
        "displaytitle",
        "subst:",
        "link ",
        "user",
        "otheruses",
        "redirect",
        "main",
        "see",
    ),
    *(
        "col-",
        "column",
        "div col",
        "bar ",
        "legend",
        "coord",
        "commonscat",
        "pp-",
        "medal",
        "start ",
        "end ",
        "s-",
        "succession",
    ),
    *(
        "amazon",
        "imdb",
        "allcinema",
        "allmusic",
        "official",
        "twitter",
        "facebook",
        "youtube",
        "wayback",
        "webarchive",
        "isbn",
    ),
)
_APPARATUS_ENDS = (" icon", "stub", "スタブ", " box", " navbox", "テンプレート", "のフッター", "関連の主要項目", "end")
_APPARATUS = frozenset(
    names(
        """
        reflist notelist 脚注ヘルプ 脚注リスト 出典の明記 要出典 要検証 要ページ番号 要説明 誰 誰2 いつ どこ 何 疑問点 独自研究 未検証 複数の問題 単一の出典
        正確性 観点 特筆性 更新 古い情報 大言壮語 雑多な内容の箇条書き 半保護 保護 良質な記事 秀逸な記事 good article featured article normdaten 典拠管理
        リンク切れ 節スタブ 書きかけ項目 参照方法 出典無効 要曖昧さ回避 混同 about for 特殊文字 表記揺れ案内 記事名の制約 暫定記事名 ページ番号 詳細
        flagicon clear clearleft - 0 r rp doi oclc jstor toc tocright tocleft portal ポータル sister sisterlinks gallery multiple image
        double image wide image 画像提供依頼 百科事典的でない anchor anchors aimai 曖昧さ回避 人名の曖昧さ回避 地名の曖昧さ回避 disambig
        oif oic oecd g8 opec asean アフリカ アジア ヨーロッパ アメリカ オセアニア イギリス連邦 country-stub enlink fr de es it nl ru pt zh ko la ar
        """
    )
)
