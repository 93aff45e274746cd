"""Which ideographs tell Chinese from Japanese, worked out from the national character sets, not from lists.

A government's character set holds what its language is written with. What one country encodes and the others do not is
a form of that country. Python's codecs carry the sets, fixed since the 1990s, so the tables are the same everywhere:

- simplified (2,275): in GB 2312 (1980), neither in CP932 (JIS X 0208 and the vendors' kanji) nor in JIS X 0213: 这 说 发 们 语;
- traditional (7,443): in Big5 (1984) or GB 2312 and not in CP932: 說 產 妳, and what both Chinas write, 你 她 呢 吧. Pre-war
  Japanese forms (國 學 體 發) are in JIS X 0208 and so are none of these;
- Japanese (848): in JIS X 0208 (Shift_JIS), neither in GB 2312 nor in Big5: 気 図 対 発 広 働 込 峠.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from filters.chars import CLASS_OF, Char

# Grammar of written Chinese in characters that both languages have: a tenth of Chinese prose. 都 不 在 有 和 也 are as
# frequent there, but fill Japanese addresses, tables and names too. 的 and 了 are in 目的 and 終了, so these speak only
# where they outnumber the marks of Japanese grammar.
FUNCTION_WORDS: Final = "的是了我這們那很"


class Kind(IntEnum):
    """What a code point is to the question 'Japanese or not'. Every code point has exactly one."""

    OTHER = 0  # digits, punctuation, symbols, blanks
    BREAK = 1  # line feed
    OPEN = 2  # （ and (, which may hold a reading
    CLOSE = 3
    HIRAGANA = 4
    PARTICLE = 5  # hiragana that alone can be a particle: は が を に で と も へ や か
    NO = 6  # の, which Chinese shops write as well
    KATAKANA = 7
    KATAKANA_PARTICLE = 8  # ハ ガ ヲ ニ ノ ト モ ヘ, particles in statutes of before 1946
    KANJI = 9  # this and what follows: ideographs
    JAPANESE_FORM = 10
    SIMPLIFIED = 11
    TRADITIONAL = 12
    FUNCTION = 13
    LATIN = 14
    HANGUL = 15
    FOREIGN = 16  # letters of further scripts


def _encodable(codec: str) -> NDArray[np.bool_]:
    """Shape (0x110000,): which ideographs of the basic block and Extension A the codec has."""
    table = np.zeros(0x110000, np.bool_)
    for code in (*range(0x3400, 0x4DC0), *range(0x4E00, 0xA000)):
        table[code] = bool(chr(code).encode(codec, "ignore"))
    return table


def _kinds() -> NDArray[np.uint8]:
    table = np.zeros(0x110000, np.uint8)
    for script, kind in (
        (Char.HIRAGANA, Kind.HIRAGANA),
        (Char.KATAKANA, Kind.KATAKANA),
        (Char.KANJI, Kind.KANJI),
        (Char.LATIN, Kind.LATIN),
        (Char.HANGUL, Kind.HANGUL),
        (Char.CYRILLIC, Kind.FOREIGN),
        (Char.FOREIGN, Kind.FOREIGN),
    ):
        table[script == CLASS_OF] = kind
    china, taiwan, japan = _encodable("gb2312"), _encodable("big5"), _encodable("cp932")
    table[(china | taiwan) & ~japan] = Kind.TRADITIONAL
    table[china & ~japan & ~_encodable("euc_jis_2004")] = Kind.SIMPLIFIED
    table[_encodable("shift_jis") & ~china & ~taiwan] = Kind.JAPANESE_FORM
    for listed, kind in (
        (FUNCTION_WORDS, Kind.FUNCTION),
        ("はがをにでともへやか", Kind.PARTICLE),
        ("の", Kind.NO),
        ("ハガヲニノトモヘ", Kind.KATAKANA_PARTICLE),
        ("（(", Kind.OPEN),
        ("）)", Kind.CLOSE),
        ("\n", Kind.BREAK),
    ):
        table[[ord(char) for char in listed]] = kind
    table.flags.writeable = False
    return table


KIND_OF: Final[NDArray[np.uint8]] = _kinds()
