"""ISO-2022-JP and its kin, read tolerantly: text for any bytes, and a damaged escape costs no more than itself.

ISO-2022-JP (RFC 1468), -1 (RFC 2237), -2 (RFC 1554), -3 and -2004 (JIS X 0213), and what Microsoft writes: vendor rows,
one-byte kana by escape, by SO and SI, or as 8-bit bytes. Python's codecs stop at ①㈱ and know none of these kana.

What EUC-JP can say too is turned into EUC-JP and decoded with its table, so that one text has one reading in both.
"""

from __future__ import annotations

import re

from stages.charset.codecs_ja import decode_euc_jp, decode_shift_jis

_ASCII, _ROMAN, _KANA, _JIS_X_0208, _JIS_X_0212 = "ascii", "roman", "kana", "jisx0208", "jisx0212"
_CHARSETS = {
    b"(B": _ASCII,
    b"(J": _ROMAN,
    b"(H": _ASCII,  # Swedish, which old software took for JIS Roman (RFC 1468)
    b"(I": _KANA,
    b"$@": _JIS_X_0208,  # JIS C 6226-1978
    b"$B": _JIS_X_0208,
    b"$(@": _JIS_X_0208,
    b"$(B": _JIS_X_0208,
    b"&@\x1b$B": _JIS_X_0208,  # JIS X 0208-1990
    b"$(D": _JIS_X_0212,
    b"$(O": "jisx0213-1",
    b"$(Q": "jisx0213-1",  # of 2004
    b"$(P": "jisx0213-2",
    b"$A": "gb2312",
    b"$(A": "gb2312",
    b"$(C": "euc_kr",
    b"$(?": "user-defined",
}
_ONE_BYTE = (_ASCII, _ROMAN)  # without kana: no escape back to ASCII, and they would not notice

# Right escapes first, then those with one byte wrong or missing.
_BAD = rb"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\xff]"
_ESCAPE = re.compile(
    rb"\x1b(?P<charset>" + rb"|".join(map(re.escape, _CHARSETS)) + rb")"
    rb"|\x1b\.(?P<latin>[AF])"
    rb"|\x1bN(?P<shifted>[\x20-\x7f])"
    rb"|\x0e(?P<kana>[\x21-\x5f]+)\x0f"
    rb"|(?P<to_two>\x1b\$(?:\(?" + _BAD + rb")?|" + _BAD + rb"?\$[@B])"
    rb"|(?P<to_one>\x1b" + _BAD + rb"?\((?:[BJ]|" + _BAD + rb")?|" + _BAD + rb"\([BJ])|(?P<to_markup>\([BJ](?=[<\s]))"
    rb"|(?P<to_other>\x1b[^\r\n$(]?[@BJ]|\x1b)",
)
_GRAPHIC = re.compile(rb"[\x21-\x7e]{0,64}")  # bounded, as it is looked at again for each escape in doubt
_LINE_END = re.compile(rb"[\r\n]+")
_LINE = re.compile(rb"[^\r\n]+[\r\n]*|[\r\n]+")
_PAIR = re.compile(rb"[\xa1-\xfe]{2}")
_HALFWIDTH = re.compile(rb"[\xa1-\xdf]")

_NO_CHARACTER = 0xFF  # in EUC-JP, where it becomes one U+FFFD
_AS_ASCII = bytes(_NO_CHARACTER if byte == 0x1B else byte for byte in range(256))
_AS_EUC = bytes(
    byte | 0x80 if 0x21 <= byte <= 0x7E else _NO_CHARACTER if byte == 0x1B or 0x7F <= byte <= 0xA0 else byte
    for byte in range(256)
)
_AS_KANA = bytes(
    byte | 0x80 if 0x21 <= byte <= 0x5F else _NO_CHARACTER if 0x60 <= byte <= 0xA0 or byte == 0x1B else byte
    for byte in range(256)
)
_YEN = str.maketrans("\\~", "¥‾")
_AS_BROWSERS = str.maketrans("〜−‖¢£¬", "～－∥￠￡￢")  # Python's names of JIS, where the tables have Microsoft's


def decode_iso_2022_jp(body: bytes) -> str:
    """One U+FFFD for each damaged escape and for each byte that is no character. Linear in the length of the body."""
    text = _Text()
    charset, latin = _ASCII, "latin-1"
    position = 0
    for match in _ESCAPE.finditer(body):
        following = _charset_after(match, charset)
        if following is None:
            continue
        text.add(body[position : match.start()], charset)
        position = match.end()
        if match["latin"]:
            latin = "latin-1" if match["latin"] == b"A" else "iso8859-7"
        elif match["shifted"]:
            text.add_decoded(bytes((match["shifted"][0] | 0x80,)).decode(latin, "replace"))
        elif match["kana"]:
            text.add(match["kana"], _KANA)
        elif not match["charset"]:
            text.add_decoded("\ufffd")
        charset = following
    text.add(body[position:], charset)
    return text.result()


