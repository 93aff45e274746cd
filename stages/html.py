"""Main text of an HTML page by trafilatura, behind caps on the structure of the page.

The caps are functions of the page alone, so a page is too much for the parser on every machine or on none. They keep
a page just below all of them in the low seconds; what still goes wrong is caught by `stages.guard`.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from dataclasses import asdict, dataclass

from lxml import etree
from lxml.html import HtmlElement
from trafilatura import extract as trafilatura_extract
from trafilatura.utils import HTML_PARSER, load_html

from stages import markup
from stages.caps import Caps, TooMuch

# What a run of links sits in: the nearest ancestor that is not one of these is the block.
_INLINE = frozenset(
    {"a", "abbr", "b", "bdi", "bdo", "big", "center", "cite", "code", "em", "font", "i", "label", "nobr", "s", "small"}
    | {"span", "strong", "sub", "sup", "tt", "u"}
)
_TOO_DEEP = "ERR_RESOURCE_LIMIT"  # libxml2 stops at 255 levels (or 10 MB of text in one node) and drops the rest


@dataclass(frozen=True, slots=True)
class HtmlText:
    """Text with the line breaks of the page, '' if the extractor found none."""

    text: str
    title: str
    declared_language: str  # <html lang> as written, '' when absent


def extract(html: str, caps: Caps) -> HtmlText:
    """Main text of a whole page. Raises TooMuch if the page is over a cap."""
    return extract_stripped(markup.strip(html), caps)


def extract_stripped(html: str, caps: Caps) -> HtmlText:
    """`extract` for a page that went through `markup.strip` already."""
    if len(html) > caps.characters:
        raise TooMuch("extract.too-large", f"{len(html)} characters, the cap is {caps.characters}")
    tree = _parse(_encodable(html))
    text = ""
    if tree is not None:
        _check(tree, caps)
        text = trafilatura_extract(tree, include_comments=False, include_tables=True, deduplicate=False) or ""
    return HtmlText(text, markup.title(html), markup.declared_language(html))


def _encodable(html: str) -> str:
    """Lone surrogates, which no parser takes, become U+FFFD."""
    try:
        html.encode()
    except UnicodeEncodeError:
        return html.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return html


def _parse(html: str) -> HtmlElement | None:
    if not html.strip():
        return None
    try:
        tree = load_html(html)
    except etree.ParserError:  # nothing but comments or white space
        return None
    if any(error.type_name == _TOO_DEEP for error in HTML_PARSER.error_log):
        raise TooMuch("extract.too-deep", "nested deeper, or a longer text, than libxml2 takes")
    return tree


def _check(tree: HtmlElement, caps: Caps) -> None:
    """Raise TooMuch if the tree is over a cap; about 1 us an element, where extraction takes 50 and more."""
    depth = elements = levels = 0
    links: Counter[HtmlElement] = Counter()  # block -> links in it
    for event, element in etree.iterwalk(tree, events=("start", "end")):
        if event == "end":
            depth -= 1
            continue
        depth += 1
        elements += 1
        levels += depth
        if depth > caps.depth:
            raise TooMuch("extract.too-deep", f"nested deeper than {caps.depth} levels")
        if elements > caps.elements:
            raise TooMuch("extract.too-large", f"more than {caps.elements} elements")
        if levels > caps.levels:
            raise TooMuch("extract.too-deep", f"the depths of its elements add up to more than {caps.levels}")
        if max(len(element.text or ""), len(element.tail or "")) > caps.text_node:
            raise TooMuch("extract.too-large", f"a text of more than {caps.text_node} characters in one element")
        if element.tag == "a":
            block = _block_of(element)
            links[block] += 1
            if links[block] > caps.links_in_block:
                raise TooMuch("extract.too-many-links", f"more than {caps.links_in_block} links in one <{block.tag}>")


def _block_of(element: HtmlElement) -> HtmlElement:
    """The nearest ancestor that is not inline."""
    block = element.getparent()
    while block.tag in _INLINE:
        block = block.getparent()
    return block


def serve(payload: bytes) -> bytes:
    """Guard target: `extract_stripped` of a `caps.request`. JSON with the fields of HtmlText, or with `reason` alone."""
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)  # a line to stderr for each page without text
    caps, _, page = payload.partition(b"\n")
    try:
        answer = asdict(extract_stripped(page.decode(), Caps(**json.loads(caps))))
    except TooMuch as error:
        answer = {"reason": error.reason}
    return json.dumps(answer, ensure_ascii=False).encode()
