"""The wikitext of an article -> the Japanese text a reader sees, in linear time, never raising.

What becomes of what:

- Paragraphs, headings and list items: one line each, without their marks (`==`, `*`, `#`, `:`, `;`). A heading with
  nothing left below it goes too.
- Lists: every item, as a line; `; term : meaning` as two.
- Templates: by the table in `templates.py`; unknown ones are dropped and counted. Infoboxes are not looked into.
- Tables: data, not text, and dropped; but cells that hold a sentence (a 。) are kept, each as a line, and so is prose that an
  author laid out with a table. Captions, headers and cells of words and numbers alone say nothing without their rows and
  columns. Templates in a table that is dropped whole are not counted.
- Links: their label. Files with their captions, images, categories, interlanguage links: dropped. External links: their
  label.
- <ref>, <gallery>, <timeline>, <score>, comments, ruby readings: dropped. <pre>, code and <nowiki>: kept as they are.
- Formulas: their TeX source as `$...$`, so that the sentence around them stays whole.
- Sections of apparatus (脚注, 出典, 参考文献, 外部リンク, 関連項目, ...): only prose survives, that is lines with a 。
  that are no list items; the heading stays if prose does. Nothing is cut off at the first such heading.
- Lines in italics that link to a page about the wiki (''このページは[[プロジェクト:国]]の…''): dropped.
- Parentheses that are empty after that: dropped, with the commas that were left in them.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from html import unescape

from stages.wikipedia.markup import Resolver
from stages.wikipedia.names import names
from stages.wikipedia.tags import GAP, strip_tags


@dataclass(frozen=True, slots=True)
class Cleaned:
    text: str
    unknown: Counter[str] = field(default_factory=Counter)  # templates dropped because the table does not know them


def clean(wikitext: str, title: str) -> str:
    """Plain text of a page: lines, blank lines between paragraphs, '' when nothing is left."""
    return clean_page(wikitext, title).text


def clean_page(wikitext: str, title: str) -> Cleaned:
    """Like `clean`, with the counts of templates that were not known."""
    text = _CONTROLS.sub("", wikitext.replace("\r\n", "\n").replace("\r", "\n"))
    text = _without_notices(strip_tags(text))
    if "-{" in text:
        text = _VARIANT.sub(r"\1", text)
    resolver = Resolver(title)
    text = resolver.resolve("\n" + text)
    text = _inline(text)
    text = _arrange(text.split("\n"))
    return Cleaned(_decode(text).strip("\n"), resolver.unknown)


_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_VARIANT = re.compile(r"-\{([^{}|;:]*)\}-")  # -{...}- keeps MediaWiki from converting Chinese characters
_QUOTES = ("'''''", "'''", "''")  # one after the other is ten times as fast as one pattern, and leaves the same
_MAGIC_WORD = re.compile(r"__(?:[A-Z]{3,25}|[ぁ-んァ-ヶー一-龠]{2,12})__")
# Possessive: an address of n characters that is never closed would otherwise cost n * n steps.
_EXTERNAL = re.compile(r"\[(?:(?:https?|ftp):)?//[^\s\[\]<>\"]*+[ \t]*+([^\[\]\n]*+)\]")
_EXTERNAL_OPEN = re.compile(r"\[(?:(?:https?|ftp):)?//[^\s\[\]<>\"]*+[ \t]*+")
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")


# Pages about the wiki itself, by the names and aliases of their namespaces.
_ABOUT = re.compile(
    r"\[\[:?[ _]*(?:プロジェクト|Project|Wikipedia|WP|Help|ヘルプ|Portal|ポータル|ノート|Talk)[ _]*:", re.IGNORECASE
)


def _without_notices(text: str) -> str:
    """Without lines that are all in italics and link to a page about the wiki: they speak to those who edit it."""
    if not _ABOUT.search(text):
        return text
    return "\n".join(line for line in text.split("\n") if not (_in_italics(line) and _ABOUT.search(line)))


def _in_italics(line: str) -> bool:
    return line.startswith("''") and not line.startswith("'''") and line.rstrip().endswith("''")


def _inline(text: str) -> str:
    """Without quotes, magic words and external links, and mended where something was taken out."""
    for quotes in _QUOTES:
        text = text.replace(quotes, "")
    if "__" in text:
        text = _MAGIC_WORD.sub("", text)
    if "//" in text:
        text = _EXTERNAL.sub(lambda link: link[1].strip() or GAP, text)
        text = _EXTERNAL_OPEN.sub("", text)
    return _HOLLOW.sub("", _mend(text.replace("&nbsp;", " ")))


_SEPARATORS = " \t\u3000、，,；;：:・/"
_GAPS = re.compile(f"{GAP}(?:[{_SEPARATORS}]*{GAP})+")
# Empty by the author's own hand. But not （、）, which is how one writes of a comma, nor the （） of （）内は人口.
_HOLLOW = re.compile(r"（(?:[ \t\u3000]*|[、，][ \t\u3000]+)）(?![内」』])")


def _mend(text: str) -> str:
    """Close the gaps: no empty parentheses, no separator left at the edge of one, no separator, space or 。 twice."""
    first, *others = _GAPS.sub(GAP, text).split(GAP)
    out = [first]
    for right in others:
        end, start = _seam(out[-1], right)
        out[-1] = out[-1][:end]
        out.append(right[start:])
    return "".join(out)


def _seam(left: str, right: str) -> tuple[int, int]:
    """What stays of the text on both sides of a gap: left[:end] and right[start:]."""
    end, start = len(left.rstrip(_SEPARATORS)), len(right) - len(right.lstrip(_SEPARATORS))
    opened, closed = left.endswith(("（", "("), 0, end), right.startswith(("）", ")"), start)
    if opened and closed:
        spaces = left.endswith(" ", 0, end - 1) and right.startswith(" ", start + 1)
        return end - 1, start + 1 + spaces
    if opened or closed:
        return end, start
    end, start = len(left), 0
    if right.startswith(("\n、", "\n。")):  # the author broke the line behind a <ref>, or before it
        start = 1
    elif left.endswith("\n") and right.startswith(("、", "。")):
        end -= 1
    if left[:end].endswith((" ", "\u3000", "、", "，", "・", "。")) and right.startswith(left[end - 1], start):
        start += 1
    return end, start


def _decode(text: str) -> str:
    return _ENTITY.sub(lambda entity: unescape(entity[0]), text)


_APPARATUS = frozenset(
    names(
        """
        脚注 脚註 注釈 註釈 注 註 注記 補注 訳注 出典 典拠 参考 参考文献 参考資料 参考図書 参考書籍 参考サイト 参考リンク 参照 参照文献 引用 引用文献
        引用元 文献 文献案内 書誌情報 関連 関連項目 関連文献 関連資料 関連書籍 関連図書 関連記事 関連リンク 外部リンク 外部サイト 外部記事 公式サイト リンク
        """
    )
)
_JOINTS = re.compile(r"[・、,，/／&＆ ]+|および|及び|と")  # 出典・脚注, 脚注と参考文献


@dataclass(slots=True)
class _Section:
    level: int
    title: str
    apparatus: bool
    written: bool = False


def _arrange(lines: list[str]) -> str:
    """Lines without their marks, under those headings that have something left to say."""
    out: list[str] = []
    chain: list[_Section] = []  # the section being read, and those around it
    blank = False
    for line in lines:
        heading = _heading(line) if line.startswith("==") else None
        if heading:
            level, title = heading
            while chain and chain[-1].level >= level:
                chain.pop()
            apparatus = all(part in _APPARATUS for part in _JOINTS.split(title)) or (
                bool(chain) and chain[-1].apparatus
            )
            chain.append(_Section(level, title, apparatus))
            continue
        item, texts = _plain(line) if line[:1] in _LINE_MARKS else (False, [line.rstrip()])
        if not texts or not texts[0]:
            blank = True
            continue
        if chain and chain[-1].apparatus and (item or "。" not in line):
            continue
        new = [section for section in chain if not section.written] if chain and not chain[-1].written else []
        if out and (blank or new):
            out.append("")
        for section in new:
            section.written = True
            out.append(section.title)
        out += texts
        blank = False
    return "\n".join(out)


def _heading(line: str) -> tuple[int, str] | None:
    """(level, title) of `== title ==`."""
    line = line.rstrip()
    inner = line.strip("=")
    if not inner.strip():
        return None
    level = min(len(line) - len(line.lstrip("=")), len(line) - len(line.rstrip("=")), 6)
    return (level, inner.strip()) if level > 1 else None


_LINE_MARKS = " \t\u3000|-*#:;"  # other lines are text as they are, which spares half the time; '' is in every string


def _plain(line: str) -> tuple[bool, list[str]]:
    """(is it a list item, its text in lines); no line for rules, table remains and what is empty."""
    if line.startswith((" ", "\t")):  # MediaWiki's preformatted line: the rest of its indentation is meant
        line = line[1:]
    if line.startswith(("|", "----")):
        return False, []
    text = line.lstrip("*#:;")
    item = len(text) < len(line)
    if not item:
        return False, [text.rstrip()] if text.strip() else []
    parts = [text]
    if line[: len(line) - len(text)].endswith(";"):  # ; term : what it means
        term, colon, meaning = text.partition(":")
        if colon and not meaning.startswith("//"):
            parts = [term, meaning]
    return True, [part.strip() for part in parts if part.strip()]
