"""The lines of a page as a browser shows them, and the blocks they stand in.

One walk over the tree. White space is folded as HTML folds it, so U+3000 and its indents stay, as do the line breaks of
`<br>` and all of `<pre>`; the cells of a table row stand on one line, divided by tabs, as in a browser's `innerText`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import NoReturn

from lxml.html import HtmlElement

from stages.caps import Caps, TooMuch

# Elements that begin and end a line: what the HTML standard (section 15.3) displays as block, list item or table part.
BLOCKS = frozenset(
    {"address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "dialog", "dir", "div"}
    | {"dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header"}
    | {"hgroup", "hr", "html", "legend", "li", "listing", "main", "menu", "nav", "noscript", "ol", "p", "plaintext"}
    | {"pre", "search", "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul", "xmp"}
)
_CELLS = frozenset({"td", "th"})
_BREAKING = (*sorted(BLOCKS - _CELLS), "br")
_VERBATIM = frozenset({"listing", "plaintext", "pre", "xmp"})
# Elements whose text is not shown, or belongs to a control and not to the page; readings of ruby.
_UNSEEN = frozenset(
    {"applet", "audio", "button", "canvas", "datalist", "embed", "frame", "head", "iframe", "input", "map", "math"}
    | {"noembed", "object", "option", "picture", "rp", "rt", "rtc", "script", "select", "style", "svg", "template"}
    | {"textarea", "title", "video"}
)
_ASIDE = frozenset({"aside", "fieldset", "footer", "form", "nav", "noscript", "search"})
# What authors call the surroundings of a text, after the lists of readability and trafilatura, and Japanese habit.
_ASIDE_NAME = re.compile(
    r"(?<![a-z])(?:ads?|adsense|banners?|bnr|cookies?|copyright|foot(?:er)?|g?nav[a-z]*|log-?in|menu|modal|pag(?:er|ing)"
    r"|page-?top|pagination|pankuzu|popup|pr|rank(?:ing)?|recommend(?:ed|s)?|respond|search|shar(?:e|ing)|side|sns"
    r"|social|tags?|toc|topic-?path|widgets?)(?![a-z])|bread-?crumb|noprint|related|sidebar",
    re.IGNORECASE,
)
_COMMENT_PLACES = frozenset({"details", "div", "dl", "ol", "section", "ul"})
# As trafilatura finds them (REMOVE_COMMENTS_AND_LISTS_XPATH), so that what it leaves out is found here.
_COMMENT_ID = re.compile(r"[Cc]omment(?!ary)|comol|disqus_thread|dsq-comments")
_COMMENT_CLASS = re.compile(r"^[Cc]omment(?!ary)|(?:article|post)-comments")
_HIDDEN = re.compile(r"(?:display:\s*none|visibility:\s*hidden)", re.IGNORECASE)

_FOLDED = re.compile("[ \t\n\f\r\xa0]+")
# Characters as wide as two Latin letters; Japanese has no blanks between words.
_WIDE = "[\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff01-\uff60\uff65-\uff9f\U00020000-\U0003ffff]"
_IS_WIDE = re.compile(_WIDE)
_SEAM = re.compile(f"{_WIDE}[ \t\f\r]*\n[ \t\f\r]*{_WIDE}")
_STOPS = "、。，．！？"
_WRAPPED = 20  # characters of a source line that was wrapped; titles and names in a list are shorter
_CELL = "\v"  # between the cells of a row until the line ends; no parsed page contains it
_AROUND_CELL = re.compile(f" *{_CELL} *")
_NO_LETTERS = re.compile(r"[\W_]+")


@dataclass(slots=True)
class Block:
    """An element that breaks lines; the lines in it are those from number `first` up to, not including, `last`."""

    tag: str
    parent: int  # number of the block around it, -1 for the outermost, which is the whole tree
    first: int
    aside: bool  # by its tag, its name or its style not part of the text
    comments: bool  # by its name the place of readers' comments
    last: int = 0


@dataclass(slots=True)
class Line:
    """A line that is not empty, or an empty one inside `<pre>`."""

    text: str
    block: int  # number of the innermost block
    letters: int  # letters and digits
    linked: int  # of these, inside links
    links: int


@dataclass(slots=True)
class Page:
    """Lines and blocks in the order of the page; a block comes before the blocks inside it."""

    lines: list[Line]
    blocks: list[Block]


def page_of(tree: HtmlElement, caps: Caps) -> Page:
    """The visible lines of a parsed page. Raises TooMuch if it is over a cap.

    About 10 us an element, where extraction takes 50 and more.
    """
    walk = _Walk(caps)
    walk.visit(tree, 1)
    return Page(walk.lines, walk.blocks)


def letters(text: str) -> int:
    return len(_NO_LETTERS.sub("", text))


class _Walk:
    """What has been seen of a page so far, and the line that is being put together."""

    def __init__(self, caps: Caps) -> None:
        self.lines: list[Line] = []
        self.blocks: list[Block] = []
        self._caps = caps
        self._elements = self._levels = 0
        self._links_of_block: list[int] = []
        self._block = -1
        self._pieces: list[str] = []
        self._linked = self._links = 0
        self._anchors = self._verbatim = self._unseen = 0  # how many of them are open
        self._one_line_row = False

    def visit(self, element: HtmlElement, depth: int) -> None:
        """The lines of an element; the recursion ends at the cap on depth, or at 255, where libxml2 stops."""
        tag = element.tag
        self._elements += 1
        self._levels += depth
        if depth > self._caps.depth or self._elements > self._caps.elements or self._levels > self._caps.levels:
            self._refuse(depth)
        if depth == 1 or (tag in BLOCKS and not (tag in _CELLS and self._one_line_row)):
            self._visit_block(element, depth)
        elif tag in _UNSEEN:
            self._unseen += 1
            self._visit_inside(element, depth)
            self._unseen -= 1
        elif tag == "a":
            self._count_anchor()
            link = element.get("href") is not None
            self._anchors += link
            self._links += link
            self._visit_inside(element, depth)
            self._anchors -= link
        elif isinstance(tag, str):  # not a comment
            if tag == "br":
                self._end_line()
            elif tag in _CELLS and self._pieces:
                self._pieces.append(_CELL)
            self._visit_inside(element, depth)

    def _visit_inside(self, element: HtmlElement, depth: int) -> None:
        if text := element.text:
            self._add(text)
        for child in element:
            self.visit(child, depth + 1)
            if tail := child.tail:
                self._add(tail)

    def _visit_block(self, element: HtmlElement, depth: int) -> None:
        tag, outer, row = element.tag, self._block, self._one_line_row
        self._end_line()
        self._block = len(self.blocks)
        aside, comments = _part(tag, tuple(element.items()))
        block = Block(tag, outer, len(self.lines), aside, comments)
        self.blocks.append(block)
        self._links_of_block.append(0)
        self._one_line_row = tag == "tr" and _is_one_line(element)
        self._verbatim += tag in _VERBATIM
        self._visit_inside(element, depth)
        self._end_line()
        self._verbatim -= tag in _VERBATIM
        self._one_line_row = row
        block.last = len(self.lines)
        self._block = outer

    def _refuse(self, depth: int) -> NoReturn:
        caps = self._caps
        if depth > caps.depth:
            raise TooMuch("extract.too-deep", f"nested deeper than {caps.depth} levels")
        if self._elements > caps.elements:
            raise TooMuch("extract.too-large", f"more than {caps.elements} elements")
        raise TooMuch("extract.too-deep", f"the depths of its elements add up to more than {caps.levels}")

    def _count_anchor(self) -> None:
        self._links_of_block[self._block] += 1
        if self._links_of_block[self._block] > self._caps.links_in_block:
            inside = f"one <{self.blocks[self._block].tag}>"
            raise TooMuch("extract.too-many-links", f"more than {self._caps.links_in_block} links in {inside}")

    def _add(self, text: str) -> None:
        if len(text) > self._caps.text_node:
            raise TooMuch("extract.too-large", f"a text of more than {self._caps.text_node} characters in one element")
        if self._unseen:
            return
        if not self._verbatim:
            # Of white space at the start of a line HTML shows nothing; U+3000, which isspace() knows too, is an indent.
            if not text.isspace() or "\u3000" in text:
                self._piece(text)
            elif self._pieces:
                self._piece(" ")  # between elements: no line end inside a sentence
            return
        first, *others = text.replace("\r\n", "\n").split("\n")
        self._piece(first)
        for other in others:
            self._end_line(empty=len(self.lines) > self.blocks[self._block].first)  # <pre> begins with its first text
            self._piece(other)

    def _piece(self, text: str) -> None:
        self._pieces.append(text)
        if self._anchors:
            self._linked += letters(text)

    def _end_line(self, *, empty: bool = False) -> None:
        if self._pieces:
            text = "".join(self._pieces)
            if not self._verbatim:
                if "\n" in text and _SEAM.search(text):
                    text = _unwrapped(text)
                text = _FOLDED.sub(" ", text).lstrip(" ")
                if _CELL in text:
                    text = _AROUND_CELL.sub("\t", text)
            text = text.rstrip()
            if text or empty:
                self.lines.append(Line(text, self._block, letters(text), self._linked, self._links))
                if len(self.lines) > self._caps.lines:
                    raise TooMuch("extract.too-large", f"more than {self._caps.lines} lines")
            self._pieces = []
        self._linked, self._links = 0, self._anchors


def _unwrapped(text: str) -> str:
    """Source lines joined, with a blank or, between full-width characters, without one (CSS Text 3, 4.1.3).

    Browsers of old show the blank, so it stays where it may be all that parts two items: after a short line, at an empty
    line, and (see `_add`) between elements.
    """
    lines = [line.strip(" \t\f\r") for line in text.split("\n")]
    joined = [lines[0]]
    for before, after in pairwise(lines):
        wrapped = (
            (before[-1:] in _STOPS or len(before) >= _WRAPPED) and _IS_WIDE.match(before[-1:]) and _IS_WIDE.match(after)
        )
        joined += ["" if wrapped else " ", after]
    return "".join(joined)


@lru_cache(4096)  # a page has few kinds of blocks, and so has a site
def _part(tag: str, attributes: tuple[tuple[str, str], ...]) -> tuple[bool, bool]:
    """Whether a block is an aside, and whether it is a place of comments."""
    known = dict(attributes)
    id_, class_ = known.get("id", ""), known.get("class", "")
    aside = (
        tag in _ASIDE
        or "hidden" in known
        or _ASIDE_NAME.search(f"{id_} {class_}") is not None
        or _HIDDEN.search(known.get("style", "")) is not None
    )
    comments = _COMMENT_ID.match(id_) is not None or _COMMENT_CLASS.search(class_) is not None
    return aside, comments and tag in _COMMENT_PLACES


def _is_one_line(row: HtmlElement) -> bool:
    """Whether no cell of a table row has more than one line: a layout table has its text in such cells."""
    return next(row.iterdescendants(*_BREAKING), None) is None
