"""Width undone, one character for one: for looking things up in a text whose places must stay."""

from __future__ import annotations

_NARROW: dict[int, int | str] = {
    code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F) if code != 0xFF0D
} | dict.fromkeys(map(ord, "\u3000\u00a0\u2009\t"), " ")
_FOLD = _NARROW | dict.fromkeys(map(ord, "‐‑‒–—―−－ー─﹣ｰ"), "-")


def narrow(text: str) -> str:
    """Full-width ASCII and blanks as ASCII; the length stays."""
    return text.translate(_NARROW)


def fold(text: str) -> str:
    """The same, and hyphens of all sorts as ASCII; also the ー of words, so look for none in it."""
    return text.translate(_FOLD)
