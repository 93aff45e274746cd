"""Templates, links and tables of wikitext -> text that still has its headings, list marks and quotes.

Braces and brackets are matched in one pass, over a stack of at most `DEPTH` open marks, so that the time is linear in the
length of the text however broken it is.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from stages.wikitext_tags import GAP
from stages.wikitext_templates import is_apparatus, normalise, rule

LONGEST_NAME = 100  # characters of a template's name that are looked at
DEPTH = 40  # marks open at once; deeper ones are dropped. MediaWiki's own limit for templates ($wgMaxTemplateDepth)

# Nine of ten links hold no other mark. Taking each as one token makes the cleaner 1.5 times as fast on real articles.
SIMPLE_LINK = r"\[\[([^\[\]{}|\n]*)(?:\|([^\[\]{}|\n]*))?\]\]|"
# Every alternative begins with a literal, which lets `re` skip from one candidate to the next.
MARK = (
    r"\{\{|\}\}|\[\[|\]\]|\|\|?"
    r"|\n(?:"
    r"(?=={2,6}[^\n]*=[ \t]*(?:\n|\Z))"  # before a heading
    r"|[ \t:*#;]*\{\|"  # start of a table
    r"|[ \t]*(?:\|\}(?!\}(?!\}))|\|[+-]|\|(?![|}])|!)"  # its end, caption, row, cell, header; not the '|}}' of a template
    r")"
)
TOKEN = re.compile(SIMPLE_LINK + MARK)


@dataclass(slots=True)
class _Open:
    """A mark that is not closed yet: '{{', '[[' or '{|', and where its parts begin in the output.

    Of a table only the cell being read is a part.
    """

    mark: str
    parts: list[int]
    attributes_over: bool = False  # of that cell: its first '|' was seen


class Resolver:
    """Templates, links and tables of one page, resolved in one pass. `unknown` counts templates dropped unrecognised."""

    def __init__(self, title: str) -> None:
        self.unknown: Counter[str] = Counter()
        self._title = title
        self._out: list[str] = []
        self._open: list[_Open] = []

    def resolve(self, text: str) -> str:
        out, at = self._out, 0
        for found in TOKEN.finditer(text):
            start = found.start()
            if start > at:
                out.append(text[at:start])
            at = found.end()
            if found.lastindex:
                out.append(_link(found[1], [] if found[2] is None else [found[2]]))
            else:
                self._take(found[0])
        out.append(text[at:])
        while self._open:
            self._abandon()
        return "".join(out)

    def _take(self, mark: str) -> None:
        if mark in ("{{", "[["):
            self._push(mark)
        elif mark == "}}":
            self._close_template()
        elif mark == "]]":
            self._close_link()
        elif mark.startswith("|"):
            self._bar(mark)
        else:
            self._line(mark.lstrip())

    def _push(self, mark: str) -> None:
        if len(self._open) < DEPTH:
            self._open.append(_Open(mark, [len(self._out)]))

    def _bar(self, mark: str) -> None:
        """A '|' or '||' inside a line."""
        if not self._open:
            self._out.append(mark)
            return
        top = self._open[-1]
        if top.mark != "{|":
            top.parts += [len(self._out)] * len(mark)
        elif mark == "||":
            self._next_cell(top)
        elif not top.attributes_over:  # | style="..." | text
            top.attributes_over = True
            attributes = self._cut(top.parts[-1])
            self._out.append(attributes if "。" in attributes else "")

    def _line(self, mark: str) -> None:
        """A mark at the start of a line: a part of a table, or nothing before a heading."""
        if not mark:
            while self._open:  # nothing reaches over a heading: an unclosed mark costs its own section at most
                self._abandon()
            self._out.append("\n")
            return
        if mark.lstrip(":*#; \t").startswith("{|"):
            self._out.append("\n")
            self._push("{|")
            return
        table = self._table_above_links()
        if table is None:
            self._out.append("\n")
            if mark.startswith("|") and self._open:
                self._open[-1].parts.append(len(self._out))
                mark = mark[1:]
            self._out.append(mark)
        elif mark == "|}":
            self._next_cell(table)
            self._open.pop()
        else:
            self._next_cell(table)

    def _table_above_links(self) -> _Open | None:
        """The table this line belongs to, after giving up links that a cell left open; None inside a template."""
        depth = len(self._open)
        while depth and self._open[depth - 1].mark == "[[":
            depth -= 1
        if not depth or self._open[depth - 1].mark != "{|":
            return None
        while len(self._open) > depth:
            self._abandon()
        return self._open[-1]

    def _next_cell(self, table: _Open) -> None:
        """A table is data, not text: of its cells only those that hold a sentence (a 。) are kept, each as a line."""
        cell = self._cut(table.parts[-1])
        if "。" in cell:
            self._out.append(f"\n{cell.strip()}\n")
        table.parts[-1] = len(self._out)
        table.attributes_over = False

    def _close_template(self) -> None:
        depth = len(self._open)
        while depth and self._open[depth - 1].mark != "{{":
            depth -= 1
        if not depth:
            return
        while len(self._open) > depth:
            self._abandon()
        template = self._open.pop()
        self._out.append(self._expand(template))

    def _close_link(self) -> None:
        if not self._open or self._open[-1].mark != "[[":
            return
        parts = self._parts(self._open.pop())
        self._out.append(_link(parts[0], parts[1:]))

    def _abandon(self) -> None:
        """Give up the innermost open mark, which nothing closes.

        A link loses its brackets and its target; a template everything up to the end of the line of its last '|', which
        is where prose goes on after the parameters; a table is closed.
        """
        top = self._open.pop()
        if top.mark == "{|":
            self._next_cell(top)
            return
        rest = self._parts(top)[-1]
        if top.mark == "{{":
            _, newline, rest = rest.partition("\n")
            rest = newline + rest
        self._out.append(GAP + rest)

    def _cut(self, start: int) -> str:
        """Take everything from `start` on out of the output."""
        text = "".join(self._out[start:])
        del self._out[start:]
        return text

    def _parts(self, mark: _Open) -> list[str]:
        ends = [*mark.parts[1:], len(self._out)]
        parts = ["".join(self._out[start:end]) for start, end in zip(mark.parts, ends, strict=True)]
        del self._out[mark.parts[0] :]
        return parts

    def _expand(self, template: _Open) -> str:
        """Take a template out of the output; its text."""
        start, *arguments = template.parts
        name = "".join(self._out[start : arguments[0] if arguments else None])
        key = normalise(name[:LONGEST_NAME].replace(GAP, ""))
        expand = rule(key)
        if expand is not None:
            return expand(_arguments(self._parts(template)[1:])) or GAP
        del self._out[start:]
        if key in _PAGE_NAMES:
            return self._title
        if key.startswith("formatnum:"):
            return _grouped(key.removeprefix("formatnum:").strip())
        if not is_apparatus(key):
            self.unknown[key] += 1
        return GAP


_PAGE_NAMES = frozenset({"pagename", "fullpagename", "basepagename", "subpagename"})
_NAMED = re.compile(r"([^=\[\]<>{}]{1,40})=")


def _grouped(number: str) -> str:
    return f"{int(number):,}" if re.fullmatch(r"[0-9]{1,30}", number) else number


def _arguments(parts: list[str]) -> dict[str, str]:
    """Parameters by name; positional ones are '1', '2', ..., as in MediaWiki."""
    arguments: dict[str, str] = {}
    position = 0
    for part in parts:
        named = _NAMED.match(part)
        if named:
            arguments[named[1].strip()] = part[named.end() :].strip()
        else:
            position += 1
            arguments[str(position)] = part.strip()
    return arguments


_HIDDEN = re.compile(r"(?:file|image|media|category|ファイル|画像|メディア|カテゴリ|カテゴリー)[ \t]*:", re.IGNORECASE)
# Interlanguage links are shown beside the page, not in it. Short prefixes of sister projects are not languages.
_LANGUAGE = re.compile(r"(?!(?:wp|mw|wmf|doi|rfc|voy|oai)\b)(?:[a-z]{2,3}(?:-[a-z-]{2,12})?|simple):")


def _link(target: str, labels: list[str]) -> str:
    """What a reader sees of [[target|label]]; a `GAP` for files, categories and interlanguage links."""
    label = "|".join(labels)
    if _HIDDEN.match(target.lstrip()) or (_LANGUAGE.match(target) and not labels):
        return GAP
    if "\n" in target.strip():  # not closed where it should have been: no link, but text up to someone else's brackets
        return target + label
    if "://" in target:  # [[http://... label]]: an external link with one bracket too many
        return f"{target.strip().partition(' ')[2]} {label}".strip()
    if label.strip():
        return label
    shown = target.removeprefix(":")
    if labels:  # [[Wikipedia:索引 (仮)|]] is short for 索引
        shown = re.sub(r"[ \t]*\([^()]*\)$", "", shown.partition(":")[2] or shown)
    return shown
