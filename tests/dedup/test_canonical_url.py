from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.signatures.canonical_url import TRACKING, canonical_url

SAME = [
    ("HTTP://Example.JP:80/a", "https://example.jp/a"),
    ("https://example.jp:443", "http://example.jp/"),
    ("https://example.jp/a#top", "https://example.jp/a"),
    ("https://example.jp/a#:~:text=語", "https://example.jp/a"),
    ("https://example.jp/%e3%81%82", "https://example.jp/あ"),
    ("https://example.jp/%7Euser", "https://example.jp/~user"),
    ("https://example.jp/x/../a/./b", "https://example.jp/a/b"),
    ("https://example.jp/a/index.html", "https://example.jp/a/"),
    ("https://example.jp/a?utm_source=x&b=1&GCLID=2", "https://example.jp/a?b=1"),
    ("https://example.jp/a?", "https://example.jp/a"),
    ("https://日本語.jp/", "https://xn--wgv71a119e.jp/"),
    ("https://example.jp./", "https://example.jp/"),
    ("https://example.jp/50%", "https://example.jp/50%25"),
]
OTHER = [
    ("https://example.jp/A", "https://example.jp/a"),
    ("https://example.jp/a/", "https://example.jp/a"),
    ("https://www.example.jp/", "https://example.jp/"),
    ("https://example.jp:8080/", "https://example.jp/"),
    ("http://example.jp:443/", "https://example.jp:443/"),
    ("https://example.jp/?a=1&b=2", "https://example.jp/?b=2&a=1"),
    ("https://example.jp/?PHPSESSID=1", "https://example.jp/?PHPSESSID=2"),
    ("https://example.jp/;jsessionid=1", "https://example.jp/"),
    ("https://example.jp/?ref=a", "https://example.jp/"),
    ("https://example.jp/#!/a", "https://example.jp/#!/b"),
    ("https://example.jp/#/a", "https://example.jp/"),
    ("https://example.jp/index.php?id=1", "https://example.jp/?id=1"),
    ("https://example.jp/a%2Fb", "https://example.jp/a/b"),
    ("https://example.jp/?q=a+b", "https://example.jp/?q=a%20b"),
    ("https://a@example.jp/", "https://example.jp/"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_addresses_of_one_page_have_one_form(one: str, other: str) -> None:
    assert canonical_url(one) == canonical_url(other) != ""


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_addresses_behind_which_two_pages_may_stand_stay_two(one: str, other: str) -> None:
    assert canonical_url(one) != canonical_url(other)


@pytest.mark.parametrize(
    "url", ["", "あ", "ftp://example.jp/a", "https://", "https://[::1", "http://a:b/", "mailto:a@b"]
)
def test_what_is_no_address_of_the_web_has_no_form(url: str) -> None:
    assert canonical_url(url) == ""


PIECES = st.sampled_from(
    [
        *"abAB/.%?#&=;:@!+~ あ\t",
        "..",
        "%41",
        "%2f",
        "%7E",
        "index.html",
        "utm_a=b",
        *sorted(TRACKING)[:3],
        "//",
        "\ud800",
    ]
)


@given(
    st.sampled_from(["http://h.jp", "https://h.jp:80", "https://h.jp", ""]), st.lists(PIECES, max_size=14).map("".join)
)
def test_a_form_is_its_own_form(start: str, rest: str) -> None:
    once = canonical_url(start + rest)
    assert canonical_url(once) == once
    assert once.isascii()
