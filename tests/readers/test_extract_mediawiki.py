from __future__ import annotations

import bz2
import hashlib
import json
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest

from stages.base import MAIN, InputError, Inputs, SourceFile, document_id
from stages.documents import DOCUMENTS, EXTRACT_REASONS, PASSED, document
from stages.readers.mediawiki import TEMPLATES, ExtractMediawiki
from stages.wikipedia import wikitext
from stages.wikipedia.mediawiki import read
from stages.wikipedia.mediawiki_xml import WikiPage
from tests.runs import SHARED
from tests.sinks import MemorySink, run

DATA = SHARED


def page(number: int, title: str, text: str, *, ns: int = 0, extra: str = "", model: str = "wikitext") -> str:
    return (
        f"<page><title>{escape(title)}</title><ns>{ns}</ns><id>{number}</id>{extra}<revision><id>{number + 1000}</id>"
        f"<timestamp>2024-05-06T07:08:09Z</timestamp><model>{model}</model><text>{escape(text)}</text></revision></page>\n"
    )


def extract(path: Path, stage: ExtractMediawiki | None = None) -> MemorySink:
    data = path.read_bytes()
    file = SourceFile(str(path), hashlib.sha256(data).hexdigest(), len(data))
    sink = run(stage or ExtractMediawiki(), Inputs(file=file))
    counters = sink.counters
    assert counters["records"] == counters["rows"] + counters["quarantined"]
    assert counters["rows"] == sink.table().num_rows
    assert counters["quarantined"] == len(sink.quarantined)
    return sink


def dump(path: Path, *pages: str) -> Path:
    xml = f"<mediawiki><siteinfo><dbname>jawiki</dbname></siteinfo>{''.join(pages)}</mediawiki>"
    path.write_bytes(bz2.compress(xml.encode()))
    return path


def test_an_article_becomes_a_row_with_all_columns(tmp_path: Path) -> None:
    path = dump(tmp_path / "jawiki.xml.bz2", page(7, "C++ 言語's (A/B)", "'''C++'''は言語。\n\n{{Reflist}}"))
    sink = extract(path)
    assert sink.rows() == [
        document(
            id=document_id("mediawiki", "jawiki", 7, 1007),
            url="https://ja.wikipedia.org/wiki/C%2B%2B_%E8%A8%80%E8%AA%9E%27s_(A/B)",
            host="ja.wikipedia.org",
            title="C++ 言語's (A/B)",
            date="2024-05-06T07:08:09Z",
            text="C++は言語。",
            origin=hashlib.sha256(path.read_bytes()).hexdigest()[:16],
            offset=0,
            charset="utf-8",
            declared_language="ja",
            page_id=7,
            revision_id=1007,
            license="CC-BY-SA-4.0",
        )
    ]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (page(1, "甲", "#REDIRECT [[乙]]", extra='<redirect title="乙" />'), "extract.redirect"),
        (page(1, "甲", "#転送 [[乙]]"), "extract.redirect"),
        (page(1, "Template:甲", "本文", ns=10), "extract.namespace"),
        (page(1, "甲", "{}", model="json"), "extract.namespace"),
        (page(1, "甲 (曖昧さ回避)", "* [[乙]]"), "extract.disambiguation"),
        (page(1, "甲", "* [[乙]]\n{{Aimai}}"), "extract.disambiguation"),
        (page(1, "甲", "* [[乙]]\n{{人名の曖昧さ回避|x}}"), "extract.disambiguation"),
        (page(1, "甲", "[[乙]]{{要曖昧さ回避|date=2020年}}は文。"), ""),
        (page(1, "甲", "<nowiki>{{aimai}}</nowiki>は文。"), ""),
        (page(1, "甲", "{{Infobox|a=b}}\n[[Category:乙]]"), "extract.empty"),
        (page(1, "社会学者の一覧", "* 甲"), "extract.list"),
        (page(1, "鉄道駅一覧 あ", "* 甲"), "extract.list"),
        (page(1, "一覧性", "文。"), ""),
    ],
)
def test_what_is_no_article_gives_its_reason_and_no_text(tmp_path: Path, record: str, reason: str) -> None:
    sink = extract(dump(tmp_path / "d.xml.bz2", record), ExtractMediawiki(lists=False))
    (row,) = sink.rows()
    assert row["reason"] == reason
    assert (row["text"] == "") == bool(reason)
    assert sink.reasons == ({reason: 1} if reason else {})
    assert not reason or reason in EXTRACT_REASONS


def test_lists_are_kept_unless_the_recipe_says_otherwise(tmp_path: Path) -> None:
    (row,) = extract(dump(tmp_path / "d.xml.bz2", page(1, "社会学者の一覧", "* 甲"))).rows()
    assert (row["reason"], row["text"]) == ("", "甲")


def test_a_page_over_the_size_cap_is_rejected_with_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stages.wikipedia.mediawiki_xml.MAX_TEXT", 50)
    sink = extract(dump(tmp_path / "d.xml.bz2", page(1, "甲", "あ" * 51), page(2, "乙", "文。")))
    assert [row["reason"] for row in sink.rows()] == ["extract.too-large", ""]


def test_a_page_that_cannot_be_cleaned_costs_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = wikitext.clean_page

    def failing(text: str, title: str) -> Any:
        if title == "乙":
            raise RecursionError("too deep\nsecond line")
        return whole(text, title)

    monkeypatch.setattr("stages.readers.mediawiki.clean_page", failing)
    pages = [page(number, title, "文。") for number, title in enumerate("甲乙丙")]
    sink = extract(dump(tmp_path / "d.xml.bz2", *pages))
    assert [row["title"] for row in sink.rows()] == ["甲", "丙"]
    (record,) = sink.quarantined
    assert record["id"] == document_id("mediawiki", "jawiki", 1, 1001).hex()
    assert record["error"] == "RecursionError: too deep second line"
    assert "'乙'" in record["where"]


