"""trafilatura 2.3.1, full mode, about twice as fast with the same output.

`install` swaps constants and functions of trafilatura's modules in this process. Each swap gives what the original gives,
for the reason stated with it; `tests/html/test_trafilatura_fast.py` compares the outputs. The swaps rely on the inner workings
of the versions in `KNOWN`: with others nothing is swapped.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from functools import cache
from importlib import import_module
from importlib.metadata import version
from types import ModuleType
from typing import Any

from lxml import etree
from lxml.html import HtmlComment, HtmlElement, HtmlElementClassLookup, HtmlEntity, HtmlProcessingInstruction

from stages.html.xpath import selector

_log = logging.getLogger(__name__)

KNOWN = {"justext": "3.0.2", "lxml": "6.1.3", "trafilatura": "2.3.1"}

# `from trafilatura import baseline` would be a function of that name.
_baseline, _core, _external, _utils, _xpaths = (
    import_module(f"trafilatura.{name}") for name in ("baseline", "core", "external", "utils", "xpaths")
)
_LISTS = (  # of XPaths; those for metadata are not used here
    "BODY_XPATH",
    "COMMENTS_DISCARD_XPATH",
    "COMMENTS_XPATH",
    "DISCARD_IMAGE_ELEMENTS",
    "OVERALL_DISCARD_XPATH",
    "PRECISION_DISCARD_XPATH",
    "RAW_TREE_PRUNE_XPATH",
    "REMOVE_COMMENTS_AND_LISTS_XPATH",
    "REMOVE_COMMENTS_XPATH",
    "TEASER_DISCARD_XPATH",
)


# lxml.html asks a Python function for the class of each element that it hands out. The special classes which it gives to
# form controls only add members to those of `HtmlElement`, and trafilatura uses none of them.
_ONE_CLASS = etree.ElementDefaultClassLookup(
    element=HtmlElement, comment=HtmlComment, pi=HtmlProcessingInstruction, entity=HtmlEntity
)


def _extract_and_compare(
    cleaned: HtmlElement, backup: HtmlElement, tree: HtmlElement, options: Any
) -> tuple[etree._Element, str]:
    """The own extraction, compared with those of readability and justext where one of them could replace it.

    justext replaces a short text, or one with elements that the cleaning should have removed.
    """
    body, text = _core.extract_content(cleaned, options)
    tree.extracted, tree.longest_text = len(text), _longest_text(tree)  # noted on the page for `_page_measure`
    if options.fast or (
        len(text) >= options.min_extracted_size
        and tree.longest_text <= _enough(body, text, options)
        and not _SHOULD_BE_GONE(body)
    ):
        return body, text
    return _core.compare_extraction(backup, copy(tree), body, text, options)  # type: ignore[no-any-return]


def _enough(body: etree._Element, text: str, options: Any) -> int:
    """Characters of which readability needs more to replace the own extraction (`_prefer_readability`); -1 if unknown."""
    if not _HAS_TEXT_IN_PARAGRAPHS(body) or len(body.findall(".//table")) > len(body.findall(".//p")):
        return -1
    return {"balanced": 2 * len(text), "recall": len(text)}.get(options.focus, -1)


_HAS_TEXT_IN_PARAGRAPHS = etree.XPath("boolean(.//p//text())")
_SHOULD_BE_GONE = etree.XPath(_external.SANITIZED_XPATH)


def _longest_text(page: HtmlElement) -> float:
    """Characters that readability can make of a page at most.

    It leaves things out and keeps the order of the rest, but writes 'VIDEO' into some iframes. And its result is written as
    XML and read as HTML, which escapes & and < once more in the elements that HTML reads as plain text.
    """
    if next(page.iter("noembed", "noframes", "plaintext", "xmp"), None) is not None:
        return math.inf
    videos = sum(1 for _ in page.iter("iframe"))
    return len(" ".join(page.text_content().split())) + len("VIDEO") * videos


def _page_measure(tree: HtmlElement) -> str:
    """`html2txt`, of which `core` asks only whether a fifth of its length is more than the extraction has.

    It has no more than all text of the page and two spaces for each block. Where that leaves no doubt, '' gives the same
    answer; the extraction can only have become longer since.
    """
    blocks = sum(1 for _ in tree.iter(*_BLOCKS))
    if _core.ESCALATION_PAGE_SHARE * (tree.longest_text + 2 * blocks) <= tree.extracted:
        return ""
    return _baseline.html2txt(tree)  # type: ignore[no-any-return]


_BLOCKS = sorted(_baseline._BLOCK_ELEMS)  # noqa: SLF001


def _try_justext(tree: HtmlElement, url: str | None, target_language: str | None) -> etree._Element:
    """justext keeps 'good' paragraphs and neighbours of them, so without a good one nothing; Japanese has few."""
    if target_language is None and not any(map(_may_be_good, _paragraphs(tree))):
        return etree.Element("body")
    return _stock_try_justext(tree, url, target_language)


_stock_try_justext = _external.try_justext


def _may_be_good(paragraph: str) -> bool:
    """Good needs, among other things, more than 150 characters and a fifth of stop words (see `try_justext`)."""
    if len(paragraph) <= 150:
        return False
    words = paragraph.split()
    stop_words = sum(word.lower() in _stop_words() for word in words)
    return len(" ".join(words)) > 150 and stop_words / len(words) >= 0.2


_PARAGRAPH_TAGS = import_module("justext.core").PARAGRAPH_TAGS


@cache
def _stop_words() -> frozenset[str]:
    """Of all languages that justext has lists for."""
    return frozenset(word.lower() for word in _external.jt_stoplist_init())


def _paragraphs(tree: HtmlElement) -> Iterator[str]:
    """Texts of the paragraphs of `justext.core.ParagraphMaker`, white space not yet folded."""
    parts: list[str] = []
    after_break = False
    for event, element in etree.iterwalk(tree, events=("start", "end", "comment", "pi")):
        starts = event == "start"
        if element.tag in _PARAGRAPH_TAGS or (starts and after_break and element.tag == "br"):
            yield "".join(parts)
            parts.clear()
        elif starts:
            after_break = element.tag == "br"
            if after_break:
                parts.append(" ")
        text = element.text if starts else element.tail
        if text and not text.isspace():
            parts.append(text)
            after_break = False
    yield "".join(parts)


@cache
def _fast() -> dict[tuple[ModuleType, str], Any]:
    """What is swapped: (module, name) -> the faster one."""
    lists = {(_xpaths, name): [selector(each.path) for each in getattr(_xpaths, name)] for name in _LISTS}
    return lists | {
        (_baseline, "BASIC_CLEAN_XPATH"): selector(_baseline.BASIC_CLEAN_XPATH.path),
        (_core, "_extract_and_compare"): _extract_and_compare,
        (_core, "html2txt"): _page_measure,
        (_external, "try_justext"): _try_justext,
    }


_stock: dict[tuple[ModuleType, str], Any] = {}  # what the swaps stand in for, while they are in


def install() -> bool:
    """Make trafilatura fast in this process. False, with a line in the log, if the libraries are not those in `KNOWN`."""
    if _stock:
        return True
    if not _are_known():
        return False
    fast = _fast()
    for module, name in fast:
        value = getattr(module, name)
        _stock[module, name] = value[:] if isinstance(value, list) else value
    _put(fast)
    _utils.HTML_PARSER.set_element_class_lookup(_ONE_CLASS)
    return True


@cache
def _are_known() -> bool:
    found = {library: version(library) for library in KNOWN}
    if found != KNOWN:
        _log.warning("trafilatura runs at its own speed: the faster one is for %s, found %s", KNOWN, found)
    return found == KNOWN


@contextmanager
def stock() -> Iterator[None]:
    """trafilatura as it comes, for trees that are parsed and used up in the `with` block."""
    installed = bool(_stock)
    _put(_stock)
    _utils.HTML_PARSER.set_element_class_lookup(HtmlElementClassLookup())
    _stock.clear()
    try:
        yield
    finally:
        if installed:
            install()


def _put(values: dict[tuple[ModuleType, str], Any]) -> None:
    for (module, name), value in values.items():
        if isinstance(value, list):
            getattr(module, name)[:] = value  # other modules hold the same list
        else:
            setattr(module, name, value)
