"""Which bytes are Japanese, and what they say: the gate before the parser, and the decoder behind it.

Declared charsets are not read: on 1,581 Japanese pages the HTTP and <meta> charsets name the true encoding for 90 %,
the bytes themselves for all.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from stages.bytescan import LegacyCounts, euc_jp_counts, shift_jis_counts, utf8_counts

# Fewer kana than this are a language menu (日本語, にほんご), not a page; recall on HTML is 1.000 at 8 and .986 at 32.
MIN_KANA = 8
MIN_LEGACY_KANA = 3  # two-byte encodings leave less room for chance: the invalid share decides there
MAX_BAD_UTF8 = 0.10  # of the multi-byte characters; more, and the page is not UTF-8
MAX_BAD_LEGACY = 0.04  # of the pairs; Big5, GB 18030 and EUC-KR read as Japanese lie far above
MIN_EUC_KANA = 0.05  # of the pairs; GB 2312 has kana in the same rows, but hardly uses them

_BOM_UTF8 = codecs.BOM_UTF8
_BOMS_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_KANA = re.compile("[\u3041-\u3096\u30a1-\u30fa]")
_TO_JIS_X_0208 = re.compile(rb"\x1b\$[@B]")


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text of a body. `replaced`: characters that are U+FFFD, because the bytes (or the author's bytes) were broken."""

    text: str
    encoding: str
    replaced: int


def detect(body: bytes) -> str | None:
    """The encoding of a Japanese body, or None if the bytes hold no Japanese.

    One of 'utf-8' (also ASCII with numeric references to kana), 'shift_jis', 'euc-jp', 'iso-2022-jp', 'utf-16'.
    """
    if body.startswith(_BOMS_UTF16):
        return "utf-16" if _kana(_utf_16(body)) >= MIN_KANA else None
    counts = utf8_counts(body)
    multibyte = counts.kana + counts.other
    is_utf8 = body.startswith(_BOM_UTF8) or counts.bad <= MAX_BAD_UTF8 * multibyte
    if is_utf8 and counts.kana >= MIN_KANA:
        return "utf-8"
    if not is_utf8 and (legacy := _legacy(body)):
        return legacy
    if _TO_JIS_X_0208.search(body) and _kana(_iso_2022_jp(body)) >= MIN_KANA:
        return "iso-2022-jp"
    return "utf-8" if counts.entities + counts.kana * is_utf8 >= MIN_KANA else None


def _kana(text: str) -> int:
    return len(_KANA.findall(text))


def _legacy(body: bytes) -> str | None:
    sjis, euc = shift_jis_counts(body), euc_jp_counts(body)
    # Half-width kana are rare in Shift_JIS pages, but EUC-JP and Big5 read as Shift_JIS are full of them.
    sjis_fits = _plausible(sjis) and sjis.halfwidth <= 3 * sjis.pairs + 20
    euc_fits = _plausible(euc) and euc.kana >= MIN_EUC_KANA * euc.pairs
    if sjis_fits and euc_fits:
        return "shift_jis" if sjis.kana * euc.pairs > euc.kana * sjis.pairs else "euc-jp"
    return "shift_jis" if sjis_fits else "euc-jp" if euc_fits else None


def _plausible(counts: LegacyCounts) -> bool:
    return counts.kana >= MIN_LEGACY_KANA and counts.bad <= MAX_BAD_LEGACY * counts.pairs


def decode(body: bytes, encoding: str) -> Decoded:
    """Text of `body` in an encoding named by `detect`; bytes that cannot be read become U+FFFD, one for each error."""
    if encoding not in _DECODERS:
        raise ValueError(f"unknown encoding {encoding!r}: use one of {', '.join(_DECODERS)}")
    text = _DECODERS[encoding](body)
    return Decoded(text, encoding, text.count("\ufffd"))


def _utf_8(body: bytes) -> str:
    return body.decode("utf-8", "replace").removeprefix("\ufeff")


def _utf_16(body: bytes) -> str:
    return body.decode("utf-16", "replace")


