"""What became of a document, told from what is committed."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from pipeline.explain.trace_names import spellings
from tests.runs import GOLDEN, QUICKSTART, Ran, places, seimai

with (GOLDEN / "expected.tsv").open(encoding="utf-8", newline="") as file:
    URLS = {row["slug"]: row["url"] for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)}


@pytest.fixture
def trace(golden_run: Path, monkeypatch: pytest.MonkeyPatch):
    def ask(target: str) -> Ran:
        return seimai("trace", target, "--run", QUICKSTART, *places(golden_run))

    return ask


def test_a_kept_document(trace) -> None:
    ran = trace(URLS["news-ferry"])
    assert ran.code == 0
    assert ran.out.splitlines()[-1] == "=> in the release; stands for 2 document(s)"


def test_a_duplicate_names_its_keeper_and_how_alike_they_are(trace) -> None:
    out = trace(URLS["news-ferry-flash"]).out
    assert f"like {URLS['news-ferry']}" in out
    assert "=> not in the release: dedup.near, 0.8" in out


def test_a_rejected_document_shows_every_bound_it_missed(trace) -> None:
    out = trace(URLS["bungei-shi"]).out
    assert "=> not in the release: rejected by JA204 (short line share), and by JA205, JA206" in out
    assert [line.split()[1] for line in out.splitlines() if line.startswith("  x ")] == ["JA204", "JA205", "JA206"]


def test_what_was_passed_by_says_why(trace) -> None:
    passed = [slug for slug in URLS if slug.startswith("zh-")]
    outs = [trace(URLS[slug]).out for slug in passed]
    assert any("passed.not-japanese (no Japanese in the bytes)" in out for out in outs)


def test_an_id_finds_the_same_document_as_its_url(trace) -> None:
    by_url = trace(URLS["news-ferry"]).out
    id = by_url.split("  id ")[1][:32]
    assert trace(id).out == by_url


def test_what_extraction_rejected_shows_no_measures_of_nothing(trace) -> None:
    out = trace(URLS["wiki-list-bridges"]).out
    assert "extract.list" in out
    assert "JA" not in out


def test_an_empty_target_is_wrong_use(trace) -> None:
    assert trace(" ").code == 2


def test_what_is_not_there_is_said_to_be_not_there(trace) -> None:
    ran = trace("https://nowhere.example/")
    assert ran.code == 1
    assert "not in this run" in ran.err
    assert "1 damaged record(s) of it lost their URL" in ran.err


@pytest.mark.parametrize("slug", ["news-ferry", next(slug for slug in URLS if slug.startswith("zh-"))])
def test_another_spelling_of_an_address_leads_to_the_one_that_the_crawl_has(trace, slug: str) -> None:
    """Of a document, and of a page that was passed by."""
    ran = trace(URLS[slug].replace("https://", "http://www.") + "#top")
    assert ran.code == 1
    assert f"did you mean {URLS[slug]}?" in ran.err


def test_a_file_that_is_not_there_is_said_to_be_none(trace) -> None:
    assert "nor is there a file of that name" in trace("page.html").err


def test_spellings_are_those_of_browsers_and_hands() -> None:
    assert "https://ja.example/wiki/%E6%9C%9D?a=1" in spellings("http://www.ja.example/wiki/朝/?a=1#x")
    assert "https://ja.example/wiki/朝" in spellings("ja.example/wiki/%E6%9C%9D")
    assert "https://ja.example/a" not in spellings("https://ja.example/a")
    assert [spellings(none) for none in ("page", "http://[", "ftp://ja.example/", "")] == [[], [], [], []]
