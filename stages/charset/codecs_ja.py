"""Shift_JIS and EUC-JP as the web writes them, decoded by table: text for any bytes, in step after every bad one.

Right bytes are read as browsers read them (WHATWG Encoding Standard): Shift_JIS is Windows code page 932, EUC-JP has
the rows that only vendors filled (①㈱Ⅲ髙), and where JIS and Microsoft name a character differently it is Microsoft's
～－∥￠￡￢. EUC-JP also has what only eucJP-ms has: IBM's kanji in plane 2, and the user-defined rows.

At a wrong byte the standard gives U+FFFD and goes on behind it; in EUC-JP one lost byte then turns all kanji and kana
up to the next ASCII character into others. Such a stretch is read again here, with the likeliest characters instead.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from filters.kernels import kernel

Bytes = npt.NDArray[np.uint8]
Units = npt.NDArray[np.uint16]  # UTF-16 code units: every character of these encodings is one

_NONE = 0xFFFD
_PLANE_2 = 0x8F  # EUC-JP: two bytes of JIS X 0212 follow
_IBM_KANJI = (*range(0xF3F3, 0xF3FF), *range(0xF4A1, 0xF4FF))  # their places in plane 2 of eucJP-ms

# Bits to write down a character of a kind: minus the binary logarithm of the kind's share in web prose, plus that of
# the number of its characters. Roughly: only which reading of a stretch with bad bytes is the cheapest hangs on them.
_KANA_BITS, _PUNCTUATION_BITS, _LEVEL_1_BITS, _ASCII_BITS, _HALFWIDTH_BITS = 8, 10, 13, 8, 14
_SYMBOL_BITS, _LEVEL_2_BITS, _VENDOR_BITS, _PRIVATE_BITS = 17, 18, 19, 22
_BAD_BYTE_BITS, _BAD_PAIR_BITS = 24, 26  # dearer than any character; one bad pair rather than two bad bytes


class Table(NamedTuple):
    """An encoding. A pair is indexed by its two bytes as a big-endian number."""

    single: Units  # (256,), `_NONE` where the byte is no character
    pair: Units  # (65536,), `_NONE` where the pair is none, 0 where it cannot be a pair at all
    triple: Units  # (65536,), by the two bytes after `_PLANE_2`, 0 where there is no character
    single_bits: Bytes  # (256,)
    pair_bits: Bytes  # (65536,)


def decode_shift_jis(body: bytes) -> str:
    return _decode(body, shift_jis())


def decode_euc_jp(body: bytes) -> str:
    return _decode(body, euc_jp())


def _decode(body: bytes, table: Table) -> str:
    """One U+FFFD for each byte and each pair that is no character. Time and memory are linear in the length."""
    units, length = _decode_units(np.frombuffer(body, np.uint8), *table)
    return units[:length].tobytes().decode("utf-16-le")


@lru_cache(maxsize=1)
def shift_jis() -> Table:
    table = _blank()
    for byte in range(0xA1, 0xE0):
        table.single[byte] = 0xFF61 + byte - 0xA1
        table.single_bits[byte] = _HALFWIDTH_BITS
    for lead in (*range(0x81, 0xA0), *range(0xE0, 0xFD)):
        for trail in (*range(0x40, 0x7F), *range(0x80, 0xFD)):
            row = 2 * (lead - (0x81 if lead < 0xA0 else 0xC1)) + (trail >= 0x9F) + 1
            character = _character("cp932", lead, trail)
            if character or trail >= 0x80:  # where the pair is none, ASCII is still itself: it may be part of a tag
                _set_pair(table, lead, trail, character, _bits_of_row(row))
    return table


@lru_cache(maxsize=1)
def euc_jp() -> Table:
    table = _blank()
    for trail in range(0xA1, 0xE0):
        _set_pair(table, 0x8E, trail, chr(0xFF61 + trail - 0xA1), _HALFWIDTH_BITS)
    for lead in range(0xA1, 0xFF):
        for trail in range(0xA1, 0xFF):
            character = _plane_1(lead, trail) or _user_defined(lead, trail, 0xE000)
            _set_pair(table, lead, trail, character, _bits_of_row(lead - 0xA0))
            character = _plane_2(lead, trail) or _user_defined(lead, trail, 0xE3AC)
            table.triple[lead << 8 | trail] = ord(character or "\0")
    table.triple[list(_IBM_KANJI)] = [ord(character) for character in _ibm_kanji()]
    return table


def _blank() -> Table:
    single = np.full(256, _NONE, np.uint16)
    single[:0x80] = np.arange(0x80)
    single_bits = np.full(256, _BAD_BYTE_BITS, np.uint8)
    single_bits[:0x80] = _ASCII_BITS
    return Table(
        single, np.zeros(1 << 16, np.uint16), np.zeros(1 << 16, np.uint16), single_bits, np.zeros(1 << 16, np.uint8)
    )


def _set_pair(table: Table, lead: int, trail: int, character: str, bits: int) -> None:
    table.pair[lead << 8 | trail] = ord(character) if character else _NONE
    table.pair_bits[lead << 8 | trail] = bits if character else _BAD_PAIR_BITS


def _bits_of_row(row: int) -> int:
    """By the row (1..94) of JIS X 0208; 95..114 are user-defined in Shift_JIS, 115..120 IBM's kanji."""
    if row in (4, 5):
        return _KANA_BITS
    if row <= 3:
        return _PUNCTUATION_BITS
    if row <= 15:
        return _SYMBOL_BITS
    if row <= 47:
        return _LEVEL_1_BITS
    if row <= 84:
        return _LEVEL_2_BITS
    return _PRIVATE_BITS if 95 <= row <= 114 else _VENDOR_BITS


