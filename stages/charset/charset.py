"""Which bytes are Japanese, and what they say: the gate before the parser, and the decoder behind it.

    body ─> UTF-16? ─> counts of kana as ISO-2022-JP, UTF-8, Shift_JIS, EUC-JP, and as references ─> encoding, or none

The bytes decide. What pages declare is false or missing for one in ten (of 1,581 Japanese ones), so it breaks ties and
lets short texts through, no more. A page in two encodings is read in the one that most of its kana are in.

One text has one reading, that of browsers (WHATWG Encoding Standard): Shift_JIS is Windows code page 932, and the wave
dash and the minus of JIS, with four others, are ～－∥￠￡￢ in all encodings but Unicode's own, which keep what they have.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from stages.charset.bytescan import (
    LegacyCounts,
    euc_jp_counts,
    iso_2022_jp_kana,
    shift_jis_counts,
    utf8_counts,
    utf16_counts,
)
from stages.charset.codecs_ja import decode_euc_jp, decode_shift_jis
from stages.charset.iso2022jp import decode_iso_2022_jp

MIN_KANA = 3  # fewer are a name or a word; chance has hardly any, least of all in a two-byte encoding
# Of the characters beyond ASCII in Unicode. Japanese pages have .2 and more, lists of firms .07; Chinese ones with の and
# brand names in カタカナ stay below. A page with a whole passage of Japanese may be foreign for the most part.
MIN_SHARE = 0.05
PASSAGE, MIN_PASSAGE_SHARE = 100, 0.02
MIN_REFERENCES = 8
MIN_DECLARED = 2  # kana and kanji, where the page declares the two-byte encoding that its bytes are in
MAX_BAD_UTF8 = 0.10  # bad bytes for each character beyond ASCII; more, and the page is not UTF-8
# Of the pairs of a two-byte encoding. Japanese pages have .05 and more (EUC-JP .17); as EUC-JP, GB 2312 and EUC-KR have
# up to .015 and Thai .08. Big5 has .4, but two bad bytes for each kana.
MIN_SHIFT_JIS_SHARE, MIN_EUC_SHARE = 0.02, 0.08
MAX_BAD_LEGACY = 0.5  # bad bytes for each kana
MAX_HALFWIDTH = 3  # for each pair of Shift_JIS; foreign encodings read so have 4 to 40

_SAMPLE = 1024  # bytes in which the markup of UTF-16 shows as NUL bytes
_HEAD = 4096  # bytes in which a page declares its charset; browsers look at 1024, but scripts stand before it
_MARKS = {"utf-8": codecs.BOM_UTF8, "utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}


@dataclass(frozen=True, slots=True)
class Verdict:
    """An encoding, and how it was found.

    encoding: 'utf-8', 'shift_jis', 'euc-jp', 'iso-2022-jp', 'utf-16-le', 'utf-16-be'; 'windows-1252' for kana in
    references on a page whose bytes are neither ASCII nor UTF-8.
    how: 'bom' (the mark, and the bytes do not contradict), 'utf-16-pattern' (NUL bytes), 'escape' (ISO-2022-JP), 'bytes',
    'bytes+declared' (the bytes allow it, the declaration decided), 'references' (&#12354;). 'sample' is not the gate's: the
    page shows no Japanese, and was taken along to measure what the gate misses.
    """

    encoding: str
    how: str


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text of a body, and what was lost on the way.

    replaced: characters that are U+FFFD, because the bytes (or the author's bytes) were broken.
    private: characters of the private-use areas: pictures of mobile phones, gaiji. Nobody else can read them, so they
    are losses like the replaced ones.
    """

    text: str
    encoding: str
    how: str
    replaced: int
    private: int

    @property
    def lost(self) -> int:
        return self.replaced + self.private


_CHARSET = re.compile(r"charset\s*=[\s\"']*([^\s\"';,<>/?]{1,40})", re.IGNORECASE)
_XML_ENCODING = re.compile(r"encoding\s*=[\s\"']*([^\s\"';,<>/?]{1,40})", re.IGNORECASE)
_COMMENT = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)
_DECLARATION = re.compile(rb"<(?:meta|\?xml)\s[^<>]*", re.IGNORECASE)


