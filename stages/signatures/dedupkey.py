"""The dedup key of a text: what is left of it when everything a copy may change without changing the words is gone.

Letters, marks and digits stay; blanks, punctuation, symbols, controls and variation selectors go. Full-width letters
and digits become ASCII, half-width kana full width, case is folded; by option every digit becomes 0. Kana and their (han)dakuten are composed and never
taken apart: NFD followed by stripping marks turns が into か and lets バス, ハス and パス collide. NFKC is not used
either: ① stays apart from 1.
"""

from __future__ import annotations

import functools
import hashlib
import unicodedata

import numpy as np
import numpy.typing as npt

from filters.kernels import kernel

Codes = npt.NDArray[np.uint32]

_DAKUTEN, _HANDAKUTEN = 0x3099, 0x309A  # the combining marks; the kana blocks lie at U+3041 to U+30FF
_KANA_START, _KANA_END = 0x3041, 0x3100


def folded(code: int) -> int:
    """What one code point becomes in a key, 0 when it goes. Marks are composed afterwards."""
    char = chr(code)
    if 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF:  # variation selectors: 葛󠄀 and 葛 are one word
        return 0
    # Unassigned and private-use code points stay: they are ideographs of a newer Unicode, or gaiji.
    if unicodedata.category(char)[0] in "PSZ" or unicodedata.category(char) in ("Cc", "Cf", "Cs"):
        return 0
    if 0xFF10 <= code <= 0xFF5A or 0xFF66 <= code <= 0xFF9F:
        char = unicodedata.normalize("NFKC", char)
    lower = char.casefold()
    return ord(lower) if len(lower) == 1 else ord(char)


@functools.cache
def _table(mask_digits: bool) -> Codes:
    """Code point -> folded code point, 0 for none. Shape (0x110000,), 4.4 MB of which a text touches little.

    Only planes 0, 1 and 14 are worked out (0.1 s a process); the others hold ideographs and private use, which stay.
    """
    if mask_digits:
        masked = _table(False).copy()
        masked[[code for code in range(0x20000) if unicodedata.category(chr(code)) == "Nd"]] = ord("0")
        return masked
    table = np.arange(0x110000, dtype=np.uint32)
    for start, end in ((0, 0x20000), (0xE0000, 0xE1000)):
        table[start:end] = [folded(code) for code in range(start, end)]
    return table


@functools.cache
def _composed() -> Codes:
    """Kana composed with a mark, 0 where there is no such character. Shape (2, 191): dakuten, handakuten."""
    table = np.zeros((2, _KANA_END - _KANA_START), dtype=np.uint32)
    for row, mark in enumerate((_DAKUTEN, _HANDAKUTEN)):
        for code in range(_KANA_START, _KANA_END):
            pair = unicodedata.normalize("NFC", chr(code) + chr(mark))
            if len(pair) == 1:
                table[row, code - _KANA_START] = ord(pair)
    return table


@kernel
def fold(codes: Codes, table: Codes, composed: Codes, out: Codes) -> int:
    length = 0
    for code in codes:
        new = table[code]
        if _DAKUTEN <= new <= _HANDAKUTEN and length and _KANA_START <= out[length - 1] < _KANA_END:
            pair = composed[new - _DAKUTEN, out[length - 1] - _KANA_START]
            if pair:
                out[length - 1] = pair
                continue
        # Written always, counted if kept: a branch here would be mispredicted at every punctuation mark.
        out[length] = new
        length += new != 0
    return length


def folding(mask_digits: bool = False) -> tuple[Codes, Codes]:
    """The tables that `fold` goes by."""
    return _table(mask_digits), _composed()


def dedup_key(text: str, mask_digits: bool = False) -> Codes:
    """The dedup key of `text` as UTF-32 code points, shape (characters of the key,). Total: lone surrogates just go.

    `mask_digits`: every decimal digit becomes 0, so that pages which differ in a date or a number are the same; what is
    written in kanji (二〇二四) stays.
    """
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    out = np.empty(len(codes), dtype=np.uint32)
    return out[: fold(codes, *folding(mask_digits), out)]


def exact_hash(text: str, key: Codes) -> bytes:
    """BLAKE2b-128 of the key (UTF-32-LE). A text without a single letter is hashed as it is: ★★★ is not a copy of ……"""
    data = key.astype("<u4", copy=False).tobytes() or b"\0" + text.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(data, digest_size=16).digest()
