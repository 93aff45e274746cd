from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages import markup
from stages.caps import Caps, TooMuch, request
from stages.documents import EXTRACT_REASONS
from stages.html import extract, extract_stripped, serve

CAPS = Caps()
SENTENCE = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。"
PARAGRAPHS = [f"{number}番目の段落。{SENTENCE}" for number in range(5)]


def page(body: str, head: str = "", lang: str = ' lang="ja"') -> str:
    return f"<!doctype html><html{lang}><head>{head}</head><body>{body}</body></html>"


def article(inner: str) -> str:
    return page(f"<article>{inner}{''.join(f'<p>{p}</p>' for p in PARAGRAPHS)}</article>")


def test_text_title_and_language() -> None:
    body = "".join(f"<p>{paragraph}</p>" for paragraph in PARAGRAPHS)
    done = extract(page(body, head="<title>\n 猫 &amp;\n小説 </title>", lang=' class=x lang="ja-JP"'), CAPS)
    assert done.text == "\n".join(PARAGRAPHS)
    assert (done.title, done.declared_language) == ("猫 & 小説", "ja-JP")


def test_line_breaks_of_the_page_are_kept() -> None:
    assert (
        "一行目の文です。\n二行目の文です。"
        in extract(article("<p>一行目の文です。<br>二行目の文です。</p>"), CAPS).text
    )


def test_tables_are_kept_and_comments_are_not() -> None:
    text = extract(
        article(
            "<table><tr><td>東京</td><td>大阪</td></tr></table><div id='comments'><p>これは読者の感想です。</p></div>"
        ),
        CAPS,
    ).text
    assert "東京" in text
    assert "読者の感想" not in text


def test_repeated_pages_are_extracted_alike() -> None:
    """The extractor keeps caches; none may carry from one document to the next."""
    assert len({extract(article(f"<p>{SENTENCE * 20}</p>"), CAPS).text for _ in range(4)}) == 1


@pytest.mark.parametrize(
    "ruby",
    [
        "<ruby>吾輩<rt>わがはい</rt></ruby>",
        "<ruby>吾輩<rp>（</rp><rt>わがはい</rt><rp>）</rp></ruby>",
        "<ruby><rb>吾輩</rb><rp>（<rt>わがはい<rp>）</ruby>",
        "<RUBY>吾<RT>わが</RT>輩<RT>はい</RT></RUBY>",
        "<ruby>吾<rt>わが<rb>輩<rt>はい</ruby>",
        '<ruby>吾輩<rt class="x">わがはい</rt><rtc>wagahai</rtc></ruby>',
    ],
)
def test_ruby_readings_are_removed(ruby: str) -> None:
    text = extract(article(f"<p>{ruby}は猫である。{SENTENCE}</p>"), CAPS).text
    assert "吾輩は猫である。吾輩は猫である。" in text
    assert not any(reading in text for reading in ("わが", "はい", "（", "wagahai"))


def test_parenthesised_readings_of_the_author_stay() -> None:
    assert "吾輩（わがはい）は猫" in extract(article(f"<p>吾輩（わがはい）は猫である。{SENTENCE}</p>"), CAPS).text


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


HTML = st.lists(
    st.sampled_from(
        [
            "<script",
            "<script>",
            "</script>",
            "<style>",
            "</style",
            "<!--",
            "-->",
            "<rt>",
            "</rt>",
            "<rp",
            "<ruby>",
            "</ruby>",
            "<svg/>",
            "<title>",
            "</title>",
            ">",
            "<",
            "ld+json",
            "<p>",
            "</p>",
            "<a>",
            "<table>",
            "<td>",
            "漢字",
            "かな",
            " ",
            "&",
            "&#12354;",
            "&#xD800;",
            "\0",
            "\ud800",
            "\ufffe",
        ]
    ),
    max_size=40,
).map("".join)


@given(HTML)
def test_stripping_removes_and_adds_nothing(html: str) -> None:
    stripped = markup.strip(html)
    position = 0
    for character in stripped:  # a subsequence of the page
        position = html.index(character, position) + 1


@given(st.one_of(HTML, st.text(st.characters(), max_size=200)))
@settings(deadline=None)
def test_extraction_is_total_and_its_text_can_be_written(html: str) -> None:
    done = extract(html, CAPS)
    for text in (done.text, done.title, done.declared_language):
        text.encode("utf-8")


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
        ("", ""),
    ],
)
def test_declared_language(tag: str, language: str) -> None:
    assert markup.declared_language(f"<!doctype html>{tag}<body>") == language


def test_title_is_of_the_page_not_of_a_drawing() -> None:
    html = "<svg><title>絵</title></svg><title>題&#12354;</title>"
    assert markup.title(markup.strip(html)) == "題あ"
    assert markup.title("<title>閉じない") == ""


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


def test_serve_answers_with_the_fields_or_the_reason() -> None:
    html = article("<p>漢字</p>")
    answer = json.loads(serve(request(html, Caps())))
    done = extract_stripped(html, CAPS)
    assert answer == {"text": done.text, "title": "", "declared_language": "ja"}
    assert json.loads(serve(request(html, Caps(elements=3)))) == {"reason": "extract.too-large"}