def declared(body: bytes, headers: Mapping[str, str]) -> str:
    """The charset label of the Content-Type header, else of a <meta> or XML declaration in the first 4096 bytes.

    `headers` has names in lower case. In lower case, otherwise as written; '' if there is none.
    """
    if label := _CHARSET.search(headers.get("content-type", "")):
        return label.group(1).lower()
    head = _COMMENT.sub(b"", body[:_HEAD].replace(b"\0", b""))  # without the NUL bytes UTF-16 is legible too
    for tag in _DECLARATION.findall(head):
        pattern = _XML_ENCODING if tag.startswith(b"<?") else _CHARSET
        if label := pattern.search(tag.decode("ascii", "ignore")):
            return label.group(1).lower()
    return ""


def gate(body: bytes, declared: str = "") -> Verdict | None:
    """The encoding of a Japanese body; None if the bytes hold no Japanese. `declared` is a label, see `declared`."""
    if (order := _utf_16(body)) and _enough(*utf16_counts(body, order == "utf-16-be")):
        return Verdict(order, "bom" if body.startswith(_MARKS[order]) else "utf-16-pattern")
    utf8 = utf8_counts(body)
    beyond_ascii = utf8.kana + utf8.other
    # Kana are of three bytes each: in the second case half of all foreign bytes are kana of UTF-8.
    is_utf8 = utf8.bad <= MAX_BAD_UTF8 * beyond_ascii or utf8.bad <= 3 * utf8.kana
    utf8_kana = utf8.kana if is_utf8 else 0
    legacy, legacy_kana, how = ("", 0, "") if is_utf8 else _legacy(body, _LABELS.get(_plain(declared), ""))
    jis_kana = iso_2022_jp_kana(body)
    if jis_kana >= MIN_KANA and jis_kana >= max(utf8_kana, legacy_kana):
        return Verdict("iso-2022-jp", "escape")
    if legacy:
        return Verdict(legacy, how)
    if _enough(utf8_kana, beyond_ascii):
        return Verdict("utf-8", "bom" if body.startswith(_MARKS["utf-8"]) else "bytes")
    if utf8.references and utf8.references + utf8_kana >= MIN_REFERENCES:
        return Verdict("utf-8" if is_utf8 else "windows-1252", "references")
    return None


def _enough(kana: int, beyond_ascii: int) -> bool:
    """Whether so many kana among the characters beyond ASCII make a Japanese page of one in Unicode."""
    least = MIN_PASSAGE_SHARE if kana >= PASSAGE else MIN_SHARE
    return kana >= MIN_KANA and kana >= least * beyond_ascii


def _utf_16(body: bytes) -> str:
    """'utf-16-le' or 'utf-16-be' if the bytes look like it, with or without a byte order mark, else ''."""
    head = body[:_SAMPLE]
    even, odd = head[::2].count(0), head[1::2].count(0)  # the NUL bytes of ASCII characters
    if max(even, odd) >= len(head) / 50 and max(even, odd) > 4 * min(even, odd):
        return "utf-16-be" if even > odd else "utf-16-le"
    return next((order for order in ("utf-16-le", "utf-16-be") if body.startswith(_MARKS[order])), "")


