"""Lines of a text and what stands in each, in one pass over its code points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from filters.chars import JAPANESE, Char
from filters.counting import mix
from filters.kernels import kernel

_COLUMNS: Final = 8  # the fields of `Layout`, in order
_BASE = np.uint64(0x9E3779B97F4A7C15)

_JAPANESE: Final = np.isin(np.arange(len(Char)), JAPANESE)
_FIRST_JAPANESE: Final = int(min(JAPANESE))
_LAST_JAPANESE: Final = int(max(JAPANESE))
_DIGIT: Final = int(Char.DIGIT)
_KUTEN: Final = int(Char.KUTEN)
_LATIN: Final = int(Char.LATIN)
_SPACE: Final = int(Char.SPACE)
_HALF: Final = 0xFF61  # ｡
_FULL_STOPS: Final = (0x3002, _HALF, 0xFF0E)  # 。｡．


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """A row a line that is not blank, without the white space around it; each array has the shape (lines,).

    start, end: code points
    hash: of the content, never 0
    stops: ends of sentences: 。｡．！？!? with no digit or Latin letter behind, and . after a Japanese letter
    kuten: 。｡．
    japanese, digits: letters of Japanese, digits
    spaced: spaces between two Japanese letters
    """

    start: NDArray[np.int64]
    end: NDArray[np.int64]
    hash: NDArray[np.uint64]
    stops: NDArray[np.int64]
    kuten: NDArray[np.int64]
    japanese: NDArray[np.int64]
    digits: NDArray[np.int64]
    spaced: NDArray[np.int64]

    @property
    def length(self) -> NDArray[np.int64]:
        return self.end - self.start

    @property
    def characters(self) -> int:
        """Characters of all lines together."""
        return int(self.length.sum())

    def share(self, lines: NDArray[np.bool_]) -> float:
        """Characters in the chosen lines, among those of all: ten words of a menu weigh as the little they are."""
        whole = self.characters
        return int(self.length[lines].sum()) / whole if whole else 0.0


def layout(codes: NDArray[np.uint32], classes: NDArray[np.uint8]) -> Layout:
    rows = _lines(codes, classes)
    start, end, hash, stops, kuten, japanese, digits, spaced = rows.T
    return Layout(start, end, hash.view(np.uint64), stops, kuten, japanese, digits, spaced)


@kernel
def _is_stop(codes: NDArray[np.uint32], classes: NDArray[np.uint8], at: int, start: int, end: int) -> bool:
    code = codes[at]
    after = classes[at + 1] if at + 1 < end else -1
    if code == 0x2E:  # papers write 「である.」
        if at == start or not _JAPANESE[classes[at - 1]] or codes[at - 1] >= _HALF:
            return False
        follower = codes[at + 1] if at + 1 < end else np.uint32(0)
        return follower != 0x2E and not (follower < 0x80 and (after == _DIGIT or after == _LATIN))  # noqa: SIM109
    full = code in _FULL_STOPS or code == 0xFF01 or code == 0xFF1F or code == 0x21 or code == 0x3F
    return full and after != _DIGIT and after != _LATIN


@kernel
def _lines(codes: NDArray[np.uint32], classes: NDArray[np.uint8]) -> NDArray[np.int64]:
    size = len(codes)
    breaks = 1
    for code in codes:
        breaks += code == 0x0A
    out = np.zeros((breaks, _COLUMNS), np.int64)
    count = line = 0
    while line < size:
        end = line
        while end < size and codes[end] != 0x0A:
            end += 1
        following = end + 1
        start = line
        while start < end and classes[start] == _SPACE:
            start += 1
        while end > start and classes[end - 1] == _SPACE:
            end -= 1
        line = following
        if start == end:
            continue
        row = out[count]
        count += 1
        hash = np.uint64(0)
        japanese = 0
        for at in range(start, end):
            code, kind = codes[at], classes[at]
            hash = hash * _BASE + np.uint64(code)
            if kind <= _LAST_JAPANESE:
                japanese += kind >= _FIRST_JAPANESE
            elif kind == _DIGIT:
                row[6] += 1
            elif kind == _KUTEN or code == 0x2E:
                row[4] += code in _FULL_STOPS
                row[3] += _is_stop(codes, classes, at, start, end)
            elif kind == _SPACE and _JAPANESE[classes[at - 1]] and _JAPANESE[classes[at + 1]]:
                row[7] += 1
        row[0], row[1], row[5] = start, end, japanese
        row[2] = np.int64(mix(hash * _BASE + np.uint64(end - start)))
    return out[:count]
