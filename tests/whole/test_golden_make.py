"""The golden sample says of itself only what is true, and its committed files are what its data makes."""

from __future__ import annotations

import bz2
import csv
import zlib
from collections import Counter
from collections.abc import Iterator

import pytest
from warcio.archiveiterator import ArchiveIterator

from stages.charset import charset
from stages.documents import EXTRACT_REASONS, PASSED_REASONS
from tests.golden import make
from tests.golden.source import HERE, Page, crawl_pages, encode_body, main_text, page_html, wiki_pages

PAGES = {page.slug: page for page in crawl_pages()}
ARTICLES = {page.slug: page for page in wiki_pages()}
CODECS = {"shift_jis": "cp932", "x-sjis": "cp932", "x-euc-jp": "euc_jp", "us-ascii": "ascii", "utf-8": "utf-8-sig"}
GZIP = b"\x1f\x8b\x08"


def members(data: bytes) -> Iterator[bytes | None]:
    """What each gzip member inflates to; None for one that does not. After it, on to the next that begins a record."""
    at = 0
    while at < len(data):
        inflater = zlib.decompressobj(31)
        try:
            yield inflater.decompress(data[at:])
            at = len(data) - len(inflater.unused_data)
        except zlib.error:
            yield None
            at = data.find(GZIP, at + 1)
            while not zlib.decompressobj(31).decompress(data[at:], 9).startswith(b"WARC/1.0"):
                at = data.find(GZIP, at + 1)


def streams(data: bytes) -> Iterator[tuple[int, str]]:
    """(offset, text) of each bz2 stream."""
    rest = data
    while rest:
        inflater = bz2.BZ2Decompressor()
        yield len(data) - len(rest), inflater.decompress(rest).decode("utf-8")
        rest = inflater.unused_data


def jaccard(a: str, b: str) -> float:
    one, other = ({text[i : i + 5] for i in range(len(text) - 4)} for text in (a, b))
    return len(one & other) / len(one | other)


@pytest.mark.parametrize("crawl", [1, 2])
def test_committed_warc_holds_the_records_of_the_data(crawl: int) -> None:
    pages = [page for page in PAGES.values() if page.crawl == crawl]
    made = [None if damaged else record for record, damaged in make.records(crawl, pages)]
    assert list(members((HERE / f"crawl-{crawl}.warc.gz").read_bytes())) == made


def test_committed_dump_holds_the_pages_of_the_data() -> None:
    made = [text for text, _ in make.wiki_streams(list(ARTICLES.values()))]
    assert [text for _, text in streams((HERE / "wiki.xml.bz2").read_bytes())] == made


@pytest.mark.parametrize("which", ["committed", "made"])
def test_index_points_to_the_stream_of_each_page(which: str) -> None:
    dump, index = make.wiki_dump(list(ARTICLES.values()))
    if which == "committed":
        dump = (HERE / "wiki.xml.bz2").read_bytes()
        index = bz2.decompress((HERE / "wiki-index.txt.bz2").read_bytes()).decode("utf-8")
    text_at = dict(streams(dump))
    indexed = [line.split(":", 2) for line in index.splitlines()]
    assert [title for _, _, title in indexed] == [page.title for page in ARTICLES.values()]
    for offset, id, title in indexed:
        assert f"<title>{title}</title>" in text_at[int(offset)]
        assert f"<id>{id}</id>" in text_at[int(offset)]


@pytest.mark.parametrize("name", ["expected.tsv", "contains.tsv"])
def test_committed_tables_follow_from_the_data(name: str) -> None:
    fates, contains = make.expected(PAGES.values(), ARTICLES.values())
    assert (HERE / name).read_text("utf-8") == {"expected.tsv": fates, "contains.tsv": contains}[name]


def test_tables_have_no_stray_tab_or_line_break() -> None:
    for name, width in (("expected.tsv", 5), ("contains.tsv", 3)):
        with (HERE / name).open(encoding="utf-8", newline="") as file:
            assert {len(row) for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)} == {width}


def test_slugs_and_urls_are_unique() -> None:
    slugs = Counter([page.slug for page in crawl_pages()] + [page.slug for page in wiki_pages()])
    urls = Counter([page.url for page in crawl_pages()] + [make.wiki_url(page) for page in wiki_pages()])
    assert [name for name, n in (slugs + urls).items() if n > 1] == []


def says(page: Page, declared: str) -> bool:
    """Whether the declared charset gives the page's text back; bad bytes aside."""
    clean = encode_body(Page(**{**vars(page), "bad_bytes": []}))
    if page.encoding == "entities":
        return clean.decode(declared).encode("ascii") == clean
    try:
        return clean.decode(CODECS.get(declared.lower(), declared)) == page_html(page)
    except UnicodeDecodeError:
        return False