def test_a_cut_dump_keeps_the_pages_before_the_cut_and_quarantines_the_rest_as_one_record(tmp_path: Path) -> None:
    path = tmp_path / "d.xml.bz2"
    xml = "<mediawiki>" + page(1, "甲", "文。")
    path.write_bytes(bz2.compress(xml.encode()) + bz2.compress(page(2, "乙", "文。").encode())[:-20])
    sink = extract(path)
    assert [row["title"] for row in sink.rows()] == ["甲"]
    assert len(sink.quarantined) == 1
    assert "after page '甲'" in sink.quarantined[0]["where"]


def test_outputs_exist_even_when_nothing_is_passed_by() -> None:
    assert ExtractMediawiki().outputs(Inputs()) == {MAIN: DOCUMENTS, "passed": PASSED, "templates": TEMPLATES}


def test_without_a_file_the_error_says_what_is_missing() -> None:
    with pytest.raises(InputError, match="dump file"):
        run(ExtractMediawiki(), Inputs())


def test_many_rows_come_in_file_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stages.readers.output.ROWS", 3)
    path = dump(tmp_path / "d.xml.bz2", *(page(n, f"記事{n}", "文。") for n in range(10)))
    assert [row["title"] for row in extract(path).rows()] == [f"記事{n}" for n in range(10)]


def test_a_sample_is_the_articles_with_the_lowest_ids_of_the_head_of_the_dump(tmp_path: Path) -> None:
    articles = [page(n, f"記事{n}", "文。") if n % 3 else page(n, f"転送{n}", "#REDIRECT [[甲]]") for n in range(100)]
    sink = extract(dump(tmp_path / "d.xml.bz2", *articles), ExtractMediawiki(sample=4))
    head = [n for n in range(80) if n % 3]
    lowest = sorted(head, key=lambda n: document_id("mediawiki", "jawiki", n, n + 1000))[:4]
    assert [row["title"] for row in sink.rows()] == [f"記事{n}" for n in sorted(lowest)]
    assert sink.counters["records"] == 4


def test_a_sample_of_a_small_dump_is_all_of_its_articles(tmp_path: Path) -> None:
    path = dump(tmp_path / "d.xml.bz2", page(1, "甲", "文。"), page(2, "Help:乙", "文。", ns=12))
    assert [row["title"] for row in extract(path, ExtractMediawiki(sample=50)).rows()] == ["甲"]


def test_a_negative_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="sample = -1"):
        ExtractMediawiki(sample=-1)


def gold() -> list[tuple[WikiPage, dict[str, Any]]]:
    if not (DATA / "wiki_gold.jsonl").exists():
        pytest.skip("development data (../shared/data) is not here")
    with (DATA / "wiki_gold.jsonl").open(encoding="utf-8") as lines:
        wanted = {record["id"]: record for record in map(json.loads, lines)}
    return [
        (p, wanted[p.id]) for p in read(DATA / "jawiki-sample.xml.bz2") if isinstance(p, WikiPage) and p.id in wanted
    ]


def test_real_articles_keep_what_they_must_and_lose_what_they_must() -> None:
    asked = found = 0
    for article, want in gold():
        if not want["keep"]:
            continue
        text = wikitext.clean(article.wikitext, article.title)
        for kind in ("must_contain", "must_contain_after_link_removal"):
            asked += len(want[kind])
            found += sum(passage in text for passage in want[kind])
        assert [mark for mark in want["must_not_contain"] if mark in text] == [], article.title
        assert text.count("（）") <= article.wikitext.count("（）")  # some write of brackets
        assert "（、" not in text
    assert found / asked >= 0.99


def test_real_pages_are_articles_or_not_as_labelled() -> None:
    pages = gold()
    reasons = {page.title: ExtractMediawiki()._reason(page) for page, _ in pages}
    assert [page.title for page, want in pages if not want["keep"] and not reasons[page.title]] == []
    kept_by_label = {reasons[page.title]: page.title for page, want in pages if want["keep"]}
    assert set(kept_by_label) == {"", "extract.disambiguation"}  # the labels keep two 曖昧さ回避 pages, EU and 地理
    assert [title for title, reason in reasons.items() if reason == "extract.disambiguation"] == [
        "EU (曖昧さ回避)",
        "地理",
    ]


@pytest.mark.parametrize(
    ("dated", "revised", "license"),
    [
        ("2023-06-07", "2020-01-01", "CC-BY-SA-4.0"),
        ("2023-06-01", "2020-01-01", "CC-BY-SA-3.0 OR GFDL-1.3-or-later"),
        ("", "2023-06-06", "CC-BY-SA-3.0 OR GFDL-1.3-or-later"),
        ("", "2023-06-07", "CC-BY-SA-4.0"),
    ],
)
def test_the_licence_follows_from_the_day_of_the_dump_else_of_the_revision(
    tmp_path: Path, dated: str, revised: str, license: str
) -> None:
    path = dump(tmp_path / "d.xml.bz2", page(1, "甲", "本文である。").replace("2024-05-06", revised))
    inputs = Inputs(file=SourceFile(str(path), "ab" * 32, path.stat().st_size, dated=dated))
    assert run(ExtractMediawiki(), inputs).rows()[0]["license"] == license
    assert run(ExtractMediawiki(license_by_date=False), inputs).rows()[0]["license"] == ""