def _legacy(body: bytes, declared: str) -> tuple[str, int, str]:
    """Shift_JIS or EUC-JP, the kana of the body in it, and how it was found; ('', 0, '') if the body is in neither."""
    sjis, euc = shift_jis_counts(body), euc_jp_counts(body)
    counts = {"shift_jis": sjis, "euc-jp": euc}
    shares = {"shift_jis": MIN_SHIFT_JIS_SHARE, "euc-jp": MIN_EUC_SHARE}
    possible = [
        name
        for name, each in counts.items()
        if each.bad <= MAX_BAD_LEGACY * each.kana and each.halfwidth <= MAX_HALFWIDTH * each.pairs + 20
    ]
    fitting = [
        name
        for name in possible
        if counts[name].kana >= MIN_KANA and counts[name].kana >= shares[name] * counts[name].pairs
    ]
    if len(fitting) == 1:
        return fitting[0], counts[fitting[0]].kana, "bytes"
    if declared in fitting or (declared in possible and _is_short_japanese(counts[declared])):
        return declared, counts[declared].kana, "bytes+declared"
    if fitting:
        best = "shift_jis" if sjis.kana * euc.pairs > euc.kana * sjis.pairs else "euc-jp"
        return best, counts[best].kana, "bytes"
    return "", 0, ""


def _is_short_japanese(counts: LegacyCounts) -> bool:
    """A title such as 高校 has no kana; where the encoding is declared, pairs that are mostly kana and kanji will do."""
    letters = counts.kana + counts.kanji
    return letters >= MIN_DECLARED and letters >= counts.pairs / 2


# What pages call these two, without case and punctuation (WHATWG labels, and a few more that are met).
_LABELS = {
    **dict.fromkeys(
        ("shiftjis", "sjis", "xsjis", "mskanji", "csshiftjis", "windows31j", "cp932", "ms932"), "shift_jis"
    ),
    **dict.fromkeys(("eucjp", "xeucjp", "xeuc", "cseucpkdfmtjapanese", "eucjpms", "cp51932", "ujis"), "euc-jp"),
}


def _plain(label: str) -> str:
    return re.sub("[-_ ]", "", label.lower())


def decode(body: bytes, verdict: Verdict) -> Decoded:
    """Text of `body` without its byte order mark; bytes that cannot be read become U+FFFD.

    Total and linear for any bytes, whatever the verdict. Raises ValueError for an encoding that `gate` never names.
    """
    if verdict.encoding not in _DECODERS:
        raise ValueError(f"unknown encoding {verdict.encoding!r}: use one of {', '.join(_DECODERS)}")
    for mark in _MARKS.values():
        body = body.removeprefix(mark)  # a false one is no text either
    text = _DECODERS[verdict.encoding](body)
    private = sum(map(len, _PRIVATE.findall(text)))
    return Decoded(text, verdict.encoding, verdict.how, text.count("\ufffd"), private)


def _utf_8(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        # Java and MySQL once wrote characters beyond U+FFFF as two surrogates of three bytes each (CESU-8).
        body = _SURROGATE_PAIR.sub(_joined, body)
        return _SURROGATE.sub(_REPLACEMENT, body).decode("utf-8", "replace")


def _joined(pair: re.Match[bytes]) -> bytes:
    surrogates = pair.group().decode("utf-8", "surrogatepass")
    return surrogates.encode("utf-16-le", "surrogatepass").decode("utf-16-le").encode("utf-8")


def _by_codec(codec: str) -> Callable[[bytes], str]:
    return lambda body: body.decode(codec, "replace")


_REPLACEMENT = "\ufffd".encode()
_PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U0010ffff]+")
_SURROGATE_PAIR = re.compile(rb"\xed[\xa0-\xaf][\x80-\xbf]\xed[\xb0-\xbf][\x80-\xbf]")
_SURROGATE = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")
_DECODERS: dict[str, Callable[[bytes], str]] = {
    "utf-8": _utf_8,
    "shift_jis": decode_shift_jis,
    "euc-jp": decode_euc_jp,
    "iso-2022-jp": decode_iso_2022_jp,
    "utf-16-le": _by_codec("utf-16-le"),
    "utf-16-be": _by_codec("utf-16-be"),
    "windows-1252": _by_codec("cp1252"),
}
