"""The rules that work on characters and blanks. Each gives the spans of a text in O(len(text)), none for its own result.

They fold only what never carries meaning, and are not NFKC, which would turn ① into 1, ㈱ into (株) and ！？ into ASCII,
and so break sentence ends. Compatibility ideographs (神 U+FA19, 﨑) stay as they are: names are written with them.

Every pattern begins with a set of characters: so `re` looks for its first character at 100 million characters a second;
at 3 million where it begins with alternatives.
"""

from __future__ import annotations

import re
import unicodedata

from stages.edits.base import edit
from stages.spans import Span

_BREAKS = "\x0b\x0c\x85\u2028\u2029"
_HIDDEN = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u200b\u200e\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff"
_HIDDEN_RUN = re.compile(f"[{_HIDDEN}][{_HIDDEN}]*+")
_BREAK = re.compile(f"[{_BREAKS}]")

# At the beginning of a line; with the line, where nothing else stands in it.
_CDATA_END = re.compile(r"^[ \t]*(?:(?:/[/*][ \t]*)?\]\]>[ \t]*(?:\*/[ \t]*)?)++(?:\n|(?=[^ \t\n])|\Z)", re.MULTILINE)

_HALF = "\uff61-\uff9f"
_FULL = "０-９Ａ-Ｚａ-ｚ"
_VERTICAL = "\ufe10-\ufe19\ufe30-\ufe44\ufe47\ufe48"
_RADICAL = "\u2e9f\u2ea0\u2ec4\u2ed1\u2ed8\u2edd\u2ee4\u2ee8\u2ee9\u2eeb\u2eed\u2eef\u2ef2\u2f00-\u2fd5"
_FOREIGN_FORM = re.compile(
    f"[{_HALF}{_FULL}{_VERTICAL}{_RADICAL}\u3099\u309a]"
    f"(?:(?<=[{_HALF}])[{_HALF}]*+[\u3099\u309a]?+"
    f"|(?<=[{_FULL}])(?:[{_FULL}]|(?<=[０-９])[．，](?=[０-９]))*+"
    f"|(?<=[{_VERTICAL}])[{_VERTICAL}]*+|)"
)
_JAPANESE = re.compile(f"[々-〇\u3041-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff{_RADICAL}\uff66-\uff9f]")

_FOLDED = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}  # only full-width runs are looked up in this range
_FOLDED |= dict(
    zip(
        [*range(0xFE10, 0xFE1A), *range(0xFE30, 0xFE45), 0xFE47, 0xFE48],
        map(ord, "，、。：；！？〖〗…‥—–＿＿（）｛｝〔〕【】《》〈〉「」『』［］"),
        strict=True,
    )
)
_FOLDED |= {code: ord(unicodedata.normalize("NFKC", chr(code))) for code in range(0x2F00, 0x2FD6)}
# Of the CJK Radicals Supplement those that Japanese fonts map a common kanji to (EquivalentUnifiedIdeograph.txt).
_FOLDED |= dict(zip(map(ord, "⺟⺠⻄⻑⻘⻝⻤⻨⻩⻫⻭⻯⻲"), map(ord, "母民西長青食鬼麦黄斉歯竜亀"), strict=True))

_BLANK = " \t\u3000\u00a0"
# A line end with something to do: a CR, a blank before it, a line of blanks or a second empty line behind it, the last.
_LINE_END = re.compile(
    f"[\r\n](?:(?<=\r)|(?<=[{_BLANK}][\r\n])|(?=[{_BLANK}]+[\r\n]|\n[{_BLANK}]*[\r\n]|[{_BLANK}\n]*\\Z))[{_BLANK}\r\n]*+"
)
_WIDE_BLANKS = re.compile("\u3000\u3000+")


@edit("hidden")
def hidden(text: str) -> list[Span]:
    """Control and zero-width characters and soft hyphens out; a line end for VT, FF, NEL, LS and PS inside a line.

    ZWJ and variation selectors stay: emoji and names need them. 制御文字、ゼロ幅文字、ソフトハイフンを除く。

    change: 一\u200b行\ufeffの文\u00adです => 一行の文です
    keep: 葛\U000e0100城市の家族\U0001f468\u200d\U0001f469\u200d\U0001f467
    """
    spans = []
    for run in _HIDDEN_RUN.finditer(text):
        start, end = run.span()
        at_line_end = text[start - 1 : start] in ("", "\n", "\r") or text[end : end + 1] in ("", "\n", "\r")
        spans.append((start, end, "\n" if _BREAK.search(run.group()) and not at_line_end else ""))
    return spans


