from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stages.wikipedia.categories import categories


@pytest.mark.parametrize(
    ("wikitext", "names"),
    [
        ("文。[[Category:日本]]\n[[カテゴリ:都市|とし]]\n[[category: 日本 ]]", ["日本", "都市"]),
        ("[[Category:jazz__の歴史]][[CATEGORY:é]]", ["Jazz の歴史", "É"]),
        ("[[:Category:日本]]と[[:カテゴリ:都市|都市]]", []),
        ("<!-- [[Category:甲]] -->[[Category:乙]]<!-- [[Category:丙]]", ["乙"]),
        ("<nowiki>[[Category:甲]]</nowiki><NOWIKI/>[[Category:乙]]<pre>[[Category:丙]]</pre>", ["乙"]),
        ("<nowiki>[[Category:甲]]", ["甲"]),
        ("İ<nowiki>[[Category:甲]]</NoWiki>[[Category:乙]]", ["乙"]),
        ("[[Category:甲\n]][[Category:]][[Category:_|x]][[Category:{{PAGENAME}}]]", []),
        ("[[Category:日本の都市|*]]{{lang|en|[[Category:A]]}}", ["日本の都市", "A"]),
    ],
)
def test_categories_of_a_page(wikitext: str, names: list[str]) -> None:
    assert categories(wikitext) == names


PIECES = st.sampled_from(
    ["[[", "]]", "Category:", "|", "<!--", "-->", "<nowiki>", "</nowiki>", "甲", "_", " ", "\ud800", "\n", "{{"]
)


@given(st.lists(PIECES | st.text(max_size=3), max_size=40).map("".join))
@example("")
def test_any_text_has_distinct_and_clean_categories(wikitext: str) -> None:
    found = categories(wikitext)
    assert len(set(found)) == len(found)
    assert all(name and name == name.strip() and "_" not in name for name in found)


@pytest.mark.parametrize(
    "mark", ["[[Category:", "[[ " * 9, "<!--", "<nowiki>", "<pre a=", "<nowiki></nowik", "[[Category:a|"]
)
def test_time_is_linear_in_broken_markup(mark: str) -> None:
    def seconds(n: int) -> float:
        start = time.process_time()
        categories(mark * n)
        return time.process_time() - start

    assert min(seconds(32_000), seconds(32_000)) < max(0.05, 24 * min(seconds(4_000), seconds(4_000)))
