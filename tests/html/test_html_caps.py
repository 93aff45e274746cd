from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from stages.caps import Caps, TooMuch
from stages.documents import EXTRACT_REASONS
from stages.html import extract
from tests.pages import SENTENCE, page

CAPS = Caps()
SMALL = Caps(characters=20_000, elements=50, depth=10, levels=300, links_in_block=5, text_node=1000)


def nested(levels: int) -> str:
    return page("<div>" * levels + SENTENCE + "</div>" * levels)


def links(count: int, between: str = "") -> str:
    return page("<p>" + between.join(f"<b><a href=/{n}>見出し</a></b>" for n in range(count)) + "</p>")


# At the cap and one over it. <html>, <head> and <body> count: an element in the body has depth 3.
AT_CAP: dict[str, tuple[Callable[[int], str], int, str]] = {
    "characters": (lambda n: page("").ljust(n), 20_000, "extract.too-large"),
    "elements": (lambda n: page("<p>段落</p>" * (n - 3)), 50, "extract.too-large"),
    "depth": (lambda n: nested(n - 2), 10, "extract.too-deep"),
    "links": (links, 5, "extract.too-many-links"),
    "text": (lambda n: page("<p>" + "あ" * n + "</p>"), 1000, "extract.too-large"),
    "text after an element": (lambda n: page("<p><br>" + "あ" * n + "</p>"), 1000, "extract.too-large"),
}


@pytest.mark.parametrize("name", AT_CAP)
def test_caps_are_exact(name: str) -> None:
    make, cap, reason = AT_CAP[name]
    extract(make(cap), SMALL)
    with pytest.raises(TooMuch) as too_much:
        extract(make(cap + 1), SMALL)
    assert too_much.value.reason == reason
    assert reason in EXTRACT_REASONS


def test_depths_add_up_to_their_cap() -> None:
    column = "<i>" * 7 + "あ" + "</i>" * 7
    extract(page(f"<p>{column}</p>"), SMALL)
    with pytest.raises(TooMuch, match="too-deep"):
        extract(page(f"<p>{column}</p>" * 6), SMALL)


def test_links_of_different_blocks_do_not_add_up() -> None:
    extract(page(links(4) * 3), SMALL)


def test_scripts_do_not_count_towards_the_caps() -> None:
    extract(page("<script>" + "x" * 100_000 + "</script>"), SMALL)


def test_page_that_libxml2_would_cut_in_silence_is_too_deep() -> None:
    """Beyond 255 levels the parser drops the rest of the page."""
    with pytest.raises(TooMuch, match="too-deep"):
        extract(nested(300), Caps(depth=1000))


def test_text_at_the_depth_cap_is_whole() -> None:
    deep = page("<p>前。</p>" + "<div>" * 190 + f"<p>{SENTENCE}</p>" + "</div>" * 190 + f"<p>後。{SENTENCE}</p>")
    assert "後。" in extract(deep, CAPS).text


PATHOLOGICAL = {
    "20 thousand links in a paragraph": links(20_000),
    "a paragraph of links below the cap": links(1_900, " 、 "),
    "26 MB of paragraphs": page("<p>" * 8_000_000),
    "paragraphs below the cap": page("<p>" * 9_000),
    "a tower": nested(30_000),
    "towers below the cap": page(("<ul><li>" * 90 + "あ" + "</ul>" * 90) * 25),
    "unclosed fonts": page("<p><font>あ" * 5_000),
    "spaces": page("<p>" + " " * 900_000 + "あ</p>"),
    "line breaks": page("<pre>" + "あ\n" * 400_000 + "</pre>"),
}


@pytest.mark.parametrize("name", PATHOLOGICAL)
def test_pathological_pages_cost_seconds_at_most(name: str) -> None:
    start = time.process_time()
    try:
        extract(PATHOLOGICAL[name], CAPS)
    except TooMuch as too_much:
        assert too_much.reason in EXTRACT_REASONS
    assert time.process_time() - start < 6.0
