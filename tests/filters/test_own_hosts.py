"""Lists of hosts and addresses as a measure of the recipe's own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stages.errors import InputError
from stages.measure.own_hosts import Addresses, OwnHosts
from stages.wikipedia.wikitext import clean
from tests.dumps import article
from tests.runs import recipe, seimai, source
from tests.warcs import Response, html, write

HTML = {"Content-Type": "text/html; charset=utf-8"}


def test_an_address_stands_for_all_that_goes_on_from_it(tmp_path: Path) -> None:
    (tmp_path / "urls").write_text("# pages\nexample.jp/shop/\nhttps://Example.com/a/b\n", encoding="utf-8")
    held = Addresses(tmp_path / "urls")
    for host, url in (
        ("example.jp", "http://example.jp/shop"),
        ("example.jp", "http://example.jp/shop/item/1?x=2"),
        ("example.com", "https://example.com/a/b"),
    ):
        assert held.holds(host, url)
    for host, url in (
        ("example.jp", "http://example.jp/shopping"),
        ("example.jp", "http://example.jp/"),
        ("www.example.jp", "http://www.example.jp/shop"),
        ("example.com", "https://example.com/a"),
        ("example.jp", "http://[broken/shop"),
    ):
        assert not held.holds(host, url)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "no such list; give a file of hosts, or a folder"),
        ({"domains": "not a host\n"}, "line 1"),
        ({"urls": "example.jp\n"}, r"line 1: 'example\.jp' is no address; write host/path"),
    ],
)
def test_a_list_that_is_none_is_told_with_its_line(tmp_path: Path, files: dict[str, str], said: str) -> None:
    folder = tmp_path / "list"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=rf"own\.adult: .*{said}"):
        OwnHosts("own.adult", str(folder)).resources()


def test_a_changed_list_is_another_measure(tmp_path: Path) -> None:
    (tmp_path / "domains").write_text("example.jp\n", encoding="utf-8")
    measure = OwnHosts("own.x", str(tmp_path))
    first = measure.resources()
    (tmp_path / "urls").write_text("example.com/a\n", encoding="utf-8")
    assert measure.resources() != first


def test_a_run_drops_the_pages_of_listed_hosts_and_addresses(tmp_path: Path) -> None:
    category = tmp_path / "adult"
    category.mkdir()
    (category / "domains").write_text("listed.example.jp\n", encoding="utf-8")
    (category / "urls").write_text("example.org/part\n", encoding="utf-8")
    urls = [
        "https://www.listed.example.jp/1",
        "https://example.org/part/2",
        "https://example.org/other/3",
        "https://example.net/4",
    ]
    lines = "".join(json.dumps({"text": clean(article(n), ""), "url": url}) + "\n" for n, url in enumerate(urls))
    (tmp_path / "a.jsonl").write_text(lines, encoding="utf-8")
    measure = f"""
[[measure]]
name = "adult"
kind = "hosts"
path = "{category}"
at_most = 0
because = "UT1: adult"
"""
    made = recipe(tmp_path, source("a", "jsonl", "a.jsonl", license="CC0-1.0", url_column="url") + measure)
    ran = seimai("run", made, "--runner", "local", "--workers", 1)
    assert ran.code == 0, ran.err
    manifest = json.loads((tmp_path / "release/manifest.json").read_text(encoding="utf-8"))
    assert manifest["funnel"]["rejected"]["own.adult"] == 2
    assert "x own.adult" in seimai("trace", urls[0], "--run", made).out


def test_a_page_that_objects_to_training_goes_unless_the_recipe_says_otherwise(tmp_path: Path) -> None:
    pages = [
        Response(html(clean(article(1), "")), url="https://example.jp/1", headers={**HTML, "X-Robots-Tag": "noai"}),
        Response(html(clean(article(2), "")), url="https://example.jp/2", headers={**HTML, "X-Robots-Tag": "noindex"}),
    ]
    write(tmp_path / "a.warc.gz", *pages)
    for more, kept in (("", 1), ("[filters]\nignore = ['JA003']\n", 2)):
        made = recipe(tmp_path, source("a", "warc", "a.warc.gz") + more)
        assert seimai("run", made, "--runner", "local", "--workers", 1).code == 0
        manifest = json.loads((tmp_path / "release/manifest.json").read_text(encoding="utf-8"))
        assert manifest["funnel"]["rejected"].get("JA003", 0) == 2 - kept
        assert manifest["shards"]["documents"] == kept