@edit("markup_ends")
def markup_ends(text: str) -> list[Span]:
    """The ]]> that a feed or a script has left at the beginning of a line, unless a <![CDATA[ is shown as well.

    フィードやスクリプトから行頭に残った ]]> を除く。

    change: 要約です。\\n]]> 　本文です。 => 要約です。\\n　本文です。
    keep: <![CDATA[\\nx < y\\n]]>
    keep: 配列の a[b[0]]> 1 を調べる。
    """
    if "]]>" not in text or "<![CDATA[" in text:
        return []
    return [(*found.span(), "") for found in _CDATA_END.finditer(text)]


@edit("forms")
def forms(text: str) -> list[Span]:
    """Half-width kana, full-width letters and digits, vertical forms and radicals to the characters they stand for.

    Half-width kana and punctuation (｡｢｣､･) to full width, with their dakuten; か + U+3099, as file names of a Mac have it,
    to が. Full-width letters and digits to ASCII, with ． and ， between digits (３．１４ -> 3.14). The vertical 、 and 」 of
    U+FE10 and U+FE30 to the usual ones, where they touch Japanese and not in a face (︶︿︶). Radicals (⽇⻑), which PDF
    files have for the kanji 日長, to the kanji. 半角カナ、全角英数字、縦書き用の字形、部首を通常の文字にする。

    change: ﾊﾝｶｸｶﾞﾅとＡＢＣ１２３、円周率は３．１４ => ハンカクガナとABC123、円周率は3.14
    change: ⽇本の⾦融 => 日本の金融
    keep: ①㈱Ⅲと！？、神﨑さん、︶︿︶
    """
    return [span for found in _FOREIGN_FORM.finditer(text) if (span := _form(text, found))]


def _form(text: str, found: re.Match[str]) -> Span | None:
    (start, end), form = found.span(), found.group()
    first = form[0]
    if first in "\u3099\u309a":
        composed = unicodedata.normalize("NFC", text[max(0, start - 1) : end])
        return (start - 1, end, composed) if len(composed) == 1 < end else None
    if "\uff61" <= first <= "\uff9f":
        full = unicodedata.normalize("NFKC", form)  # a dakuten that fits no kana becomes a combining one
        return start, end, full.replace("\u3099", "゛").replace("\u309a", "゜")
    if "\ufe10" <= first <= "\ufe48" and not _JAPANESE.search(text[max(0, start - 1) : start] + text[end : end + 1]):
        return None
    return start, end, form.translate(_FOLDED)


@edit("line_ends")
def line_ends(text: str) -> list[Span]:
    """CR and CR LF to LF, blanks at line ends out, at most one empty line between paragraphs. Indents stay.

    改行をそろえ、行末の空白と余分な空行を除く。字下げは残す。

    change: 一段落目です。　\\n\\n\\n\\n　二段落目です。 => 一段落目です。\\n\\n　二段落目です。
    keep: 一段落目です。\\n　二段落目です。
    """
    spans = []
    for found in _LINE_END.finditer(text):
        start, end = found.span()
        while start and text[start - 1] in _BLANK:
            start -= 1
        run = text[start:end]
        lines = run.count("\n") + run.count("\r") - run.count("\r\n")
        indent = "" if end == len(text) else run[max(run.rfind("\n"), run.rfind("\r")) + 1 :]
        if (new := "\n" * min(lines, 2) + indent) != run:
            spans.append((start, end, new))
    last = len(text.rstrip(_BLANK))
    if last < len(text) and not (spans and spans[-1][1] == len(text)):
        spans.append((last, len(text), ""))
    return spans


@edit("wide_blanks")
def wide_blanks(text: str) -> list[Span]:
    """Runs of U+3000 to one. 連続する全角空白をひとつにする。

    change: 日時　　　七月一日 => 日時　七月一日
    keep: 日時　七月一日
    """
    return [(*found.span(), "\u3000") for found in _WIDE_BLANKS.finditer(text)]
