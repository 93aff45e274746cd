from __future__ import annotations

import json
from dataclasses import asdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.caps import Caps, request
from stages.html import extract, extract_stripped, serve
from tests.pages import HTML, PARAGRAPHS, SENTENCE, article, page

CAPS = Caps()


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


def test_comments_are_dropped_or_kept_and_counted() -> None:
    html = article("<div id='comments'><p>これは読者の感想です。</p><form>お名前</form></div>")
    dropped, kept = extract(html, CAPS), extract(html, CAPS, "keep")
    assert "読者の感想" not in dropped.text
    assert "読者の感想" in kept.text
    assert "お名前" not in kept.text
    assert dropped.comment_characters == kept.comment_characters == len("これは読者の感想です。")


def test_page_without_title_has_its_heading_for_one() -> None:
    assert extract(page("<h1> 猫の\n<b>本</b> </h1><p>本文です。</p>"), CAPS).title == "猫の 本"


def test_frameset_gives_what_it_offers_without_frames() -> None:
    html = f"<html><frameset><frame src=a><noframes><body><p>{SENTENCE}</p></body></noframes></frameset></html>"
    assert extract(html, CAPS).text == SENTENCE


def test_text_that_only_json_carries_stays() -> None:
    body = json.dumps({"@type": "Article", "articleBody": SENTENCE * 5}, ensure_ascii=False)
    html = page(f'<script type="application/ld+json">{body}</script><div id="app"></div>')
    assert SENTENCE in extract(html, CAPS).text


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
        "<ruby>吾輩<rp>（<rt>わがはい</rp></ruby>",
        '<ruby>吾輩<rt class="x">わがはい</rt><rtc>wagahai</rtc></ruby>',
    ],
)
def test_ruby_readings_are_removed(ruby: str) -> None:
    text = extract(article(f"<p>{ruby}は猫である。{SENTENCE}</p>"), CAPS).text
    assert "吾輩は猫である。吾輩は猫である。" in text
    assert not any(reading in text for reading in ("わが", "はい", "（", "wagahai"))


def test_reading_that_is_never_closed_ends_with_its_paragraph() -> None:
    text = extract(article(f"<p>吾輩は<ruby>猫<rt>ねこ</p><p>次の段落。{SENTENCE}</p>"), CAPS).text
    assert "吾輩は猫\n次の段落。" in text
    assert "ねこ" not in text


def test_parenthesised_readings_of_the_author_stay() -> None:
    assert "吾輩（わがはい）は猫" in extract(article(f"<p>吾輩（わがはい）は猫である。{SENTENCE}</p>"), CAPS).text


@given(st.one_of(HTML, st.text(st.characters(), max_size=200)))
@settings(deadline=None)
def test_extraction_is_total_and_its_text_can_be_written(html: str) -> None:
    done = extract(html, CAPS)
    for text in (done.text, done.title, done.declared_language):
        text.encode("utf-8")


def test_serve_answers_with_the_fields_or_the_reason() -> None:
    html = article("<p>漢字</p>")
    answer = json.loads(serve(request(html, Caps())))
    done = extract_stripped(html, CAPS)
    assert answer == asdict(done)
    assert answer["text"]
    assert json.loads(serve(request(html, Caps(elements=3)))) == {"reason": "extract.too-large"}
