"""HTML as a string: what is cut before the parser sees it, and the second look at how Japanese the rest is.

Everything here is linear in the length of the page, whatever the page: these functions run outside the guard.
"""

from __future__ import annotations

import html
import re

import numpy as np

# Visible text with less kana than this share of its letters is foreign: English manuals with a Japanese menu, mostly.
MIN_KANA_SHARE = 0.02

# Attributes are matched up to the next angle bracket, never across one: `<style <style <style ...` stays linear.
_OPENING = re.compile(r"<(?:(script|style|svg|template|iframe|r[tp]c?)\b([^<>]{0,4000})>|!--)", re.IGNORECASE)
_CLOSING = {
    name: re.compile(rf"</{name}\s*>", re.IGNORECASE) for name in ("script", "style", "svg", "template", "iframe")
}
# The end tags of <rt> and <rp> may be left out: the next ruby tag of any kind ends them too, and so does the paragraph.
_READING_END = re.compile(
    r"</(?:rt|rp|rtc)\b[^<>]*>|(?=<(?:rt|rp|rtc|rb)\b|</ruby\b|</?(?:p|div|br|li|td|th|tr|dt|dd|h[1-6]|body)\b)",
    re.IGNORECASE,
)
# The parser takes what is in <noframes> for text, tags and all.
_FRAMES = re.compile(r"</?(?:frameset|frame|noframes)\b[^<>]*>", re.IGNORECASE)

_LONG_REFERENCE = re.compile(r"&#0*\d{8,};?")
_TITLE = re.compile(r"<title\b[^<>]*>", re.IGNORECASE)
_TITLE_END = re.compile(r"</title\b", re.IGNORECASE)
_HTML_TAG = re.compile(r"<html\b[^<>]{0,2000}", re.IGNORECASE)
_META = re.compile(r"<meta\b[^<>]{0,2000}", re.IGNORECASE)
_META_LANGUAGE = re.compile(
    r"""\s(?:http-equiv\s*=\s*["']?content-language|property\s*=\s*["']?og:locale)["'\s/]""", re.IGNORECASE
)
_CONTENT = re.compile(r"""\scontent\s*=\s*["']?\s*([a-z0-9_-]{1,35})""", re.IGNORECASE)
_LANG = re.compile(r"""\s(?:xml:)?lang\s*=\s*["']?\s*([a-z0-9_-]{1,35})""", re.IGNORECASE)

_TAG = re.compile(r"<[^<>]*>")
# Letters that tell: kana, ideographs, and those of other languages.
_KANA, _HAN, _FOREIGN = 1, 2, 3
_RANGES = {
    _KANA: ("\u3041\u3096", "\u30a1\u30fa"),
    _HAN: ("々々", "\u3400\u4dbf", "\u4e00\u9fff", "\uf900\ufaff"),
    _FOREIGN: ("AZ", "az", "\u00c0\u024f", "\u0370\u052f", "\u0e00\u0e7f", "\u0600\u06ff", "\uac00\ud7a3"),
}
_KIND_OF = np.zeros(0x110000, np.uint8)  # code point -> kind of letter, 0 for all else
for _kind, _ranges in _RANGES.items():
    for _ends in _ranges:
        _KIND_OF[ord(_ends[0]) : ord(_ends[1]) + 1] = _kind


def strip(page: str) -> str:
    """The page without scripts, styles, SVG, templates, frames, comments, NUL bytes and ruby readings.

    吾輩（わがはい）stays; <ruby>吾輩<rp>（</rp><rt>わがはい</rt><rp>）</rp></ruby> becomes <ruby>吾輩</ruby>. JSON-LD stays:
    the extractor can find the article in it. An element that is never closed is left for the parser to judge.
    """
    kept: list[str] = []
    unclosed: set[str] = set()  # once no end was found, none will be: looking again would make this quadratic
    copied = position = 0
    while opening := _OPENING.search(page, position):
        name = (opening.group(1) or "!--").lower()
        position = opening.end()
        end = None if name in unclosed else _end_of(name, page, position)
        if end is None:
            unclosed.add(name)
        elif name == "script" and "ld+json" in opening.group(2).lower():
            position = end
        else:
            kept.append(page[copied : opening.start()])
            copied = position = end
    kept.append(page[copied:])
    return _FRAMES.sub("", "".join(kept)).replace("\0", "")


def _end_of(name: str, page: str, start: int) -> int | None:
    """Where the element or comment whose content begins at `start` ends, its end tag included; None if nowhere."""
    if name == "!--":
        end = page.find("-->", start - 2)  # <!--> is a whole comment
        return None if end < 0 else end + 3
    closing = _CLOSING.get(name, _READING_END).search(page, start)
    return None if closing is None else closing.end()


def unescape(text: str) -> str:
    """`html.unescape`, which raises ValueError for a reference of more than 4,300 digits; none over 7 is a character."""
    return html.unescape(_LONG_REFERENCE.sub("\ufffd", text))


def is_japanese(stripped: str, min_japanese: int) -> bool:
    """Whether the visible text has `min_japanese` kana and kanji, and kana make 2 % of its letters.

    On 2,001 foreign pages of which 67 pass the byte gate this leaves 6, all with Japanese passages.
    """
    visible = unescape(_TAG.sub("", stripped))
    codes = np.frombuffer(visible.encode("utf-32-le", "surrogatepass"), np.uint32)
    _, kana, han, foreign = (int(n) for n in np.bincount(_KIND_OF[codes], minlength=4))
    return kana + han >= min_japanese and kana >= MIN_KANA_SHARE * (kana + han + foreign)


def title(stripped: str) -> str:
    """Content of the first <title>, entities resolved, white space folded; '' if there is none."""
    opening = _TITLE.search(stripped)
    closing = _TITLE_END.search(stripped, opening.end()) if opening else None
    if opening is None or closing is None:
        return ""
    return " ".join(unescape(stripped[opening.end() : closing.start()]).split())


def declared_language(page: str) -> str:
    """`lang` (or `xml:lang`) of the <html> tag as written, such as 'ja' or 'ja-JP'; '' if absent.

    Without it the `content` of <meta http-equiv="content-language"> or of <meta property="og:locale">, whichever is first.
    """
    tag = _HTML_TAG.search(page)
    lang = _LANG.search(tag.group()) if tag else None
    if lang:
        return lang.group(1)
    for meta in _META.finditer(page):
        content = _CONTENT.search(meta.group()) if _META_LANGUAGE.search(meta.group() + " ") else None
        if content:
            return content.group(1)
    return ""
