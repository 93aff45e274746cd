"""Evidence for and against Japanese, paragraph by paragraph: one linear pass over the code points.

Japanese is not told by its kana alone. A Chinese shop writes 優の良品, a Chinese novel gives readings 漢字（かな）, an
English page names かわいい. What none of these has is Japanese grammar: hiragana that inflect a kanji (食べる), particles
after a word (犬が, Pythonは), and longer hiragana words (です, これ); in statutes of before 1946 the same in katakana
(帝国ハ). Against it stand Chinese forms and function words (`stages.language.hanzi`), Hangul and other letters.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from filters.kernels import kernel
from stages.language.hanzi import KIND_OF, Kind

Counts = NDArray[np.int64]

# Lines with fewer letters are judged together with those after them: a heading or a name says little by itself.
SHORT = 20
# One sign of Japanese stands for at most so many kanji: statutes, the densest prose, come to 8 to 10.
KANJI_PER_SIGN = 15
# A word in Latin letters is as long as 3 Japanese letters say; 8 leaves room for a command line or an address.
LATIN_PER_JAPANESE = 8

# Counts of one paragraph.
_HIRAGANA, _KATAKANA, _KANJI, _NATIVE, _CHINESE, _FUNCTION, _LATIN, _FOREIGN, _GRAMMAR = range(9)

# As plain integers, which a kernel takes for constants.
_K_BREAK, _K_OPEN, _K_CLOSE = int(Kind.BREAK), int(Kind.OPEN), int(Kind.CLOSE)
_K_HIRAGANA, _K_PARTICLE, _K_NO = int(Kind.HIRAGANA), int(Kind.PARTICLE), int(Kind.NO)
_K_KATAKANA, _K_KATAKANA_PARTICLE = int(Kind.KATAKANA), int(Kind.KATAKANA_PARTICLE)
_K_KANJI, _K_NATIVE = int(Kind.KANJI), int(Kind.JAPANESE_FORM)
_K_SIMPLIFIED, _K_TRADITIONAL, _K_FUNCTION = int(Kind.SIMPLIFIED), int(Kind.TRADITIONAL), int(Kind.FUNCTION)
_K_LATIN, _K_HANGUL, _K_FOREIGN = int(Kind.LATIN), int(Kind.HANGUL), int(Kind.FOREIGN)
_WO, _SPACE, _WIDE_SPACE = ord("ヲ"), ord(" "), ord("\u3000")


class Evidence(NamedTuple):
    """Letters of a text, by what its paragraphs are. Readings in brackets, 漢字（かな）, are nowhere counted."""

    letters: int
    kana: int
    native: int  # ideographs that only Japanese has
    foreign: int  # Hangul and letters of every script that is neither Japanese nor Latin
    in_japanese: int  # letters of Japanese paragraphs, Latin and all
    japanese: int  # kana and ideographs of Japanese paragraphs
    chinese: int  # ideographs of Chinese paragraphs
    latin: int  # Latin letters outside Japanese paragraphs


def evidence(text: str) -> Evidence:
    """What speaks for and against Japanese in a text. O(len(text)) for any `str`."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    return Evidence(*_evidence(codes, KIND_OF).tolist())


