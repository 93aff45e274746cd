from __future__ import annotations

import json

import pytest
from lxml.html import fromstring

from stages.caps import Caps
from stages.gate import markup
from stages.html import extract
from tests.extraction_score import GoldPage, found, gold_pages
from tests.gold_scores import FLOOR, scores

CAPS = Caps()


@pytest.mark.parametrize("page", gold_pages(), ids=lambda page: page.name)
def test_gold_is_on_the_page(page: GoldPage) -> None:
    """A string that is misspelt here would never be found, nor ever leak."""
    visible = fromstring(markup.strip(page.html)).text_content()
    wanted = page.gold["must_contain"] + page.gold.get("comments", []) + [*page.gold["lines"]]
    assert found(wanted, visible) == wanted
    unwanted = page.gold["must_not_contain"]
    assert found(unwanted, fromstring(page.html).text_content() + page.html) == unwanted
    assert len(page.gold["must_contain"]) >= 2


def test_scores_do_not_fall() -> None:
    floor, now = json.loads(FLOOR.read_text()), scores()
    fallen = {axis: f"{now[axis]} < {floor[axis]}" for axis in floor if now[axis] < floor[axis]}
    assert not fallen, "if a rise elsewhere is worth it, lower tests/gold_pages/floor.json by hand and say why"
    assert floor.keys() == now.keys()


def test_comments_are_counted_whether_kept_or_dropped() -> None:
    page = next(page for page in gold_pages() if page.gold.get("comments"))
    dropped, kept = extract(page.html, CAPS), extract(page.html, CAPS, "keep")
    assert dropped.comment_characters == kept.comment_characters >= sum(map(len, page.gold["comments"]))
    assert dropped.text in kept.text or len(dropped.text) < len(kept.text)


def test_thread_is_no_comment() -> None:
    """The posts of a thread are the page, whatever their blocks are called."""
    page = next(page for page in gold_pages() if page.name == "bbs_thread")
    html = page.html.replace('class="thread"', 'class="comments"')
    done = extract(html, CAPS)
    assert found(page.gold["must_contain"], done.text) == page.gold["must_contain"]
    assert done.comment_characters == 0