def test_false_charsets_are_those_meant_to_be_false() -> None:
    html = [page for page in PAGES.values() if page.mime == "text/html"]
    false = [(p.slug, where) for p in html for where in ("meta", "http") if not says_where(p, where)]
    assert false == [
        ("mirror-lighthouse", "http"),
        ("blog-listen", "http"),
        ("city-gijiroku", "http"),
        ("bungei-zuihitsu", "http"),  # EUC-JP, but with vendor characters that euc_jp does not know
        ("ml-tanpa-re", "http"),
        ("horei-hoshizora", "http"),
        ("horei-katakana", "http"),
    ]


def says_where(page: Page, where: str) -> bool:
    declared = page.meta_charset if where == "meta" else page.http_charset
    return not declared or says(page, declared)


@pytest.mark.parametrize("page", [p for p in PAGES.values() if p.must_contain], ids=lambda p: p.slug)
def test_bytes_of_a_page_decode_to_its_text(page: Page) -> None:
    body = encode_body(page)
    encoding = charset.gate(body)
    assert encoding is not None
    decoded = charset.decode(body, encoding)
    if page.bad_bytes:
        assert decoded.replaced > 0
    elif page.encoding != "entities":
        assert decoded.text.removeprefix("\ufeff") == page_html(page)


@pytest.mark.parametrize(("slug", "other"), [(page.slug, other) for page in PAGES.values() for other in page.like])
def test_likeness_is_what_the_page_claims(slug: str, other: str) -> None:
    least, most = PAGES[slug].like[other]
    assert least <= jaccard(main_text(PAGES[slug]), main_text(PAGES[other])) <= most


@pytest.mark.parametrize(
    "page", [p for p in PAGES.values() if p.fate.startswith("dedup.") and "wiki-" not in p.fate], ids=lambda p: p.slug
)
def test_keeper_is_kept_and_longer_or_newer(page: Page) -> None:
    kind, _, slug = page.fate.partition(":")
    keeper, order = PAGES[slug], list(PAGES)
    own, kept = main_text(page), main_text(keeper)
    assert keeper.fate == "kept"
    assert page.like, "a copy says how alike it is"
    if kind == "dedup.exact":
        assert (keeper.crawl, order.index(slug)) > (page.crawl, order.index(page.slug)), "the newer one wins"
        assert own == kept
    else:  # one of the same length is told apart by a line of its template, and is the newer one too
        newer = (keeper.crawl, order.index(slug)) > (page.crawl, order.index(page.slug))
        assert len(kept) > len(own) or (len(kept) == len(own) and newer)


def test_copy_of_the_wiki_loses_although_longer() -> None:
    copy = PAGES["mirror-wiki-nukadoko"]
    assert ARTICLES[copy.fate.partition(":")[2]].fate == "kept"


@pytest.mark.parametrize("page", [*PAGES.values(), *ARTICLES.values()], ids=lambda p: p.slug)
def test_fate_is_one_of_the_known(page: Page) -> None:
    verdict, _, what = page.fate.partition(":")
    known = {
        "kept": {""},
        "quarantined": {""},
        "passed": {reason.removeprefix("passed.") for reason in PASSED_REASONS},
        "rejected": {"<any>", *EXTRACT_REASONS},
        "dedup.exact": set(PAGES),
        "dedup.near": {*PAGES, *ARTICLES},
    }
    assert what in known[verdict]


@pytest.mark.parametrize("page", PAGES.values(), ids=lambda p: p.slug)
def test_required_strings_are_in_the_main_text_and_unwanted_ones_are_not(page: Page) -> None:
    text = main_text(page)
    assert [s for s in page.must_contain if "".join(s.split()) not in text] == []
    assert [s for s in page.must_not_contain if "".join(s.split()) in text] == []


def test_warc_is_well_formed_up_to_the_damage() -> None:
    with (HERE / "crawl-2.warc.gz").open("rb") as file:
        for record in ArchiveIterator(file, check_digests="raise"):
            record.content_stream().read()


def test_outputs_stay_small() -> None:
    assert sum((HERE / name).stat().st_size for name in make.outputs()) < 400_000


def test_a_text_worth_a_quickstart_is_long_enough() -> None:
    lengths = sorted(len(main_text(page)) for page in PAGES.values() if page.fate == "kept")
    assert lengths[len(lengths) // 2] >= 450
    assert lengths[-1] >= 3000
