"""青空文庫 notation resolved: readings 漢字《かんじ》, notes ［＃…］, characters outside the character set ※［＃…］.

《》 is also a title's and an emphasis's bracket, so it is taken for a reading only in a text with marks of the notation
itself: ｜漢字《かんじ》, ［＃…］, or the line 底本：, and where most of its 《》 hold kana alone.
Notation: https://www.aozora.gr.jp/annotation/
"""

from __future__ import annotations

import re
from itertools import repeat

from stages.edits.base import edit
from stages.edits.rules import line_ends
from stages.spans import Span, apply, compose

_KANJI = "々〆〇ヶ\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_READING = "《[\u3041-\u3096\u309d\u309e\u30a1-\u30fe\u3000]{1,40}》"
_BASE = "[^｜《》［］＃\n]{1,40}+"

_MARK = re.compile(f"｜{_BASE}《[^｜《》［］＃\n]|［＃[^\n］]|^底本[：:]", re.MULTILINE)
# A note may hold others, which describe characters in it: ［＃「※［＃「木＋世」、第3水準1-85-57］」に傍点］
NOTE = "［＃(?!］)[^［］\n]*+(?:［＃[^［］\n]*+］[^［］\n]*+)*+］"
_NOTE = re.compile(NOTE)
_IN_JIS_X_0213 = re.compile(r"(?<![\d-])([12])-(\d{1,2})-(\d{1,2})(?![\d-])", re.ASCII)
_IN_UNICODE = re.compile(r"U\+([0-9A-F]{4,6})\b")
_KANJI_CODE = re.compile(r"第[34]水準[12]-|U\+")
_IS_KANJI = re.compile(f"[{_KANJI}]")

# ｜ says where the base of a reading begins, which is else the kanji before it.
_MARKED = f"(?<!｜)｜(?P<base>{_BASE})《[^｜《》［］＃\n]{{1,60}}+》(?:{_READING})*+"
_READINGS = re.compile(f"{_MARKED}|(?<=[{_KANJI}※])(?:{_READING})++")
_BRACKETS = re.compile("《[^《》\n]{1,60}+》")
_MIN_READINGS = 2 / 3  # of what stands in 《》; fewer, and most of them are titles


@edit("aozora")
def notation(text: str) -> list[Span]:
    """｜漢字《かんじ》 and 漢字《かんじ》 to 漢字, ※［＃…］ to the kanji it describes or ※ alone, other ［＃…］ out.

    On a page about the notation the notes that it shows as examples are lost too. 青空文庫の注記とルビを解く。

    change: 吾輩《わがはい》は猫《ねこ》である［＃「猫」に傍点］ => 吾輩は猫である
    keep: 映画《東京物語》と小説《雪国》を比べる。
    misfire: 注記は［＃改ページ］のように書きます。 => 注記はのように書きます。
    """
    if not ("［＃" in text or "《" in text or "底本" in text) or not _MARK.search(text):
        return []
    notes = list(map(_note, _NOTE.finditer(text), repeat(text)))
    spans = compose(notes, _readings(apply(text, notes)))
    return compose(spans, line_ends(apply(text, spans)))  # a line may have held a note alone


def _note(note: re.Match[str], text: str) -> Span:
    start, end = note.span()
    kanji = _described(note.group()) if text[start - 1 : start] == "※" else ""
    return (start - 1, end, kanji) if kanji else (start, end, "")


def _described(note: str) -> str:
    """The kanji that a note describes. '' for all else: on a web page ※［＃…］ may be a remark behind a ※."""
    found = character(note) if _KANJI_CODE.search(note) else ""
    return found if _IS_KANJI.fullmatch(found) else ""


def character(note: str) -> str:
    """What a note gives by its place in JIS X 0213 (第3水準1-85-57; 1-13-21) or in Unicode; '' when it gives none.

    A few places are two code points: the か゜ of か in Ainu and linguistics.
    """
    if jis := _IN_JIS_X_0213.search(note):
        plane, row, cell = map(int, jis.groups())
        whole = 1 <= row <= 94 and 1 <= cell <= 94
        code = b"\x8f" * (plane - 1) + bytes((0xA0 + row, 0xA0 + cell)) if whole else b""
        found = code.decode("euc_jis_2004", "ignore")
    elif code_point := _IN_UNICODE.search(note):
        found = chr(min(int(code_point[1], 16), 0x10FFFF))
    else:
        return ""
    return found if found.isprintable() and not found.isspace() else ""


def _readings(text: str) -> list[Span]:
    found = [(*match.span(), match["base"] or "") for match in _READINGS.finditer(text)]
    return found if len(found) >= _MIN_READINGS * len(_BRACKETS.findall(text)) else []
