"""Evidence for Japanese in raw bytes: character counts under UTF-8, Shift_JIS and EUC-JP, one pass each, no decoding.

Nineteen of twenty pages of a crawl are foreign and must cost next to nothing. So the UTF-8 scan looks at 64 bytes at a
time: a block without a high byte costs one test, and in the others each byte is judged by its neighbours alone, which
the compiler turns into vector code (2 GB/s in dense Cyrillic or Japanese; a scan character by character had .3 to .9).
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from filters.kernels import kernel

Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint64]

_BLOCK = 64
_REACH = 3  # bytes to either side that decide what a byte of UTF-8 is
_HIGH = np.uint64(0x8080808080808080)  # the top bit of each of 8 bytes
_ONE, _TWO, _THREE = np.uint64(1), np.uint64(2), np.uint64(3)
_TO_JIS_X_0208 = re.compile(rb"\x1b\$\(?[@B]([^\x1b\r\n]+)")
_TO_ASCII = re.compile(rb"\x1b\([BJ]")
_RUN = 64  # bytes before an escape to ASCII that are looked at


class Utf8Counts(NamedTuple):
    """The bytes read as UTF-8. `references` are numeric references to kana, such as &#12354; and &#x3042;."""

    kana: int  # U+3040..U+30FA: ・ and ー are left out, which Chinese and Korean use too
    other: int  # any other whole character of two bytes or more
    bad: int  # leads without their tail, tails without their lead, bytes that UTF-8 never has
    references: int


class LegacyCounts(NamedTuple):
    """Characters of the bytes read in a two-byte encoding, in step from the first byte on."""

    kana: int
    kanji: int  # of levels 1 and 2
    pairs: int  # two- and three-byte characters, these among them
    bad: int  # unassigned rows and bytes out of place
    halfwidth: int  # one-byte kana of Shift_JIS


def utf8_counts(body: bytes) -> Utf8Counts:
    return Utf8Counts(*_scan_utf8(np.frombuffer(body, np.uint8)))


def shift_jis_counts(body: bytes) -> LegacyCounts:
    return LegacyCounts(*_scan_shift_jis(*_views(body)))


def euc_jp_counts(body: bytes) -> LegacyCounts:
    return LegacyCounts(*_scan_euc_jp(*_views(body)))


def iso_2022_jp_kana(body: bytes) -> int:
    """Kana in two bytes behind escapes to JIS X 0208, or before escapes to ASCII, where the others may be broken."""
    if b"\x1b" not in body:
        return 0
    behind = sum(_kana_of_jis(run.group(1)) for run in _TO_JIS_X_0208.finditer(body))
    before = sum(
        _kana_of_jis(_last_run(body[max(0, to.start() - _RUN) : to.start()])) for to in _TO_ASCII.finditer(body)
    )
    return max(behind, before)


def _last_run(before: bytes) -> bytes:
    run = before.rpartition(b"\n")[2].rpartition(b"\x1b")[2]
    return run[2:] if run.startswith((b"$B", b"$@")) else run


def _kana_of_jis(run: bytes) -> int:
    """Rows 4 and 5 are $ and %. In whichever step has more: a byte may be lost."""
    return max(leads.count(b"$") + leads.count(b"%") for leads in (run[::2], run[1::2]))


