"""Japanese sentences: where one ends, and where 。 or ！ does not end one.

A sentence ends at a line break and after 。．！？!?｡ with the closing brackets that follow. It does not end

- inside a bracket or quotation: 「行くよ。」と言った is one sentence, and so is 彼は（驚いた。）黙っていた;
- in a number or an enumerator: ３．１４, 1．はじめに, Ａ．理由;
- in Latin letters and URLs: Yahoo!ニュース, ?id=1;
- in a few names that carry the mark: モーニング娘。の新曲.

Spoken turns side by side, 「遅いね。」「もう帰ろう」, are a sentence each. ♪, （笑） and faces end one where they stand for its mark:
楽しかった♪また行く, but （笑）と書く.
An ASCII full stop ends a sentence only after a Japanese character (papers that write 「である.」).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from filters.kernels import kernel

Codes = NDArray[np.uint32]

_OPENING: Final = "「『（(【〈《［[“‘｢"
_CLOSING: Final = "」』）)】〉》］]”’｣"

# A quotation longer than the longest sentence Swallow v1 accepts is a passage with sentences of its own; a bracket
# that was never closed must not swallow the rest of a page either.
_LONGEST_QUOTATION: Final = 200

# What follows a quotation that its sentence goes on with, and what must not follow that: 「…。」と言った, 「…！」の声, but
# 「…。」ところが begins a new one.
_GOES_ON: Final = {
    **dict.fromkeys(
        ("、", "，", ",", "。", "｡", "．", "って", "っと", "など", "なんて", "なら", "の", "を", "が", "に"), ()
    ),
    "と": ("ころ", "にかく", "ても", "はいえ", "りあえず"),
    "は": ("い",),
    "も": ("う", "し", "ちろん"),
    "で": ("も", "は", "すが"),
    "や": ("っぱ", "はり"),
    "か": ("ら",),
    "へ": ("え",),
}

# After one of these the mark is part of the name, unless the line ends there.
_NAMES: Final = (
    "モーニング娘。",
    "Yahoo!",
    "Yahoo！",
    "ヤフー！",
    "ラブライブ！",
    "けいおん！",
    "ハイキュー!!",
    "ハイキュー！！",
)

# What is laughed or wept at a sentence's end, and what goes on with a sentence behind it, besides _GOES_ON.
_LAUGHTER: Final = [
    f"{o}{w}{c}" for w in ("笑", "爆笑", "苦笑", "泣", "涙", "汗", "爆", "怒", "号泣") for o, c in ("（）", "()")
]
_CONJUNCTIONS: Final = ["けど", "けれど", "から", "ので", "のに", "し、", "とか"]
_LONGEST_FACE: Final = 10

# Kinds of characters, as bits.
_MARK: Final = 1  # can end a sentence
_OPEN: Final = 2
_CLOSE: Final = 4
_BLANK: Final = 8
_ALNUM: Final = 16
_ASCII_ALNUM: Final = 32
_KANA_KANJI: Final = 64
_SAID: Final = 128  # what is said rather than named has one of these: 「雪国」「伊豆の踊子」 is a list, not a dialogue
_NUMBERED: Final = 256  # what an enumerator stands behind
_TUNE: Final = 512
_FACE: Final = 1024  # what a face is made of: (^_^), (´ω｀), (T_T)
_EYE: Final = 2048  # and what it must have one of
_ENDING: Final = 4096  # what the last word of a sentence ends with

_BMP: Final = 0x10000


def _kinds() -> NDArray[np.uint16]:
    table = np.zeros(_BMP, np.uint16)
    listed = (
        (_MARK, "。｡．！？!?‼⁇⁈⁉."),
        (_OPEN, _OPENING),
        (_CLOSE, _CLOSING),
        (_BLANK, "".join(c for c in map(chr, range(_BMP)) if c.isspace())),
        (_SAID, "。、！？!?…"),
        (_KANA_KANJI, "ー々〆〇"),
        (_NUMBERED, "「『（(【［[■●○◆◇・第"),
        (_TUNE, "♪♫♬"),
        (_FACE | _EYE, "^´｀`≧≦∀Дω∇▽＾￣ﾟ゜T;；"),
        (_FACE, "_*＿=＝-−ー><＞＜дoOvm~～〜・☆★'’"),
        (_ENDING, "ー〜～~w"),
    )
    for bit, characters in listed:
        for character in characters:
            table[ord(character)] |= bit
    ranges = (
        (_ALNUM, "09AZaz０９ＡＺａｚ"),
        (_ASCII_ALNUM, "09AZaz"),
        (_KANA_KANJI, "ぁゖァヺ㐀\u4dbf一鿿"),
        (_ENDING, "ぁゖ"),
    )
    for bit, ends in ranges:
        for first, last in zip(ends[::2], ends[1::2], strict=True):
            table[ord(first) : ord(last) + 1] |= bit
    table.flags.writeable = False
    return table


def _rows(words: list[str]) -> NDArray[np.uint32]:
    """Code points, shape (words, longest), with 0 behind the shorter ones."""
    table = np.zeros((len(words), max(map(len, words))), np.uint32)
    for row, word in zip(table, words, strict=True):
        row[: len(word)] = list(map(ord, word))
    table.flags.writeable = False
    return table


_KIND: Final = _kinds()
_OPENING_OF: Final = np.array([list(map(ord, _CLOSING)), list(map(ord, _OPENING))], np.uint32)
_ON: Final = _rows(list(_GOES_ON))
_BUT_NOT: Final = _rows([on + but for on, buts in _GOES_ON.items() for but in buts])
_NAME_ROWS: Final = _rows(list(_NAMES))
_LAUGHTER_ROWS: Final = _rows(_LAUGHTER)
_CONJUNCTION_ROWS: Final = _rows(_CONJUNCTIONS)


def split(text: str) -> list[str]:
    """The sentences of `text` in order, stripped, none empty. Without white space they join to the text again."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    return [text[start:end] for start, end in spans(codes).tolist()]


