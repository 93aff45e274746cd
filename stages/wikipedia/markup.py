"""Templates, links and tables of wikitext -> text that still has its headings, list marks and quotes.

Braces and brackets are matched in one pass, over a stack of at most `DEPTH` open marks, so that the time is linear in the
length of the text however broken it is.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from stages.wikipedia.apparatus import is_apparatus, is_data
from stages.wikipedia.links import link
from stages.wikipedia.tags import GAP
from stages.wikipedia.templates import normalise, rule

LONGEST_NAME = 100  # characters of a template's name that are looked at
DEPTH = 40  # marks open at once; deeper ones are dropped. MediaWiki's own limit for templates ($wgMaxTemplateDepth)

# Nine of ten links name no namespace and hold no other mark. `split` cuts their labels out without a call of Python each,
# which makes the cleaner 1.4 times as fast on real articles. Labels that could be taken for a mark of a line are left out.
PLAIN_LINK = re.compile(r"\[\[(?:[^\[\]{}|\n:]*+\|)?([^\[\]{}|\n:=!*#;\s][^\[\]{}|\n:=!]*+)\]\]")
# Likewise links and templates without others inside are one token each.
SIMPLE = (
    r"\[\[([^\[\]{}|\n]*)(?:\|([^\[\]{}\n]*))?\]\]"
    rf"|\{{\{{([^\[\]{{}}|\n]{{1,{LONGEST_NAME}}})((?:\|(?:[^\[\]{{}}\n]|\n(?!==))*+)?)\}}\}}(?!\}})|"
)
# Every alternative begins with a literal, which lets `re` skip from one candidate to the next.
MARK = (
    r"\{\{|\}\}|\[\[|\]\]|\|\|?"
    r"|\n(?:"
    r"(?=={2,6}[^\n]*=[ \t]*(?:\n|\Z))"  # before a heading
    r"|[ \t:*#;]*\{\|"  # start of a table
    r"|[ \t]*(?:\|\}(?!\}(?!\}))|\|[+-]|\|(?![|}])|!)"  # its end, caption, row, cell, header; not the '|}}' of a template
    r")"
)
TOKEN = re.compile(SIMPLE + MARK)
LINK, TEMPLATE = 2, 4  # the last group of either, by which the two are told apart

_HEADING = r"\n={2,6}[^\n]*=[ \t]*(?=\n|\Z)"
_BRACES = re.compile(rf"\{{\{{|\}}\}}|\n[ \t]*\|\}}(?!\}}(?!\}}))|{_HEADING}")
_TABLE_OR_TEXT = re.compile(rf"。|\n[ \t]*\|\}}(?!\}}(?!\}}))|\n[ \t:*#;]*\{{\||{_HEADING}")


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
        self._text = ""
        self._out: list[str] = []
        self._open: list[_Open] = []
        self._unclosed = 0  # up to here it is known that no data template closes

    def resolve(self, text: str) -> str:
        self._text = text = "".join(PLAIN_LINK.split(text))
        out, at, search = self._out, 0, TOKEN.search
        while found := search(text, at):
            start = found.start()
            if start > at:
                out.append(text[at:start])
            at = found.end()
            kind = found.lastindex
            if kind is None:
                at = self._take(found[0], at)
            elif kind <= LINK:
                out.append(link(found[1], [] if found[2] is None else [found[2]]))
            else:
                out.append(self._expand(found[3], found[4].split("|")[1:], at))
        out.append(text[at:])
        while self._open:
            self._abandon()
        return "".join(out)

    def _take(self, mark: str, at: int) -> int:
        """One mark that ends at `at`; where to read on."""
        if mark == "{{":
            end = self._end_of_data(at)
            if end:
                self._out.append(GAP)
                return end
            self._push(mark)
        elif mark == "[[":
            self._push(mark)
        elif mark == "}}":
            self._close_template(at)
        elif mark == "]]":
            self._close_link()
        elif mark.startswith("|"):
            self._bar(mark)
        else:
            return self._line(mark.lstrip(), at)
        return at

    def _end_of_data(self, at: int) -> int:
        """Where an infobox ends whose name starts at `at`, by its braces alone; 0 when it is none, or is not closed."""
        if at < self._unclosed or not is_data(self._text[at : at + 40].lstrip().lower()):
            return 0
        depth = 1
        for found in _BRACES.finditer(self._text, at):
            mark = found[0]
            depth += (mark == "{{") - (mark == "}}")
            if not depth:
                return found.end()
            if mark.endswith("="):  # a heading
                self._unclosed = found.start()
                return 0
        self._unclosed = len(self._text)
        return 0

    def _end_of_bare_table(self, at: int) -> int:
        """Where the table that starts at `at` ends if it holds no sentence and no other table; 0 otherwise.

        Most tables do, and none of their cells has to be looked at.
        """
        found = _TABLE_OR_TEXT.search(self._text, at)
        if found is None or not found[0].endswith("|}"):
            return 0
        start, end = at, found.end()
        return end if self._text.count("{{", start, end) == self._text.count("}}", start, end) else 0

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

    def _line(self, mark: str, at: int) -> int:
        """A mark at the start of a line: a part of a table, or nothing before a heading. Where to read on."""
        if not mark:
            while self._open:  # nothing reaches over a heading: an unclosed mark costs its own section at most
                self._abandon()
            self._out.append("\n")
            return at
        if mark.lstrip(":*#; \t").startswith("{|"):
            self._out.append("\n")
            end = self._end_of_bare_table(at)
            if end:
                return end
            self._push("{|")
            return at
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
        return at

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

    def _close_template(self, at: int) -> None:
        depth = len(self._open)
        while depth and self._open[depth - 1].mark != "{{":
            depth -= 1
        if not depth:
            return
        while len(self._open) > depth:
            self._abandon()
        name, *arguments = self._parts(self._open.pop())
        self._out.append(self._expand(name[:LONGEST_NAME], arguments, at))

    def _close_link(self) -> None:
        if not self._open or self._open[-1].mark != "[[":
            return
        parts = self._parts(self._open.pop())
        self._out.append(link(parts[0], parts[1:]))

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

    def _expand(self, name: str, arguments: list[str], at: int) -> str:
        """What a template that ends at `at`, and is no part of the output any more, leaves there."""
        key = normalise(name.replace(GAP, ""))
        expand = rule(key)
        if expand is not None:
            return expand(_arguments(arguments)) or GAP
        if key in _PAGE_NAMES:
            return self._title
        function, colon, operand = key.partition(":")
        if colon and function == "formatnum":
            return _grouped(operand.strip())
        if not is_apparatus(key) and not self._stands_alone(arguments, at):
            self.unknown[key] += 1
        return GAP

    def _stands_alone(self, arguments: list[str], at: int) -> bool:
        """Has it a line of its own and no positional argument? Then it is a navigation box or a notice."""
        before = self._out[-1][-1:] if self._out else ""
        after = self._text[at : at + 1]
        return before in ("\n", GAP) and after in ("", "\n", "{") and all(_NAMED.match(part) for part in arguments)


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
