"""Made HTML pages for tests of the extraction."""

from __future__ import annotations

from hypothesis import strategies as st

SENTENCE = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。"
PARAGRAPHS = [f"{number}番目の段落。{SENTENCE}" for number in range(5)]


def page(body: str, head: str = "", lang: str = ' lang="ja"') -> str:
    return f"<!doctype html><html{lang}><head>{head}</head><body>{body}</body></html>"


def article(inner: str) -> str:
    return page(f"<article>{inner}{''.join(f'<p>{p}</p>' for p in PARAGRAPHS)}</article>")


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