def spans(codes: Codes) -> NDArray[np.int64]:
    """(start, end) of each sentence of a text given by its code points, shape (sentences, 2)."""
    return _spans(codes)


@kernel
def _kind(codes: Codes, at: int) -> int:
    return _KIND[codes[at]] if codes[at] < _BMP else 0


@kernel
def _begins(codes: Codes, at: int, end: int, rows: NDArray[np.uint32]) -> int:
    """The length of the first of `rows` that stands at `at`, or 0."""
    for row in rows:
        length = 0
        while length < len(row) and row[length]:
            if at + length >= end or codes[at + length] != row[length]:
                length = -1
                break
            length += 1
        if length > 0:
            return length
    return 0


@kernel
def _ends_with_name(codes: Codes, start: int, end: int) -> bool:
    for row in _NAME_ROWS:
        length = len(row)
        while not row[length - 1]:
            length -= 1
        if end - start >= length:
            same = True
            for i in range(length):
                same &= codes[end - length + i] == row[i]
            if same:
                return True
    return False


@kernel
def _is_full_stop(codes: Codes, start: int, mark: int, end: int) -> bool:
    """Whether `mark`, which begins with . or ．, ends a sentence rather than a number, an enumerator or a host name."""
    before = _kind(codes, mark - 1) if mark > start else 0
    after = _kind(codes, end)
    if end - mark == 1 and codes[mark] == 0xFF0E and before & _ALNUM:
        if after & _ALNUM:
            return False
        first = mark
        while first > max(start, mark - 5) and _kind(codes, first - 1) & _ALNUM:
            first -= 1
        return mark - first > 4 or (first > start and not _kind(codes, first - 1) & (_NUMBERED | _BLANK))
    if end - mark == 1 and codes[mark] == 0x2E:
        return bool(before & _KANA_KANJI) and not after & _ALNUM
    dots = 0
    for i in range(mark, end):
        dots += codes[i] == 0x2E
    return dots < end - mark  # ... is an ellipsis


@kernel
def _is_end(codes: Codes, start: int, mark: int, end: int, line_end: int) -> bool:
    """Whether the marks from `mark` to `end`, outside of every bracket, end the sentence from `start`."""
    if end == line_end:
        return True
    if codes[mark] == 0x2E or codes[mark] == 0xFF0E:
        return _is_full_stop(codes, start, mark, end)
    one = end - mark == 1 and (codes[mark] == 0x21 or codes[mark] == 0x3F)
    both = end - mark == 2 and codes[mark] == 0x21 and codes[mark + 1] == 0x3F
    if (one or both) and _kind(codes, end) & _ASCII_ALNUM:
        return False
    return codes[end] != 0x3092 and not _ends_with_name(codes, start, end)  # を


@kernel
def _goes_on(codes: Codes, start: int, first: int, last: int, line_end: int) -> bool:
    """Whether the sentence from `start` goes on behind the quotation or aside from `first` to `last`."""
    if codes[first] == 0xFF08 or codes[first] == 0x28:
        for i in range(start, first):
            if not _kind(codes, i) & _BLANK:
                return True
    return bool(_begins(codes, last, line_end, _ON)) and not _begins(codes, last, line_end, _BUT_NOT)


@kernel
def _tail(codes: Codes, at: int, end: int) -> int:
    """Where the ♪, the （笑） or the face that begins at `at` ends; 0 where none does."""
    if _kind(codes, at) & _TUNE:
        while at < end and _kind(codes, at) & _TUNE:
            at += 1
        return at
    if codes[at] != 0xFF08 and codes[at] != 0x28:
        return 0
    laughter = _begins(codes, at, end, _LAUGHTER_ROWS)
    if laughter:
        return at + laughter
    eyes, last = 0, at + 1
    while last < end and last - at <= _LONGEST_FACE and _kind(codes, last) & _FACE:
        eyes += (_kind(codes, last) & _EYE) != 0
        last += 1
    if not eyes or last - at < 3 or last == end or (codes[last] != 0xFF09 and codes[last] != 0x29):
        return 0
    hand = last + 1 < end and (codes[last + 1] == 0x2F or codes[last + 1] == 0xFF0F or codes[last + 1] == 0xFF89)
    return last + 1 + hand


