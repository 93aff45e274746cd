"""Main text of an HTML page: chosen by trafilatura, corrected and worded by the page, behind caps on its structure.

The caps are functions of the page alone, so a page is too much for the parser on every machine or on none. They keep
a page just below all of them in the low seconds; what still goes wrong is caught by `stages.guard`.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass

from lxml import etree
from lxml.html import HtmlElement
from trafilatura import extract as trafilatura_extract
from trafilatura.utils import HTML_PARSER, load_html

from stages.caps import Caps, Comments, TooMuch
from stages.gate import markup
from stages.html import selection, trafilatura_fast
from stages.html.lines import page_of

_TOO_DEEP = "ERR_RESOURCE_LIMIT"  # libxml2 stops at 255 levels (or 10 MB of text in one node) and drops the rest


@dataclass(frozen=True, slots=True)
class HtmlText:
    """Text with the line breaks of the page, '' if the extractor found none."""

    text: str
    title: str  # without <title> the first <h1>; '' when both are absent
    declared_language: str  # as written, '' when absent
    comment_characters: int  # what readers wrote below the text, whether it is in `text` or not


def extract(html: str, caps: Caps, comments: Comments = "drop") -> HtmlText:
    """Main text of a whole page, with or without its readers' comments. Raises TooMuch if the page is over a cap."""
    return extract_stripped(markup.strip(html), caps, comments)


def extract_stripped(html: str, caps: Caps, comments: Comments = "drop") -> HtmlText:
    """`extract` for a page that went through `markup.strip` already."""
    if len(html) > caps.characters:
        raise TooMuch("extract.too-large", f"{len(html)} characters, the cap is {caps.characters}")
    tree = _parse(_encodable(html))
    title, language = markup.title(html), markup.declared_language(html)
    if tree is None:
        return HtmlText("", title, language, 0)
    page = page_of(tree, caps)
    extracted = trafilatura_extract(tree, include_comments=False, include_tables=True, deduplicate=False) or ""
    selected = selection.select(page, extracted, title, comments=comments == "keep")
    return HtmlText(selected.text, title or _first_heading(tree), language, selected.comment_characters)


def _first_heading(tree: HtmlElement) -> str:
    heading = tree.find(".//h1")
    return "" if heading is None else " ".join(heading.text_content().split())


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


def serve(payload: bytes) -> bytes:
    """Guard target: `extract_stripped` of a `caps.request`. JSON with the fields of HtmlText, or with `reason` alone."""
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)  # a line to stderr for each page without text
    trafilatura_fast.install()
    head, _, page = payload.partition(b"\n")
    how = json.loads(head)
    try:
        answer = asdict(extract_stripped(page.decode(), Caps(**how["caps"]), how["comments"]))
    except TooMuch as error:
        answer = {"reason": error.reason}
    return json.dumps(answer, ensure_ascii=False).encode()
