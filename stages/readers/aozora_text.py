"""The text of a work of 青空文庫 as its book has it: notes ［＃…］ and readings 《》 resolved.

Stricter than `stages.edits.aozora`, which reads pages that may only quote the notation: here it is the notation.

- ※［＃…］ becomes the character that its code names (JIS X 0213, Unicode); without a code 〓, the geta that printers set
  for a missing type.
- ／＼ and ／″＼, the two halves of the vertical repeat mark, become 〱 and 〲. How much of the text before is said again
  (そろ〱, 思い〱, 一人〱) is not written down, so nothing is spelled out.
- 割り注, set in two small rows within a line, goes in （ ） as horizontal print has it.
- A page break leaves an empty line; a line of other notes leaves nothing. Headings stay as lines. Pictures go.
- Readings go, and the ｜ before their base. Kanbun loses its reading marks (［＃レ］, ［＃（ヲ）］), not its kanji.
- 〔e'tranger〕 becomes étranger; 〔 〕 around anything else stays.

Notation: https://www.aozora.gr.jp/annotation/ and https://www.aozora.gr.jp/accent_separation.html
"""

from __future__ import annotations

import re
import unicodedata

from stages.edits.aozora import NOTE, character
from stages.edits.rules import line_ends
from stages.spans import apply

GETA = "〓"

# Characters of the notation itself that a note gave: they are text. Noncharacters stand for them till all is resolved.
_MARKS = "《》｜［］＃〔〕※／＼″"
_HIDE = {ord(mark): 0xFDD0 + at for at, mark in enumerate(_MARKS)}
_SHOW = {code: chr(mark) for mark, code in _HIDE.items()}
_NONCHARACTER = re.compile("[\ufdd0-\ufdef]")

_GAIJI = re.compile(f"※({NOTE})")
_SMALL_ROWS = re.compile("［＃割り注］((?:(?!［＃割り注)[^\n])*+)［＃割り注終わり］")
_NOTE_LINES = re.compile(f"^[ 　]*+(?:{NOTE}[ 　]*+)++(?:\n|\\Z)", re.MULTILINE)
_PAGE_BREAK = re.compile("［＃改(?:ページ|頁|丁|見開き|段)")
_NOTE = re.compile(NOTE)
_UNCLOSED = re.compile("※?［＃[^\n［］。]{0,40}+$", re.MULTILINE)  # what was to be a note, and nothing of the text

_MARKED = re.compile("｜([^｜《》\n]{1,100}+)(?:《[^《》\n]{1,100}+》)++")
_READING = re.compile("(?<=[^\\s《》「『（〔【〈［、。，．！？])(?:《[^《》\n]{1,100}+》)++")

_IN_BRACKETS = re.compile("〔([^〔〕\n]{1,2000}+)〕")
# Marks that are punctuation too are an accent only on letters that have it in French, German or Spanish, and not in qu'il,
# "Note: " or "c, d".
_ACCENT = re.compile(
    r"[!?]@|(?:AE|ae|OE|oe)&|s&|[Aa]&|[A-Za-z][`^~_]|[DdHhLlOo]/|(?<![Qq])[Uu]'|[AEIOYaeioy]'|[AEIOUYaeiouy]:(?! )|[Cc],(?! )"
)
_COMBINING = dict(zip("`'^~:_,&", "\u0300\u0301\u0302\u0303\u0308\u0304\u0327\u030a", strict=True))
_OTHER_ACCENTS = {"!@": "¡", "?@": "¿", "AE&": "Æ", "ae&": "æ", "OE&": "Œ", "oe&": "œ", "s&": "ß"}
_OTHER_ACCENTS |= {"O/": "Ø", "o/": "ø", "D/": "Đ", "d/": "đ", "H/": "Ħ", "h/": "ħ", "L/": "Ł", "l/": "ł"}


def resolved(text: str, *, ruby: bool = True) -> str:
    """The notation resolved, blanks at line ends and surplus empty lines out. Total, and linear in the length.

    `ruby`: 《》 hold readings.
    """
    text = _NONCHARACTER.sub("\ufffd", text).replace("［#", "［＃")
    text = _GAIJI.sub(_gaiji, text)
    text = _SMALL_ROWS.sub(_in_parentheses, text)
    text = _NOTE_LINES.sub(_line_of_notes, text)
    text = _UNCLOSED.sub(_unclosed, _NOTE.sub("", text))
    text = _IN_BRACKETS.sub(_accented, text)
    text = text.replace("／＼", "〱").replace("／″＼", "〲")
    if ruby:
        text = _READING.sub("", _MARKED.sub(r"\1", text))
    text = text.translate(_SHOW)
    return apply(text, line_ends(text)).strip("\n")


def _gaiji(found: re.Match[str]) -> str:
    note = found[1]
    if note.startswith("［＃「※」"):  # a ※ that is printed, with a note on how
        return found[0].translate(_HIDE)[0] + note
    return (character(note) or GETA).translate(_HIDE)


def _in_parentheses(found: re.Match[str]) -> str:
    inside = _NOTE.sub("", found[1])
    return inside if not inside or inside[0] in "（(〔［" else f"（{inside}）"


def _line_of_notes(found: re.Match[str]) -> str:
    return "\n" if _PAGE_BREAK.search(found[0]) else ""


def _unclosed(found: re.Match[str]) -> str:
    return GETA if found[0][0] == "※" else ""


def _accented(found: re.Match[str]) -> str:
    text, accents = _ACCENT.subn(_letter, found[1])
    return text if accents else found[0]


def _letter(found: re.Match[str]) -> str:
    written = found[0]
    if written in _OTHER_ACCENTS:
        return _OTHER_ACCENTS[written]
    composed = unicodedata.normalize("NFC", written[0] + _COMBINING[written[1]])
    return composed if len(composed) == 1 else written