@kernel
def _starts(codes: Codes, at: int, end: int) -> bool:
    """Whether a new sentence begins behind a tail that ends at `at`."""
    while at < end and _kind(codes, at) & _BLANK:
        at += 1
    if at == end or not _kind(codes, at) & (_KANA_KANJI | _OPEN):
        return False
    on = _begins(codes, at, end, _ON) and not _begins(codes, at, end, _BUT_NOT)
    return not on and not _begins(codes, at, end, _CONJUNCTION_ROWS)


@kernel
def _quotations(codes: Codes, start: int, end: int, opened: NDArray[np.int64], found: NDArray[np.int64]) -> int:
    """Outermost closed brackets of at most `_LONGEST_QUOTATION` characters: how many, (first, behind the last) in `found`."""
    depth = count = 0
    for at in range(start, end):
        kind = _kind(codes, at)
        if kind & _OPEN:
            opened[depth] = at
            depth += 1
        elif kind & _CLOSE and depth:
            first = opened[depth - 1]
            pair = np.uint32(0)
            for i in range(_OPENING_OF.shape[1]):
                if _OPENING_OF[0, i] == codes[at]:
                    pair = _OPENING_OF[1, i]
            if codes[first] == pair:
                depth -= 1
                if at - first <= _LONGEST_QUOTATION:
                    while count and found[count - 1, 0] > first:  # a bracket within this one
                        count -= 1
                    found[count, 0], found[count, 1] = first, at + 1
                    count += 1
    return count


@kernel
def _cut_line(codes: Codes, start: int, end: int, quoted: NDArray[np.int64], cuts: NDArray[np.int64]) -> int:
    """Ends of the sentences of a stripped line, in order and perhaps twice: how many, written to `cuts`."""
    count = 0
    for first, last in quoted:
        # Two quotations side by side are turns of a dialogue if the first is said rather than named.
        turn = last < end and (codes[last - 1] in (0x300D, 0x300F)) and (codes[last] in (0x300C, 0x300E))
        if turn:
            for i in range(first, last):
                if _kind(codes, i) & _SAID:
                    cuts[count] = last
                    count += 1
                    break
    sentence, at, q = start, start, 0
    while at < end:
        kind = _kind(codes, at)
        if not kind & _MARK:
            tail = 0
            if kind & (_TUNE | _OPEN) and at > sentence and _kind(codes, at - 1) & _ENDING:
                tail = _tail(codes, at, end)
                while q < len(quoted) and quoted[q, 1] <= at:
                    q += 1
                inside = q < len(quoted) and quoted[q, 0] < at
                tail = tail if tail and not inside and _starts(codes, tail, end) else 0
            at = tail if tail else at + 1
            if tail:
                sentence = tail
                cuts[count] = tail
                count += 1
            continue
        mark = at
        while at < end and _kind(codes, at) & _MARK:
            at += 1
        while at < end and (_kind(codes, at) & _CLOSE or codes[at] == 0x22):
            at += 1
        while q < len(quoted) and quoted[q, 1] < mark:
            q += 1
        if q < len(quoted) and quoted[q, 0] < mark < quoted[q, 1]:
            ends = at >= quoted[q, 1] and not _goes_on(codes, sentence, quoted[q, 0], at, end)
        else:
            ends = _is_end(codes, sentence, mark, at, end)
        if ends:
            sentence = at
            cuts[count] = at
            count += 1
    return count


@kernel
def _spans(codes: Codes) -> NDArray[np.int64]:
    size = len(codes)
    opened = np.empty(size + 1, np.int64)
    found = np.empty((size // 2 + 1, 2), np.int64)
    cuts = np.empty(2 * size + 2, np.int64)
    out = np.empty((size + 1, 2), np.int64)
    count = 0
    line = 0
    while line < size:
        line_end = line
        while line_end < size and codes[line_end] != 0x0A:
            line_end += 1
        start, end = _stripped(codes, line, line_end)
        quoted = found[: _quotations(codes, start, end, opened, found)]
        ends = np.sort(cuts[: _cut_line(codes, start, end, quoted, cuts)])
        for i in range(len(ends) + 1):
            stop = ends[i] if i < len(ends) else end
            first, last = _stripped(codes, start, stop)
            if first < last:
                out[count, 0], out[count, 1] = first, last
                count += 1
            start = max(start, stop)
        line = line_end + 1
    return out[:count].copy()


@kernel
def _stripped(codes: Codes, start: int, end: int) -> tuple[int, int]:
    while start < end and _kind(codes, start) & _BLANK:
        start += 1
    while end > start and _kind(codes, end - 1) & _BLANK:
        end -= 1
    return start, end
