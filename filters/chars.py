"""Character classes: one table from code point to class, built once, read by every filter.

The ranges are written out instead of asked of `unicodedata`, whose Unicode version moves with Python: the same text must
be counted alike everywhere. Where a block of ideographs has unassigned places, the whole block is KANJI, so that the
next Unicode version changes nothing.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

UNICODE_VERSION: Final = "17.0"


class Char(IntEnum):
    """The class of a code point. Every code point has exactly one."""

    OTHER = 0  # unassigned, combining marks, whatever no filter asks for
    HIRAGANA = 1
    KATAKANA = 2  # with ー and the half-width forms
    KANJI = 3  # Ext. A-J, 々 〆 〇, radicals, compatibility ideographs
    LATIN = 4  # with full width and accents
    HANGUL = 5
    CYRILLIC = 6
    FOREIGN = 7  # letters of every further script, Greek included
    DIGIT = 8  # with full width; ① and Ⅳ are SYMBOL
    KUTEN = 9  # what can end a sentence: 。．！？!?
    TOTEN = 10  # 、，
    BRACKET = 11  # Japanese and full-width brackets and quotation marks
    MARK = 12  # further Japanese punctuation: ・ … ‥ 〜 ―
    PUNCTUATION = 13  # Western punctuation: . , : ; ' " ( ) -
    SYMBOL = 14
    EMOJI = 15
    SPACE = 16  # with line breaks
    CONTROL = 17  # controls, format characters, variation selectors
    BROKEN = 18  # U+FFFD, private use, lone surrogates, noncharacters: what decoding leaves behind


JAPANESE: Final = (Char.HIRAGANA, Char.KATAKANA, Char.KANJI)
LETTERS: Final = (*JAPANESE, Char.LATIN, Char.HANGUL, Char.CYRILLIC, Char.FOREIGN)
VISIBLE: Final = tuple(c for c in Char if c not in (Char.SPACE, Char.CONTROL))

# (first, last, class); a later range overrides an earlier one.
_RANGES: Final = (
    # Other scripts first, in wide strokes.
    (0x0300, 0x036F, Char.OTHER),
    (0x0370, 0x03FF, Char.FOREIGN),
    (0x0400, 0x052F, Char.CYRILLIC),
    (0x0530, 0x10FF, Char.FOREIGN),
    (0x1100, 0x11FF, Char.HANGUL),
    (0x1200, 0x1C7F, Char.FOREIGN),
    (0x1C80, 0x1C8F, Char.CYRILLIC),
    (0x1C90, 0x1CFF, Char.FOREIGN),
    (0x1D00, 0x1DBF, Char.LATIN),
    (0x1E00, 0x1EFF, Char.LATIN),
    (0x1F00, 0x1FFF, Char.FOREIGN),
    (0x2C00, 0x2C5F, Char.FOREIGN),
    (0x2C60, 0x2C7F, Char.LATIN),
    (0x2C80, 0x2DDF, Char.FOREIGN),
    (0x2DE0, 0x2DFF, Char.CYRILLIC),
    (0x3100, 0x312F, Char.FOREIGN),
    (0x3130, 0x318F, Char.HANGUL),
    (0x31A0, 0x31BF, Char.FOREIGN),
    (0xA000, 0xA63F, Char.FOREIGN),
    (0xA640, 0xA69F, Char.CYRILLIC),
    (0xA6A0, 0xA71F, Char.FOREIGN),
    (0xA720, 0xA7FF, Char.LATIN),
    (0xA800, 0xA95F, Char.FOREIGN),
    (0xA960, 0xA97F, Char.HANGUL),
    (0xA980, 0xAB2F, Char.FOREIGN),
    (0xAB30, 0xAB6F, Char.LATIN),
    (0xAB70, 0xABFF, Char.FOREIGN),
    (0xAC00, 0xD7FF, Char.HANGUL),
    (0xFB13, 0xFDCF, Char.FOREIGN),
    (0xFDF0, 0xFDFF, Char.FOREIGN),
    (0xFE70, 0xFEFE, Char.FOREIGN),
    (0x10000, 0x1AFEF, Char.FOREIGN),
    (0x1DF00, 0x1DFFF, Char.LATIN),
    (0x1E000, 0x1EFFF, Char.FOREIGN),
    # Latin and digits.
    (0x0030, 0x0039, Char.DIGIT),
    (0xFF10, 0xFF19, Char.DIGIT),
    (0x0041, 0x005A, Char.LATIN),
    (0x0061, 0x007A, Char.LATIN),
    (0x00C0, 0x02AF, Char.LATIN),
    (0xFB00, 0xFB06, Char.LATIN),
    (0xFF21, 0xFF3A, Char.LATIN),
    (0xFF41, 0xFF5A, Char.LATIN),
    # Symbols and emoji. In 2300-2BFF only what is an emoji without U+FE0F is EMOJI: ★ ■ ♪ are plain symbols in Japanese.
    (0x02B0, 0x02FF, Char.SYMBOL),
    (0x2070, 0x209F, Char.SYMBOL),
    (0x20A0, 0x20CF, Char.SYMBOL),
    (0x2100, 0x2BFF, Char.SYMBOL),
    (0x2183, 0x2184, Char.LATIN),
    (0x231A, 0x231B, Char.EMOJI),
    (0x23E9, 0x23F3, Char.EMOJI),
    (0x2614, 0x2615, Char.EMOJI),
    (0x2648, 0x2653, Char.EMOJI),
    (0x26BD, 0x26BE, Char.EMOJI),
    (0x26C4, 0x26C5, Char.EMOJI),
    (0x270A, 0x270D, Char.EMOJI),
    (0x2753, 0x2757, Char.EMOJI),
    (0x2763, 0x2764, Char.EMOJI),
    (0x2795, 0x2797, Char.EMOJI),
    (0x2B50, 0x2B50, Char.EMOJI),
    (0x2B55, 0x2B55, Char.EMOJI),
    (0x3012, 0x3013, Char.SYMBOL),
    (0x3020, 0x3020, Char.SYMBOL),
    (0x3036, 0x3037, Char.SYMBOL),
    (0x303E, 0x303F, Char.SYMBOL),
    (0x3190, 0x319F, Char.SYMBOL),
    (0x31C0, 0x31EF, Char.SYMBOL),
    (0x3200, 0x33FF, Char.SYMBOL),
    (0xFFE0, 0xFFEE, Char.SYMBOL),
    (0xFFFC, 0xFFFC, Char.SYMBOL),
    (0x1D000, 0x1D7FF, Char.SYMBOL),
    (0x1F000, 0x1F1E5, Char.SYMBOL),
    (0x1F1E6, 0x1FAFF, Char.EMOJI),
    (0x1FB00, 0x1FBFF, Char.SYMBOL),
    # Japanese letters.
    (0x3041, 0x3096, Char.HIRAGANA),
    (0x309D, 0x309F, Char.HIRAGANA),
    (0x1B001, 0x1B11F, Char.HIRAGANA),
    (0x1B132, 0x1B132, Char.HIRAGANA),
    (0x1B150, 0x1B152, Char.HIRAGANA),
    (0x30A1, 0x30FA, Char.KATAKANA),
    (0x30FC, 0x30FF, Char.KATAKANA),
    (0x31F0, 0x31FF, Char.KATAKANA),
    (0x32D0, 0x32FE, Char.KATAKANA),
    (0x3300, 0x3357, Char.KATAKANA),
    (0xFF66, 0xFF9F, Char.KATAKANA),
    (0x1AFF0, 0x1B000, Char.KATAKANA),
    (0x1B120, 0x1B122, Char.KATAKANA),
    (0x1B155, 0x1B155, Char.KATAKANA),
    (0x1B164, 0x1B167, Char.KATAKANA),
    (0x2E80, 0x2FD5, Char.KANJI),
    (0x3005, 0x3007, Char.KANJI),
    (0x3021, 0x3029, Char.KANJI),
    (0x3038, 0x303B, Char.KANJI),
    (0x3400, 0x4DBF, Char.KANJI),  # Ext. A
    (0x4E00, 0x9FFF, Char.KANJI),
    (0xF900, 0xFAFF, Char.KANJI),  # compatibility ideographs: 﨑 神
    (0x20000, 0x2A6DF, Char.KANJI),  # Ext. B: 𠮷
    (0x2A700, 0x2EE5F, Char.KANJI),  # Ext. C-F, I
    (0x2F800, 0x2FA1F, Char.KANJI),
    (0x30000, 0x3347F, Char.KANJI),  # Ext. G, H, J
    # Nothing that can be seen, or nothing that can be read.
    (0x0000, 0x001F, Char.CONTROL),
    (0x007F, 0x009F, Char.CONTROL),
    (0x200B, 0x200F, Char.CONTROL),
    (0x202A, 0x202E, Char.CONTROL),
    (0x2060, 0x206F, Char.CONTROL),
    (0xFE00, 0xFE0F, Char.CONTROL),
    (0xFFF9, 0xFFFB, Char.CONTROL),
    (0xE0000, 0xE0FFF, Char.CONTROL),  # tags and the variation selectors of 葛󠄀
    (0x0009, 0x000D, Char.SPACE),
    (0x2000, 0x200A, Char.SPACE),
    (0x2028, 0x2029, Char.SPACE),
    (0xD800, 0xDFFF, Char.BROKEN),
    (0xE000, 0xF8FF, Char.BROKEN),
    (0xFDD0, 0xFDEF, Char.BROKEN),
    (0xFFFD, 0xFFFF, Char.BROKEN),
    (0xF0000, 0x10FFFF, Char.BROKEN),
)

_LISTED: Final = {
    Char.LATIN: "ªºµ",
    Char.KUTEN: "。｡．！？!?‼⁇⁈⁉︒︕︖",
    Char.TOTEN: "、､，︐︑﹅﹆",
    Char.BRACKET: "「」『』【】〈〉《》〔〕〖〗〘〙〚〛（）［］｛｝｟｠｢｣“”‘’〝〞〟«»‹›＜＞︗︘︵︶︷︸︹︺︻︼︽︾︿﹀﹁﹂﹃﹄﹇﹈",
    Char.MARK: "・･…‥―—–〜～゠゛゜\u3099\u309a〃〽〰：；︙︰︱︳︴",
    Char.PUNCTUATION: ".,:;'\"()[]{}-/‐‑‒‚‛„‟†‡•‧·¡¿‾／－＇＂",
    Char.SYMBOL: "#$%&*+<=>@\\^_`|~¢£¤¥¦§¨©¬®¯°±²³´¶¸¹¼½¾×÷※‰‱′″‴⁂＃＄％＆＊＋＝＠＼＾＿｀｜",
    Char.SPACE: " \u0085\u00a0\u1680\u202f\u205f\u3000",
    Char.CONTROL: "\u00ad\u061c\u180e\ufeff",
    Char.EMOJI: "⚓⚡⚪⚫⛎⛔⛪⛲⛳⛵⛺⛽✅✨❌❎➰➿◽◾⬛⬜",
}


def _table() -> NDArray[np.uint8]:
    table = np.zeros(0x110000, np.uint8)
    for first, last, char in _RANGES:
        table[first : last + 1] = char
    for char, listed in _LISTED.items():
        table[[ord(c) for c in listed]] = char
    table.flags.writeable = False
    return table


CLASS_OF: Final[NDArray[np.uint8]] = _table()
