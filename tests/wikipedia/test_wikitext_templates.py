"""What templates leave in the text, by the table in `stages/wikipedia/templates.py`."""

from __future__ import annotations

import pytest

from stages.wikipedia.wikitext import clean, clean_page

TABLE: dict[str, tuple[str, str]] = {
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
    "bare language code": ("ラテン語で『{{la|Mare}}』、{{fr|Paris}}、{{Hebrew|ארץ}}", "ラテン語で『Mare』、Paris、ארץ"),
    "phonetic": ("{{IPA|a}}{{ipa|a}}{{IPA2|/a/}}{{IPA|[b]}}", "[a]/a//a/[b]"),
    "phonetic in a language": (
        "{{IPA-fr|o}}、{{IPA-fr|o|lang}}、{{IPA-fr|o|pron}}、{{IPA-fr|o|}}",
        "フランス語発音: [o]、フランス語: [o]、発音: [o]、[o]",
    ),
    "Chinese": ("北京（{{zh|s=北京市|p=Běijīng}}）", "北京（簡体字: 北京市、拼音: Běijīng）"),
    "rare characters with their number": ("{{拡張漢字|B|&#137784;}}", "\U00021a38"),
    "country with a name of its own": (
        "{{JPN|日本国}}、{{flag|USA|1912}}、{{NLD1581}}",
        "日本国、アメリカ合衆国、オランダ",
    ),
    "columns that bear a country's code": ("{{Col|\n* 甲\n* 乙|\n* 丙}}", "甲\n乙\n丙"),
    "lists": ("{{ubl|甲|乙}}\n{{hlist|丙|丁}}\n{{Plainlist|\n* 戊\n* 己\n}}", "甲\n乙\n\n丙・丁\n戊\n己"),
    "Japanese calendar": (
        "{{和暦|1990}}、{{和暦|1989|1|7}}、{{和暦|2019}}{{和暦|1700}}",
        "平成2年、昭和64年、令和元年",
    ),
    "numbers": (
        "{{val|1.5|0.2|e=3|u=km}}、{{frac|1|2}}、{{sup|2}}、{{Ordinal|22}}、{{ordinal|11}}",
        "1.5±0.2×10^3 km、1/2、2、22nd、11th",
    ),
    "years between two dates": ("{{年数|1900|3|2|1980|3|1}}年と{{没年齢|1900|3|2|1980|3|2}}", "79年と80歳没"),
    "author and year": ("{{Harvtxt|佐藤|鈴木|2001|p=3}}によれば", "佐藤 & 鈴木 (2001)によれば"),
    "author and year as a source": ("増えた{{Harv|佐藤|2001}}{{Sfn|佐藤|2001|p=3}}{{R|a|b}}{{Efn|注。}}。", "増えた。"),
    "emphasis": ("{{傍点|文章=強い}}と{{傍点|弱い}}", "強いと弱い"),
    "characters": ("甲{{!}}{{=}}{{ndash}}{{snd}}{{・}}乙", "甲|=– – ・乙"),
    "infobox with anything inside": ("{{Infobox\n|a={{謎}}[[b|c]]\n|d=\n{|\n|e\n|}}}\n甲は", "甲は"),
    "hatnotes": ("{{Main|甲}}\n{{See also|乙}}\n{{Otheruses|丙}}\n本文。", "本文。"),
    "link to another language's page": (
        "{{Interlang|en|E.U. (TV series)|E.U.}}と{{ill2|甲|en|A|label=乙}}",
        "E.U.と乙",
    ),
}


@pytest.mark.parametrize(("wikitext", "text"), TABLE.values(), ids=TABLE.keys())
def test_templates_become_what_a_reader_sees(wikitext: str, text: str) -> None:
    assert clean(wikitext, "題") == text


def test_unknown_templates_are_counted_by_name_and_known_apparatus_is_not() -> None:
    page = clean_page("{{謎|a}}は{{Nazo_X}}と{{nazo X}}、{{Cite web|url=x}}{{lang|en|A}}{{日本関連stub}}", "題")
    assert page.unknown == {"謎": 1, "nazo x": 2}


def test_an_unknown_box_on_a_line_of_its_own_is_not_counted_but_one_with_words_is() -> None:
    page = clean_page("本文。\n{{日本の何か}}{{別の箱|state=collapsed}}\n{{謎|言葉}}\n文中の{{謎2}}", "題")
    assert page.unknown == {"謎": 1, "謎2": 1}


def test_what_lies_in_a_dropped_infobox_or_table_is_not_counted() -> None:
    assert not clean_page("{{Infobox|a={{謎|b}}}}\n{|\n|{{謎|c}}\n|}\n本文。", "題").unknown