def _shift_jis(body: bytes) -> str:
    """Windows code page 932: `shift_jis` proper knows neither ① nor ㈱ nor 髙."""
    text = body.decode("cp932", "replace")
    for stray in "\uf8f0\uf8f1\uf8f2\uf8f3":  # what Python makes of the bytes A0, FD, FE and FF, which mean nothing
        text = text.replace(stray, "\ufffd")
    return text


def _euc_jp(body: bytes) -> str:
    return body.decode("euc_jp", _VENDOR_ROWS).translate(_AS_BROWSERS)


# Python's EUC-JP follows JIS (A1C1 is 〜 U+301C), browsers and cp932 follow Microsoft (～ U+FF5E): one text, one reading.
_AS_BROWSERS = str.maketrans("〜−‖¢£¬", "～－∥￠￡￢")
_VENDOR_ROWS = "seimai.vendor-rows"


def _vendor_character(error: UnicodeError) -> tuple[str, int]:
    """Error handler for `euc_jp`: rows 13 and 89-92 (①, ㈱, Ⅲ, 髙), which only vendors fill, by way of code page 932."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    lead, trail = error.object[error.start], (error.object[error.start + 1 : error.start + 2] or b"\0")[0]
    if not (0xA1 <= lead <= 0xFE and 0xA1 <= trail <= 0xFE):
        return "\ufffd", error.start + 1
    row, cell = lead - 0xA1, trail - 0xA1
    sjis_lead = row // 2 + (0x81 if row < 62 else 0xC1)
    sjis_trail = cell + 0x9F if row % 2 else cell + 0x40 + (cell >= 63)
    return bytes((sjis_lead, sjis_trail)).decode("cp932", "replace")[:1], error.start + 2


codecs.register_error(_VENDOR_ROWS, _vendor_character)


_ESCAPE = re.compile(rb"\x1b(\$[@B]|\$\([DOPQ]|\([BHIJ]|&@\x1b\$B)")
_PAIR = re.compile(rb"[\xa1-\xfe]{2}")
_SET_TOP_BIT = bytes(byte | 0x80 if 0x21 <= byte <= 0x7E else byte for byte in range(256))


def _iso_2022_jp(body: bytes) -> str:
    """Segment by segment: one broken segment costs itself, and vendor characters and JIS X 0201 kana are read.

    Python's own codecs stop at ①㈱ and know no half-width kana in this encoding.
    """
    parts = []
    start, charset = 0, b"(B"
    for escape in _ESCAPE.finditer(body):
        parts.append(_segment(body[start : escape.start()], charset))
        start, charset = escape.end(), escape.group(1)
    parts.append(_segment(body[start:], charset))
    return "".join(parts)


def _segment(segment: bytes, charset: bytes) -> str:
    if charset in (b"$@", b"$B", b"&@\x1b$B"):  # JIS X 0208
        return _euc_jp(segment.translate(_SET_TOP_BIT))
    if charset == b"(I":  # JIS X 0201 kana
        return _shift_jis(segment.translate(_SET_TOP_BIT))
    if charset in (b"$(O", b"$(Q"):  # JIS X 0213, plane 1
        return segment.translate(_SET_TOP_BIT).decode("euc_jis_2004", "replace")
    if charset in (b"$(D", b"$(P"):  # JIS X 0212; JIS X 0213, plane 2
        high = segment.translate(_SET_TOP_BIT)
        codec = "euc_jp" if charset == b"$(D" else "euc_jis_2004"
        return _PAIR.sub(lambda pair: b"\x8f" + pair.group(), high).decode(codec, "replace")
    return _shift_jis(segment)  # ASCII or JIS Roman; bytes above 0x80 are 8-bit JIS X 0201 kana


_DECODERS = {
    "utf-8": _utf_8,
    "shift_jis": _shift_jis,
    "euc-jp": _euc_jp,
    "iso-2022-jp": _iso_2022_jp,
    "utf-16": _utf_16,
}
