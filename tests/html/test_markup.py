from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.gate import markup
from tests.pages import HTML, SENTENCE, page


@pytest.mark.parametrize(
    "noise",
    [
        "<script>var x = '雑音';</script>",
        "<SCRIPT type=x>if (a < b) '雑音'</SCRIPT >",
        "<style>.雑音 { }</style>",
        "<svg><text>雑音</text></svg>",
        "<template><p>雑音</p></template>",
        "<iframe>雑音</iframe>",
        "<!-- <p>雑音</p> -->",
        "<script><!-- 雑音 --></script>",
    ],
)
def test_what_nobody_reads_is_stripped(noise: str) -> None:
    assert markup.strip(f"前{noise}後") == "前後"


@pytest.mark.parametrize(
    "kept",
    [
        '<script type="application/ld+json">{"articleBody": "本文"}</script>',
        "<script>閉じない",
        "<!-- 閉じない",
        "<rt>閉じない",
        "<stylesheet>名前が違う</stylesheet>",
        "<rtx>名前が違う</rtx>",
        "a < b <!> c",
    ],
)
def test_the_rest_is_left_to_the_parser(kept: str) -> None:
    assert markup.strip(f"前{kept}") == f"前{kept}"


def test_an_empty_comment_ends_at_once() -> None:
    page = "前<!-->中<!-- x -->後"
    assert markup.strip(page) == "前中後"


@given(HTML)
def test_stripping_removes_and_adds_nothing(html: str) -> None:
    stripped = markup.strip(html)
    position = 0
    for character in stripped:  # a subsequence of the page
        position = html.index(character, position) + 1


QUADRATIC = {
    "unclosed scripts": "<script>" * 40_000,
    "unclosed tags": "<script " * 40_000,
    "unclosed comments": "<!--" * 80_000,
    "unclosed readings": "<rt>" * 80_000,
    "closing tags": "</script" * 40_000,
    "half tags": "<" * 300_000,
    "titles": "<title>" * 40_000,
    "html tags": "<html " * 50_000,
    "languages": "<html " + " lang" * 60_000 + ">",
    "spaces": "<html" + " " * 300_000 + ">",
    "metas": "<meta " * 60_000,
    "entities": "&#1" * 100_000,
    "ampersands": "&" * 300_000,
}


@pytest.mark.parametrize("name", QUADRATIC)
def test_what_runs_outside_the_guard_is_linear(name: str) -> None:
    html = QUADRATIC[name]

    def seconds(text: str) -> float:
        start = time.process_time()
        stripped = markup.strip(text)
        markup.is_japanese(stripped, 10)
        markup.title(stripped)
        markup.declared_language(stripped)
        return time.process_time() - start

    assert seconds(html) < 1.0  # .05 s here; quadratic ones take minutes


@pytest.mark.parametrize(
    ("body", "japanese"),
    [
        (SENTENCE, True),
        ("&#12354;" * 10, True),
        ("あ" * 9, False),
        ("漢" * 1000, False),
        ("漢" * 940 + "の" * 20, True),
        (SENTENCE + "English documentation. " * 20, True),
        (SENTENCE + "English documentation. " * 100, False),
        ("Nawigacja " * 100 + SENTENCE[:12], False),
        (f"<a title='{SENTENCE}'>English</a>", False),
    ],
)
def test_second_look_counts_what_a_reader_sees(body: str, japanese: bool) -> None:
    assert markup.is_japanese(page(body), min_japanese=10) is japanese


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("<html lang=ja>", "ja"),
        ("<HTML xml:lang='ja' >", "ja"),
        ('<html\n data-lang="x" lang = "zh-Hant-TW">', "zh-Hant-TW"),
        ("<html hreflang=en>", ""),
        ("<body lang=ja>", ""),
        ('<html><meta content="ja" http-equiv="Content-Language">', "ja"),
        ("<html><meta name=language content=xx><meta property='og:locale' content='ja_JP'/>", "ja_JP"),
        ('<html lang="en"><meta property="og:locale" content="ja_JP">', "en"),
        ('<html><meta property="og:locale:alternate" content="en_US">', ""),
        ("", ""),
    ],
)
def test_declared_language(tag: str, language: str) -> None:
    assert markup.declared_language(f"<!doctype html>{tag}<body>") == language


def test_title_is_of_the_page_not_of_a_drawing() -> None:
    html = "<svg><title>絵</title></svg><title>題&#12354;</title>"
    assert markup.title(markup.strip(html)) == "題あ"
    assert markup.title("<title>閉じない") == ""


KINDS = {
    "kana": re.compile("[\u3041-\u3096\u30a1-\u30fa]"),
    "han": re.compile("[々\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"),
    "foreign": re.compile("[A-Za-z\u00c0-\u024f\u0370-\u052f\u0e00-\u0e7f\u0600-\u06ff\uac00-\ud7a3]"),
}
# The ends of each range, and their neighbours outside.
EDGES = [chr(ord(c) + d) for kind in KINDS.values() for c in kind.pattern if c not in "[]-" for d in (-1, 0, 1)]


@given(st.text(st.one_of(st.sampled_from(EDGES), st.characters()), max_size=60), st.integers(0, 8))
def test_counting_by_a_table_is_counting_by_expressions(text: str, least: int) -> None:
    visible = markup.unescape(re.sub("<[^<>]*>", "", text))
    kana, han, foreign = (len(kind.findall(visible)) for kind in KINDS.values())
    assert markup.is_japanese(text, least) == (kana + han >= least and kana >= 0.02 * (kana + han + foreign))