@kernel
def _evidence(codes: NDArray[np.uint32], kinds: NDArray[np.uint8]) -> Counts:
    """The fields of `Evidence`, shape (8,). A paragraph is a line, or short lines up to SHORT letters."""
    counts, total = np.zeros(9, np.int64), np.zeros(8, np.int64)
    letters = position = 0
    before = _K_BREAK  # kind of the code point before this one
    while position < len(codes):
        kind = int(kinds[codes[position]])
        end = position + 1
        if _K_HIRAGANA <= kind <= _K_NO:
            end = _run(codes, kinds, end, _K_HIRAGANA, _K_NO)
            counts[_HIRAGANA] += end - position
            counts[_GRAMMAR] += _is_grammar(before, kind, end - position)
        elif _K_KATAKANA <= kind <= _K_KATAKANA_PARTICLE:
            end = _run(codes, kinds, end, _K_KATAKANA, _K_KATAKANA_PARTICLE)
            counts[_KATAKANA] += end - position
            after = int(kinds[codes[end]]) if end < len(codes) else _K_BREAK
            counts[_GRAMMAR] += _is_katakana_grammar(before, kind, codes[position], end - position, after)
        elif _K_KANJI <= kind <= _K_FUNCTION:
            counts[_KANJI] += 1
            counts[_NATIVE] += kind == _K_NATIVE
            counts[_CHINESE] += _K_SIMPLIFIED <= kind <= _K_TRADITIONAL
            counts[_FUNCTION] += kind == _K_FUNCTION
        elif kind == _K_LATIN:
            counts[_LATIN] += 1
        elif _K_HANGUL <= kind <= _K_FOREIGN:
            counts[_FOREIGN] += 1
        elif kind == _K_OPEN and _K_KANJI <= before <= _K_FUNCTION:
            reading = _end_of_reading(codes, kinds, position)
            if reading:  # what comes next stands after the kanji: 漢字（かんじ）を
                position = reading
                continue
        elif kind == _K_BREAK and letters >= SHORT:
            _close(counts, total)
            letters = 0
        if kind >= _K_HIRAGANA:
            letters += end - position
        before, position = kind, end
    _close(counts, total)
    return total


@kernel
def _run(codes: NDArray[np.uint32], kinds: NDArray[np.uint8], position: int, first: int, last: int) -> int:
    """Where the run of kinds `first` to `last` that goes on at `position` ends."""
    while position < len(codes) and first <= kinds[codes[position]] <= last:
        position += 1
    return position


@kernel
def _is_grammar(before: int, first: int, length: int) -> bool:
    """Whether a run of hiragana is grammar, by the kind of what stands before it, of its first one, and its length."""
    if length >= 2:
        return True
    if _K_KANJI <= before <= _K_FUNCTION:
        return first != _K_NO
    return first == _K_PARTICLE and before != _K_BREAK


@kernel
def _is_katakana_grammar(before: int, first: int, code: int, length: int, after: int) -> bool:
    """帝国ハ万世: one katakana between kanji is a particle there; 之ヲ, no loan word begins so. But see 三ノ宮."""
    if length > 2 or not _K_KANJI <= before <= _K_FUNCTION:
        return False
    return code == _WO or (length == 1 and first == _K_KATAKANA_PARTICLE and _K_KANJI <= after <= _K_FUNCTION)


@kernel
def _end_of_reading(codes: NDArray[np.uint32], kinds: NDArray[np.uint8], position: int) -> int:
    """The place after the bracket that opens at `position` if it holds only kana and blanks, else 0."""
    end = position + 1
    while end < len(codes) and (
        _K_HIRAGANA <= kinds[codes[end]] <= _K_KATAKANA_PARTICLE or codes[end] == _SPACE or codes[end] == _WIDE_SPACE
    ):
        end += 1
    return end + 1 if end < len(codes) and kinds[codes[end]] == _K_CLOSE else 0


@kernel
def _close(counts: Counts, total: Counts) -> None:
    """Judge a paragraph by its counts, add it to the fields of `Evidence` and set the counts back to nothing."""
    kana = counts[_HIRAGANA] + counts[_KATAKANA]
    kanji, latin, foreign = counts[_KANJI], counts[_LATIN], counts[_FOREIGN]
    japanese = kana + kanji
    letters = japanese + latin + foreign
    for_japanese = counts[_GRAMMAR] + counts[_NATIVE]
    # Chinese grammar is in Japanese words too: it counts where it outweighs Japanese grammar.
    for_chinese = counts[_CHINESE] + (counts[_FUNCTION] if counts[_FUNCTION] > counts[_GRAMMAR] else 0)
    written = kana > kanji or (for_japanese > 0 and kanji <= KANJI_PER_SIGN * for_japanese)
    total[0] += letters
    total[1] += kana
    total[2] += counts[_NATIVE]
    total[3] += foreign
    if written and for_chinese <= for_japanese and japanese > foreign and LATIN_PER_JAPANESE * japanese >= latin:
        total[4] += letters
        total[5] += japanese
    else:
        total[6] += kanji if for_chinese > counts[_NATIVE] else 0
        total[7] += latin
    counts[:] = 0