def _charset_after(match: re.Match[bytes], charset: str) -> str | None:
    """The charset that an escape, right or damaged, leads to from `charset`; None if it is none, but text."""
    if match["charset"]:
        return _CHARSETS[match["charset"]]
    if match["to_two"]:
        is_text = charset == _JIS_X_0208 and not match["to_two"].startswith(b"\x1b")
        return _JIS_X_0208 if not is_text and _two_bytes_follow(match.string, match.end()) else None
    if match["to_one"]:
        return None if charset in _ONE_BYTE else _ASCII
    if match["to_markup"] or match["to_other"]:
        two_bytes_follow = _two_bytes_follow(match.string, match.end())
        if charset not in _ONE_BYTE:
            return None if two_bytes_follow else _ASCII
        return _JIS_X_0208 if two_bytes_follow and len(match["to_other"] or b"") > 1 else None
    return charset  # a shift or a designation that leaves the charset as it is


def _two_bytes_follow(body: bytes, position: int) -> bool:
    """Whether what stands there up to the next blank or escape reads as JIS X 0208 with kana in it."""
    graphic = _GRAPHIC.match(body, position)
    run = graphic.group() if graphic else b""
    kana = max(run[start::2].count(b"$") + run[start::2].count(b"%") for start in (0, 1))
    return kana >= 2 and 8 * kana >= len(run)


class _Text:
    """Text that grows run by run. What EUC-JP can say waits, so that its table is asked once for many runs."""

    def __init__(self) -> None:
        self._decoded: list[str] = []
        self._euc: list[bytes] = []

    def add(self, run: bytes, charset: str) -> None:
        if charset == _ASCII:
            self._add_one_byte(run)
        elif charset == _ROMAN:
            # The yen sign at the place of the backslash, as the standard has it: prices are written so.
            if b"\\" in run or b"~" in run:
                self.add_decoded(decode_shift_jis(run.translate(_AS_ASCII)).translate(_YEN))
            else:
                self._add_one_byte(run)
        elif line_end := _LINE_END.search(run):
            # A line must end in ASCII (RFC 1468). Where the escape was lost, the next line may still go on in two bytes.
            self._add_in_line(run[: line_end.start()], charset)
            self._euc.append(line_end.group())
            rest = run[line_end.end() :]
            for line in _LINE.findall(rest):
                stays = _two_bytes_follow(line, 0)
                self._add_in_line(line, charset) if stays else self._add_one_byte(line)
        else:
            self._add_in_line(run, charset)

    def add_decoded(self, text: str) -> None:
        if self._euc:
            self._decoded.append(decode_euc_jp(b"".join(self._euc)))
            self._euc = []
        self._decoded.append(text)

    def result(self) -> str:
        self.add_decoded("")
        return "".join(self._decoded)

    def _add_one_byte(self, run: bytes) -> None:
        """ASCII; bytes above it belong to another encoding, UTF-8 or Shift_JIS with its one-byte kana."""
        if run.isascii():
            self._euc.append(run.translate(_AS_ASCII))
            return
        try:
            self.add_decoded(run.decode("utf-8"))
        except UnicodeDecodeError:
            self.add_decoded(decode_shift_jis(run.translate(_AS_ASCII)))

    def _add_in_line(self, run: bytes, charset: str) -> None:
        """A run without line ends in a charset that is not ASCII."""
        if charset == _JIS_X_0208:
            self._euc.append(run.translate(_AS_EUC))
        elif charset == _JIS_X_0212:
            self._euc.append(_PAIR.sub(b"\x8f\\g<0>", run.translate(_AS_EUC)))
        elif charset == _KANA:
            self._euc.append(_HALFWIDTH.sub(b"\x8e\\g<0>", run.translate(_AS_KANA)))
        elif charset == "jisx0213-1":
            self.add_decoded(run.translate(_AS_EUC).decode("euc_jis_2004", "replace").translate(_AS_BROWSERS))
        elif charset == "jisx0213-2":
            plane_2 = _PAIR.sub(b"\x8f\\g<0>", run.translate(_AS_EUC))
            self.add_decoded(plane_2.decode("euc_jis_2004", "replace"))
        elif charset == "user-defined":  # U+E000 and on, in code order (ISO-2022-JP-MS)
            pairs = _PAIR.findall(run.translate(_AS_EUC))
            self.add_decoded("".join(chr(0xE000 + 94 * (lead - 0xA1) + trail - 0xA1) for lead, trail in pairs))
        else:
            self.add_decoded(run.translate(_AS_EUC).decode(charset, "replace"))
