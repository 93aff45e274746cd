"""The faster trafilatura gives what the stock one gives, and is used with the versions it was made for."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from html import escape
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree
from lxml.html import HtmlElement, HtmlElementClassLookup
from trafilatura import extract, html2txt
from trafilatura.settings import BASIC_CLEAN_XPATH, Extractor
from trafilatura.utils import load_html, trim

from stages.gate.markup import strip
from stages.html import trafilatura_fast
from stages.html.xpath import selector
from stages.warc.warc import Damage, read
from tests.runs import GOLDEN, ROOT

DATA = ROOT.parent / "shared" / "data"
PRODUCT = {"include_comments": False, "include_tables": True, "deduplicate": False}
OPTIONS = [PRODUCT, PRODUCT | {"include_comments": True}, PRODUCT | {"fast": True}, PRODUCT | {"favor_recall": True}]

xpaths, external = import_module("trafilatura.xpaths"), import_module("trafilatura.external")
# At import, before anything is swapped.
with trafilatura_fast.stock():
    STOCK = [*(xpath for name in trafilatura_fast._LISTS for xpath in getattr(xpaths, name)), BASIC_CLEAN_XPATH]
    try_justext = external.try_justext


def parse(page: str) -> HtmlElement | None:
    try:
        return load_html(page)
    except etree.ParserError:  # nothing but comments or white space
        return None


def both(page: str, options: dict[str, Any] = PRODUCT) -> tuple[str | None, str | None]:
    """Text by the stock library and by the fast one."""
    with trafilatura_fast.stock():
        tree = parse(page)
        stock = None if tree is None else extract(tree, **options)
    assert trafilatura_fast.install()
    tree = parse(page)
    return stock, None if tree is None else extract(tree, **options)


# Words that the XPaths look for, taken from them: parts of their strings without the operators of regular expressions.
TOKENS = sorted(
    {
        re.sub(r"\[(.)[^]]*\]\??|\(\?\S|[()^?]", r"\1", part)
        for xpath in STOCK
        for string in re.findall(r"'([^']*)'", xpath.path)
        for part in string.split("|")
    }
    - {""}
)
TAGS = [
    "div",
    "p",
    "span",
    "section",
    "article",
    "main",
    "aside",
    "footer",
    "ul",
    "ol",
    "li",
    "dl",
    "dd",
    "table",
    "tr",
    "td",
    "th",
    "h1",
    "h2",
    "details",
    "form",
    "nav",
    "header",
    "pre",
]
NAMES = [
    "class",
    "id",
    "role",
    "style",
    "aria-hidden",
    "itemprop",
    "data-component",
    "data-lp-replacement-content",
    "rel",
    "href",
]
SENTENCES = [
    "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。",
    "何でも薄暗いじめじめした所でニャーニャー泣いていた事だけは記憶している。" * 4,
    "Copyright © 2024",
    "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness, "
    "it was the epoch of belief, it was the epoch of incredulity, it was the season of Light",
    "東京",
    " ",
    "&lt;b&gt; &amp;amp; \t\n",
]
text = st.sampled_from(SENTENCES)
value = st.builds(
    lambda before, token, after, change: before + change(token) + after,
    st.sampled_from(["", "", "x", "x-", "x ", "Main"]),
    st.sampled_from([*TOKENS, "", "true", "display:none", "article", "content"]),
    st.sampled_from(["", "", "s", "-x", " x", "Body"]),
    st.sampled_from([str, str, str.upper, str.title, str.swapcase]),
)
attributes = st.dictionaries(st.sampled_from(NAMES[:2] * 3 + NAMES), value, max_size=3).map(
    lambda pairs: "".join(f' {name}="{escape(value)}"' for name, value in pairs.items())  # in the order they were drawn
)
inline = st.one_of(
    text,
    st.builds("<a href='/x'{}>{}</a>".format, attributes, text),
    st.builds("<{0}>{1}</{0}>".format, st.sampled_from(["b", "em", "span", "q", "code", "label"]), text),
    st.sampled_from(
        ["<br>", "<br><br>", "<img src=a.png>", "<iframe src=https://www.youtube.com/x></iframe>", "<xmp>&</xmp>"]
    ),
)
element = st.recursive(
    st.builds("<p{}>{}</p>".format, attributes, st.lists(inline, min_size=1, max_size=4).map("".join)),
    lambda inner: st.builds(
        lambda tag, attributes, inner: f"<{tag}{attributes}>{''.join(inner)}</{tag}>",
        st.sampled_from(TAGS),
        attributes,
        st.lists(st.one_of(inner, inline), max_size=5),
    ),
    max_leaves=20,
)
pages = st.lists(element, max_size=8).map(
    lambda elements: f"<html><head><title>題</title></head><body>{''.join(elements)}</body></html>"
)


def test_it_is_in_use_with_the_locked_versions() -> None:
    assert trafilatura_fast.install()
    assert trafilatura_fast.install()
    assert xpaths.BODY_XPATH[0] not in STOCK
    with trafilatura_fast.stock():
        assert xpaths.BODY_XPATH[0] in STOCK
    assert xpaths.BODY_XPATH[0] not in STOCK


def test_another_version_is_left_alone_and_the_log_says_so_once() -> None:
    code = (
        "from stages.html import trafilatura_fast as fast, xpath; import trafilatura.xpaths as xpaths\n"
        "fast.KNOWN['trafilatura'] = '2.3.0'\n"
        "assert not fast.install() and not fast.install()\n"
        "assert type(xpaths.BODY_XPATH[0]).__name__ == 'XPath'"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr.count("trafilatura runs at its own speed") == 1
    assert "2.3.0" in ran.stderr


@pytest.mark.parametrize("xpath", STOCK, ids=lambda xpath: " ".join(xpath.path.split())[:40])
@settings(max_examples=10, deadline=None)
@given(page=pages)
def test_a_selector_finds_what_its_xpath_finds(xpath: etree.XPath, page: str) -> None:
    select = selector(xpath.path)
    tree = parse(page)
    assert tree is not None
    for root in [tree, *tree.findall(".//section"), *tree.findall(".//div")[:2]]:
        found = xpath(root)
        assert select(root) == (found[:1] if "[1]" in xpath.path else found)


def test_the_tokens_of_the_made_pages_are_found() -> None:
    """Else the law above would compare nothing with nothing."""
    hits = 0
    for xpath in STOCK:
        tree = parse("<html><body>" + "".join(f"<div class='{t}' id='{t}'>x</div>" for t in TOKENS) + "</body></html>")
        hits += len(xpath(tree)) > 0
    assert hits >= 15
    assert len(TOKENS) > 100


@pytest.mark.parametrize(
    ("order", "found"), [('id="cookie" class="x"', 1), ('class="x" id="cookie"', 0), ('class="cookie" id="x"', 1)]
)
def test_the_value_of_two_attributes_is_that_of_the_first_in_the_tag(order: str, found: int) -> None:
    xpath = xpaths.OVERALL_DISCARD_XPATH[0]
    tree = parse(f"<html><body><div {order}>x</div></body></html>")
    assert len(xpath(tree)) == found


def test_an_xpath_of_another_shape_is_refused() -> None:
    for path in (".//div[@id and @class]", "//div", ".//div[position()=2]", ".//div[re:test(@id, 'x*')]", ".//*"):
        with pytest.raises(ValueError, match="no function can be made"):
            selector(path)


def test_the_special_classes_of_form_controls_override_nothing() -> None:
    ordinary = {"__module__", "__doc__", "__repr__", "__firstlineno__", "__static_attributes__"}
    for special in HtmlElementClassLookup()._element_classes.values():
        added = {name for base in special.__mro__[: special.__mro__.index(HtmlElement)] for name in vars(base)}
        assert not (added & set(dir(HtmlElement))) - ordinary - {"__dict__", "__weakref__", "name", "label"}


@settings(max_examples=40, deadline=None)
@given(page=pages, options=st.sampled_from(OPTIONS))
@example(
    page="<html><body><article><p>" + "猫。" * 200 + "</p></article><xmp>" + "&" * 5000 + "</xmp></body></html>",
    options=PRODUCT,
)
@example(page="<html><body><p>短い。</p><div>" + SENTENCES[3] * 3 + "</div></body></html>", options=PRODUCT)
def test_made_pages_give_the_same_text(page: str, options: dict[str, Any]) -> None:
    stock, fast = both(page, options)
    assert fast == stock


def same(named: Iterator[tuple[str, str]]) -> int:
    """Number of pages; fails at the first that differs."""
    count = 0
    for name, page in named:
        stock, fast = both(page)
        assert fast == stock, name
        count += 1
    return count


def warc_pages(path: Path, step: int = 1) -> Iterator[tuple[str, str]]:
    """URL and stripped text of every `step`-th HTML page, Japanese or not."""
    for number, record in enumerate(read(str(path))):
        if not isinstance(record, Damage) and number % step == 0 and b"<html" in record.body[:5000].lower():
            yield record.url, strip(_decoded(record.body))


def _decoded(body: bytes) -> str:
    for encoding in ("utf-8", "cp932", "euc_jp", "iso2022_jp"):
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    return body.decode("utf-8", "replace")


def test_golden_pages_give_the_same_text() -> None:
    assert same(page for name in ("crawl-1", "crawl-2") for page in warc_pages(GOLDEN / f"{name}.warc.gz")) > 50


@pytest.mark.skipif(not DATA.exists(), reason="the development data is not beside the checkout")
def test_wide_pages_give_the_same_text() -> None:
    files = sorted((DATA / "wide" / "pages").glob("*.html"))
    assert same((file.name, strip(file.read_text(encoding="utf-8"))) for file in files) > 20


@pytest.mark.skipif(not DATA.exists(), reason="the development data is not beside the checkout")
def test_a_sample_of_the_web_gives_the_same_text() -> None:
    """All of it: `python -m tests.bench.acquire --identity`."""
    assert same(warc_pages(DATA / "web-ja.warc.gz", step=200)) > 15


@settings(max_examples=40, deadline=None)
@given(page=pages)
@example(page="<html><body>" + "<p><iframe src=https://www.youtube.com/x></iframe></p>" * 9 + "</body></html>")
@example(page="<html><body><div><p>" + "猫。" * 20 + "</p><xmp>" + "&" * 60 + "</xmp></div></body></html>")
def test_readability_finds_no_more_than_the_longest_text(page: str) -> None:
    with trafilatura_fast.stock():
        tree = parse(page)
        assert tree is not None
        longest = trafilatura_fast._longest_text(tree)
        found = etree.tostring(external.try_readability(tree), method="text", encoding="unicode")
    assert len(trim(found)) <= longest


@settings(max_examples=40, deadline=None)
@given(page=pages, extracted=st.integers(0, 300))
@example(page="<html><body>" + "<div>猫</div>" * 100 + "</body></html>", extracted=30)
def test_the_measure_of_the_page_gives_the_same_answer(page: str, extracted: int) -> None:
    with trafilatura_fast.stock():
        tree = parse(page)
        assert tree is not None
        tree.extracted, tree.longest_text = extracted, trafilatura_fast._longest_text(tree)
        asked = [extracted < 0.2 * len(measure(tree)) for measure in (html2txt, trafilatura_fast._page_measure)]
    assert asked[0] == asked[1]


@cache
def stop_words() -> list[str]:
    return sorted(trafilatura_fast._stop_words())


words = st.one_of(
    st.integers(0, 10**6).map(lambda n: stop_words()[n % len(stop_words())]), st.sampled_from(["猫", "xyzzy"])
)
paragraph = st.lists(words, max_size=60).map(" ".join)
pieces = st.one_of(
    paragraph,
    st.sampled_from(["<br>", "<b>x</b>", " ", "\n", "<i> </i>", "<p>", "</p>", "<div>", "</div>", "<a href=x>"]),
)


@settings(max_examples=25, deadline=None)
@given(inner=st.lists(pieces, max_size=12).map("".join))
@example(inner="zzzz " * 400 + "<br><br>" + "the " * 60)
@example(inner="<p>" + "zzzzzzz the zzzzz zzzzzz zzzzzz " * 5 + "</p>")
def test_justext_is_asked_whenever_it_would_keep_a_paragraph(inner: str) -> None:
    page = f"<html><body>{inner}</body></html>"
    trees = [parse(page), parse(page)]
    stock, fast = try_justext(trees[0], None, None), trafilatura_fast._try_justext(trees[1], None, None)
    assert etree.tostring(fast) == etree.tostring(stock)


def test_the_shortcuts_are_taken() -> None:
    """A plain article needs neither readability nor justext nor the measure of the page."""
    assert trafilatura_fast.install()
    tree = parse("<html><body><article>" + f"<p>{SENTENCES[1]}</p>" * 5 + "</article><p>© 2024</p></body></html>")
    cleaned, backup = import_module("trafilatura.core")._prepare_tree(tree, options := Extractor(comments=False), None)
    body, text = trafilatura_fast._extract_and_compare(cleaned, backup, tree, options)
    assert tree.longest_text <= trafilatura_fast._enough(body, text, options)
    assert trafilatura_fast._page_measure(tree) == ""
    assert not any(map(trafilatura_fast._may_be_good, trafilatura_fast._paragraphs(tree)))
    assert len(text) > 500