def _plane_1(lead: int, trail: int) -> str:
    """The character of JIS X 0208 with vendor rows at a pair of EUC-JP bytes, by way of code page 932; '' if none."""
    row, cell = lead - 0xA1, trail - 0xA1
    sjis_lead = row // 2 + (0x81 if row < 62 else 0xC1)
    sjis_trail = cell + 0x9F if row % 2 else cell + 0x40 + (cell >= 63)
    return _character("cp932", sjis_lead, sjis_trail)


def _plane_2(lead: int, trail: int) -> str:
    character = _character("euc_jp", _PLANE_2, lead, trail)
    return "～" if character == "~" else character


def _character(codec: str, *code: int) -> str:
    try:
        return bytes(code).decode(codec)
    except UnicodeDecodeError:
        return ""


def _user_defined(lead: int, trail: int, first: int) -> str:
    """Rows 85..94 are private-use characters from U+E000 and U+E3AC on (eucJP-ms), where no vendor put kanji."""
    return chr(first + 94 * (lead - 0xF5) + trail - 0xA1) if lead >= 0xF5 else ""


def _ibm_kanji() -> list[str]:
    """IBM's extension (FA40..FC4B of code page 932, in order) without the kanji of JIS X 0212, and without ￢∵￤."""
    extension = "".join(_character("cp932", lead, trail) for lead in (0xFA, 0xFB, 0xFC) for trail in range(0x40, 0xFD))
    return [each for each in extension if each == "№" or (each not in "￢∵￤" and not each.encode("euc_jp", "ignore"))]


@kernel
def _decode_units(
    a: Bytes, single: Units, pair: Units, triple: Units, single_bits: Bytes, pair_bits: Bytes
) -> tuple[Units, int]:
    n = a.size
    out = np.empty(n, np.uint16)
    i = length = 0
    start = written = 0  # of the present stretch, in bytes and in characters: bytes below 0x40 are never part of a pair
    while i < n:
        c = a[i]
        unit = single[c]
        if unit != _NONE:
            i += 1
            if c < 0x40:
                start, written = i, length + 1
        else:
            two = np.int64(c) << 8 | a[i + 1] if i + 1 < n else 0
            three = np.int64(a[i + 1]) << 8 | a[i + 2] if c == _PLANE_2 and i + 2 < n else 0
            if pair[two] != 0 and pair[two] != _NONE:
                unit = pair[two]
                i += 2
            elif triple[three] != 0:
                unit = triple[three]
                i += 3
            else:
                end = i
                while end < n and a[end] >= 0x40:
                    end += 1
                stretch = a[start:end]
                length = _decode_likeliest(stretch, single, pair, triple, single_bits, pair_bits, out, written)
                i = end
                continue
        out[length] = unit
        length += 1
    return out, length


@kernel
def _decode_likeliest(
    a: Bytes, single: Units, pair: Units, triple: Units, single_bits: Bytes, pair_bits: Bytes, out: Units, length: int
) -> int:
    """Write the characters of `a` with the fewest bits to `out` from `length` on; their end (Viterbi's algorithm)."""
    n = a.size
    last = np.empty(n + 1, np.uint8)  # bytes of the character that ends here, in the best reading up to here
    bits3 = bits2 = bits1 = np.int64(1 << 60)  # of the best readings up to three, two and one byte before
    bits = np.int64(0)
    for end in range(1, n + 1):
        bits3, bits2, bits1 = bits2, bits1, bits
        bits = bits1 + single_bits[a[end - 1]]
        last[end] = 1
        if end >= 2:
            two = np.int64(a[end - 2]) << 8 | a[end - 1]
            if pair[two] != 0 and bits2 + pair_bits[two] < bits:
                bits = bits2 + pair_bits[two]
                last[end] = 2
            if end >= 3 and a[end - 3] == _PLANE_2 and triple[two] != 0 and bits3 + _LEVEL_2_BITS < bits:
                bits = bits3 + _LEVEL_2_BITS
                last[end] = 3
    end = n  # turn the chain round: `last` becomes, where a character begins, its length
    size = last[end]
    while end > 0:
        begin = end - size
        before = last[begin]
        last[begin] = size
        end, size = begin, before
    i = 0
    while i < n:
        if last[i] == 1:
            out[length] = single[a[i]]
        elif last[i] == 2:
            out[length] = pair[np.int64(a[i]) << 8 | a[i + 1]]
        else:
            out[length] = triple[np.int64(a[i + 1]) << 8 | a[i + 2]]
        i += last[i]
        length += 1
    return length