def utf16_counts(body: bytes, big_endian: bool) -> tuple[int, int]:
    """Kana as in `Utf8Counts`, and code units beyond ASCII, kana among them."""
    units = np.frombuffer(body, ">u2" if big_endian else "<u2", count=len(body) // 2)
    return int(np.count_nonzero((units >= 0x3040) & (units <= 0x30FA))), int(np.count_nonzero(units >= 0x80))


def _views(body: bytes) -> tuple[Bytes, Words]:
    """The bytes, and the whole 8-byte words of them."""
    return np.frombuffer(body, np.uint8), np.frombuffer(body, np.uint64, count=len(body) // 8)


@kernel
def _scan_utf8(a: Bytes) -> tuple[int, int, int, int]:
    kana = other = bad = references = 0
    edge = np.empty(_BLOCK + 2 * _REACH, np.uint8)
    for start in range(0, a.size, _BLOCK):
        if start >= _REACH and start + _BLOCK + _REACH <= a.size:
            high, ampersand = _looks(a, start)
            if high >= 0x80:
                counts = _count_block(a, start)
        else:  # the first and the last block, where neighbours are missing: as if NUL bytes stood there
            for k in range(edge.size):
                at = start - _REACH + k
                edge[k] = a[at] if 0 <= at < a.size else 0
            high, ampersand = _looks(edge, _REACH)
            if high >= 0x80:
                counts = _count_block(edge, _REACH)
        if high >= 0x80:
            kana += counts[0]
            other += counts[1]
            bad += counts[2]
        if ampersand:
            for at in range(start, min(start + _BLOCK, a.size)):
                if a[at] == 0x26:
                    references += _kana_reference(a, at)
    return kana, other, bad, references


@kernel
def _looks(a: Bytes, start: int) -> tuple[int, int]:
    """The bytes of a block or-ed together, and whether it has an ampersand before a number sign."""
    high = np.uint8(0)
    ampersand = np.uint8(0)
    for k in range(_BLOCK):
        i = np.uint64(start) + np.uint64(k)  # an unsigned index is not tested for wrap-around, which would stop vectors
        high |= a[i]
        ampersand |= np.uint8((a[i] == 0x26) & (a[i + _ONE] == 0x23))
    return int(high), int(ampersand)


@kernel
def _count_block(a: Bytes, start: int) -> tuple[int, int, int]:
    """Kana, other characters and bad bytes that begin in the block, without a branch and in eight bits (64 fit)."""
    kana = np.uint8(0)
    whole_characters = np.uint8(0)
    bad = np.uint8(0)
    for k in range(_BLOCK):
        i = np.uint64(start) + np.uint64(k)
        before3, before2, before1, c = a[i - _THREE], a[i - _TWO], a[i - _ONE], a[i]
        after1, after2, after3 = a[i + _ONE], a[i + _TWO], a[i + _THREE]
        tail1 = (after1 & 0xC0) == 0x80
        tail2 = tail1 & ((after2 & 0xC0) == 0x80)
        tail3 = tail2 & ((after3 & 0xC0) == 0x80)
        whole = (
            ((c >= 0xC2) & (c < 0xE0) & tail1) | ((c >= 0xE0) & (c < 0xF0) & tail2) | ((c >= 0xF0) & (c < 0xF5) & tail3)
        )
        expected = (
            ((before1 >= 0xC2) & (before1 < 0xF5))
            | ((before2 >= 0xE0) & (before2 < 0xF5))
            | ((before3 >= 0xF0) & (before3 < 0xF5))
        )
        is_tail = ((c & 0xC0) == 0x80) & expected
        # U+3040..U+30FA is E3 81 80..E3 83 BA.
        is_kana = (c == 0xE3) & tail2 & (after1 >= 0x81) & (after1 <= 0x83) & ~((after1 == 0x83) & (after2 > 0xBA))
        kana = np.uint8(kana + np.uint8(is_kana))
        whole_characters = np.uint8(whole_characters + np.uint8(whole))
        bad = np.uint8(bad + np.uint8((c >= 0x80) & ~(whole | is_tail)))
    return int(kana), int(whole_characters) - int(kana), int(bad)


@kernel
def _kana_reference(a: Bytes, at: int) -> int:
    """1 if a numeric reference to U+3041..U+3096 or U+30A1..U+30FA begins at the ampersand at `at`, else 0."""
    n = a.size
    if at + 6 >= n or a[at + 1] != 0x23:
        return 0
    i = at + 2
    hexadecimal = (a[i] | 0x20) == 0x78
    if hexadecimal:
        i += 1
    value = 0
    digits = 0
    while i < n and digits < 8:
        c = int(a[i])
        if 0x30 <= c <= 0x39:
            digit = c - 0x30
        elif hexadecimal and 0x61 <= (c | 0x20) <= 0x66:
            digit = (c | 0x20) - 0x57
        else:
            break
        value = value * (16 if hexadecimal else 10) + digit
        digits += 1
        i += 1
    return 1 if 0x3041 <= value <= 0x3096 or 0x30A1 <= value <= 0x30FA else 0


@kernel
def _next_high_word(words: Words, i: int) -> int:
    """First position >= i (a multiple of 8) whose 8-byte word holds a high byte."""
    j = i >> 3
    while j < words.size and (words[j] & _HIGH) == 0:
        j += 1
    return j << 3


@kernel
def _scan_shift_jis(a: Bytes, words: Words) -> tuple[int, int, int, int, int]:
    n = a.size
    kana = kanji = pairs = bad = halfwidth = 0
    i = 0
    while i < n:
        if (i & 7) == 0:
            i = _next_high_word(words, i)
            if i >= n:
                break
        c = a[i]
        if c < 0x80:
            i += 1
        elif 0xA1 <= c <= 0xDF:
            halfwidth += 1
            i += 1
        elif (
            c == 0x80 or c == 0xA0 or c >= 0xFD or i + 1 >= n or a[i + 1] < 0x40 or a[i + 1] == 0x7F or a[i + 1] > 0xFC
        ):
            bad += 1
            i += 1
        else:
            d = a[i + 1]
            pairs += 1
            if (c == 0x82 and 0x9F <= d <= 0xF1) or (c == 0x83 and d <= 0x96):
                kana += 1
            elif 0x88 <= c <= 0xEA:
                kanji += 1
            elif c == 0x85 or c == 0x86 or c == 0xEB or c == 0xEC or c == 0xEF:
                bad += 1  # rows without characters; F0..F9 are user-defined, and hold the pictures of mobile phones
            i += 2
    return kana, kanji, pairs, bad, halfwidth


@kernel
def _scan_euc_jp(a: Bytes, words: Words) -> tuple[int, int, int, int, int]:
    n = a.size
    kana = kanji = pairs = bad = 0
    i = 0
    run = run_kana = run_bad = 0  # where the pairs began that stand without a gap up to here, and what is among them
    while i < n:
        if (i & 7) == 0:
            following = _next_high_word(words, i)
            if following >= n:
                break
            if following > i:
                i = run = following
                run_kana = run_bad = 0
        c = a[i]
        if c < 0x80:
            i += 1
            run, run_kana, run_bad = i, 0, 0
        elif c == 0x8F and i + 2 < n and 0xA1 <= a[i + 1] <= 0xFE and 0xA1 <= a[i + 2] <= 0xFE:
            pairs += 1
            i += 3
        elif (c == 0x8E or 0xA1 <= c <= 0xFE) and i + 1 < n and 0xA1 <= a[i + 1] <= 0xFE:
            pairs += 1
            if _is_euc_kana(c, a[i + 1]):
                kana += 1
                run_kana += 1
            elif 0xB0 <= c <= 0xF4:
                kanji += 1
            elif 0xA9 <= c <= 0xAC or c == 0xAE or c == 0xAF or 0xF5 <= c <= 0xF8:
                bad += 1  # rows 9-12, 14, 15 and 85-88 hold no characters
                run_bad += 1
            i += 2
        else:
            bad += 1
            # One byte too many. Where does it stand: behind which pair do the most kana appear one byte later?
            in_step = shifted = 0
            for j in range(run, i, 2):
                shifted = max(shifted, in_step) + _is_euc_kana(a[j + 1], a[j + 2])
                in_step += _is_euc_kana(a[j], a[j + 1])
            if shifted > run_kana:
                kana += shifted - run_kana
                bad -= run_bad
            i += 1
            run, run_kana, run_bad = i, 0, 0
    return kana, kanji, pairs, bad, 0


@kernel
def _is_euc_kana(lead: int, trail: int) -> bool:
    return (lead == 0xA4 and 0xA1 <= trail <= 0xF3) or (lead == 0xA5 and 0xA1 <= trail <= 0xF6)
